//! The descriptors that scripts hold as plain numbers.
//!
//! ```text
//!  lend(OwnedFd) -> number      a script holds it         take(number) -> OwnedFd
//! ```
//!
//! The table is one per process, so that a number can travel to another thread. A number
//! that was never lent, or was taken back, is `EBADF`.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::error::Code;

static LENT: Mutex<Option<HashMap<RawFd, Arc<OwnedFd>>>> = Mutex::new(None);

/// Keeps `fd` and returns the number that stands for it.
pub fn lend(fd: OwnedFd) -> RawFd {
    let number = fd.as_raw_fd();
    table().get_or_insert_default().insert(number, Arc::new(fd));
    number
}

/// Takes a lent descriptor out of the table.
///
/// # Errors
///
/// [`Code::BAD_FD`]; also while another thread is in a call with it.
pub fn take(number: RawFd) -> Result<OwnedFd, Code> {
    let mut table = table();
    let table = table.get_or_insert_default();
    let fd = table.remove(&number).ok_or(Code::BAD_FD)?;
    Arc::try_unwrap(fd).map_err(|fd| {
        table.insert(number, fd);
        Code::BAD_FD
    })
}

/// A lent descriptor, to be used while it stays in the table.
///
/// # Errors
///
/// [`Code::BAD_FD`]
pub fn get(number: RawFd) -> Result<Arc<OwnedFd>, Code> {
    table().get_or_insert_default().get(&number).cloned().ok_or(Code::BAD_FD)
}

fn table() -> MutexGuard<'static, Option<HashMap<RawFd, Arc<OwnedFd>>>> {
    LENT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_number_is_good_until_it_is_taken() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let number = lend(ours.into());
        assert!(get(number).is_ok());
        let fd = take(number).unwrap();
        assert_eq!(get(number).unwrap_err(), Code::BAD_FD);
        assert_eq!(take(number).unwrap_err(), Code::BAD_FD);
        drop(fd);
    }

    #[test]
    fn a_number_in_use_is_not_taken() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let number = lend(ours.into());
        let used = get(number).unwrap();
        assert_eq!(take(number).unwrap_err(), Code::BAD_FD);
        drop(used);
        assert!(take(number).is_ok());
    }
}
