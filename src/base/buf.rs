//! Immutable bytes that many holders share.
//!
//! Short runs are held in place, because copying them costs less than counting
//! references; longer ones share one allocation.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;

/// Longest run that is held in place, in bytes.
pub const SMALL: usize = 94;

/// Immutable bytes. A clone copies at most [`SMALL`] bytes.
#[derive(Clone)]
pub struct Buf(Repr);

#[derive(Clone)]
enum Repr {
    /// `len <= SMALL`
    Small {
        len: u8,
        data: [u8; SMALL],
    },
    Shared(Bytes),
}

impl Buf {
    /// A copy of `bytes`.
    pub fn copy(bytes: &[u8]) -> Self {
        if bytes.len() > SMALL {
            return Buf(Repr::Shared(Bytes::copy_from_slice(bytes)));
        }
        let mut data = [0; SMALL];
        data[..bytes.len()].copy_from_slice(bytes);
        Buf(Repr::Small { len: bytes.len() as u8, data })
    }

    /// The bytes as a reference-counted handle; short ones are copied.
    pub fn share(&self) -> Bytes {
        match &self.0 {
            Repr::Small { .. } => Bytes::copy_from_slice(self),
            Repr::Shared(bytes) => bytes.clone(),
        }
    }

    /// Whether nothing has to be freed when it is forgotten.
    pub fn is_plain(&self) -> bool {
        matches!(self.0, Repr::Small { .. })
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
            Repr::Small { len, data } => &data[..usize::from(*len)],
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
