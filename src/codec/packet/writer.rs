//! The write side of a packet: bytes that are shared until someone writes.

use std::fmt;
use std::mem;

use bytes::Bytes;

use crate::base::buf::{Buf, SMALL};
use crate::base::limits;
use crate::codec::frame::Width;

/// Why a packet would not take a value. The packet is as it was before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The payload would not fit.
    TooLarge {
        /// Bytes it would have taken, as far as they were counted.
        size: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// The table is nested too deeply, or contains itself.
    TooDeep,
    /// There is no room left to walk the table.
    NoRoom,
    /// More values than a list may have.
    TooMany {
        /// How many.
        count: usize,
    },
    /// A value that cannot be sent.
    Unfit {
        /// Its place in the list, from 1.
        at: usize,
        /// Its type.
        what: &'static str,
        /// Whether it stands in a table at that place.
        is_inside: bool,
    },
}

impl Refused {
    /// As the complaint about value `at` of a list.
    pub fn located(self, at: usize) -> Self {
        match self {
            Refused::Unfit { what, is_inside, .. } => Refused::Unfit { at, what, is_inside },
            other => other,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::TooLarge { size, limit } => {
                write!(f, "packet of {size} bytes, limit is {limit}")
            }
            Refused::NoRoom => write!(f, "stack overflow"),
            Refused::TooMany { count } => {
                write!(f, "{count} values, limit is {}", limits::VALUES)
            }
            Refused::Unfit { what, is_inside: false, .. } => write!(f, "a {what} cannot be sent"),
            Refused::Unfit { what, .. } => write!(f, "a table with a {what} in it cannot be sent"),
            Refused::TooDeep => {
                write!(f, "table nested deeper than {} levels", limits::TABLE_DEPTH)
            }
        }
    }
}

/// A payload under construction.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    width: Width,
}

#[derive(Debug)]
enum Store {
    /// Ours alone: written in place.
    Own(Vec<u8>),
    /// Others may hold it too: copied before it is written.
    Shared(Buf),
}

/// A payload on its way out.
pub enum Payload<'a> {
    /// Cheaper to copy.
    Copy(&'a [u8]),
    /// Cheaper to share.
    Share(Bytes),
}

impl Default for Writer {
    fn default() -> Self {
        Writer { store: Store::Own(Vec::new()), width: Width::Bits16 }
    }
}

impl Writer {
    /// An empty packet with room for `room` bytes.
    pub fn new(room: usize, width: Width) -> Self {
        Writer { store: Store::Own(Vec::with_capacity(room.min(limits::PACKET_HINT))), width }
    }

    /// A packet that goes on from `body`.
    pub fn shared(body: Buf, width: Width) -> Self {
        Writer { store: Store::Shared(body), width }
    }

    /// Appends by `write`; all of it, or nothing when it is refused.
    ///
    /// # Errors
    ///
    /// What `write` says, or [`Refused::TooLarge`].
    pub fn write(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>, Width) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let width = self.width;
        let limit = width.body_max();
        let out = self.own();
        let before = out.len();
        let mut result = write(out, width);
        if out.len() > limit {
            result = Err(Refused::TooLarge { size: out.len(), limit });
        }
        if result.is_err() {
            out.truncate(before);
        }
        result
    }

    /// Appends a string with its length.
    ///
    /// # Errors
    ///
    /// [`Refused::TooLarge`]
    pub fn string(&mut self, text: &[u8]) -> Result<(), Refused> {
        let size = self.bytes().len() + self.width.head() + text.len();
        let limit = self.width.body_max();
        if size > limit {
            return Err(Refused::TooLarge { size, limit });
        }
        self.write(|out, width| {
            width.put(text.len(), out);
            out.extend_from_slice(text);
            Ok(())
        })
    }

    /// The payload so far, shared with this packet until it is written again.
    pub fn share(&mut self) -> Buf {
        if let Store::Own(own) = &mut self.store {
            if own.len() <= SMALL {
                return Buf::copy(own);
            }
            self.store = Store::Shared(Buf::from(mem::take(own)));
        }
        match &self.store {
            Store::Shared(body) => body.clone(),
            Store::Own(own) => Buf::copy(own),
        }
    }

    /// The payload so far, in the cheaper way to send it.
    pub fn payload(&mut self) -> Payload<'_> {
        if self.bytes().len() > limits::SEND_COPY {
            return Payload::Share(self.share().share());
        }
        Payload::Copy(self.bytes())
    }

    /// The payload so far.
    pub fn bytes(&self) -> &[u8] {
        match &self.store {
            Store::Own(own) => own,
            Store::Shared(body) => body,
        }
    }

    /// Bytes that are held outside of the value itself.
    pub fn outside(&self) -> usize {
        match &self.store {
            Store::Own(own) => own.capacity(),
            Store::Shared(body) => body.outside(),
        }
    }

    /// Width of the header and of string lengths.
    pub fn width(&self) -> Width {
        self.width
    }

    /// Whether nothing has to be freed when it is forgotten.
    pub fn is_plain(&self) -> bool {
        matches!(&self.store, Store::Shared(body) if body.is_plain())
    }

    fn own(&mut self) -> &mut Vec<u8> {
        if let Store::Shared(body) = &self.store {
            let mut own = Vec::with_capacity(body.len() + limits::PACKET_ROOM);
            own.extend_from_slice(body);
            self.store = Store::Own(own);
        }
        match &mut self.store {
            Store::Own(own) => own,
            Store::Shared(_) => unreachable!("made our own above"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(writer: &mut Writer, bytes: &[u8]) -> Result<(), Refused> {
        writer.write(|out, _| {
            out.extend_from_slice(bytes);
            Ok(())
        })
    }

    #[test]
    fn what_was_shared_never_changes() {
        for len in [1, SMALL, SMALL + 1, 5000] {
            let mut first = Writer::new(0, Width::Bits16);
            put(&mut first, &vec![1; len]).unwrap();
            let shared = first.share();
            let mut second = Writer::shared(shared.clone(), Width::Bits16);
            put(&mut first, &[2]).unwrap();
            put(&mut second, &[3]).unwrap();
            assert_eq!(&*shared, &vec![1; len][..]);
            assert_eq!(first.bytes()[len], 2);
            assert_eq!(second.bytes()[len], 3);
        }
    }

    #[test]
    fn a_refused_write_leaves_the_packet_as_it_was() {
        let mut writer = Writer::new(0, Width::Bits16);
        put(&mut writer, b"ab").unwrap();
        let limit = Width::Bits16.body_max();
        let size = limit + 1;
        assert_eq!(put(&mut writer, &vec![0; limit - 1]), Err(Refused::TooLarge { size, limit }));
        assert_eq!(writer.bytes(), b"ab");
        put(&mut writer, &vec![0; limit - 2]).unwrap();
    }
}
