//! The descriptors that scripts hold as plain numbers.
//!
//! ```text
//!  lend(OwnedFd) -> number      a script holds it         take(number) -> OwnedFd
//! ```
//!
//! The table is one per process, so that a number can travel to another thread. A number
//! that was never lent, or was taken back, is `EBADF`. What came from outside enters by
//! [`adopt`], which refuses what somebody here owns: in the table, or taken out of it.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::base::error::Code;
use crate::net::unix;
use crate::os::descriptor;

static LENT: Mutex<Option<HashMap<RawFd, Arc<OwnedFd>>>> = Mutex::new(None);

/// By number, the mark of what was taken out last: its owner has it, as long as the number stands
/// for the same thing.
static TAKEN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// A descriptor that was lent just now.
pub struct Lent {
    number: RawFd,
    identity: Weak<OwnedFd>,
}

impl Lent {
    /// The number that stands for it.
    pub fn number(&self) -> RawFd {
        self.number
    }

    /// Closes it, unless somebody has taken it: its number may be another descriptor's by now.
    pub fn take_back(self) {
        let mut table = table();
        let table = table.get_or_insert_default();
        if table.get(&self.number).is_some_and(|fd| self.identity.ptr_eq(&Arc::downgrade(fd))) {
            table.remove(&self.number);
        }
    }
}

/// Keeps `fd`, for which a number stands from now on.
pub fn lend(fd: OwnedFd) -> Lent {
    let number = fd.as_raw_fd();
    let fd = Arc::new(fd);
    let identity = Arc::downgrade(&fd);
    let stale = table().get_or_insert_default().insert(number, fd);
    if let Some(stale) = stale.and_then(Arc::into_inner) {
        // Somebody has closed it behind our back, or the kernel would not have given its
        // number away again. To close it now would close the new one.
        let _ = stale.into_raw_fd();
    }
    Lent { number, identity }
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
    let fd = Arc::try_unwrap(fd).map_err(|fd| {
        table.insert(number, fd);
        Code::BAD_FD
    })?;
    note_taken(number, descriptor::identity(number).map_or(0, |identity| identity.mark));
    Ok(fd)
}

/// Closes a lent descriptor, and removes the file of a Unix socket.
///
/// # Errors
///
/// [`Code::BAD_FD`]
pub fn close(number: RawFd) -> Result<(), Code> {
    let fd = take(number)?;
    // Whoever gets the number next owns it.
    note_taken(number, 0);
    unix::remove(&fd);
    Ok(())
}

/// Takes over a descriptor that came from outside: it is lent from now on, and children do not
/// inherit it.
///
/// # Errors
///
/// [`Code::BAD_FD`] when it is not open, [`Code::EXISTS`] when somebody here owns it,
/// [`Code::INVALID`] for what is no file, pipe or socket, as the kernel's part of an engine.
pub fn adopt(number: RawFd) -> Result<(), Code> {
    let identity = descriptor::identity(number)?;
    if get(number).is_ok() || taken(number) == Some(identity.mark) {
        return Err(Code::EXISTS);
    }
    if !identity.has_type {
        return Err(Code::INVALID);
    }
    lend(descriptor::adopt(number)?);
    Ok(())
}

fn note_taken(number: RawFd, mark: u32) {
    let Ok(at) = usize::try_from(number) else {
        return;
    };
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if taken.len() <= at {
        taken.resize(at + 1, 0);
    }
    if let Some(place) = taken.get_mut(at) {
        *place = mark;
    }
}

fn taken(number: RawFd) -> Option<u32> {
    let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    taken.get(usize::try_from(number).ok()?).copied()
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
        let number = lend(ours.into()).number();
        assert!(get(number).is_ok());
        let fd = take(number).unwrap();
        assert_eq!(get(number).unwrap_err(), Code::BAD_FD);
        assert_eq!(take(number).unwrap_err(), Code::BAD_FD);
        drop(fd);
    }

    #[test]
    fn what_was_taken_is_not_taken_back() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let lent = lend(ours.into());
        let fd = take(lent.number()).unwrap();
        drop(fd);
        let other = lend(rustix::io::fcntl_dupfd_cloexec(&theirs, lent.number()).unwrap());
        assert_eq!(other.number(), lent.number());
        let number = other.number();
        lent.take_back();
        assert!(get(number).is_ok());
        other.take_back();
        assert_eq!(get(number).unwrap_err(), Code::BAD_FD);
    }

    #[test]
    fn a_number_in_use_is_not_taken() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let number = lend(ours.into()).number();
        let used = get(number).unwrap();
        assert_eq!(take(number).unwrap_err(), Code::BAD_FD);
        drop(used);
        assert!(take(number).is_ok());
    }
}
