//! Immutable bytes that many holders share.
//!
//! Short runs are held in place, because copying them costs less than counting
//! references; longer ones share one allocation.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::ops::Deref;

use bytes::Bytes;

use crate::base::limits;

/// Longest run that is held in place, in bytes. With it a packet object takes 120 bytes in
/// Lua 5.4, the largest size that glibc's allocator serves from its fast lists.
pub const SMALL: usize = 64;

/// Immutable bytes. A clone copies at most [`SMALL`] bytes.
#[derive(Clone)]
pub struct Buf(Repr);

#[derive(Clone)]
enum Repr {
    /// `len <= SMALL`. Half a word, so that no gap before `data` makes moves uneven.
    Small {
        len: u32,
        data: Words,
    },
    Shared(Bytes),
}

/// Moved about as whole words, which bytes at an odd place would not be.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Words([u8; SMALL]);

impl Buf {
    /// A copy of `bytes`.
    pub fn copy(bytes: &[u8]) -> Self {
        if bytes.len() > SMALL {
            return Buf(Repr::Shared(Bytes::copy_from_slice(bytes)));
        }
        let mut data = [0; SMALL];
        data[..bytes.len()].copy_from_slice(bytes);
        Buf(Repr::Small { len: bytes.len() as u32, data: Words(data) })
    }

    /// The first `len` of `bytes`, at most [`SMALL`]. Where there are more, that is cheaper
    /// than [`Self::copy`]: a copy of fixed size is a few instructions.
    #[inline]
    pub fn front(bytes: &[u8], len: usize) -> Self {
        match bytes.first_chunk() {
            Some(data) if len <= SMALL => Buf(Repr::Small { len: len as u32, data: Words(*data) }),
            _ => Buf::copy(bytes.get(..len).unwrap_or(bytes)),
        }
    }

    /// The bytes as a reference-counted handle; short ones are copied.
    pub fn share(&self) -> Bytes {
        match &self.0 {
            Repr::Small { .. } => Bytes::copy_from_slice(self),
            Repr::Shared(bytes) => bytes.clone(),
        }
    }

    /// The first `len` bytes of a buffer from [`spare`], where it goes back to when the last
    /// holder is gone.
    pub fn recycled(buffer: Vec<u8>, len: usize) -> Self {
        Buf(Repr::Shared(Bytes::from_owner(Recycled(buffer)).slice(..len)))
    }

    /// Whether nothing has to be freed when it is forgotten.
    pub fn is_plain(&self) -> bool {
        matches!(self.0, Repr::Small { .. })
    }

    /// Bytes that are held outside of the value itself.
    pub fn outside(&self) -> usize {
        if self.is_plain() { 0 } else { self.len() }
    }
}

thread_local! {
    /// Large buffers, and their capacity in all. The system's allocator would give them back
    /// to the kernel and fetch them anew, page by page, with every message.
    static SPARE: RefCell<(Vec<Vec<u8>>, usize)> = const { RefCell::new((Vec::new(), 0)) };
}

/// An empty buffer with room for `room` bytes, used before if there is one.
pub fn spare(room: usize) -> Vec<u8> {
    let found = SPARE.try_with(|spare| {
        let (buffers, total) = &mut *spare.borrow_mut();
        let at = buffers.iter().rposition(|buffer| buffer.capacity() >= room)?;
        let buffer = buffers.swap_remove(at);
        *total -= buffer.capacity();
        Some(buffer)
    });
    found.ok().flatten().unwrap_or_else(|| Vec::with_capacity(room))
}

/// Keeps a buffer for [`spare`], unless there are enough.
pub fn recycle(mut buffer: Vec<u8>) {
    // While the thread ends, the buffer is freed instead.
    let _ = SPARE.try_with(|spare| {
        let (buffers, total) = &mut *spare.borrow_mut();
        if *total + buffer.capacity() <= limits::SPARE_LARGE {
            *total += buffer.capacity();
            buffer.clear();
            buffers.push(mem::take(&mut buffer));
        }
    });
}

struct Recycled(Vec<u8>);

impl AsRef<[u8]> for Recycled {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Recycled {
    fn drop(&mut self) {
        recycle(mem::take(&mut self.0));
    }
}

impl From<Vec<u8>> for Buf {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.len() > SMALL { Buf(Repr::Shared(bytes.into())) } else { Buf::copy(&bytes) }
    }
}

impl From<Bytes> for Buf {
    fn from(bytes: Bytes) -> Self {
        if bytes.len() > SMALL { Buf(Repr::Shared(bytes)) } else { Buf::copy(&bytes) }
    }
}

impl Default for Buf {
    fn default() -> Self {
        Buf::copy(&[])
    }
}

impl Deref for Buf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Small { len, data } => &data.0[..*len as usize],
            Repr::Shared(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Buf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buf({:?})", &**self)
    }
}

impl PartialEq for Buf {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_reads_back_what_was_copied() {
        for len in 0..3 * SMALL {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            assert_eq!(&*Buf::copy(&bytes), &bytes[..], "copy of {len}");
            assert_eq!(&*Buf::from(bytes.clone()), &bytes[..], "vector of {len}");
            assert_eq!(&*Buf::copy(&bytes).share(), &bytes[..], "share of {len}");
        }
    }

    #[test]
    fn a_clone_of_long_bytes_copies_nothing() {
        let first = Buf::copy(&[7; SMALL + 1]);
        assert_eq!(first.as_ptr(), first.clone().as_ptr());
        assert!(!first.is_plain());
    }
}
