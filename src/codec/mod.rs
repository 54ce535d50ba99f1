//! Bytes to values and back, without sockets, clocks, threads or Lua.
//!
//! Every decoder keeps one contract. `Ok(Some(item))` tells how many bytes were used;
//! `Ok(None)` means "not yet": nothing was consumed, call again with more; `Err` means
//! that the stream is out of step for good: report once, then close. Limits are arguments
//! of the constructor and hold as soon as a size is *announced*, before its bytes arrive.
#![forbid(unsafe_code)]

pub mod datagram;
pub mod frame;
pub mod http1;
pub mod json;
pub mod packet;
pub mod raw;
pub mod redis;
pub mod web;

use crate::base::error::Code;

/// A decoder of a byte stream.
pub trait Decode {
    /// What one message looks like, borrowed from the input.
    type Item<'a>;

    /// Finds the first whole message at the front of `input` and the bytes it takes.
    ///
    /// # Errors
    ///
    /// The code to report before the connection is closed.
    fn decode<'a>(&self, input: &'a [u8]) -> Result<Option<(Self::Item<'a>, usize)>, Code>;

    /// Bytes that the message at the front of `input` takes in all, as far as it is known.
    fn wanted(&self, input: &[u8]) -> usize;
}
