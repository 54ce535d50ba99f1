//! Datagrams that wait for the kernel, in order, their bytes side by side.
//!
//! ```text
//! bytes   | gone ... | datagram | datagram | datagram |
//! marks              | end, to  | end, to  | end, to  |
//! ```

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use crate::base::error::Code;
use crate::base::limits;
use crate::net::datagram::{Letter, Name};

/// Where a datagram goes; one address for as many as go there.
#[derive(Clone)]
pub struct Target(Arc<Name>);

impl Target {
    /// From an address as the kernel wants it.
    pub fn new(address: Name) -> Self {
        Target(Arc::new(address))
    }

    /// The address as the kernel wants it.
    pub fn address(&self) -> &Name {
        &self.0
    }
}

struct Mark {
    len: usize,
    to: Option<Target>,
}

/// What is queued. An idle socket has no bytes.
#[derive(Default)]
pub struct Outbound {
    marks: VecDeque<Mark>,
    bytes: Vec<u8>,
    /// Bytes in front that have left.
    gone: usize,
}

impl Outbound {
    /// Appends a datagram.
    ///
    /// # Errors
    ///
    /// [`Code::NO_BUFFERS`] when it would be too many, or too much.
    pub fn push(&mut self, head: &[u8], body: &[u8], to: Option<Target>) -> Result<(), Code> {
        let len = head.len() + body.len();
        if self.marks.len() >= limits::DATAGRAM_QUEUE
            || self.bytes() + len > limits::DATAGRAM_QUEUE_BYTES
        {
            return Err(Code::NO_BUFFERS);
        }
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(body);
        self.marks.push_back(Mark { len, to });
        Ok(())
    }

    /// Lays out the first datagrams and returns how many.
    pub fn fill<'a>(&'a self, letters: &mut [Letter<'a>]) -> usize {
        let mut start = self.gone;
        let mut count = 0;
        for (letter, mark) in letters.iter_mut().zip(&self.marks) {
            let bytes = self.bytes.get(start..start + mark.len).unwrap_or_default();
            *letter = Letter { to: mark.to.as_ref().map(Target::address), bytes };
            start += mark.len;
            count += 1;
        }
        count
    }

    /// Takes the first `count` datagrams off.
    pub fn advance(&mut self, count: usize) {
        for mark in self.marks.drain(..count.min(self.marks.len())) {
            self.gone += mark.len;
        }
        if self.marks.is_empty() {
            self.gone = 0;
            self.bytes.clear();
            if self.bytes.capacity() > limits::SPARE_BYTES {
                drop(mem::take(&mut self.bytes));
            }
        } else if self.gone > limits::SPARE_BYTES && self.gone > self.bytes.len() / 2 {
            self.bytes.drain(..self.gone);
            self.gone = 0;
        }
    }

    /// Where the first datagram goes, unless to whom the socket is connected.
    pub fn first(&self) -> Option<Target> {
        self.marks.front()?.to.clone()
    }

    /// Number of datagrams.
    pub fn count(&self) -> usize {
        self.marks.len()
    }

    /// Bytes of them.
    pub fn bytes(&self) -> usize {
        self.bytes.len() - self.gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(outbound: &Outbound, room: usize) -> Vec<Vec<u8>> {
        let mut letters = vec![Letter::default(); room];
        let count = outbound.fill(&mut letters);
        letters[..count].iter().map(|letter| letter.bytes.to_vec()).collect()
    }

    #[test]
    fn datagrams_keep_their_borders_however_many_leave_at_a_time() {
        for step in 1..8 {
            let mut outbound = Outbound::default();
            let sent: Vec<Vec<u8>> =
                (0..100).map(|n| vec![n as u8; n * if step == 3 { 500 } else { 1 }]).collect();
            for body in &sent {
                outbound.push(b"<", body, None).unwrap();
            }
            let mut got = Vec::new();
            while outbound.count() > 0 {
                let letters = front(&outbound, step);
                outbound.advance(letters.len());
                got.extend(letters);
            }
            assert!(sent.iter().zip(&got).all(|(sent, got)| sent[..] == got[1..]), "step {step}");
            assert_eq!((got.len(), outbound.bytes()), (100, 0));
        }
    }

    #[test]
    fn both_limits_hold_and_refuse_whole_datagrams() {
        let mut many = Outbound::default();
        while many.push(b"", b"", None).is_ok() {}
        assert_eq!((many.count(), many.bytes()), (limits::DATAGRAM_QUEUE, 0));
        let mut much = Outbound::default();
        let body = vec![0; limits::DATAGRAM_QUEUE_BYTES - 1];
        much.push(b"", &body, None).unwrap();
        assert_eq!(much.push(b"ab", b"", None), Err(Code::NO_BUFFERS));
        assert_eq!(much.push(b"a", b"", None), Ok(()));
    }
}
