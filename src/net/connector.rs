//! A connect in progress, and how it ends.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use crate::base::error::Code;
use crate::net::unix;

/// A socket whose connect was started.
pub struct Connector {
    /// `None` once somebody else has it.
    fd: Option<OwnedFd>,
    deadline: Option<Instant>,
    /// The socket may have an outcome to tell.
    ready: bool,
}

impl Connector {
    /// Takes the socket over.
    pub fn new(fd: OwnedFd) -> Self {
        Connector { fd: Some(fd), deadline: None, ready: false }
    }

    /// Gives up at `deadline`; without one, when the kernel does.
    pub fn give_up_at(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// The socket is writable or in error.
    pub fn wake(&mut self) {
        self.ready = true;
    }

    /// The outcome, once it is known. Take the socket with [`Self::take_fd`] when it is `Ok`.
    pub fn poll(&mut self, now: Instant) -> Option<Result<(), Code>> {
        if self.ready {
            self.ready = false;
            return self.fd().map(outcome);
        }
        self.deadline.is_some_and(|at| at <= now).then_some(Err(Code::TIMED_OUT))
    }

    /// When to poll although nothing wakes us.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The socket, until it is taken.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    /// Takes the socket.
    pub fn take_fd(&mut self) -> Option<OwnedFd> {
        self.fd.take()
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        if let Some(fd) = &self.fd {
            unix::remove(fd);
        }
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
