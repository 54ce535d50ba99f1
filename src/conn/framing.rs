//! How the bytes of a connection become packets.

use crate::base::buf::Buf;
use crate::base::error::Code;
use crate::base::limits;
use crate::codec::Decode;
use crate::codec::frame::{Frames, Width};
use crate::codec::packet::Reader;
use crate::codec::raw::Raw;
use crate::codec::redis::{Bounds, Scanner};

/// How received bytes become packets.
#[derive(Debug)]
pub enum Framing {
    /// Whatever arrives.
    Raw,
    /// Length-prefixed frames.
    Frames(Frames),
    /// Replies of Redis.
    Replies(Box<Replies>),
}

/// How far the replies of one connection have come.
#[derive(Debug)]
pub struct Replies {
    scanner: Scanner,
    /// What has arrived is lent to whom makes something of the first reply.
    pub is_lent: bool,
}

/// What packets are to their owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Bytes as they came.
    Raw,
    /// Frames with a header of this width.
    Framed(Width),
    /// Replies of Redis.
    Reply,
}

impl Shape {
    /// Of frames, the width of their header.
    pub fn width(self) -> Option<Width> {
        match self {
            Shape::Framed(width) => Some(width),
            Shape::Raw | Shape::Reply => None,
        }
    }
}

/// A packet that has arrived.
#[derive(Debug)]
pub enum Packet {
    /// Bytes as they came.
    Raw(Buf),
    /// The body of a frame.
    Framed(Reader),
    /// A whole reply of Redis.
    Reply(Buf),
}

/// Where a packet stands in the input.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Bytes of its header.
    pub skip: usize,
    /// Bytes in all.
    pub len: usize,
}

impl Framing {
    /// Replies of Redis, within these bounds.
    pub fn replies(bounds: Bounds) -> Self {
        Framing::Replies(Box::new(Replies { scanner: Scanner::new(bounds), is_lent: false }))
    }

    /// The first packet of `input`, which is taken out then; a raw one has at most `recv_size`
    /// bytes.
    ///
    /// # Errors
    ///
    /// [`Code::PACKET_TOO_LARGE`], as soon as a head announces too much; [`Code::REDIS_REPLY`].
    #[inline]
    pub fn find(&mut self, input: &[u8], recv_size: usize) -> Result<Option<Piece>, Code> {
        Ok(match self {
            Framing::Raw => {
                let found = Raw::new(recv_size).decode(input)?;
                found.map(|(_, len)| Piece { skip: 0, len })
            }
            Framing::Frames(frames) => {
                let found = frames.decode(input)?;
                found.map(|(_, len)| Piece { skip: frames.width().head(), len })
            }
            Framing::Replies(replies) => {
                replies.scanner.find(input)?.map(|len| Piece { skip: 0, len })
            }
        })
    }

    /// What the bytes of a piece are.
    pub fn packet(&self, bytes: Buf) -> Packet {
        match self.shape() {
            Shape::Raw => Packet::Raw(bytes),
            Shape::Framed(width) => Packet::Framed(Reader::new(bytes, width)),
            Shape::Reply => Packet::Reply(bytes),
        }
    }

    /// What the packets are.
    pub fn shape(&self) -> Shape {
        match self {
            Framing::Raw => Shape::Raw,
            Framing::Frames(frames) => Shape::Framed(frames.width()),
            Framing::Replies(_) => Shape::Reply,
        }
    }

    /// Bytes that the packet at the front of `input` still lacks, if that is known.
    pub fn wanted(&self, input: &[u8]) -> usize {
        match self {
            Framing::Raw => 0,
            Framing::Frames(frames) => frames.wanted(input),
            Framing::Replies(replies) => replies.scanner.wanted(),
        }
    }

    /// Bytes worth reading at once. A raw packet that fills most of it is not copied, so it
    /// is no larger than that; where pieces are cut or frames parsed, more is better.
    pub fn read_size(&self, recv_size: usize) -> usize {
        match self {
            Framing::Raw if recv_size >= limits::HAND_OVER => recv_size,
            _ => limits::READ_BUFFER,
        }
    }
}
