//! A postbox: everything arrives, in the order of its sender, with one wake for a burst; what is
//! full, or closed, takes nothing.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use chuck_core::engine::Engine;
use chuck_core::engine::postbox::{Postbox, Refused};

const LONG: Duration = Duration::from_secs(20);

type Numbers = Postbox<Vec<(usize, usize)>>;

fn post(postbox: &Numbers, weight: usize, wait: Duration) -> Result<(), Refused> {
    postbox.post(weight, wait, |batch| batch.push((0, weight)))
}

#[test]
fn it_takes_as_many_as_it_may_and_as_much() {
    let postbox = Numbers::new(3, 100);
    for _ in 0..3 {
        assert_eq!(post(&postbox, 1, Duration::ZERO), Ok(()));
    }
    assert_eq!(post(&postbox, 1, Duration::ZERO), Err(Refused::Full));
    let mut batch = Vec::new();
    assert_eq!(postbox.collect(&mut batch), 3);
    assert_eq!(batch.len(), 3);
    assert_eq!(post(&postbox, 60, Duration::ZERO), Ok(()));
    assert_eq!(post(&postbox, 41, Duration::ZERO), Err(Refused::Full));
    assert_eq!(post(&postbox, 40, Duration::ZERO), Ok(()));
}

#[test]
fn an_empty_one_takes_what_weighs_too_much() {
    let postbox = Numbers::new(3, 100);
    assert_eq!(post(&postbox, 1000, Duration::ZERO), Ok(()));
    assert_eq!(post(&postbox, 1, Duration::ZERO), Err(Refused::Full));
}

#[test]
fn a_sender_that_waits_gives_up_in_time() {
    let postbox = Numbers::new(1, 100);
    assert_eq!(post(&postbox, 1, LONG), Ok(()));
    let begin = Instant::now();
    assert_eq!(post(&postbox, 1, Duration::from_millis(30)), Err(Refused::Full));
    assert!(begin.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_sender_that_waits_is_let_go_when_the_box_closes() {
    let postbox = Arc::new(Numbers::new(1, 100));
    assert_eq!(post(&postbox, 1, LONG), Ok(()));
    let other = postbox.clone();
    let sender = thread::spawn(move || post(&other, 2, LONG));
    assert_eq!(postbox.close(), [(0, 1)]);
    assert_eq!(sender.join().unwrap(), Err(Refused::Closed));
    assert_eq!(post(&postbox, 1, Duration::ZERO), Err(Refused::Closed));
    assert!(!postbox.has_mail());
}

#[test]
fn a_sender_that_waits_goes_on_as_soon_as_there_is_room() {
    const COUNT: usize = 500;
    let postbox = Arc::new(Numbers::new(1, 100));
    let other = postbox.clone();
    let sender = thread::spawn(move || {
        for _ in 0..COUNT {
            let begin = Instant::now();
            assert_eq!(post(&other, 1, LONG), Ok(()));
            // Who is not woken waits for the whole time, and finds room only then.
            assert!(begin.elapsed() < LONG);
        }
    });
    while !sender.is_finished() {
        postbox.collect(&mut Vec::new());
        thread::yield_now();
    }
    sender.join().unwrap();
}

#[test]
fn a_burst_wakes_who_sleeps_once_and_nobody_who_is_awake() {
    let mut engine = Engine::new(Instant::now()).unwrap();
    let postbox = Numbers::new(100, 1000);
    let key = engine.seat("reader");
    postbox.listen(Some((engine.bell().unwrap(), key)));
    let mut wakes = Vec::new();
    post(&postbox, 1, Duration::ZERO).unwrap();
    engine.turn(Instant::now(), Some(Duration::ZERO), &mut wakes).unwrap();
    assert!(wakes.is_empty(), "it was awake");
    assert!(!postbox.fall_asleep(), "it cannot sleep: there is something");
    postbox.collect(&mut Vec::new());
    assert!(postbox.fall_asleep());
    for _ in 0..50 {
        post(&postbox, 1, Duration::ZERO).unwrap();
    }
    engine.turn(Instant::now(), Some(LONG), &mut wakes).unwrap();
    assert_eq!(wakes.iter().map(|wake| wake.key).collect::<Vec<_>>(), [key]);
    wakes.clear();
    engine.turn(Instant::now(), Some(Duration::ZERO), &mut wakes).unwrap();
    assert!(wakes.is_empty(), "{wakes:?}");
}

#[test]
fn no_wake_is_lost_between_threads_and_every_sender_keeps_its_order() {
    const EACH: usize = 50_000;
    let mut engine = Engine::new(Instant::now()).unwrap();
    let postbox = Arc::new(Numbers::new(64, usize::MAX));
    let key = engine.seat("reader");
    postbox.listen(Some((engine.bell().unwrap(), key)));
    let send = |sender: usize| {
        let postbox = postbox.clone();
        thread::spawn(move || {
            for n in 0..EACH {
                postbox.post(1, LONG, |batch| batch.push((sender, n))).expect("room in time");
            }
        })
    };
    let senders: Vec<_> = (0..4).map(send).collect();
    let (mut next, mut batch, mut wakes) = ([0; 4], Vec::new(), Vec::new());
    while next.iter().sum::<usize>() < 4 * EACH {
        if postbox.fall_asleep() {
            wakes.clear();
            engine.turn(Instant::now(), Some(LONG), &mut wakes).unwrap();
            assert!(!wakes.is_empty(), "not woken");
        }
        assert_eq!(postbox.collect(&mut batch), batch.len());
        assert!(batch.len() <= 64);
        for (sender, n) in batch.drain(..) {
            assert_eq!(next[sender], n);
            next[sender] += 1;
        }
    }
    for sender in senders {
        sender.join().unwrap();
    }
}
