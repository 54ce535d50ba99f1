//! The one line of JSON that a run prints.

use std::fmt;

use chuck_bench::process;

use crate::plan::{Mode, Plan};
use crate::window::Counted;

/// What a run has found out.
pub struct Report {
    plan: Plan,
    /// The measured time; `None` when the run ended before it was over.
    counted: Option<Counted>,
    /// Operations in all, with those before and after the measured time.
    pub total: u64,
    /// Bytes that came back and were compared.
    pub verified: u64,
    /// Connections that failed.
    pub errors: u64,
    /// Messages that never came back.
    pub missing: u64,
    /// What was wrong first.
    pub fault: Option<String>,
    /// Resident bytes of the server per open connection, in idle mode.
    pub bytes_per_conn: Option<f64>,
    /// Resident bytes of the server.
    resident: u64,
}

impl Report {
    /// A report without faults. Reads the server's memory now.
    pub fn new(plan: &Plan, counted: Option<Counted>) -> Report {
        Report {
            plan: plan.clone(),
            counted,
            total: 0,
            verified: 0,
            errors: 0,
            missing: 0,
            fault: None,
            bytes_per_conn: None,
            resident: plan.server.map_or(0, process::resident),
        }
    }

    /// Every byte was right, nothing is missing, and something was done.
    pub fn is_good(&self) -> bool {
        let has_ops = self.plan.mode == Mode::Idle || self.counted.is_some_and(|it| 0 < it.ops);
        self.errors == 0 && self.missing == 0 && self.counted.is_some() && has_ops
    }

    fn write_counted(&self, f: &mut fmt::Formatter<'_>, counted: &Counted) -> fmt::Result {
        let Counted { ops, usage } = counted;
        let share = |secs: f64| secs / usage.secs;
        write!(f, "\"ops\":{ops},\"secs\":{:.3},\"rate\":{:.1},", usage.secs, share(*ops as f64))?;
        write!(
            f,
            "\"load_cpu\":{:.3},\"other_cpu\":{:.3},",
            share(usage.own_cpu),
            share(usage.other_cpu)
        )?;
        write!(f, "\"stolen\":{:.3},", share(usage.stolen))?;
        if self.plan.server.is_none() {
            return Ok(());
        }
        write!(
            f,
            "\"server_cpu\":{:.5},\"server_wakes\":{},",
            share(usage.server_cpu),
            usage.wakes
        )?;
        if 0 < *ops {
            write!(f, "\"server_us_per_op\":{:.4},", usage.server_cpu * 1e6 / *ops as f64)?;
        }
        write!(f, "\"server_rss\":{},", self.resident)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { mode, framing, conns, size, depth, .. } = &self.plan;
        write!(f, "{{\"mode\":\"{mode}\",\"framing\":\"{framing}\",\"conns\":{conns},")?;
        write!(f, "\"size\":{size},\"depth\":{depth},")?;
        if let Some(counted) = &self.counted {
            self.write_counted(f, counted)?;
        }
        if let Some(bytes) = self.bytes_per_conn {
            write!(f, "\"bytes_per_conn\":{bytes:.0},")?;
        }
        write!(f, "\"total\":{},\"verified_bytes\":{},", self.total, self.verified)?;
        write!(f, "\"errors\":{},\"missing\":{},", self.errors, self.missing)?;
        if let Some(fault) = &self.fault {
            write!(f, "\"fault\":{fault:?},")?; // our own sentences: plain ASCII without quotes
        }
        write!(f, "\"ok\":{}}}", self.is_good())
    }
}
