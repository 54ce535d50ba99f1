//! "If nothing moves for so long", said once for each time it happens.

use std::time::{Duration, Instant};

/// A time limit on a direction, and whether its passing was told.
#[derive(Clone, Copy, Debug)]
pub struct Timeout {
    since: Instant,
    /// Milliseconds, in half a word; zero: none.
    after: u32,
    told: bool,
}

impl Timeout {
    /// Passes `after` from `now` on; zero: never.
    pub fn new(after: Duration, now: Instant) -> Self {
        let after = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
        Timeout { since: now, after, told: false }
    }

    /// Something moved: the wait starts again.
    pub fn restart(&mut self, now: Instant) {
        self.since = now;
        self.told = false;
    }

    /// When it passes, unless that was told.
    pub fn deadline(&self) -> Option<Instant> {
        let after = Duration::from_millis(self.after.into());
        (!self.told && self.after > 0).then(|| self.since + after)
    }

    /// Whether it has passed, said once.
    pub fn passes(&mut self, now: Instant) -> bool {
        let passes = self.deadline().is_some_and(|at| at <= now);
        self.told |= passes;
        passes
    }
}
