//! HTTP/1.0 and 1.1: where messages begin and end, what their heads say, and writing them.
//!
//! ```text
//! GET /path HTTP/1.1 CRLF     HTTP/1.1 200 OK CRLF       first line
//! Host: example.org CRLF      Content-Length: 5 CRLF     fields
//! CRLF                        CRLF
//!                             hello                      body: sized, in chunks, or until the end
//! ```
//!
//! [`Scanner`] goes through what arrives and looks at each byte of a head once before it is
//! whole; then `httparse` reads it. Where RFC 9112 leaves a choice between being lenient and
//! refusing, it refuses: two readers who understand a message differently are what request
//! smuggling lives on.

mod chunk;
mod head;
mod message;
mod scan;
mod write;

pub use head::{Head, Length, Span, Start, Traits};
pub use message::{Fields, Message, value_of};
pub use scan::{Expected, Scanner, Step};
pub use write::{Announced, Body, Manner, Unfit, Writer, reason};

use crate::base::error::Code;
use crate::base::limits;

/// Which messages arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Requests.
    Server,
    /// Responses.
    Client,
    /// Whatever the first line says.
    Either,
}

/// What a message may be, whatever it announces. All are inclusive.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of a first line, its end included.
    pub line: usize,
    /// Bytes of a head, and of trailers.
    pub head: usize,
    /// Fields of a head, at most [`limits::HTTP_FIELDS_MAX`].
    pub fields: usize,
    /// Bytes of a body, without what its chunks take beside it.
    pub body: u64,
    /// Bytes of head and body together.
    pub message: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            line: limits::HTTP_LINE,
            head: limits::HTTP_HEAD,
            fields: limits::HTTP_FIELDS,
            body: u64::MAX,
            message: u64::MAX,
        }
    }
}

/// Why nothing more is made of what arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Violation {
    /// What it is told as.
    pub code: Code,
    /// What a server answers with.
    pub status: u16,
}

impl Violation {
    /// The message is no message (RFC 9112).
    pub const SYNTAX: Violation = Violation { code: Code::HTTP_PARSE, status: 400 };
    /// A body is too large (RFC 9110, 15.5.14).
    pub const BODY: Violation = Violation { code: Code::HTTP_TOO_LARGE, status: 413 };
    /// A request line is too long (RFC 9110, 15.5.15).
    pub const LINE: Violation = Violation { code: Code::HTTP_TOO_LARGE, status: 414 };
    /// An expectation that nobody knows (RFC 9110, 15.5.18).
    pub const EXPECTATION: Violation = Violation { code: Code::HTTP_PARSE, status: 417 };
    /// Fields are too many or too long (RFC 6585, 5).
    pub const FIELDS: Violation = Violation { code: Code::HTTP_TOO_LARGE, status: 431 };
    /// A transfer coding that nobody knows (RFC 9112, 6.1).
    pub const CODING: Violation = Violation { code: Code::HTTP_PARSE, status: 501 };
    /// Another version (RFC 9110, 15.6.6).
    pub const VERSION: Violation = Violation { code: Code::HTTP_PARSE, status: 505 };
}

/// Whether a byte may stand in a token: a method, or the name of a field (RFC 9110, 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a byte may stand in the value of a field (RFC 9110, 5.5).
pub(super) fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7f
}
