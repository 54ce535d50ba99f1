//! How the bytes of a connection become packets.

use crate::base::buf::Buf;
use crate::base::error::Code;
use crate::base::limits;
use crate::codec::Decode;
use crate::codec::frame::{Frames, Width};
use crate::codec::http1::{self, Announced, Role};
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
    /// Messages of HTTP.
    Http(Box<Http>),
}

/// How far the messages of one connection have come.
#[derive(Debug)]
pub struct Http {
    /// What arrives.
    pub scanner: http1::Scanner,
    /// What arrives, as a whole or in parts.
    shape: Shape,
    /// What has arrived is lent to whom makes something of the first part.
    is_lent: bool,
    /// What the last head that was sent has announced.
    pub announced: Announced,
}

/// How far the replies of one connection have come.
#[derive(Debug)]
pub struct Replies {
    scanner: Scanner,
    /// What has arrived is lent to whom makes something of the first reply.
    is_lent: bool,
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
    /// Whole messages of HTTP.
    Message,
    /// Requests of HTTP, in parts.
    Requests,
    /// Responses of HTTP, in parts.
    Responses,
}

impl Shape {
    /// Of frames, the width of their header.
    pub fn width(self) -> Option<Width> {
        match self {
            Shape::Framed(width) => Some(width),
            _ => None,
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
    /// What is not told as bytes: a reply, or messages of HTTP.
    Other(Buf),
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

    /// Messages of HTTP as a whole.
    pub fn messages(bounds: http1::Bounds) -> Self {
        Framing::http(Role::Either, bounds, Shape::Message)
    }

    /// Messages of HTTP in parts: of a server's connection requests, else responses.
    pub fn parts(is_server: bool, bounds: http1::Bounds) -> Self {
        match is_server {
            true => Framing::http(Role::Server, bounds, Shape::Requests),
            false => Framing::http(Role::Client, bounds, Shape::Responses),
        }
    }

    fn http(role: Role, bounds: http1::Bounds, shape: Shape) -> Self {
        let scanner = http1::Scanner::new(role, bounds, shape == Shape::Message);
        let announced = Announced::Nothing;
        Framing::Http(Box::new(Http { scanner, shape, is_lent: false, announced }))
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
            Framing::Http(http) => http.scanner.next(input).map(|len| Piece { skip: 0, len }),
        })
    }

    /// What the bytes of a piece are.
    pub fn packet(&self, bytes: Buf) -> Packet {
        match self.shape() {
            Shape::Raw => Packet::Raw(bytes),
            Shape::Framed(width) => Packet::Framed(Reader::new(bytes, width)),
            _ => Packet::Other(bytes),
        }
    }

    /// What the packets are.
    pub fn shape(&self) -> Shape {
        match self {
            Framing::Raw => Shape::Raw,
            Framing::Frames(frames) => Shape::Framed(frames.width()),
            Framing::Replies(_) => Shape::Reply,
            Framing::Http(http) => http.shape,
        }
    }

    /// Bytes that the packet at the front of `input` still lacks, if that is known.
    pub fn wanted(&self, input: &[u8]) -> usize {
        match self {
            Framing::Raw => 0,
            Framing::Frames(frames) => frames.wanted(input),
            Framing::Replies(replies) => replies.scanner.wanted(),
            Framing::Http(http) => http.scanner.wanted(),
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

    /// Whether what has arrived is lent.
    pub fn is_lent(&self) -> bool {
        match self {
            Framing::Replies(replies) => replies.is_lent,
            Framing::Http(http) => http.is_lent,
            Framing::Raw | Framing::Frames(_) => false,
        }
    }

    /// What has arrived is lent from now on, or not any more.
    #[inline]
    pub fn set_lent(&mut self, is_lent: bool) {
        match self {
            Framing::Replies(replies) => replies.is_lent = is_lent,
            Framing::Http(http) => http.is_lent = is_lent,
            Framing::Raw | Framing::Frames(_) => {}
        }
    }

    /// The peer has ended.
    pub fn end(&mut self) {
        if let Framing::Http(http) = self {
            http.scanner.end();
        }
    }

    /// Whether nothing is made of what arrives until another framing reads it.
    pub fn is_idle(&self) -> bool {
        matches!(self, Framing::Http(http) if http.scanner.is_tunnel())
    }

    /// Whether there is something to tell without more input.
    pub fn owes_word(&self) -> bool {
        matches!(self, Framing::Http(http) if http.scanner.owes_word())
    }
}
