//! The only place that reads the clock; everyone else is told the time.

use std::sync::OnceLock;
use std::time::Instant;

/// The time now, from a clock that never goes back.
pub fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since the process first asked.
pub fn millis() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    now().duration_since(*START.get_or_init(now)).as_millis() as u64
}
