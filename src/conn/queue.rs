//! The send queue of a connection: what is small is copied together, what is large is shared, and
//! files stay where they are.
//!
//! ```text
//!  parts   | copied: head body head body head | shared: body | file: 2 MiB from byte 0 on | ...
//!          ^ offset: bytes of the first part that are gone
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Bytes;

use crate::base::limits;
use crate::codec::packet::Payload;
use crate::net::file::File;

/// Stands for a send whose end somebody wants to know.
pub type Ticket = u32;

/// What is queued. An idle connection has none.
#[derive(Default)]
pub struct Queue {
    backlog: Option<Box<Backlog>>,
}

/// The queue of a connection that has something to send, or to tell about it.
#[derive(Default)]
pub struct Backlog {
    parts: VecDeque<Part>,
    offset: usize,
    queued: usize,
    /// Of these, bytes in files, and how many files that are.
    filed: usize,
    files: usize,
    /// Bytes that were ever taken off this backlog.
    done: u64,
    /// Sends to tell about, each with the count of bytes at which it is done.
    tickets: VecDeque<(u64, Ticket)>,
    /// An empty buffer for the next copied part.
    spare: Vec<u8>,
}

enum Part {
    Copied(Vec<u8>),
    Shared(Bytes),
    File(Span),
}

/// Bytes of a file: `len` from `at` on, at least one.
pub struct Span {
    /// The file.
    pub file: Arc<File>,
    /// Where they begin.
    pub at: u64,
    /// How many there are.
    pub len: usize,
}

/// What is to be written now.
pub enum Offer<'a> {
    /// These bytes; whether those of a file follow at once.
    Bytes(&'a [IoSlice<'a>], bool),
    /// So many bytes of a file, from a place on.
    File(&'a File, u64, usize),
}

/// What came of writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flushed {
    /// Bytes that were taken.
    pub written: usize,
    /// Whether more would have been offered, and was not taken. If not, what is left waits for
    /// others to have their turn.
    pub is_blocked: bool,
}

impl Part {
    /// The bytes in memory.
    fn bytes(&self) -> &[u8] {
        match self {
            Part::Copied(bytes) => bytes,
            Part::Shared(bytes) => bytes,
            Part::File(_) => &[],
        }
    }

    fn len(&self) -> usize {
        match self {
            Part::File(span) => span.len,
            part => part.bytes().len(),
        }
    }
}

impl Queue {
    /// Bytes that the kernel has not taken yet.
    pub fn len(&self) -> usize {
        self.backlog.as_ref().map_or(0, |backlog| backlog.queued)
    }

    /// What of that takes memory; a file counts for a little.
    pub fn held(&self) -> usize {
        self.backlog
            .as_ref()
            .map_or(0, |backlog| backlog.queued - backlog.filed + backlog.files * limits::FILE_COST)
    }

    /// Whether the kernel has taken everything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a header and a payload; `ticket` comes back from [`Self::sent`] when the
    /// kernel has taken all of it.
    pub fn push(&mut self, head: &[u8], payload: Payload<'_>, ticket: Option<Ticket>) {
        let backlog = self.backlog.get_or_insert_with(spare);
        match payload {
            Payload::Copy(bytes) => backlog.copy(head, bytes),
            Payload::Share(bytes) => {
                backlog.copy(head, &[]);
                backlog.share(bytes);
            }
        }
        backlog.expect(ticket);
    }

    /// Appends bytes of a file; `ticket` as with [`Self::push`]. All queued bytes together must be
    /// countable.
    pub fn push_file(&mut self, span: Span, ticket: Option<Ticket>) {
        let backlog = self.backlog.get_or_insert_with(spare);
        if span.len > 0 {
            backlog.queued += span.len;
            backlog.filed += span.len;
            backlog.files += 1;
            backlog.parts.push_back(Part::File(span));
        }
        backlog.expect(ticket);
    }

