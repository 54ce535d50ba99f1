//! The only place that reads the clock; everyone else is told the time.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time now, from a clock that never goes back.
pub fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since the process first asked.
pub fn millis() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    now().duration_since(*START.get_or_init(now)).as_millis() as u64
}

/// The time of day, in milliseconds since 1970 (UTC). It goes wherever somebody sets it.
pub fn unix_millis() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_millis() as i64,
        Err(before) => -(before.duration().as_millis() as i64),
    }
}
