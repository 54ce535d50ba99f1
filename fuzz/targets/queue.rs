//! Send queues: bytes leave in order however little is taken, tickets come in order, not early
//! and not late, and two queues that share their spare parts share nothing else.
//!
//! ```text
//! | how | n | ...      how % 8:  0 copy   1 share   the next n bytes
//!                                2 copy   3 share   n * 257 bytes
//!                                4 take n bytes     5 take n * 257 bytes, then would block
//!                                6 take n bytes, then fail
//!                                7 put away; n = 255: forget everything
//!                      bit 5 without a header   bit 6 the second queue   bit 7 with a ticket
//! ```
#![no_main]

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use chuck_core::base::limits;
use chuck_core::codec::packet::Payload;
use chuck_core::conn::pool::Pool;
use chuck_core::conn::queue::{Queue, Ticket};
use libfuzzer_sys::fuzz_target;

/// Bytes that one queue may hold, so that time goes into order and not into size.
const MOST: usize = 1 << 20;

/// A queue and what it should do.
#[derive(Default)]
struct Model {
    queue: Queue,
    /// What has not left.
    waiting: VecDeque<u8>,
    /// Sends not told of, each with the bytes that must have left before.
    tickets: VecDeque<(u64, Ticket)>,
    done: u64,
    next: Ticket,
}

fuzz_target!(|input: &[u8]| {
    let mut models = [Model::default(), Model::default()];
    let mut pool = Pool::default();
    let mut rest = input;
    while let Some((&[how, n], after)) = rest.split_first_chunk() {
        rest = after;
        let model = &mut models[usize::from(how >> 6 & 1)];
        let size = usize::from(n);
        match how % 8 {
            0 | 1 => {
                let (bytes, after) = rest.split_at(size.min(rest.len()));
                rest = after;
                model.push(how, bytes, &mut pool);
            }
            2 | 3 => {
                let bytes: Vec<u8> = (0..size * 257).map(|at| (at % 251) as u8 ^ how).collect();
                model.push(how, &bytes, &mut pool);
            }
            4 => model.flush(size, Ok(0)),
            5 => model.flush(size * 257, Err(io::ErrorKind::WouldBlock)),
            6 => model.flush(size, Err(io::ErrorKind::ConnectionReset)),
            _ if n == 255 => model.clear(),
            _ => model.queue.settle(&mut pool),
        }
        for model in &mut models {
            model.check();
        }
    }
    for model in &mut models {
        model.flush(usize::MAX, Ok(0));
        model.check();
        assert!(model.queue.is_empty() && model.tickets.is_empty());
    }
});

impl Model {
    fn push(&mut self, how: u8, bytes: &[u8], pool: &mut Pool) {
        let head: &[u8] = if how & 0x20 == 0 { b"<>" } else { b"" };
        if self.waiting.len() + head.len() + bytes.len() > MOST {
            return;
        }
        self.waiting.extend(head.iter().chain(bytes));
        let ticket = (how & 0x80 != 0).then_some(self.next);
        if let Some(ticket) = ticket {
            self.next += 1;
            self.tickets.push_back((self.done + self.waiting.len() as u64, ticket));
        }
        let payload = match how & 1 {
            0 => Payload::Copy(bytes),
            _ => Payload::Share(Bytes::copy_from_slice(bytes)),
        };
        self.queue.push(head, payload, ticket, pool);
    }

    /// Takes at most `room` bytes, and answers `end` when there is no more room.
    fn flush(&mut self, room: usize, end: Result<usize, io::ErrorKind>) {
        let (mut left, mut taken) = (room, 0);
        let waiting = &mut self.waiting;
        let result = self.queue.flush(|parts| {
            assert!(parts.len() <= limits::GATHER);
            assert!(!parts.is_empty(), "nothing is offered");
            if left == 0 {
                return end.map_err(io::Error::from);
            }
            let mut now = 0;
            for part in parts {
                let part = &part[..part.len().min(left)];
                assert!(waiting.drain(..part.len()).eq(part.iter().copied()), "out of order");
                left -= part.len();
                now += part.len();
            }
            taken += now;
            Ok(now)
        });
        self.done += taken as u64;
        match result {
            Ok(written) => assert_eq!(written, taken),
            Err(error) => assert_eq!(Err(error.kind()), end),
        }
        assert!(self.waiting.is_empty() || left == 0, "room is left and bytes wait");
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.done += self.waiting.len() as u64;
        self.waiting.clear();
        self.tickets.clear();
    }

    /// Takes all tickets that are to be had: just those whose bytes have left.
    fn check(&mut self) {
        assert_eq!(self.queue.len(), self.waiting.len());
        while let Some(ticket) = self.queue.sent() {
            let (at, expected) = self.tickets.pop_front().expect("nobody asked");
            assert_eq!(ticket, expected);
            assert!(at <= self.done, "{} bytes early", at - self.done);
        }
        let late = self.tickets.front().is_some_and(|(at, _)| *at <= self.done);
        assert!(!late, "a send is done and was not told");
    }
}
