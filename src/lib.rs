//! chuck's native core: a network toolkit for Lua.
//!
//! ```text
//!  binding      the only files that know Lua
//!  conn         a conversation: socket + codec + queue + deadlines
//!  net | codec  sockets | bytes <-> values, without I/O
//!  engine | os  the turn of the loop, timers | clock, signals
//!  base         errors, limits, shared bytes
//! ```
//!
//! An import goes down, never up, and never sideways between `net` and `codec`.
//! Nothing below the binding calls up: events flow out as values, and the loop at
//! the top (`binding::run` for Lua, `tests/support/drive.rs` for tests) decides whom to tell.
#![deny(unsafe_code)]

pub mod base;
#[cfg(feature = "binding")]
mod binding;
pub mod codec;
pub mod conn;
pub mod engine;
pub mod net;
pub mod os;
