//! What every other layer may use: error codes, limits, shared bytes.

pub mod buf;
pub mod errno;
pub mod error;
pub mod limits;
