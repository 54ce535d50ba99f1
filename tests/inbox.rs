//! Values from other threads reach an engine: each one, in order, with one wake for a burst.

use std::thread;
use std::time::{Duration, Instant};

use chuck_core::engine::Engine;
use chuck_core::engine::inbox::{Refused, channel};

const LONG: Option<Duration> = Some(Duration::from_secs(20));

fn engine() -> Engine<&'static str> {
    Engine::new(Instant::now()).expect("descriptors are left")
}

#[test]
fn a_burst_wakes_once_and_arrives_in_order() {
    let mut engine = engine();
    let (outbox, inbox) = channel(100);
    let key = engine.seat("reader");
    inbox.wake(engine.bell().unwrap(), key);
    for n in 0..100 {
        outbox.try_send(n).unwrap();
    }
    let mut wakes = Vec::new();
    engine.turn(Instant::now(), LONG, &mut wakes).unwrap();
    assert_eq!(wakes.iter().map(|wake| wake.key).collect::<Vec<_>>(), [key]);
    inbox.open();
    assert_eq!(
        std::iter::from_fn(|| inbox.take()).collect::<Vec<_>>(),
        (0..100).collect::<Vec<_>>()
    );
    wakes.clear();
    engine.turn(Instant::now(), Some(Duration::ZERO), &mut wakes).unwrap();
    assert!(wakes.is_empty(), "{wakes:?}");
}

#[test]
fn what_was_sent_before_anybody_listened_wakes_too() {
    let mut engine = engine();
    let (outbox, inbox) = channel(1);
    outbox.try_send("early").unwrap();
    let key = engine.seat("reader");
    inbox.wake(engine.bell().unwrap(), key);
    let mut wakes = Vec::new();
    engine.turn(Instant::now(), LONG, &mut wakes).unwrap();
    assert_eq!(wakes.len(), 1);
}

#[test]
fn a_full_box_and_a_box_that_is_gone_give_the_value_back() {
    let (outbox, inbox) = channel(1);
    outbox.try_send(1).unwrap();
    assert!(matches!(outbox.try_send(2), Err(Refused::Full(2))));
    assert!(matches!(outbox.send(3, Instant::now()), Err(Refused::Full(3))));
    drop(inbox);
    assert!(matches!(outbox.try_send(4), Err(Refused::Gone(4))));
}

#[test]
fn no_wake_is_lost_between_threads() {
    const EACH: usize = 20_000;
    let mut engine = engine();
    let (outbox, inbox) = channel(64);
    let key = engine.seat("reader");
    inbox.wake(engine.bell().unwrap(), key);
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let outbox = outbox.clone();
            thread::spawn(move || {
                for n in 0..EACH {
                    let deadline = Instant::now() + LONG.unwrap();
                    outbox.send((sender, n), deadline).expect("there is room in time");
                }
            })
        })
        .collect();
    let mut next = [0; 4];
    let mut wakes = Vec::new();
    while next.iter().sum::<usize>() < 4 * EACH {
        wakes.clear();
        engine.turn(Instant::now(), LONG, &mut wakes).unwrap();
        assert!(!wakes.is_empty(), "not woken, {} are waiting", inbox.len());
        inbox.open();
        while let Some((sender, n)) = inbox.take() {
            assert_eq!(next[sender], n);
            next[sender] += 1;
        }
    }
    for sender in senders {
        sender.join().unwrap();
    }
}
