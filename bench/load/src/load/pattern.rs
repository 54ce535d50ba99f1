//! The bytes that are sent: a cycle of distinct messages.
//!
//! A stream is the cycle repeated without end. Two streams start at different messages, so a byte
//! that was lost, changed, repeated, reordered or given to another connection is found by
//! comparing slices.

use chuck_bench::framing::Framing;

/// The cycle is at least this long, so that it is no multiple of a server's buffer.
const CYCLE: usize = 64 << 10;
/// At least this many distinct messages, however large.
const MESSAGES: usize = 3;

/// A cycle of messages, stored so that every slice of up to `window` bytes is contiguous.
pub struct Pattern {
    bytes: Vec<u8>,
    /// Bytes of one turn of the cycle: a multiple of `message`.
    period: usize,
    /// Bytes of one message with its header.
    message: usize,
    window: usize,
}

impl Pattern {
    /// Messages with a body of `size` bytes.
    ///
    /// # Errors
    ///
    /// When the framing cannot count `size`.
    pub fn new(framing: Framing, size: usize, window: usize) -> Result<Pattern, String> {
        let header = framing.header(size)?;
        let message = header.len() + size;
        let period = (CYCLE / message + 1).max(MESSAGES) * message;
        let mut bytes = Vec::with_capacity(period + window);
        let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
        while bytes.len() < period {
            bytes.extend_from_slice(&header);
            bytes.extend((0..size).map(|_| noise.byte()));
        }
        while bytes.len() < period + window {
            let missing = period + window - bytes.len();
            bytes.extend_from_within(..missing.min(period));
        }
        Ok(Pattern { bytes, period, message, window })
    }

    /// Up to `len` bytes of a stream that began at byte `start` of the cycle, from its byte `at`.
    #[inline]
    pub fn slice(&self, start: usize, at: u64, len: usize) -> &[u8] {
        let from = ((start as u64 + at) % self.period as u64) as usize;
        &self.bytes[from..from + len.min(self.window)]
    }

    /// Where the stream of connection `index` begins.
    pub fn start(&self, index: usize) -> usize {
        index * 7 * self.message % self.period
    }

    /// Bytes of one message with its header.
    pub fn message(&self) -> u64 {
        self.message as u64
    }
}

/// Bytes that look random and are the same in every run (xorshift).
struct Noise(u64);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_cycle_repeated() {
        let pattern = Pattern::new(Framing::Be16, 5, 100).unwrap();
        let period = pattern.period as u64;
        assert_eq!(&pattern.slice(0, 0, 2), b"\0\x05");
        assert_eq!(pattern.slice(0, period + 3, 50), pattern.slice(0, 3, 50));
        assert_eq!(pattern.slice(7, period - 7, 50), pattern.slice(0, 0, 50));
    }

    #[test]
    fn neighbours_begin_with_different_messages() {
        let pattern = Pattern::new(Framing::Raw, 64, 64).unwrap();
        let (one, two) = (pattern.start(1), pattern.start(2));
        assert_ne!(pattern.slice(one, 0, 64), pattern.slice(two, 0, 64));
    }
}
