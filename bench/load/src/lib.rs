//! What the load generator and the bare limit share.
//!
//! ```text
//! poll      edge-triggered readiness        framing   raw, or a length in front
//! process   what the kernel says a server used        bounds    an end to every run
//! ```
//!
//! Nothing here knows Lua or chuck. Everything speaks to 127.0.0.1 only.

pub mod bounds;
pub mod framing;
pub mod poll;
pub mod process;
