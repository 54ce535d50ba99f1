//! From a file into a socket by one system call, where the kernel can do that.
//!
//! Such a call cannot be told not to raise SIGPIPE, so that is blocked around it: see `pipe.rs`.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsFd;

/// Sends up to `len` bytes of `file` from `at` on; returns how many the socket took, 0 at the
/// end of the file. The socket must not wait.
///
/// # Errors
///
/// `WouldBlock` when it took none; `InvalidInput` or `Unsupported` for files that cannot be sent
/// so; or what the kernel says.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn send(socket: &impl AsFd, file: &impl AsFd, at: u64, len: usize) -> io::Result<usize> {
    let call = || {
        rustix::io::retry_on_intr(|| {
            let mut offset = at;
            rustix::fs::sendfile(socket, file, Some(&mut offset), len)
        })
    };
    // A peer that goes in the middle raises it too, and what was sent before is the result.
    Ok(super::pipe::quietly(call, |result| *result != Ok(len))?)
}

/// See above.
#[cfg(any(target_os = "macos", target_os = "ios"))]
pub fn send(socket: &impl AsFd, file: &impl AsFd, at: u64, len: usize) -> io::Result<usize> {
    use std::os::fd::AsRawFd;
    let (socket, file) = (socket.as_fd().as_raw_fd(), file.as_fd().as_raw_fd());
    sent(|taken| {
        *taken = libc::off_t::try_from(len).unwrap_or(libc::off_t::MAX);
        // SAFETY: both descriptors are borrowed for as long as the call takes; no headers.
        unsafe { libc::sendfile(file, socket, at as libc::off_t, taken, std::ptr::null_mut(), 0) }
    })
}

/// See above.
#[cfg(target_os = "freebsd")]
pub fn send(socket: &impl AsFd, file: &impl AsFd, at: u64, len: usize) -> io::Result<usize> {
    use std::os::fd::AsRawFd;
    let (socket, file) = (socket.as_fd().as_raw_fd(), file.as_fd().as_raw_fd());
    let call = || {
        sent(|taken| {
            // SAFETY: both descriptors are borrowed for as long as the call takes; no headers.
            unsafe {
                let no_headers = std::ptr::null_mut();
                libc::sendfile(file, socket, at as libc::off_t, len, no_headers, taken, 0)
            }
        })
    };
    super::pipe::quietly(call, |result| !matches!(result, Ok(taken) if *taken == len))
}

/// See above.
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd"
)))]
pub fn send(_socket: &impl AsFd, _file: &impl AsFd, _at: u64, _len: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What a call came to that tells how much it sent even where it fails.
#[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
fn sent(mut call: impl FnMut(&mut libc::off_t) -> libc::c_int) -> io::Result<usize> {
    loop {
        let mut taken = 0;
        let failed = call(&mut taken) != 0;
        let error = io::Error::last_os_error();
        if !failed || taken > 0 {
            return Ok(usize::try_from(taken).unwrap_or_default());
        }
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_part_of_a_file_arrives_and_behind_its_end_is_nothing() {
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let file = File::open("Cargo.toml").unwrap();
        assert_eq!(send(&near, &file, 2, 6).unwrap(), 6);
        let mut bytes = [0; 6];
        far.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, &std::fs::read("Cargo.toml").unwrap()[2..8]);
        assert_eq!(send(&near, &file, 1 << 30, 6).unwrap(), 0);
    }

    #[test]
    fn a_peer_that_goes_in_the_middle_of_a_call_raises_no_signal_either() {
        // SAFETY: the default action is a valid one.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let path = std::env::temp_dir().join(format!("chuck-sendfile-{}", std::process::id()));
        File::create(&path).unwrap().set_len(64 << 20).unwrap();
        let file = File::open(&path).unwrap();
        for _ in 0..300 {
            let (near, far) = UnixStream::pair().unwrap();
            let reader = std::thread::spawn(move || {
                let mut bytes = [0; 100_000];
                let mut far = far;
                let _ = far.read(&mut bytes);
            });
            while send(&near, &file, 0, 64 << 20).is_ok() {}
            reader.join().unwrap();
        }
        std::fs::remove_file(&path).unwrap();
        // SAFETY: the action that was there before.
        unsafe { libc::signal(libc::SIGPIPE, before) };
    }

    #[test]
    fn a_peer_that_has_gone_is_an_error_and_no_signal() {
        // Rust's test harness ignores SIGPIPE; a program of Lua's does not.
        // SAFETY: the default action is a valid one.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let (near, far) = UnixStream::pair().unwrap();
        drop(far);
        let file = File::open("Cargo.toml").unwrap();
        let error = send(&near, &file, 0, 6).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        // SAFETY: the action that was there before.
        unsafe { libc::signal(libc::SIGPIPE, before) };
    }
}
