//! Redis: replies in RESP2 and RESP3, commands, and the slots of a cluster.
//!
//! ```text
//! +text -text :integer _ #t ,double (number      one line each, ended by CR LF
//! $n !n =n                                       then n bytes and CR LF; $-1 is null
//! *n ~n >n                                       then n values; *-1 is null
//! %n |n                                          then n pairs; | is said of the value behind it
//! $? ;n ;n ... ;0        *? ~? %? ... .          what is sent before its size is known
//! ```
//!
//! Three steps. [`Scanner`] finds the end of a reply, however it is cut, looks at each byte once,
//! and keeps the limits when a size is announced. [`walk`] shows a whole reply value by value to
//! who builds something of it. Neither recurses nor copies. The crate `redis-protocol` decodes
//! the single values that are not read in one glance; whole replies it would decode recursively,
//! from the start after every read, and into trees whose sets and maps have lost their order.

mod command;
mod head;
mod reply;
mod scan;

pub use command::{Command, decimal};
pub use reply::{Build, Chunks, Place, Value, walk};
pub use scan::Scanner;

use crate::base::limits;

/// What a reply may be, whatever it announces.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of one reply, heads included.
    pub message: usize,
    /// Levels of nesting: a list of integers is one. At most [`limits::REDIS_DEPTH_MAX`].
    pub depth: usize,
    /// Values in one reply, in all its levels together.
    pub elements: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            message: limits::REDIS_REPLY,
            depth: limits::REDIS_DEPTH,
            elements: limits::REDIS_ELEMENTS,
        }
    }
}

/// What holds values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `*`
    Array,
    /// `~`
    Set,
    /// `>`: not asked for; only outermost.
    Push,
    /// `%`: a key and a value in turn.
    Map,
    /// `|`: as a map; said of the value behind it.
    Attribute,
    /// `$?`: the pieces of a string.
    String,
}

/// The slot of a key in a cluster, 0 to 16383: of what stands between braces, if there is.
pub fn slot(key: &[u8]) -> u16 {
    redis_protocol::redis_keyslot(key)
}

/// The word that an error begins with, when it is one in capitals, else `ERR`.
pub fn code_of(error: &[u8]) -> &[u8] {
    let word = error.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_capital =
        |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let is_code = word.first().is_some_and(u8::is_ascii_uppercase) && word.iter().all(is_capital);
    if is_code { word } else { b"ERR" }
}
