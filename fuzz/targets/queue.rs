//! Send queues: bytes leave in order however little is taken, tickets come in order, not early
//! and not late, and two queues that share their spare parts share nothing else.
//!
//! ```text
//! | how | n | ...      how % 8:  0 copy   1 share   the next n bytes
//!                                2 copy   3 share   n * 257 bytes
//!                                4 take n bytes     5 take n * 257 bytes, then would block
//!                                6 take n bytes, then fail
//!                                7 put away; n = 255: forget everything; bit 5: n * 257 bytes
//!                                  of a file
//!                      bit 4 ask for no tickets now   bit 5 without a header
//!                      bit 6 the second queue         bit 7 with a ticket
//! ```
#![no_main]

use std::collections::VecDeque;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use chuck_core::base::limits;
use chuck_core::codec::packet::Payload;
use chuck_core::conn::queue::{Offer, Queue, Span, Ticket};
use chuck_core::net::file::File;
use libfuzzer_sys::fuzz_target;

/// Bytes that one queue may hold, so that time goes into order and not into size.
const MOST: usize = 256 << 10;

/// What large pushes send: a piece of it, from a place that differs.
static PATTERN: [u8; 256 + 255 * 257] = {
    let mut bytes = [0; 256 + 255 * 257];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = (at % 251) as u8;
        at += 1;
    }
    bytes
};

/// A file with the pattern in it, which has no name any more.
static FILE: LazyLock<Arc<File>> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("chuck-fuzz-{}", std::process::id()));
    std::fs::write(&path, PATTERN).expect("a file can be written");
    let file = File::open(None, path.as_os_str().as_bytes()).expect("it is there");
    std::fs::remove_file(&path).expect("it is still there");
    Arc::new(file)
});

/// A queue and what it should do.
#[derive(Default)]
struct Model {
    queue: Queue,
    /// What was pushed; the first `left` bytes have left.
    pushed: Vec<u8>,
    left: usize,
    /// Sends not told of, each with the bytes that must have left before.
    tickets: VecDeque<(u64, Ticket)>,
    done: u64,
    next: Ticket,
}

fuzz_target!(|input: &[u8]| {
    let mut models = [Model::default(), Model::default()];
    let mut rest = input;
    while let Some((&[how, n], after)) = rest.split_first_chunk() {
        rest = after;
        let model = &mut models[usize::from(how >> 6 & 1)];
        let size = usize::from(n);
        match how % 8 {
            0 | 1 => {
                let (bytes, after) = rest.split_at(size.min(rest.len()));
                rest = after;
                model.push(how, bytes);
            }
            2 | 3 => {
                let from = usize::from(how);
                model.push(how, &PATTERN[from..from + size * 257]);
            }
            4 => model.flush(size, Ok(0)),
            5 => model.flush(size * 257, Err(io::ErrorKind::WouldBlock)),
            6 => model.flush(size, Err(io::ErrorKind::ConnectionReset)),
            _ if how & 0x20 != 0 => model.push_file(how, size * 257),
            _ if n == 255 => model.clear(),
            _ => model.queue.settle(),
        }
        for model in &mut models {
            assert_eq!(model.queue.len(), model.waiting());
            assert!(model.queue.held() == 0 || model.waiting() > 0);
            if how & 0x10 == 0 {
                model.check_tickets();
            }
        }
    }
    for model in &mut models {
        model.flush(usize::MAX, Ok(0));
        model.check_tickets();
        assert!(model.queue.is_empty() && model.tickets.is_empty());
    }
});

impl Model {
    fn push(&mut self, how: u8, bytes: &[u8]) {
        let head: &[u8] = if how & 0x20 == 0 { b"<>" } else { b"" };
        if self.waiting() + head.len() + bytes.len() > MOST {
            return;
        }
        self.pushed.extend_from_slice(head);
        self.pushed.extend_from_slice(bytes);
        let ticket = self.ticket(how);
        let payload = match how & 1 {
            0 => Payload::Copy(bytes),
            _ => Payload::Share(Bytes::copy_from_slice(bytes)),
        };
        self.queue.push(head, payload, ticket);
    }

    fn push_file(&mut self, how: u8, len: usize) {
        let at = usize::from(how);
        if self.waiting() + len > MOST {
            return;
        }
        self.pushed.extend_from_slice(&PATTERN[at..at + len]);
        let ticket = self.ticket(how);
        self.queue.push_file(Span { file: FILE.clone(), at: at as u64, len }, ticket);
    }

    /// What was just pushed gets a ticket, if it is to have one.
    fn ticket(&mut self, how: u8) -> Option<Ticket> {
        let ticket = (how & 0x80 != 0).then_some(self.next)?;
        self.next += 1;
        self.tickets.push_back((self.done + self.waiting() as u64, ticket));
        Some(ticket)
    }

    /// Takes at most `room` bytes, and answers `end` when there is no more room.
    fn flush(&mut self, mut room: usize, end: Result<usize, io::ErrorKind>) {
        let mut taken = 0;
        let waiting = &self.pushed[self.left..];
        let mut take = |part: &[u8]| {
            let part = &part[..part.len().min(room)];
            assert!(waiting[taken..].starts_with(part), "out of order after {taken} bytes");
            room -= part.len();
            taken += part.len();
            (part.len(), room)
        };
        let mut left = take(&[]).1;
        let result = self.queue.flush(|offer| {
            let mut count = 0;
            match offer {
                // Nothing is the end of a file, and not what a full socket says of one.
                Offer::File(..) if left == 0 && end.is_ok() => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                _ if left == 0 => return end.map_err(io::Error::from),
                Offer::File(file, at, len) => {
                    let mut bytes = vec![0; len];
                    assert_eq!(file.read_at(&mut bytes, at).expect("it is read"), len);
                    (count, left) = take(&bytes);
                }
                Offer::Bytes(parts, _) => {
                    assert!(parts.len() <= limits::GATHER);
                    for part in parts {
                        let took;
                        (took, left) = take(part);
                        count += took;
                    }
                }
            }
            Ok(count)
        });
        self.leave(taken);
        match result {
            Ok(flushed) => assert_eq!(flushed.written, taken),
            Err(error) => assert_eq!(Err(error.kind()), end),
        }
        assert!(self.waiting() == 0 || room == 0, "room is left and bytes wait");
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.leave(self.waiting());
        self.tickets.clear();
    }

    /// Bytes that have not left.
    fn waiting(&self) -> usize {
        self.pushed.len() - self.left
    }

    fn leave(&mut self, count: usize) {
        self.left += count;
        self.done += count as u64;
        if self.waiting() == 0 {
            self.pushed.clear();
            self.left = 0;
        }
    }

    /// Takes all tickets that are to be had: just those whose bytes have left.
    fn check_tickets(&mut self) {
        while let Some(ticket) = self.queue.sent() {
            let (at, expected) = self.tickets.pop_front().expect("nobody asked");
            assert_eq!(ticket, expected);
            assert!(at <= self.done, "{} bytes early", at - self.done);
        }
        let late = self.tickets.front().is_some_and(|(at, _)| *at <= self.done);
        assert!(!late, "a send is done and was not told");
    }
}
