//! Echo: each connection keeps `depth` messages under way; one that is back lets the next go.

use std::error::Error;

use chuck_bench::poll::{Poll, Ready};

use crate::pattern::Pattern;
use crate::peer::{BUFFER, Fault, Peer};
use crate::plan::Plan;
use crate::report::Report;
use crate::window::{TICK, Window};

struct Echo {
    pattern: Pattern,
    peers: Vec<Peer>,
    buffer: Vec<u8>,
    /// Whole messages back.
    ops: u64,
}

/// Runs until the measured time is over and all is back, or until the first fault.
///
/// # Errors
///
/// What keeps it from starting.
pub fn run(plan: &Plan) -> Result<Report, Box<dyn Error>> {
    let mut poll = Poll::new()?;
    let mut echo = Echo::connect(plan, &poll)?;
    let mut window = Window::open(plan);
    let fault = echo.drive(&mut poll, &mut window, plan.depth).err();

    let mut report = Report::new(plan, window.counted());
    report.total = echo.ops;
    report.verified = echo.peers.iter().map(Peer::received).sum();
    report.errors = fault.is_some().into();
    report.missing = echo.peers.iter().map(|peer| echo.missing(peer)).sum();
    report.fault = fault;
    Ok(report)
}

impl Echo {
    fn connect(plan: &Plan, poll: &Poll) -> Result<Echo, Box<dyn Error>> {
        let pattern = Pattern::new(plan.framing, plan.size, BUFFER)?;
        let mut peers = Vec::with_capacity(plan.conns);
        for index in 0..plan.conns {
            let peer = Peer::connect(plan.port, pattern.start(index))?;
            poll.add_stream(peer.stream(), index)?;
            peers.push(peer);
        }
        Ok(Echo { pattern, peers, buffer: vec![0; BUFFER], ops: 0 })
    }

    fn drive(&mut self, poll: &mut Poll, window: &mut Window, depth: usize) -> Result<(), String> {
        for (index, peer) in self.peers.iter_mut().enumerate() {
            peer.allow(depth as u64 * self.pattern.message());
            peer.send(&self.pattern).map_err(|fault| name(index, &fault))?;
        }
        while window.is_open() || !(self.is_all_back() || window.is_late()) {
            let events = poll.wait(Some(TICK)).map_err(|error| error.to_string())?;
            for ready in events {
                self.serve(ready, window.is_open()).map_err(|fault| name(ready.id, &fault))?;
            }
            window.advance(self.ops);
        }
        Ok(())
    }

    #[inline]
    fn serve(&mut self, ready: Ready, is_open: bool) -> Result<(), Fault> {
        let peer = &mut self.peers[ready.id];
        if ready.readable {
            let before = peer.received() / self.pattern.message();
            peer.receive(&self.pattern, &mut self.buffer)?;
            if peer.sent() < peer.received() {
                return Err(Fault::Surplus);
            }
            let back = peer.received() / self.pattern.message() - before;
            self.ops += back;
            if is_open {
                peer.allow(back * self.pattern.message());
            }
        }
        peer.send(&self.pattern)
    }

    fn is_all_back(&self) -> bool {
        self.peers.iter().all(|peer| peer.received() == peer.allowed())
    }

    fn missing(&self, peer: &Peer) -> u64 {
        (peer.allowed() - peer.received()).div_ceil(self.pattern.message())
    }
}

fn name(index: usize, fault: &Fault) -> String {
    format!("connection {index}: {fault}")
}
