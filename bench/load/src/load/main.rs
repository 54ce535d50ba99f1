//! `load`: many connections to a server on 127.0.0.1, every byte that comes back compared.
//!
//! Prints one JSON line. Ends with 0 when all was well, 1 when a byte, a connection or a message
//! was wrong or missing, 2 when it could not start, 3 when it ran into its own time limit.

mod broadcast;
mod churn;
mod datagram;
mod echo;
mod idle;
mod pattern;
mod peer;
mod plan;
mod report;
mod window;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use chuck_bench::bounds;
use plan::{Mode, Plan};
use report::Report;

/// What start-up, warming, draining and settling may take beside the measured time.
const SLACK: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let report = Plan::parse(std::env::args().skip(1)).map_err(Into::into).and_then(run);
    match report {
        Ok(report) => {
            println!("{report}");
            if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(plan: Plan) -> Result<Report, Box<dyn Error>> {
    bounds::end_after(plan.measure + SLACK);
    bounds::raise_descriptor_limit()?;
    match plan.mode {
        Mode::Echo => echo::run(&plan),
        Mode::Broadcast => broadcast::run(&plan),
        Mode::Idle => idle::run(&plan),
        Mode::Datagram => datagram::run(&plan),
        Mode::Churn => churn::run(&plan),
    }
}
