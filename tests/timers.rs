//! The engine's clock work, on a clock that is moved: what is due, in which order, until when it waits.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use chuck_core::engine::key::Key;
use chuck_core::engine::wheel::TimerId;
use chuck_core::engine::{Due, Engine};

/// An engine, the time it began, and one end of every socket that it watches.
struct Bench {
    engine: Engine<()>,
    start: Instant,
    sockets: Vec<UnixStream>,
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        Bench { engine: Engine::new(start).unwrap(), start, sockets: Vec::new() }
    }

    /// The time `millis` after the beginning.
    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    /// Adds a timer at time 0.
    fn timer(&mut self, millis: u64) -> TimerId {
        self.engine.add_timer(self.start, Duration::from_millis(millis))
    }

    /// Registers a socket that stays silent.
    fn socket(&mut self) -> Key {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let key = self.engine.register(ours.as_fd(), ()).unwrap();
        self.sockets.extend([ours, theirs]);
        key
    }

    fn arm(&mut self, key: Key, millis: u64) {
        self.engine.arm(key, Some(self.at(millis)));
    }

    /// All that is due at a time.
    fn due(&mut self, millis: u64) -> Vec<Due> {
        let now = self.at(millis);
        std::iter::from_fn(|| self.engine.due(now)).collect()
    }
}

fn timer(id: TimerId, millis: u64) -> Due {
    Due::Timer(id, Duration::from_millis(millis))
}

/// Random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn timers_come_in_order_of_time_whatever_order_they_were_added_in() {
    let mut bench = Bench::new();
    let late = bench.timer(300);
    let early = bench.timer(5);
    let middle = bench.timer(70);
    assert_eq!(bench.due(4), []);
    assert_eq!(bench.due(1000), [timer(early, 5), timer(middle, 70), timer(late, 300)]);
    assert_eq!(bench.due(2000), [], "until it is armed again");
}

#[test]
fn a_timer_is_late_by_less_than_a_tick_and_never_early() {
    let mut bench = Bench::new();
    let half = Duration::from_micros(2500);
    let id = bench.engine.add_timer(bench.start, half);
    let just_before = bench.start + half - Duration::from_nanos(1);
    assert_eq!(bench.engine.due(just_before), None);
    assert_eq!(bench.due(3), [Due::Timer(id, half)]);
}

#[test]
fn a_timer_that_is_armed_again_fires_again_and_not_before() {
    let mut bench = Bench::new();
    let id = bench.timer(10);
    for round in 1..=100 {
        assert_eq!(bench.due(round * 10 - 1), []);
        assert_eq!(bench.due(round * 10), [timer(id, 10)], "round {round}");
        assert!(bench.engine.rearm_timer(id, bench.at(round * 10), Duration::from_millis(10)));
    }
    assert_eq!(bench.engine.timers(), 1);
}

#[test]
fn a_timer_can_be_moved_before_it_fires() {
    let mut bench = Bench::new();
    let id = bench.timer(10);
    assert!(bench.engine.rearm_timer(id, bench.at(5), Duration::from_millis(20)));
    assert_eq!(bench.due(24), []);
    assert_eq!(bench.due(25), [timer(id, 20)]);
}

#[test]
fn a_removed_timer_neither_fires_nor_comes_back() {
    let mut bench = Bench::new();
    let (first, second) = (bench.timer(10), bench.timer(10));
    assert!(bench.engine.remove_timer(first));
    assert!(!bench.engine.remove_timer(first));
    assert!(!bench.engine.rearm_timer(first, bench.start, Duration::from_millis(1)));
    assert_eq!(bench.engine.timers(), 1);
    assert_eq!(bench.due(10), [timer(second, 10)]);
    assert!(bench.engine.remove_timer(second), "a fired timer lives until it is removed");
    assert_eq!(bench.engine.timers(), 0);
}

#[test]
fn a_due_timer_that_another_removes_does_not_fire() {
    let mut bench = Bench::new();
    let (first, second) = (bench.timer(10), bench.timer(10));
    let now = bench.at(10);
    assert_eq!(bench.engine.due(now), Some(timer(first, 10)));
    assert!(bench.engine.remove_timer(second));
    assert_eq!(bench.engine.due(now), None);
}

