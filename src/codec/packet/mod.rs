//! Packets: the payload of a frame, written and read field by field.
//!
//! ```text
//! u8 u16 u32 u64    1, 2, 4, 8 bytes, big endian      number   8 bytes, IEEE 754 double, little endian
//! string            length at the frame's width, then the bytes
//! table             see `table`
//! ```

mod reader;
pub mod table;
mod writer;

pub use reader::Reader;
pub use writer::{Payload, Refused, Writer};
