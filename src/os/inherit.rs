//! Descriptors that whoever has started this process opened for it.
//!
//! ```text
//!  LISTEN_PID=4711  LISTEN_FDS=2  LISTEN_FDNAMES=web:admin      descriptors 3 (web) and 4 (admin)
//! ```
//!
//! systemd's protocol, which a previous process of ours speaks as well. They are for the process
//! with that number only, so the variables are removed and children do not get the descriptors.
#![allow(unsafe_code)]

use std::env;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::process;

use rustix::fs::FileType;
use rustix::io::FdFlags;

use crate::base::limits;

/// The first descriptor that is handed over: those below are standard.
const FIRST: RawFd = 3;

/// What a descriptor without a name is called.
const NAMELESS: &str = "unknown";

const VARIABLES: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// Takes the sockets that were handed over, in order, each with its name. A second call finds none.
///
/// To be called before anything else opens descriptors or reads the environment on other threads.
pub fn take() -> Vec<(OwnedFd, String)> {
    let [pid, count, names] = VARIABLES.map(|name| env::var(name).unwrap_or_default());
    for name in VARIABLES {
        // SAFETY: Rust's readers are locked out; others find the variable or do not: the C
        // libraries move pointers and free nothing.
        unsafe { env::remove_var(name) }
    }
    (0..announced(&pid, &count, process::id()))
        .filter_map(|at| Some((socket(FIRST + at as RawFd)?, name_of(&names, at))))
        .collect()
}

/// How many descriptors are for the process `own`.
fn announced(pid: &str, count: &str, own: u32) -> usize {
    let is_ours = pid.parse() == Ok(own);
    let count = if is_ours { count.parse().unwrap_or(0) } else { 0 };
    count.min(limits::INHERITED)
}

fn name_of(names: &str, at: usize) -> String {
    names.split(':').nth(at).filter(|name| !name.is_empty()).unwrap_or(NAMELESS).to_owned()
}

/// Takes over a descriptor that is open and a socket.
fn socket(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: a number that is not open is answered with `EBADF`; the borrow ends here.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = rustix::io::fcntl_getfd(fd).ok()?;
    // What is not inherited any more is not what was handed over, but a descriptor of our own.
    if flags.contains(FdFlags::CLOEXEC) {
        return None;
    }
    rustix::io::fcntl_setfd(fd, FdFlags::CLOEXEC).ok()?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(fd).ok()?.st_mode);
    // SAFETY: it was handed to this process, as who started it says, and nobody else has taken
    // it: the variables are gone since, and every descriptor of our own would close on exec.
    (kind == FileType::Socket).then(|| unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_process_that_is_named_is_meant() {
        assert_eq!(announced("7", "2", 7), 2);
        for (pid, count) in [("8", "2"), ("", "2"), ("7", ""), ("7", "-1"), ("7", "x"), ("x", "2")]
        {
            assert_eq!(announced(pid, count, 7), 0, "{pid} {count}");
        }
        assert_eq!(announced("7", "1000000", 7), limits::INHERITED);
    }

    #[test]
    fn who_has_no_name_is_called_unknown() {
        let names = |text| [0, 1, 2].map(|at| name_of(text, at));
        assert_eq!(names("web:admin:log"), ["web", "admin", "log"]);
        assert_eq!(names("web"), ["web", NAMELESS, NAMELESS]);
        assert_eq!(names("::x"), [NAMELESS, NAMELESS, "x"]);
    }
}
