//! Idle: many connections that ask once and stay; then the server is watched doing nothing.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use chuck_bench::poll::Poll;
use chuck_bench::process::{Sample, resident};

use crate::Plan;
use crate::client::Client;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// The server's time to fall asleep.
const SETTLE: Duration = Duration::from_millis(1500);

/// Opens, settles, and then watches.
///
/// # Errors
///
/// The first thing that went wrong.
pub fn run(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let request = plan.request();
    let mut poll = Poll::new()?;
    let mut buffer = vec![0; 64 << 10];
    let mut clients = Vec::with_capacity(plan.conns);
    let empty = resident(plan.server);
    for index in 0..plan.conns {
        let mut client = Client::connect(plan.port)?;
        poll.add_stream(client.stream(), index)?;
        client.ask(&request)?;
        let deadline = Instant::now() + ANSWER;
        while !client.take(&mut buffer)? {
            let left = deadline.checked_duration_since(Instant::now());
            let left = left.ok_or_else(|| format!("connection {index} was not answered"))?;
            let _ready = poll.wait(Some(left))?; // only this one is waited for
        }
        clients.push(client);
    }
    thread::sleep(SETTLE);
    let full = resident(plan.server);
    let before = Sample::take(Some(plan.server));
    thread::sleep(plan.watch);
    let usage = Sample::take(Some(plan.server)).since(&before);
    println!(
        "{{\"bytes_per_conn\":{:.0},\"server_cpu\":{:.5},\"server_wakes\":{},\"rss\":{full}}}",
        (full as f64 - empty as f64) / plan.conns as f64,
        usage.server_cpu / usage.secs,
        usage.wakes,
    );
    Ok(())
}
