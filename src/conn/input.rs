//! What a connection has received and not yet decoded.
//!
//! ```text
//!  buffer  | used | pending ..... | room for the next read |
//! ```
//!
//! The buffer is a spare one that goes from connection to connection; between two reads a
//! connection keeps only what is pending, in a buffer of just that size.

use std::mem;

use bytes::Bytes;

use crate::base::buf::{self, Buf, SMALL};
use crate::base::limits;

/// Received bytes.
#[derive(Default)]
pub struct Input {
    buffer: Vec<u8>,
    /// `used <= buffer.len()`
    used: usize,
    /// The buffer is a spare one.
    is_lent: bool,
}

impl Input {
    /// What is pending.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.used == self.buffer.len()
    }

    /// Drops what is pending.
    pub fn forget(&mut self) {
        self.used = self.buffer.len();
    }

    /// Drops the first `len` pending bytes.
    #[inline]
    pub fn skip(&mut self, len: usize) {
        self.used = (self.used + len).min(self.buffer.len());
    }

    /// What is pending in `other` is pending here too, behind the rest.
    #[inline]
    pub fn append(&mut self, mut other: Input) {
        self.buffer.extend_from_slice(other.bytes());
        if other.is_lent {
            other.forget();
            other.stow();
        }
    }

    /// Takes the first `len` pending bytes, but for `skip` in front. Large ones are not
    /// copied: they leave with their buffer.
    #[inline]
    pub fn take(&mut self, skip: usize, len: usize) -> Buf {
        if len - skip <= SMALL {
            let bytes = self.buffer.get(self.used + skip..).unwrap_or_default();
            let taken = Buf::front(bytes, len - skip);
            self.used = (self.used + len).min(self.buffer.len());
            return taken;
        }
        self.take_large(skip, len)
    }

    fn take_large(&mut self, skip: usize, len: usize) -> Buf {
        let len = len.min(self.bytes().len());
        let skip = skip.min(len);
        let is_front = self.used == 0;
        // A packet must not hold much more than its own bytes.
        let is_most = len >= limits::HAND_OVER && len >= self.buffer.capacity() / 5;
        if is_front && self.is_lent && skip == 0 && is_most {
            self.is_lent = false;
            let rest = self.buffer.get(len..).unwrap_or_default().to_vec();
            return Buf::recycled(mem::replace(&mut self.buffer, rest), len);
        }
        if is_front && !self.is_lent && len == self.buffer.len() && len > limits::SEND_COPY {
            return Buf::from(Bytes::from(mem::take(&mut self.buffer)).slice(skip..));
        }
        let start = self.used + skip;
        self.used += len;
        Buf::copy(self.buffer.get(start..self.used).unwrap_or_default())
    }

    /// The buffer to read into, and its room: a spare one of `size`, or more of our own while
    /// a message of `wanted` bytes arrives that is too large to be moved about.
    pub fn room(&mut self, wanted: usize, size: usize) -> (&mut Vec<u8>, usize) {
        if self.used > 0 || self.buffer.len() == self.buffer.capacity() {
            self.stow();
        }
        let have = self.buffer.len();
        if !self.is_lent && have >= limits::READ_IN_PLACE && wanted > have {
            self.buffer.reserve_exact((wanted - have).min(have.max(limits::READ_BUFFER)));
        } else if !self.is_lent {
            // A little more, so that a message of just that size is seen to be the last.
            let mut buffer = buf::spare(size + have + 4096);
            buffer.extend_from_slice(&self.buffer);
            self.buffer = buffer;
            self.is_lent = true;
        }
        let room = self.buffer.capacity() - self.buffer.len();
        (&mut self.buffer, room)
    }

    /// Gives the buffer back and keeps only what is pending.
    pub fn stow(&mut self) {
        if self.is_lent && self.used == 0 && self.buffer.len() > self.buffer.capacity() / 2 {
            // Most of a large message to come: it stays where it is.
            self.is_lent = false;
        } else if self.is_lent {
            let rest = self.bytes().to_vec();
            buf::recycle(mem::replace(&mut self.buffer, rest));
            self.is_lent = false;
        } else if self.is_empty() {
            self.buffer = Vec::new();
        } else {
            self.buffer.drain(..self.used);
        }
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(input: &mut Input, bytes: &[u8], wanted: usize) {
        let (buffer, room) = input.room(wanted, 1024);
        assert!(room >= bytes.len());
        buffer.extend_from_slice(bytes);
    }

    #[test]
    fn what_is_pending_survives_every_way_to_store_it() {
        for size in [10, limits::READ_IN_PLACE + 10, limits::HAND_OVER + 10] {
            let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let mut input = Input::default();
            for piece in bytes.chunks(1000) {
                receive(&mut input, piece, size);
                input.stow();
            }
            assert_eq!(&*input.take(0, 3), &bytes[..3]);
            assert_eq!(input.bytes(), &bytes[3..]);
            assert_eq!(&*input.take(2, size - 3), &bytes[5..]);
            assert!(input.is_empty());
        }
    }

    #[test]
    fn a_large_message_leaves_with_its_buffer_and_the_rest_stays() {
        let mut input = Input::default();
        let bytes = vec![7; limits::HAND_OVER];
        let (buffer, _) = input.room(0, bytes.len());
        buffer.extend_from_slice(&bytes);
        buffer.extend_from_slice(b"rest");
        assert_eq!(&*input.take(0, bytes.len()), &bytes[..]);
        assert_eq!(input.bytes(), b"rest");
    }
}
