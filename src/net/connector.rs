//! A connect in progress, and how it ends.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use crate::base::error::Code;

/// A socket whose connect was started.
pub struct Connector {
    fd: OwnedFd,
    deadline: Option<Instant>,
    /// The socket may have an outcome to tell.
    ready: bool,
}

impl Connector {
    /// Takes the socket over; without a `deadline` the kernel's own applies.
    pub fn new(fd: OwnedFd, deadline: Option<Instant>) -> Self {
        Connector { fd, deadline, ready: false }
    }

    /// The socket is writable or in error.
    pub fn wake(&mut self) {
        self.ready = true;
    }

    /// The outcome, once it is known. Take the socket with [`Self::into_fd`] when it is `Ok`.
    pub fn poll(&mut self, now: Instant) -> Option<Result<(), Code>> {
        if self.ready {
            self.ready = false;
            return Some(outcome(self.fd.as_fd()));
        }
        self.deadline.is_some_and(|at| at <= now).then_some(Err(Code::TIMED_OUT))
    }

    /// When to poll although nothing wakes us.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The socket.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

impl AsFd for Connector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A socket error is the outcome; without one, being connected is.
fn outcome(fd: BorrowedFd<'_>) -> Result<(), Code> {
    rustix::net::sockopt::socket_error(fd)
        .and_then(|outcome| outcome)
        .and_then(|()| rustix::net::getpeername(fd))
        .map(|_| ())
        .map_err(|error| io::Error::from(error).into())
}
