//! Pipes: made so that no child inherits them, written to without SIGPIPE.
#![allow(unsafe_code)]

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::retry_on_intr;

/// Both ends of a new pipe: what is written to the second is read from the first.
///
/// # Errors
///
/// The process is out of descriptors.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    let writer = OwnedFd::from(writer);
    silence(&writer)?;
    Ok((reader.into(), writer))
}

/// Gathers `parts` into a pipe and returns how many bytes it took.
///
/// # Errors
///
/// `BrokenPipe`, and no signal, when nobody will read; `WouldBlock`, or what the kernel says.
pub fn write(fd: &impl AsFd, parts: &[IoSlice<'_>]) -> io::Result<usize> {
    let is_broken =
        |result: &io::Result<usize>| matches!(result, Err(error) if is_broken_pipe(error));
    quietly(|| Ok(retry_on_intr(|| rustix::io::writev(fd, parts))?), is_broken)
}

fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Here a descriptor can be told not to raise SIGPIPE.
#[cfg(any(target_os = "macos", target_os = "ios"))]
fn silence(fd: &OwnedFd) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: changes a flag of a descriptor of ours.
    match unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETNOSIGPIPE, 1) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// See [`silence`].
#[cfg(any(target_os = "macos", target_os = "ios"))]
pub(super) fn quietly<R>(write: impl FnOnce() -> R, _may_have_raised: impl Fn(&R) -> bool) -> R {
    write()
}

/// Here the thread has to be: see [`quietly`].
#[cfg(not(any(target_os = "macos", target_os = "ios")))]
fn silence(_fd: &OwnedFd) -> io::Result<()> {
    Ok(())
}

/// Blocks SIGPIPE while `write` runs, and takes it back where that may have raised it: the signal
/// is sent to the thread that writes.
#[cfg(not(any(target_os = "macos", target_os = "ios")))]
pub(super) fn quietly<R>(write: impl FnOnce() -> R, may_have_raised: impl Fn(&R) -> bool) -> R {
    use super::sigset::SigSet;
    let pipe = SigSet::of(libc::SIGPIPE);
    let before = pipe.block();
    // One that was blocked and waiting already is somebody else's.
    let is_foreign = before.has(libc::SIGPIPE) && SigSet::pending().has(libc::SIGPIPE);
    let result = write();
    if !is_foreign && may_have_raised(&result) {
        pipe.consume();
    }
    before.restore();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_nobody_will_read_is_an_error_and_no_signal() {
        // Rust's test harness ignores SIGPIPE; a program of Lua's does not.
        // SAFETY: the default action is a valid one.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let (reader, writer) = pair().unwrap();
        drop(reader);
        for _ in 0..3 {
            let error = write(&writer, &[IoSlice::new(b"lost")]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
        // SAFETY: the action that was there before.
        unsafe { libc::signal(libc::SIGPIPE, before) };
    }

    #[test]
    fn what_is_written_is_read() {
        let (reader, writer) = pair().unwrap();
        let parts = [IoSlice::new(b"one "), IoSlice::new(b"two")];
        assert_eq!(write(&writer, &parts).unwrap(), 7);
        let mut bytes = [0; 16];
        assert_eq!(rustix::io::read(&reader, &mut bytes).unwrap(), 7);
        assert_eq!(&bytes[..7], b"one two");
    }
}
