//! Broadcast: one connection sends, every connection must receive every message, in order.
//!
//! The sender connects last. Servers accept in order, so when its first message is read all
//! others have been accepted, and the stream of each must equal the sender's from the first byte.
//! An operation is one copy received.

use std::error::Error;

use chuck_bench::framing::Framing;
use chuck_bench::poll::{Poll, Ready};

use crate::pattern::Pattern;
use crate::peer::{BUFFER, Fault, Peer};
use crate::plan::Plan;
use crate::report::Report;
use crate::window::{TICK, Window};

struct Broadcast {
    pattern: Pattern,
    /// The last one is the sender.
    peers: Vec<Peer>,
    buffer: Vec<u8>,
    /// Bytes received by all.
    received: u64,
}

/// Runs until the measured time is over and all copies are there, or until the first fault.
///
/// # Errors
///
/// What keeps it from starting.
pub fn run(plan: &Plan) -> Result<Report, Box<dyn Error>> {
    if plan.framing == Framing::Raw {
        return Err("broadcast needs --framing be16 or be32".into());
    }
    let mut poll = Poll::new()?;
    let mut crowd = Broadcast::connect(plan, &poll)?;
    let mut window = Window::open(plan);
    let fault = crowd.drive(&mut poll, &mut window, plan.depth).err();

    let mut report = Report::new(plan, window.counted());
    report.total = crowd.ops();
    report.verified = crowd.received;
    report.errors = fault.is_some().into();
    report.missing = crowd.missing();
    report.fault = fault;
    Ok(report)
}

impl Broadcast {
    fn connect(plan: &Plan, poll: &Poll) -> Result<Broadcast, Box<dyn Error>> {
        let pattern = Pattern::new(plan.framing, plan.size, BUFFER)?;
        let mut peers = Vec::with_capacity(plan.conns);
        for index in 0..plan.conns {
            let peer = Peer::connect(plan.port, 0)?;
            poll.add_stream(peer.stream(), index)?;
            peers.push(peer);
        }
        Ok(Broadcast { pattern, peers, buffer: vec![0; BUFFER], received: 0 })
    }

    fn drive(&mut self, poll: &mut Poll, window: &mut Window, depth: usize) -> Result<(), String> {
        let sender = self.peers.len() - 1;
        self.send(depth as u64).map_err(|fault| format!("sender: {fault}"))?;
        while window.is_open() || !(self.missing() == 0 || window.is_late()) {
            let events = poll.wait(Some(TICK)).map_err(|error| error.to_string())?;
            for ready in events {
                let back =
                    self.serve(ready).map_err(|fault| format!("client {}: {fault}", ready.id))?;
                if ready.id == sender {
                    let next = if window.is_open() { back } else { 0 };
                    self.send(next).map_err(|fault| format!("sender: {fault}"))?;
                }
            }
            window.advance(self.ops());
        }
        Ok(())
    }

    /// Reads one client and returns how many messages it has completed.
    #[inline]
    fn serve(&mut self, ready: Ready) -> Result<u64, Fault> {
        if !ready.readable {
            return Ok(0);
        }
        let peer = &mut self.peers[ready.id];
        let before = peer.received();
        peer.receive(&self.pattern, &mut self.buffer)?;
        let after = peer.received();
        self.received += after - before;
        if self.sender().sent() < after {
            return Err(Fault::Surplus);
        }
        let message = self.pattern.message();
        Ok(after / message - before / message)
    }

    fn send(&mut self, messages: u64) -> Result<(), Fault> {
        let sender = self.peers.last_mut().expect("a plan has at least one connection");
        sender.allow(messages * self.pattern.message());
        sender.send(&self.pattern)
    }

    fn sender(&self) -> &Peer {
        self.peers.last().expect("a plan has at least one connection")
    }

    /// Copies received.
    fn ops(&self) -> u64 {
        self.received / self.pattern.message()
    }

    /// Copies still to come.
    fn missing(&self) -> u64 {
        let wanted = self.sender().allowed() * self.peers.len() as u64;
        (wanted - self.received).div_ceil(self.pattern.message())
    }
}
