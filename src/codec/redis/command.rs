//! Commands as the server reads them: a list of strings.

use std::io::Write;

use bytes::Bytes;

/// Bytes that the head of a list takes at most: `*`, digits, CR, LF.
const HEAD: usize = 24;

/// A command under construction. It may be used again, and keeps its memory.
#[derive(Debug, Default)]
pub struct Command {
    count: usize,
    bytes: Vec<u8>,
    /// Where in `bytes` the latest argument begins.
    last: usize,
    /// Long arguments, and the number of `bytes` before each.
    shared: Vec<(usize, Bytes)>,
    /// Bytes of those.
    outside: usize,
}

impl Command {
    /// Forgets all arguments.
    pub fn clear(&mut self) {
        self.count = 0;
        self.bytes.clear();
        self.shared.clear();
        self.outside = 0;
    }

    /// Appends an argument.
    #[inline]
    pub fn push(&mut self, argument: &[u8]) {
        self.begin(argument.len());
        self.bytes.extend_from_slice(argument);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Appends an argument that is not copied.
    pub fn share(&mut self, argument: Bytes) {
        self.begin(argument.len());
        self.outside += argument.len();
        self.shared.push((self.bytes.len(), argument));
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Appends a whole number.
    pub fn integer(&mut self, value: i64) {
        let mut digits = [0; 20];
        self.push(decimal(value.unsigned_abs(), value < 0, &mut digits));
    }

    /// Appends a number by the shortest text that reads back: `inf`, `nan`, `0.1`, `1e300`, and
    /// without a point when it is whole.
    pub fn double(&mut self, value: f64) {
        const BOUND: f64 = 9_223_372_036_854_775_808.0; // 2^63
        if value.trunc() == value && (-BOUND..BOUND).contains(&value) {
            return self.integer(value as i64);
        }
        let mut text = [0; 32];
        let mut room = &mut text[..];
        // Nothing is longer than 24 bytes.
        let _ = if value.is_nan() { write!(room, "nan") } else { write!(room, "{value:?}") };
        let left = room.len();
        self.push(&text[..text.len() - left]);
    }

    /// Writes the whole to where just as many bytes have room; false when they have not.
    pub fn copy_to(&self, room: &mut [u8]) -> bool {
        if room.len() != self.size() {
            return false;
        }
        let mut at = 0;
        self.pieces(|head, bytes, shared| {
            for bytes in [head, bytes, shared.map_or(&[], |shared| shared)] {
                room[at..at + bytes.len()].copy_from_slice(bytes);
                at += bytes.len();
            }
        });
        true
    }

    /// The latest argument, if it was not shared.
    pub fn last(&self) -> &[u8] {
        self.bytes.get(self.last..self.bytes.len().saturating_sub(2)).unwrap_or_default()
    }

    /// Number of arguments.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes of the whole, its head included.
    pub fn size(&self) -> usize {
        let mut head = [0; HEAD];
        self.head(&mut head).len() + self.bytes.len() + self.outside
    }

    /// Shows the whole, piece by piece in order: a head to be copied, what is to be copied behind
    /// it, and what is to be shared behind that.
    pub fn pieces(&self, mut show: impl FnMut(&[u8], &[u8], Option<&Bytes>)) {
        let mut room = [0; HEAD];
        let mut head = self.head(&mut room);
        let mut start = 0;
        for (end, shared) in &self.shared {
            show(head, self.bytes.get(start..*end).unwrap_or_default(), Some(shared));
            (head, start) = (&[], *end);
        }
        show(head, self.bytes.get(start..).unwrap_or_default(), None);
    }

    /// Bytes that it keeps for the next use.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    #[inline]
    fn begin(&mut self, len: usize) {
        self.count += 1;
        let mut digits = [0; 20];
        self.bytes.push(b'$');
        self.bytes.extend_from_slice(decimal(len as u64, false, &mut digits));
        self.bytes.extend_from_slice(b"\r\n");
        self.last = self.bytes.len();
    }

    fn head<'a>(&self, room: &'a mut [u8; HEAD]) -> &'a [u8] {
        let mut digits = [0; 20];
        let digits = decimal(self.count as u64, false, &mut digits);
        let len = digits.len();
        room[0] = b'*';
        room[1..=len].copy_from_slice(digits);
        room[len + 1..len + 3].copy_from_slice(b"\r\n");
        &room[..len + 3]
    }
}

/// The digits of a number.
#[inline]
pub fn decimal(mut value: u64, is_negative: bool, room: &mut [u8; 20]) -> &[u8] {
    let mut at = room.len();
    loop {
        at -= 1;
        room[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    if is_negative {
        at -= 1;
        room[at] = b'-';
    }
    &room[at..]
}
