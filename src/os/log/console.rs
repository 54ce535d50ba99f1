//! The echo of log lines on standard output, and the writer's own complaints.
//!
//! Neither may hold the writer: what a terminal or a pipe does not take soon is left out.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::base::limits;

/// Bytes written by one call: what is ready to be written to takes so many without waiting.
const PIECE: usize = 512;

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Shows whole lines, coloured by level on a terminal.
pub fn show(lines: &[u8]) {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        put(stdout.as_fd(), lines);
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
    put(stdout.as_fd(), &out);
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
    put(io::stderr().as_fd(), text.as_bytes());
}

fn put(fd: BorrowedFd<'_>, bytes: &[u8]) {
    let wait = Timespec { tv_sec: 0, tv_nsec: limits::LOG_ECHO_WAIT.subsec_nanos() as _ };
    for piece in bytes.chunks(PIECE) {
        let mut left = piece;
        while !left.is_empty() {
            let mut polled = [PollFd::new(&fd, PollFlags::OUT)];
            match poll(&mut polled, Some(&wait)) {
                Ok(1..) => {}
                _ => return,
            }
            match rustix::io::write(fd, left) {
                Ok(n @ 1..) => left = &left[n..],
                _ => return,
            }
        }
    }
}
