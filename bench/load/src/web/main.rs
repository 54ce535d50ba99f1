//! `web`: requests in numbers, or connections that do nothing; every answer is looked at.
//!
//! ```text
//! web idle --port N --pid N --conns 10000 --secs 2      one request each, then silence
//! web keep --port N --pid N --count 10000000            requests over 64 connections
//! web churn --port N --pid N --count 1000000            a connection for each request
//! ```
//!
//! `wrk` counts for a time; this counts to a number, and watches the server's memory. It prints
//! lines of JSON, one for each tenth of the work, and ends with 1 when an answer was wrong.

mod client;
mod idle;
mod soak;

use std::error::Error;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use chuck_bench::bounds;

const USAGE: &str =
    "web idle|keep|churn --port N --pid N [--conns N] [--count N] [--secs S] [--path PATH]";
/// What opening, and requests that take their time, may take.
const LIFE: Duration = Duration::from_secs(3600);

/// A checked command line.
pub struct Plan {
    /// The server's port on 127.0.0.1.
    port: u16,
    /// The server's process.
    server: u32,
    /// Connections at a time.
    conns: usize,
    /// Requests in all.
    count: u64,
    /// Time to watch a silent server.
    watch: Duration,
    /// What is asked for.
    path: String,
}

impl Plan {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Plan, Box<dyn Error>> {
        let mut plan = Plan {
            port: 0,
            server: 0,
            conns: 64,
            count: 1_000_000,
            watch: Duration::from_secs(2),
            path: "/hello".into(),
        };
        while let Some(name) = words.next() {
            let value = words.next().ok_or(USAGE)?;
            match name.as_str() {
                "--port" => plan.port = number(&name, &value)?,
                "--pid" => plan.server = number(&name, &value)?,
                "--conns" => plan.conns = number(&name, &value)?,
                "--count" => plan.count = number(&name, &value)?,
                "--secs" => plan.watch = Duration::try_from_secs_f64(number(&name, &value)?)?,
                "--path" => plan.path = value,
                _ => return Err(USAGE.into()),
            }
        }
        if plan.port == 0 || plan.server == 0 || plan.conns == 0 {
            return Err(USAGE.into());
        }
        Ok(plan)
    }

    fn request(&self) -> Vec<u8> {
        format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.path, self.port).into()
    }
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} {value}: a number is needed"))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("web: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let mode = words.next().ok_or(USAGE)?;
    let plan = Plan::parse(words)?;
    bounds::end_after(LIFE);
    bounds::raise_descriptor_limit()?;
    match mode.as_str() {
        "idle" => idle::run(&plan),
        "keep" => soak::run(&plan, false),
        "churn" => soak::run(&plan, true),
        _ => Err(USAGE.into()),
    }
}
