//! The pool of resolving threads, with a resolver that answers when a test wants it to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use chuck_core::base::error::Code;
use chuck_core::base::limits;
use chuck_core::engine::Engine;
use chuck_core::os::resolve::cache::Bounds;
use chuck_core::os::resolve::pool::{Resolver, Waiter};
use chuck_core::os::resolve::{Answer, Failure, Family, Question};

const LONG: Duration = Duration::from_secs(20);

/// A resolver whose answers wait behind a gate, and what it was asked.
struct World {
    engine: Engine<usize>,
    resolver: Arc<Resolver>,
    gate: Arc<Gate>,
    asked: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    moved: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.moved.notify_all();
    }

    fn pass(&self) {
        let _open = self.moved.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap();
    }
}

/// When a test ends early, its threads do.
impl Drop for World {
    fn drop(&mut self) {
        self.gate.open();
    }
}

fn world() -> World {
    let (gate, asked) = (Arc::<Gate>::default(), Arc::<AtomicUsize>::default());
    let (behind, count) = (gate.clone(), asked.clone());
    let resolver = Resolver::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        behind.pass();
        found()
    });
    World {
        engine: Engine::new(Instant::now()).expect("descriptors are left"),
        resolver,
        gate,
        asked,
    }
}

fn found() -> Answer {
    Ok([([127, 0, 0, 1], 0).into()].into())
}

fn question(n: usize) -> Question {
    Question::new(format!("host{n}").as_bytes(), Family::Any).unwrap()
}

impl World {
    fn ask(&mut self, n: usize) -> Result<Arc<Waiter>, Answer> {
        let key = self.engine.seat(n);
        let waiter = Waiter::new(self.engine.bell().unwrap(), key);
        match self.resolver.ask(&question(n), true, &waiter, Instant::now()) {
            Some(answer) => Err(answer),
            None => Ok(waiter),
        }
    }

    /// Turns until every waiter is told, and was woken for it.
    fn wait_for(&mut self, waiters: &[Arc<Waiter>]) {
        let (end, mut woken) = (Instant::now() + LONG, 0);
        while woken < waiters.len() {
            assert!(Instant::now() < end, "{woken} of {} were woken", waiters.len());
            let mut wakes = Vec::new();
            self.engine.turn(Instant::now(), Some(LONG), &mut wakes).unwrap();
            woken += wakes.len();
        }
        assert!(waiters.iter().all(|waiter| waiter.answer() == Some(found())));
    }

    fn wait_until(&self, what: &str, is_done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + LONG;
        while !is_done(self) {
            assert!(Instant::now() < end, "waited in vain for {what}");
            std::thread::yield_now();
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[test]
fn a_question_is_asked_once_for_all_who_wait_and_known_afterwards() {
    let mut world = world();
    let waiters: Vec<_> = (0..50).map(|_| world.ask(1).unwrap()).collect();
    world.gate.open();
    world.wait_for(&waiters);
    assert_eq!(world.asked(), 1);
    assert_eq!(world.ask(1).unwrap_err(), found());
    assert_eq!(world.resolver.population(), (1, 0, 1));
}

#[test]
fn threads_come_with_questions_and_no_more_than_allowed() {
    let mut world = world();
    world.resolver.configure(|threads, _| *threads = 2);
    let mut waiters = Vec::new();
    for (n, threads) in [1, 2, 2, 2].into_iter().enumerate() {
        waiters.push(world.ask(n).unwrap());
        assert_eq!(world.resolver.population().0, threads);
    }
    world.wait_until("both threads", |world| world.asked() == 2);
    world.gate.open();
    world.wait_for(&waiters);
    assert_eq!(world.asked(), 4);
}

#[test]
fn threads_that_are_allowed_later_take_what_waits_already() {
    let mut world = world();
    world.resolver.configure(|threads, _| *threads = 1);
    let waiters: Vec<_> = (0..4).map(|n| world.ask(n).unwrap()).collect();
    world.wait_until("the thread", |world| world.asked() == 1);
    world.resolver.configure(|threads, _| *threads = 3);
    world.wait_until("two more", |world| world.asked() == 3);
    assert_eq!(world.resolver.population().0, 3);
    world.gate.open();
    world.wait_for(&waiters);
}

#[test]
fn what_nobody_waits_for_any_more_is_not_asked() {
    let mut world = world();
    world.resolver.configure(|threads, _| *threads = 1);
    let first = world.ask(0).unwrap();
    world.wait_until("the thread", |world| world.asked() == 1);
    drop(world.ask(1).unwrap());
    let last = world.ask(2).unwrap();
    world.gate.open();
    world.wait_for(&[first, last]);
    assert_eq!(world.asked(), 2);
    world.wait_until("the end", |world| world.resolver.population().1 == 0);
}

#[test]
fn a_full_queue_refuses_until_somebody_gives_up() {
    let mut world = world();
    world.resolver.configure(|threads, _| *threads = 1);
    let _stuck = world.ask(0).unwrap();
    world.wait_until("the thread", |world| world.asked() == 1);
    let mut waiters: Vec<_> = (1..=limits::RESOLVE_QUEUE).map(|n| world.ask(n).unwrap()).collect();
    let refused = world.ask(9_999).unwrap_err().unwrap_err();
    assert_eq!(refused.code, Code::NO_BUFFERS);
    assert!(refused.message.contains("host9999"), "{refused:?}");
    waiters.truncate(10);
    assert!(world.ask(9_999).is_ok());
    assert!(world.resolver.population().1 <= 12);
}

#[test]
fn what_was_forgotten_meanwhile_is_not_remembered() {
    let mut world = world();
    let waiter = world.ask(1).unwrap();
    world.wait_until("the thread", |world| world.asked() == 1);
    world.resolver.flush();
    world.gate.open();
    world.wait_for(&[waiter]);
    assert_eq!(world.resolver.population().2, 0);
}

#[test]
fn a_failure_reaches_everyone_and_bounds_hold() {
    let mut engine = Engine::new(Instant::now()).unwrap();
    let failure = Failure::new(Code::NOT_FOUND, "nobody knows");
    let answer: Answer = Err(failure);
    let told = answer.clone();
    let resolver = Resolver::new(move |_| told.clone());
    resolver.configure(|_, bounds| *bounds = Bounds { capacity: 8, ..*bounds });
    for n in 0..2_000 {
        let key = engine.seat(n);
        let waiter = Waiter::new(engine.bell().unwrap(), key);
        assert_eq!(resolver.ask(&question(n), true, &waiter, Instant::now()), None);
        let mut wakes = Vec::new();
        while wakes.is_empty() {
            engine.turn(Instant::now(), Some(LONG), &mut wakes).unwrap();
        }
        assert_eq!((waiter.answer(), wakes[0].key), (Some(answer.clone()), key));
        engine.release(key, None);
    }
    let (threads, open, known) = resolver.population();
    assert!(
        threads <= limits::RESOLVE_THREADS && open == 0 && known == 8,
        "{threads} {open} {known}"
    );
}
