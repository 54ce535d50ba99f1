//! How the bytes of a connection become packets.

use crate::base::buf::Buf;
use crate::base::error::Code;
use crate::base::limits;
use crate::codec::Decode;
use crate::codec::frame::{Frames, Width};
use crate::codec::packet::Reader;
use crate::codec::raw::Raw;

/// How received bytes become packets.
#[derive(Clone, Copy, Debug)]
pub enum Framing {
    /// Whatever arrives.
    Raw,
    /// Length-prefixed frames.
    Frames(Frames),
}

/// A packet that has arrived.
#[derive(Debug)]
pub enum Packet {
    /// Bytes as they came.
    Raw(Buf),
    /// The body of a frame.
    Framed(Reader),
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
    /// The first packet of `input`; a raw one has at most `recv_size` bytes.
    ///
    /// # Errors
    ///
    /// [`Code::PACKET_TOO_LARGE`], as soon as a head announces too much.
    #[inline]
    pub fn find(&self, input: &[u8], recv_size: usize) -> Result<Option<Piece>, Code> {
        Ok(match self {
            Framing::Raw => {
                let found = Raw::new(recv_size).decode(input)?;
                found.map(|(_, len)| Piece { skip: 0, len })
            }
            Framing::Frames(frames) => {
                let found = frames.decode(input)?;
                found.map(|(_, len)| Piece { skip: frames.width().head(), len })
            }
        })
    }

    /// What the bytes of a piece are.
    pub fn packet(&self, bytes: Buf) -> Packet {
        match self.width() {
            None => Packet::Raw(bytes),
            Some(width) => Packet::Framed(Reader::new(bytes, width)),
        }
    }

    /// Of frames, the width of their header.
    pub fn width(&self) -> Option<Width> {
        match self {
            Framing::Raw => None,
            Framing::Frames(frames) => Some(frames.width()),
        }
    }

    /// Bytes that the packet at the front of `input` still lacks, if that is known.
    pub fn wanted(&self, input: &[u8]) -> usize {
        match self {
            Framing::Raw => 0,
            Framing::Frames(frames) => frames.wanted(input),
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