    /// Writes as much as `write` takes, but of files no more than a step at a time.
    ///
    /// # Errors
    ///
    /// What `write` says, but for `WouldBlock`, which means "no more for now"; `UnexpectedEof`
    /// when a file has become shorter than what is to be sent of it.
    pub fn flush(
        &mut self,
        mut write: impl FnMut(Offer<'_>) -> io::Result<usize>,
    ) -> io::Result<Flushed> {
        let mut flushed = Flushed { written: 0, is_blocked: false };
        let Some(backlog) = self.backlog.as_mut() else {
            return Ok(flushed);
        };
        let mut step = limits::FILE_STEP;
        while backlog.queued > 0 && step > 0 {
            let is_file = matches!(backlog.parts.front(), Some(Part::File(_)));
            let (offered, result) = backlog.offer(&mut write, step);
            match result {
                Ok(0) if is_file => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(taken) => {
                    backlog.advance(taken);
                    flushed.written += taken;
                    if is_file {
                        // Less may be for any reason: what it is shows with the next attempt.
                        step -= taken.min(step);
                    } else if taken < offered {
                        flushed.is_blocked = true;
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    flushed.is_blocked = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(flushed)
    }

    /// Whether there is no done send to tell about.
    #[inline]
    pub fn is_told(&self) -> bool {
        self.backlog
            .as_ref()
            .is_none_or(|backlog| backlog.tickets.front().is_none_or(|(at, _)| *at > backlog.done))
    }

    /// Whether there is a send to tell about, be it done or not.
    pub fn has_tickets(&self) -> bool {
        self.backlog.as_ref().is_some_and(|backlog| !backlog.tickets.is_empty())
    }

    /// The next send that is done, in order.
    pub fn sent(&mut self) -> Option<Ticket> {
        let backlog = self.backlog.as_mut()?;
        let (at, ticket) = *backlog.tickets.front()?;
        if at > backlog.done {
            return None;
        }
        backlog.tickets.pop_front();
        Some(ticket)
    }

    /// Gives the buffers back when there is nothing left to send or to tell.
    pub fn settle(&mut self) {
        if self.backlog.as_ref().is_some_and(|backlog| backlog.is_done())
            && let Some(backlog) = self.backlog.take()
        {
            recycle(backlog);
        }
    }

    /// Forgets everything that was not sent.
    pub fn clear(&mut self) {
        self.backlog = None;
    }
}

impl Backlog {
    fn is_done(&self) -> bool {
        self.queued == 0 && self.tickets.is_empty()
    }

    /// What is queued up to here is to be told of.
    fn expect(&mut self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            self.tickets.push_back((self.done + self.queued as u64, ticket));
        }
    }

    fn copy(&mut self, head: &[u8], bytes: &[u8]) {
        let size = head.len() + bytes.len();
        if size == 0 {
            return;
        }
        self.queued += size;
        if let Some(Part::Copied(tail)) = self.parts.back_mut()
            && tail.len() < limits::SPARE_BYTES
        {
            append(tail, head, bytes);
            return;
        }
        let mut tail = std::mem::take(&mut self.spare);
        append(&mut tail, head, bytes);
        self.parts.push_back(Part::Copied(tail));
    }

    fn share(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        self.parts.push_back(Part::Shared(bytes));
    }

    /// Offers the front of the queue, of a file at most `step` bytes; returns how many bytes that
    /// was and what came of it.
    fn offer(
        &self,
        write: &mut impl FnMut(Offer<'_>) -> io::Result<usize>,
        step: usize,
    ) -> (usize, io::Result<usize>) {
        match self.parts.front() {
            Some(Part::File(span)) => {
                let len = (span.len - self.offset).min(step);
                (len, write(Offer::File(&span.file, span.at + self.offset as u64, len)))
            }
            Some(one) if self.parts.len() == 1 => {
                let bytes = one.bytes().get(self.offset..).unwrap_or_default();
                (bytes.len(), write(Offer::Bytes(&[IoSlice::new(bytes)], false)))
            }
            _ => self.gather(write),
        }
    }

    /// Offers what is in memory, up to the first file.
    fn gather(
        &self,
        write: &mut impl FnMut(Offer<'_>) -> io::Result<usize>,
    ) -> (usize, io::Result<usize>) {
        let mut slices = [IoSlice::new(&[]); limits::GATHER];
        let mut skip = self.offset;
        let mut offered = 0;
        let mut count = 0;
        let is_file = |part: &Part| matches!(part, Part::File(_));
        for (slice, part) in slices.iter_mut().zip(&self.parts) {
            if is_file(part) {
                break;
            }
            let bytes = part.bytes().get(skip..).unwrap_or_default();
            *slice = IoSlice::new(bytes);
            skip = 0;
            offered += bytes.len();
            count += 1;
        }
        let more = self.parts.get(count).is_some_and(is_file);
        (offered, write(Offer::Bytes(slices.get(..count).unwrap_or_default(), more)))
    }

    fn advance(&mut self, taken: usize) {
        self.queued -= taken;
        self.done += taken as u64;
        self.offset += taken;
        if let Some(Part::File(_)) = self.parts.front() {
            self.filed -= taken;
        }
        while let Some(front) = self.parts.front()
            && front.len() <= self.offset
        {
            self.offset -= front.len();
            match self.parts.pop_front() {
                Some(Part::Copied(mut bytes)) if bytes.capacity() <= limits::SPARE_BYTES => {
                    bytes.clear();
                    self.spare = bytes;
                }
                Some(Part::File(_)) => self.files -= 1,
                _ => {}
            }
        }
    }
}

thread_local! {
    /// Backlogs of connections that became idle, with their buffers.
    #[expect(clippy::vec_box, reason = "boxed where they are used")]
    static SPARE: RefCell<Vec<Box<Backlog>>> = const { RefCell::new(Vec::new()) };
}

/// An empty backlog, used before if there is one.
fn spare() -> Box<Backlog> {
    let found = SPARE.try_with(|spare| spare.borrow_mut().pop());
    found.ok().flatten().unwrap_or_default()
}

/// Keeps an empty backlog for [`spare`], unless there are enough.
fn recycle(backlog: Box<Backlog>) {
    // While the thread ends, it is freed instead.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() < limits::SPARE_QUEUES {
            spare.push(backlog);
        }
    });
}

fn append(tail: &mut Vec<u8>, head: &[u8], bytes: &[u8]) {
    tail.reserve(head.len() + bytes.len());
    tail.extend_from_slice(head);
    tail.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &mut Queue, bytes: &[u8], shared: bool, ticket: Option<Ticket>) {
        let payload = match shared {
            true => Payload::Share(Bytes::copy_from_slice(bytes)),
            false => Payload::Copy(bytes),
        };
        queue.push(b"<", payload, ticket);
    }

    #[test]
    fn bytes_leave_in_order_however_little_is_taken_at_a_time() {
        for step in 1..20 {
            let mut queue = Queue::default();
            let mut expected = Vec::new();
            for n in 0..10u8 {
                let body = vec![n; usize::from(n)];
                expected.push(b'<');
                expected.extend_from_slice(&body);
                push(&mut queue, &body, n % 3 == 0, Some(n.into()));
            }
            let (mut got, mut tickets) = (Vec::new(), Vec::new());
            while !queue.is_empty() {
                let mut room = step;
                queue
                    .flush(|offer| {
                        let Offer::Bytes(parts, _) = offer else { panic!("no file") };
                        let all: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
                        let taken = all.len().min(std::mem::take(&mut room));
                        got.extend_from_slice(&all[..taken]);
                        Ok(taken)
                    })
                    .unwrap();
                while let Some(ticket) = queue.sent() {
                    tickets.push(ticket);
                }
            }
            assert_eq!(got, expected, "step {step}");
            assert_eq!(tickets, (0..10).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_send_of_nothing_is_done_at_once() {
        let mut queue = Queue::default();
        queue.push(b"", Payload::Copy(b""), Some(7));
        assert!(queue.is_empty());
        assert_eq!(queue.sent(), Some(7));
        assert_eq!(queue.sent(), None);
    }

    #[test]
    fn small_sends_leave_as_one_part() {
        let mut queue = Queue::default();
        for _ in 0..16 {
            push(&mut queue, b"abc", false, None);
        }
        let mut calls = Vec::new();
        queue
            .flush(|offer| {
                let Offer::Bytes(parts, _) = offer else { panic!("no file") };
                calls.push(parts.len());
                Ok(parts.iter().map(|part| part.len()).sum())
            })
            .unwrap();
        assert_eq!(calls, [1]);
    }

    /// Bytes of a file that is there wherever tests run.
    fn span(at: u64, len: usize) -> (Span, Vec<u8>) {
        let file = File::open(None, b"Cargo.toml").unwrap();
        let bytes = std::fs::read("Cargo.toml").unwrap();
        let end = (at as usize + len).min(bytes.len());
        (Span { file: Arc::new(file), at, len }, bytes[at as usize..end].to_vec())
    }

    /// Takes what is offered, at most `room` bytes; then it would wait.
    fn take(offer: Offer<'_>, room: &mut usize, got: &mut Vec<u8>) -> io::Result<usize> {
        let mut all = match offer {
            Offer::Bytes(parts, _) => parts.iter().flat_map(|part| part.to_vec()).collect(),
            Offer::File(file, at, len) => {
                let mut bytes = vec![0; len];
                let read = file.read_at(&mut bytes, at)?;
                bytes.truncate(read);
                bytes
            }
        };
        if *room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        all.truncate(*room);
        *room -= all.len();
        got.extend_from_slice(&all);
        Ok(all.len())
    }

    #[test]
    fn files_leave_in_their_turn_however_little_is_taken_at_a_time() {
        for step in [1, 2, 3, 5, 7, 50, 1000] {
            let mut queue = Queue::default();
            let mut expected = Vec::new();
            for n in 0..4u8 {
                push(&mut queue, b"head", false, None);
                let (span, bytes) = span(n.into(), 10 * usize::from(n));
                queue.push_file(span, Some(n.into()));
                expected.extend_from_slice(b"<head");
                expected.extend_from_slice(&bytes);
            }
            assert_eq!(queue.len(), expected.len());
            assert_eq!(queue.held(), 20 + 3 * limits::FILE_COST);
            let (mut got, mut tickets) = (Vec::new(), Vec::new());
            while !queue.is_empty() {
                let mut room = step;
                let flushed = queue.flush(|offer| take(offer, &mut room, &mut got)).unwrap();
                assert!(flushed.is_blocked || queue.is_empty());
                while let Some(ticket) = queue.sent() {
                    tickets.push(ticket);
                }
            }
            assert_eq!(got, expected, "step {step}");
            assert_eq!((queue.held(), tickets), (0, vec![0, 1, 2, 3]));
        }
    }

    #[test]
    fn a_large_file_leaves_step_by_step_and_is_not_blocked_meanwhile() {
        let mut queue = Queue::default();
        let (mut large, _) = span(0, 1);
        large.len = limits::FILE_STEP * 2 + 1;
        queue.push_file(large, None);
        for expected in [limits::FILE_STEP, limits::FILE_STEP, 1, 0] {
            let flushed = queue.flush(|offer| match offer {
                Offer::File(_, _, len) => Ok(len),
                Offer::Bytes(..) => panic!("no bytes"),
            });
            assert_eq!(flushed.unwrap(), Flushed { written: expected, is_blocked: false });
        }
    }

    #[test]
    fn a_file_that_ends_early_is_an_error() {
        let mut queue = Queue::default();
        let (span, bytes) = span(0, 1 << 20);
        queue.push_file(span, Some(1));
        let (mut room, mut got) = (usize::MAX, Vec::new());
        let error = queue.flush(|offer| take(offer, &mut room, &mut got)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!((got, queue.sent()), (bytes, None));
    }

    #[test]
    fn what_precedes_a_file_is_told_that_more_follows() {
        let mut queue = Queue::default();
        push(&mut queue, b"head", true, None);
        queue.push_file(span(0, 3).0, None);
        push(&mut queue, b"tail", false, None);
        let mut calls = Vec::new();
        let flushed = queue.flush(|offer| {
            let (call, len) = match offer {
                Offer::Bytes(parts, more) => {
                    (Some(more), parts.iter().map(|part| part.len()).sum())
                }
                Offer::File(_, _, len) => (None, len),
            };
            calls.push(call);
            Ok(len)
        });
        assert_eq!(flushed.unwrap().written, 13);
        assert_eq!(calls, [Some(true), None, Some(false)]);
    }
}
