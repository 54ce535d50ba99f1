//! JSON (RFC 8259): text to values one by one, and values to text. Strict: what the grammar does not
//! have is refused with its place.

mod read;
mod write;

pub use read::{Reader, Text, Token, Wrong};
pub use write::{Unfit, put_integer, put_number, put_text};
