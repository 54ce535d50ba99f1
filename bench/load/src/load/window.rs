//! When to count: warm up, measure, then wait for what is still under way.
//!
//! ```text
//! Warm --warm--> Measure --measure--> Drain --all is back, or 15 s--> over
//! ```

use std::time::{Duration, Instant};

use chuck_bench::process::{Sample, Usage};

use crate::plan::Plan;

/// How long messages under way are waited for.
const DRAIN: Duration = Duration::from_secs(15);
/// How long one wait for readiness may take, so that the clock is looked at.
pub const TICK: Duration = Duration::from_millis(20);

enum Phase {
    Warm,
    Measure { first: Sample, base: u64 },
    Drain { counted: Counted },
}

/// What was done in the measured time.
#[derive(Clone, Copy)]
pub struct Counted {
    /// Operations completed.
    pub ops: u64,
    /// What they took.
    pub usage: Usage,
}

/// The state of one run's clock.
pub struct Window {
    phase: Phase,
    deadline: Instant,
    measure: Duration,
    server: Option<u32>,
}

impl Window {
    /// Begins to warm up.
    pub fn open(plan: &Plan) -> Window {
        Window {
            phase: Phase::Warm,
            deadline: Instant::now() + plan.warm,
            measure: plan.measure,
            server: plan.server,
        }
    }

    /// Looks at the clock. `ops`: operations since the beginning.
    #[inline]
    pub fn advance(&mut self, ops: u64) {
        let now = Instant::now();
        if now < self.deadline {
            return;
        }
        match &self.phase {
            Phase::Warm => {
                self.phase = Phase::Measure { first: Sample::take(self.server), base: ops };
                self.deadline = now + self.measure;
            }
            Phase::Measure { first, base } => {
                let usage = Sample::take(self.server).since(first);
                self.phase = Phase::Drain { counted: Counted { ops: ops - base, usage } };
                self.deadline = now + DRAIN;
            }
            Phase::Drain { .. } => {}
        }
    }

    /// Whether new messages may be sent.
    #[inline]
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Drain { .. })
    }

    /// Whether waiting for the rest makes no more sense.
    pub fn is_late(&self) -> bool {
        !self.is_open() && self.deadline <= Instant::now()
    }

    /// What was counted, once the measured time has passed.
    pub fn counted(&self) -> Option<Counted> {
        match &self.phase {
            Phase::Drain { counted } => Some(*counted),
            _ => None,
        }
    }
}
