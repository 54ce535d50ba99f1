//! Datagrams: each socket keeps `depth` of them under way; one that is back lets the next go.
//!
//! ```text
//! | socket: u32 | number: u64, little endian | the number's lowest byte, to the end |
//! ```
//!
//! They may come back in another order, but each once, whole, and to the socket that sent it. On
//! loopback none is lost as long as the server's buffer holds all that are under way.

use std::collections::HashSet;
use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use chuck_bench::poll::{Poll, Ready};

use crate::plan::Plan;
use crate::report::Report;
use crate::window::{TICK, Window};

/// Bytes in front that tell datagrams apart.
const HEAD: usize = 12;
/// The largest datagram over IPv4.
const LARGEST: usize = 65_507;

struct Socket {
    socket: UdpSocket,
    next: u64,
    under_way: HashSet<u64>,
}

struct Datagrams {
    sockets: Vec<Socket>,
    size: usize,
    sent: Vec<u8>,
    received: Vec<u8>,
    /// Whole datagrams back.
    ops: u64,
}

/// Runs until the measured time is over and all are back, or until the first fault.
///
/// # Errors
///
/// What keeps it from starting.
pub fn run(plan: &Plan) -> Result<Report, Box<dyn Error>> {
    if !(HEAD..=LARGEST).contains(&plan.size) {
        return Err(format!("a datagram has {HEAD} to {LARGEST} bytes").into());
    }
    let mut poll = Poll::new()?;
    let mut datagrams = Datagrams::open(plan, &poll)?;
    let mut window = Window::open(plan);
    let fault = datagrams.drive(&mut poll, &mut window, plan.depth).err();

    let mut report = Report::new(plan, window.counted());
    report.total = datagrams.ops;
    report.verified = datagrams.ops * plan.size as u64;
    report.errors = fault.is_some().into();
    report.missing = datagrams.missing();
    report.fault = fault;
    Ok(report)
}

impl Datagrams {
    fn open(plan: &Plan, poll: &Poll) -> io::Result<Datagrams> {
        let mut sockets = Vec::with_capacity(plan.conns);
        for index in 0..plan.conns {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect((Ipv4Addr::LOCALHOST, plan.port))?;
            socket.set_nonblocking(true)?;
            poll.add_stream(&socket, index)?;
            sockets.push(Socket { socket, next: 0, under_way: HashSet::new() });
        }
        let (sent, received) = (vec![0; plan.size], vec![0; LARGEST + 1]);
        Ok(Datagrams { sockets, size: plan.size, sent, received, ops: 0 })
    }

    fn drive(&mut self, poll: &mut Poll, window: &mut Window, depth: usize) -> Result<(), String> {
        for index in 0..self.sockets.len() {
            for _ in 0..depth {
                self.send(index).map_err(|error| format!("socket {index}: {error}"))?;
            }
        }
        while window.is_open() || !(self.missing() == 0 || window.is_late()) {
            let events = poll.wait(Some(TICK)).map_err(|error| error.to_string())?;
            for Ready { id, readable, .. } in events {
                if readable {
                    self.receive(id, window.is_open())
                        .map_err(|error| format!("socket {id}: {error}"))?;
                }
            }
            window.advance(self.ops);
        }
        Ok(())
    }

    fn send(&mut self, index: usize) -> io::Result<()> {
        let socket = &mut self.sockets[index];
        write(&mut self.sent, index, socket.next);
        socket.socket.send(&self.sent)?;
        socket.under_way.insert(socket.next);
        socket.next += 1;
        Ok(())
    }

    fn receive(&mut self, index: usize, is_open: bool) -> io::Result<()> {
        loop {
            let socket = &mut self.sockets[index];
            let len = match socket.socket.recv(&mut self.received) {
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let number = self.received.get(4..HEAD).and_then(|bytes| bytes.try_into().ok());
            let number = number.map(u64::from_le_bytes);
            let is_known = number.is_some_and(|number| socket.under_way.remove(&number));
            write(&mut self.sent, index, number.unwrap_or_default());
            if len != self.size || !is_known || self.received[..len] != self.sent[..] {
                return Err(io::Error::other("a datagram that was not sent, or came back before"));
            }
            self.ops += 1;
            if is_open {
                self.send(index)?;
            }
        }
    }

    fn missing(&self) -> u64 {
        self.sockets.iter().map(|socket| socket.under_way.len() as u64).sum()
    }
}

fn write(datagram: &mut [u8], index: usize, number: u64) {
    datagram.fill(number as u8);
    datagram[..4].copy_from_slice(&(index as u32).to_le_bytes());
    datagram[4..HEAD].copy_from_slice(&number.to_le_bytes());
}
