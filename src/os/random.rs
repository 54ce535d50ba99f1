//! Random bytes from the kernel.

use crate::base::error::Code;

/// Fills `room` with bytes that nobody can foretell.
///
/// # Errors
///
/// Whatever a kernel says that has none to give.
pub fn fill(room: &mut [u8]) -> Result<(), Code> {
    getrandom::fill(room).map_err(|error| error.raw_os_error().map_or(Code(libc::EIO), Code))
}
