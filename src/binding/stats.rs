//! What an engine counts.

use std::cell::Cell;
use std::time::Duration;

/// Counters of an engine, as `Stats` tells them.
#[derive(Default)]
pub struct Stats {
    /// Waits for the kernel.
    pub turns: Cell<u64>,
    /// Sockets that woke us.
    pub wakes: Cell<u64>,
    /// Bytes received.
    pub bytes_in: Cell<u64>,
    /// Bytes that the kernel took.
    pub bytes_out: Cell<u64>,
    /// Connections accepted.
    pub accepted: Cell<u64>,
    /// The longest time that the callbacks of one object held the loop.
    pub longest: Cell<Duration>,
}

/// Adds to a counter.
pub fn add(counter: &Cell<u64>, n: usize) {
    counter.set(counter.get() + n as u64);
}