#[test]
fn the_name_of_a_removed_timer_does_not_reach_its_successor() {
    let mut bench = Bench::new();
    let old = bench.timer(10);
    bench.engine.remove_timer(old);
    let new = bench.timer(10);
    assert_eq!(old.slot, new.slot);
    assert!(!bench.engine.remove_timer(old));
    assert_eq!(bench.due(10), [timer(new, 10)]);
}

#[test]
fn a_deadline_is_told_once() {
    let mut bench = Bench::new();
    let key = bench.socket();
    bench.arm(key, 50);
    assert_eq!(bench.due(49), []);
    assert_eq!(bench.due(50), [Due::Deadline(key)]);
    assert_eq!(bench.due(5000), []);
    bench.arm(key, 6000);
    assert_eq!(bench.due(6000), [Due::Deadline(key)]);
}

#[test]
fn a_deadline_that_moves_forward_is_told_at_the_new_time() {
    let mut bench = Bench::new();
    let key = bench.socket();
    bench.arm(key, 5000);
    bench.arm(key, 50);
    assert_eq!(bench.due(50), [Due::Deadline(key)]);
    assert_eq!(bench.due(9000), []);
}

#[test]
fn a_deadline_that_moves_back_may_be_told_early_but_not_late() {
    let mut bench = Bench::new();
    let key = bench.socket();
    bench.arm(key, 50);
    bench.arm(key, 80);
    for _ in bench.due(79) {
        bench.arm(key, 80);
    }
    assert_eq!(bench.due(80), [Due::Deadline(key)]);
}

#[test]
fn a_deadline_that_is_taken_back_is_not_told() {
    let mut bench = Bench::new();
    let (first, second) = (bench.socket(), bench.socket());
    bench.arm(first, 50);
    bench.arm(second, 50);
    bench.engine.arm(first, None);
    assert_eq!(bench.engine.release(second, None), Some(()));
    assert_eq!(bench.due(100), []);
}

#[test]
fn a_deadline_ends_with_its_key_and_does_not_reach_the_next_owner() {
    let mut bench = Bench::new();
    let old = bench.socket();
    bench.arm(old, 50);
    bench.engine.release(old, None);
    let new = bench.socket();
    assert_eq!(old.slot(), new.slot());
    bench.arm(old, 60);
    assert_eq!(bench.due(100), []);
    assert_eq!(bench.engine.owner(old), None);
}

#[test]
fn deadlines_and_timers_come_in_one_order() {
    let mut bench = Bench::new();
    let (first, second) = (bench.socket(), bench.socket());
    let (third, fourth) = (bench.timer(30), bench.timer(10));
    bench.arm(first, 40);
    bench.arm(second, 20);
    let order = [timer(fourth, 10), Due::Deadline(second), timer(third, 30), Due::Deadline(first)];
    assert_eq!(bench.due(100), order);
    assert_eq!(bench.engine.timers(), 2, "deadlines are not counted");
}

#[test]
fn the_next_wait_is_never_later_than_the_earliest() {
    let mut bench = Bench::new();
    let mut dice = Dice(7);
    let keys: Vec<Key> = (0..40).map(|_| bench.socket()).collect();
    let mut deadlines: Vec<Option<u64>> = vec![None; keys.len()];
    let (mut now, mut wakes) = (0, Vec::new());
    let limit = Duration::from_secs(30);
    let clock = Instant::now();
    for step in 0..2000 {
        for _ in 0..dice.roll(4) {
            let at = dice.roll(keys.len() as u64) as usize;
            let reach = 1 << dice.roll(20);
            deadlines[at] = (dice.roll(5) > 0).then(|| now + 1 + dice.roll(reach));
            bench.engine.arm(keys[at], deadlines[at].map(|at| bench.at(at)));
        }
        let Some(earliest) = deadlines.iter().flatten().min().copied() else {
            continue;
        };
        // The time has come: a wait that believes in a later one takes until the limit.
        bench.engine.turn(bench.at(earliest), Some(limit), &mut wakes).unwrap();
        assert!(clock.elapsed() < limit, "step {step} waited beyond the deadline at {earliest}");
        now = earliest;
        for due in bench.due(now) {
            let Due::Deadline(key) = due else { panic!("{due:?} in step {step}") };
            let at = keys.iter().position(|other| *other == key).unwrap();
            deadlines[at] = deadlines[at].filter(|at| *at > now);
            bench.engine.arm(key, deadlines[at].map(|at| bench.at(at)));
        }
        assert!(deadlines.iter().flatten().all(|at| *at > now), "step {step} forgot a deadline");
    }
}
