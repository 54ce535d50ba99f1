//! Threads of the system: their lives, their leashes, and who waits for whom.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use chuck_core::base::error::Code;
use chuck_core::engine::Engine;
use chuck_core::os::thread::{self, Leash, Life, Missed, Roster, Watch};

const LONG: Duration = Duration::from_secs(20);

fn soon() -> Option<Instant> {
    Some(Instant::now() + LONG)
}

#[test]
fn what_a_life_leaves_is_taken_once() {
    let life = Arc::new(Life::default());
    let other = life.clone();
    let work = move || other.end("left");
    life.set_system(thread::spawn("one", Arc::default(), work).unwrap());
    assert_eq!(life.join(soon()), Ok("left"));
    assert_eq!(life.join(soon()), Err(Missed::Taken));
    assert!(life.wait(Instant::now()));
}

#[test]
fn a_join_waits_as_long_as_it_may() {
    let life = Life::<()>::default();
    let begin = Instant::now();
    assert_eq!(life.join(Some(begin + Duration::from_millis(20))), Err(Missed::TimedOut));
    assert!(begin.elapsed() >= Duration::from_millis(20));
    assert!(!life.wait(Instant::now()));
}

#[test]
fn what_nobody_takes_in_time_is_seen_and_stays() {
    let life = Life::default();
    life.end("left");
    let begin = Instant::now();
    assert_eq!(life.outlast(Duration::from_millis(20), |left| *left), Some("left"));
    assert!(begin.elapsed() >= Duration::from_millis(20));
    assert_eq!(life.join(soon()), Ok("left"));
    assert_eq!(life.outlast(LONG, |left| *left), None);
}

#[test]
fn who_takes_what_is_left_or_gives_it_up_ends_the_patience() {
    let life = Arc::new(Life::default());
    life.end("left");
    let other = life.clone();
    let joiner = std::thread::spawn(move || other.join(soon()));
    assert_eq!(life.outlast(LONG, |left| *left), None);
    assert_eq!(joiner.join().unwrap(), Ok("left"));
    life.end("again");
    assert!(life.wait(Instant::now()));
    assert_eq!(life.outlast(LONG, |left| *left), Some("again"));
}

#[test]
fn a_thread_has_a_number_and_a_name_that_may_hold_anything() {
    let (tell, told) = channel();
    let here = thread::tid();
    let work = move || tell.send((thread::tid(), thread::leash().is_some())).unwrap();
    thread::spawn("a\0name that is far too long", Arc::default(), work).unwrap();
    let (there, has_leash) = told.recv_timeout(LONG).unwrap();
    assert_ne!(here, there);
    assert!(has_leash);
    assert!(thread::leash().is_none());
}

#[test]
fn a_leash_wakes_the_engine_and_a_join_of_its_thread() {
    let leash = Arc::new(Leash::default());
    let (tell, told) = channel();
    let work = move || {
        let mut engine: Engine<()> = Engine::new(Instant::now()).unwrap();
        let watch = Watch::begin(|| engine.bell().map_err(Code::from)).unwrap();
        tell.send(None).unwrap();
        while !watch.is_over() {
            engine.turn(Instant::now(), Some(LONG), &mut Vec::new()).unwrap();
        }
        tell.send(Some(Life::<()>::default().join(None))).unwrap();
    };
    thread::spawn("leashed", leash.clone(), work).unwrap();
    assert_eq!(told.recv_timeout(LONG).unwrap(), None);
    leash.pull();
    assert_eq!(told.recv_timeout(LONG).unwrap(), Some(Err(Missed::Interrupted)));
}

#[test]
fn a_roster_counts_finds_and_forgets() {
    let roster = Roster::new();
    let first = roster.add(2, |id| id).unwrap();
    let second = roster.add(2, |id| id).unwrap();
    assert_ne!(first, second);
    assert!(roster.add(2, |id| id).is_none());
    assert_eq!(roster.find(|_| true), [first.clone(), second.clone()]);
    roster.remove(*first);
    assert_eq!(roster.find(|_| true), std::slice::from_ref(&second));
    let third = roster.add(2, |id| id).unwrap();
    assert!(*third > *second, "a number is never used again");
}

#[test]
fn who_would_wait_for_itself_may_not() {
    let roster: Roster<()> = Roster::new();
    assert!(!roster.begin_wait(1, 1));
    assert!(roster.begin_wait(1, 2));
    assert!(roster.begin_wait(2, 3));
    assert!(!roster.begin_wait(3, 1));
    roster.end_wait(2);
    assert!(roster.begin_wait(3, 1));
}
