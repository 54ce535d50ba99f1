//! Churn: connect, send one message, receive its echo, close, and again.
//!
//! Closing resets the connection (linger 0), so that no port stays in TIME_WAIT. An operation is
//! one whole cycle.

use std::error::Error;
use std::time::Duration;

use chuck_bench::poll::{Poll, Ready};
use rustix::net::sockopt::set_socket_linger;

use crate::pattern::Pattern;
use crate::peer::{BUFFER, Fault, Peer};
use crate::plan::Plan;
use crate::report::Report;
use crate::window::{TICK, Window};

/// After this many failed cycles the run ends.
const PATIENCE: u64 = 100;

struct Churn {
    port: u16,
    pattern: Pattern,
    poll: Poll,
    peers: Vec<Peer>,
    buffer: Vec<u8>,
    /// Cycles begun; each sends another message of the pattern.
    begun: usize,
    /// Cycles completed.
    ops: u64,
    errors: u64,
    fault: Option<String>,
}

/// Runs until the measured time is over and the last cycles are done.
///
/// # Errors
///
/// What keeps it from starting.
pub fn run(plan: &Plan) -> Result<Report, Box<dyn Error>> {
    let mut churn = Churn {
        port: plan.port,
        pattern: Pattern::new(plan.framing, plan.size, BUFFER)?,
        poll: Poll::new()?,
        peers: Vec::with_capacity(plan.conns),
        buffer: vec![0; BUFFER],
        begun: 0,
        ops: 0,
        errors: 0,
        fault: None,
    };
    for index in 0..plan.conns {
        let peer = churn.begin(index).map_err(|fault| fault.to_string())?;
        churn.peers.push(peer);
    }
    let mut window = Window::open(plan);
    churn.drive(&mut window)?;

    let mut report = Report::new(plan, window.counted());
    report.total = churn.ops;
    report.verified = churn.ops * churn.pattern.message();
    report.errors = churn.errors;
    report.fault = churn.fault;
    Ok(report)
}

impl Churn {
    fn drive(&mut self, window: &mut Window) -> Result<(), Box<dyn Error>> {
        let mut batch: Vec<Ready> = Vec::new();
        while window.is_open() && self.errors < PATIENCE {
            batch.extend(self.poll.wait(Some(TICK))?);
            for ready in batch.drain(..) {
                if let Err(fault) = self.serve(ready) {
                    self.errors += 1;
                    self.fault.get_or_insert(fault.to_string());
                    self.peers[ready.id] =
                        self.begin(ready.id).map_err(|fault| fault.to_string())?;
                }
            }
            window.advance(self.ops);
        }
        Ok(())
    }

    fn begin(&mut self, index: usize) -> Result<Peer, Fault> {
        let start = self.pattern.start(self.begun);
        self.begun += 1;
        let mut peer = Peer::connect(self.port, start).map_err(Fault::Io)?;
        set_socket_linger(peer.stream(), Some(Duration::ZERO))
            .map_err(|error| Fault::Io(error.into()))?;
        self.poll.add_stream(peer.stream(), index).map_err(Fault::Io)?;
        peer.allow(self.pattern.message());
        peer.send(&self.pattern)?;
        Ok(peer)
    }

    fn serve(&mut self, ready: Ready) -> Result<(), Fault> {
        let peer = &mut self.peers[ready.id];
        peer.send(&self.pattern)?;
        if ready.readable {
            peer.receive(&self.pattern, &mut self.buffer)?;
        }
        if peer.sent() < peer.received() {
            return Err(Fault::Surplus);
        }
        if peer.received() == peer.allowed() {
            self.ops += 1;
            self.peers[ready.id] = self.begin(ready.id)?;
        }
        Ok(())
    }
}
