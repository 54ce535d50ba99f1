//! The echo of log lines on standard output, and the writer's own complaints.
//!
//! Neither may hold the writer: what a terminal or a pipe does not take soon is left out, or a
//! reader that hangs would cost lines their place in the file.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::base::limits;
use crate::os::clock;

/// Bytes written by one call: what is ready to be written to takes so many without waiting.
const PIECE: usize = 512;

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// What is shown in one round of the writer, of all files.
pub struct Echo {
    /// Until when there may be waits. Now, once one was in vain.
    end: Instant,
}

impl Echo {
    /// Of a round that begins `now`.
    pub fn new(now: Instant) -> Self {
        Echo { end: now + limits::LOG_ECHO }
    }

    /// Shows whole lines, coloured by level on a terminal.
    pub fn show(&mut self, lines: &[u8]) {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            self.put(stdout.as_fd(), lines);
            return;
        }
        let mut out = Vec::with_capacity(lines.len() + lines.len() / 4);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            match colour(line) {
                Some(colour) => {
                    let (text, end) = line.split_at(line.len() - 1);
                    out.extend_from_slice(colour);
                    out.extend_from_slice(text);
                    out.extend_from_slice(b"\x1b[0m");
                    out.extend_from_slice(end);
                }
                None => out.extend_from_slice(line),
            }
        }
        self.put(stdout.as_fd(), &out);
    }

    fn put(&mut self, fd: BorrowedFd<'_>, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            let mut left = piece;
            while !left.is_empty() {
                if !self.waits_for_room(fd) {
                    return;
                }
                match rustix::io::write(fd, left) {
                    Ok(n @ 1..) => left = &left[n..],
                    _ => return,
                }
            }
        }
    }

    fn waits_for_room(&mut self, fd: BorrowedFd<'_>) -> bool {
        if has_room(fd, Duration::ZERO) {
            return true;
        }
        let now = clock::now();
        let left = self.end.saturating_duration_since(now).min(limits::LOG_ECHO_WAIT);
        let has_room = !left.is_zero() && has_room(fd, left);
        if !has_room {
            self.end = now;
        }
        has_room
    }
}

/// The colours of 2015.
fn colour(line: &[u8]) -> Option<&'static [u8]> {
    match line.get(..10)? {
        b"[   DEBUG]" => Some(b"\x1b[1;32;40m"),
        b"[    WARN]" => Some(b"\x1b[1;33;40m"),
        b"[   ERROR]" => Some(b"\x1b[1;35;40m"),
        b"[CRITICAL]" => Some(b"\x1b[5;31;40m"),
        _ => None,
    }
}

/// Says something on standard error.
pub fn complain(text: &str) {
    Echo::new(clock::now()).put(io::stderr().as_fd(), text.as_bytes());
}

fn has_room(fd: BorrowedFd<'_>, wait: Duration) -> bool {
    let wait = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos() as _ };
    matches!(poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&wait)), Ok(1..))
}
