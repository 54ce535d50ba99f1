//! The send queue of a connection: what is small is copied together, what is large is shared.
//!
//! ```text
//!  parts   | copied: head body head body head | shared: body | copied: head body ... |
//!          ^ offset: bytes of the first part that are gone
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::Bytes;

use crate::base::limits;
use crate::codec::packet::Payload;

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
}

impl Part {
    fn bytes(&self) -> &[u8] {
        match self {
            Part::Copied(bytes) => bytes,
            Part::Shared(bytes) => bytes,
        }
    }
}

impl Queue {
    /// Bytes that the kernel has not taken yet.
    pub fn len(&self) -> usize {
        self.backlog.as_ref().map_or(0, |backlog| backlog.queued)
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
        if let Some(ticket) = ticket {
            backlog.tickets.push_back((backlog.done + backlog.queued as u64, ticket));
        }
    }

    /// Writes as much as `write` takes and returns how much that was.
    ///
    /// # Errors
    ///
    /// What `write` says, but for `WouldBlock`, which means "no more for now".
    pub fn flush(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let Some(backlog) = self.backlog.as_mut() else {
            return Ok(0);
        };
        let mut written = 0;
        while backlog.queued > 0 {
            let (offered, result) = backlog.offer(&mut write);
            match result {
                Ok(taken) => {
                    backlog.advance(taken);
                    written += taken;
                    if taken < offered {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(written)
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

    /// Offers the front of the queue; returns how many bytes that was and what came of it.
    fn offer(
        &self,
        write: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> (usize, io::Result<usize>) {
        if let [one] = self.parts.as_slices().0
            && self.parts.len() == 1
        {
            let bytes = one.bytes().get(self.offset..).unwrap_or_default();
            return (bytes.len(), write(&[IoSlice::new(bytes)]));
        }
        let mut slices = [IoSlice::new(&[]); limits::GATHER];
        let mut skip = self.offset;
        let mut offered = 0;
        let mut count = 0;
        for (slice, part) in slices.iter_mut().zip(&self.parts) {
            let bytes = part.bytes().get(skip..).unwrap_or_default();
            *slice = IoSlice::new(bytes);
            skip = 0;
            offered += bytes.len();
            count += 1;
        }
        (offered, write(slices.get(..count).unwrap_or_default()))
    }

    fn advance(&mut self, taken: usize) {
        self.queued -= taken;
        self.done += taken as u64;
        self.offset += taken;
        while let Some(front) = self.parts.front()
            && front.bytes().len() <= self.offset
        {
            self.offset -= front.bytes().len();
            if let Some(Part::Copied(mut bytes)) = self.parts.pop_front()
                && bytes.capacity() <= limits::SPARE_BYTES
            {
                bytes.clear();
                self.spare = bytes;
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
                    .flush(|parts| {
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
            .flush(|parts| {
                calls.push(parts.len());
                Ok(parts.iter().map(|part| part.len()).sum())
            })
            .unwrap();
        assert_eq!(calls, [1]);
    }
}
