//! Idle: open many connections, echo one message on each, then watch the server do nothing.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use chuck_bench::poll::Poll;
use chuck_bench::process::{Sample, resident};

use crate::pattern::Pattern;
use crate::peer::{BUFFER, Fault, Peer};
use crate::plan::Plan;
use crate::report::Report;
use crate::window::Counted;

/// How long one echo may take.
const ECHO: Duration = Duration::from_secs(5);
/// The server's time to collect its garbage and fall asleep.
const SETTLE: Duration = Duration::from_millis(1500);

/// Opens, settles, and then measures for `plan.measure`.
///
/// # Errors
///
/// What keeps it from starting, such as too few descriptors.
pub fn run(plan: &Plan) -> Result<Report, Box<dyn Error>> {
    let server = plan.server.ok_or("idle needs --pid")?;
    let pattern = Pattern::new(plan.framing, plan.size, BUFFER)?;
    let mut poll = Poll::new()?;
    let mut buffer = vec![0; BUFFER];
    let mut peers = Vec::with_capacity(plan.conns);
    let mut fault = None;

    let empty = resident(server);
    for index in 0..plan.conns {
        let mut peer = Peer::connect(plan.port, pattern.start(index))?;
        poll.add_stream(peer.stream(), index)?;
        let echoed = echo_once(&mut peer, &pattern, &mut poll, &mut buffer);
        peers.push(peer);
        if let Err(found) = echoed {
            fault = Some(format!("connection {index}: {found}"));
            break;
        }
    }
    thread::sleep(SETTLE);
    let full = resident(server);
    let before = Sample::take(plan.server);
    thread::sleep(plan.measure);
    let usage = Sample::take(plan.server).since(&before);

    let mut report = Report::new(plan, Some(Counted { ops: 0, usage }));
    report.total = peers.len() as u64;
    report.verified = peers.iter().map(Peer::received).sum();
    report.errors = fault.is_some().into();
    report.fault = fault;
    report.bytes_per_conn = Some((full as f64 - empty as f64) / peers.len() as f64);
    Ok(report)
}

fn echo_once(
    peer: &mut Peer,
    pattern: &Pattern,
    poll: &mut Poll,
    buffer: &mut [u8],
) -> Result<(), Fault> {
    let deadline = Instant::now() + ECHO;
    peer.allow(pattern.message());
    while peer.received() < peer.allowed() {
        peer.send(pattern)?;
        let left = deadline.checked_duration_since(Instant::now()).ok_or(Fault::Late)?;
        let _ready = poll.wait(Some(left)).map_err(Fault::Io)?; // only this one is waited for
        peer.receive(pattern, buffer)?;
    }
    if peer.sent() < peer.received() { Err(Fault::Surplus) } else { Ok(()) }
}
