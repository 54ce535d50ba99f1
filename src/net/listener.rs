//! A listening socket, and its patience in times of trouble.
//!
//! ```text
//!            wake                          out of descriptors
//!  waiting --------> accepting until empty ------------------> pausing (20 ms, 40 ms, ... 1 s)
//!                         ^------------- deadline -----------------'
//! ```

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::base::error::Code;
use crate::base::limits;
use crate::net::{options, unix};

/// What a listener has to say.
#[derive(Debug)]
pub enum Event {
    /// A connection: non-blocking, not inherited by children.
    Accepted(OwnedFd),
    /// Accepting failed. Told once, then tried again after a pause, until it works.
    Failed(Code),
}

/// A listening socket.
pub struct Listener {
    fd: OwnedFd,
    /// There may be connections waiting.
    ready: bool,
    enabled: bool,
    /// Out of descriptors until then, and how long the pause was.
    pause: Option<(Instant, Duration)>,
}

impl Listener {
    /// Takes a listening socket over.
    ///
    /// # Errors
    ///
    /// The descriptor is no socket.
    pub fn new(fd: OwnedFd) -> Result<Self, Code> {
        options::set_nonblocking(&fd, true)?;
        Ok(Listener { fd, ready: false, enabled: true, pause: None })
    }

    /// The socket is readable.
    pub fn wake(&mut self) {
        self.ready = true;
    }

    /// Pauses or goes on with accepting.
    pub fn enable(&mut self, on: bool) {
        self.enabled = on;
    }

    /// Whether [`Self::poll`] may have something without a further wake.
    pub fn is_ready(&self) -> bool {
        self.ready && self.enabled
    }

    /// The next connection or failure.
    pub fn poll(&mut self, now: Instant) -> Option<Event> {
        if !self.is_ready() || self.pause.is_some_and(|(until, _)| now < until) {
            return None;
        }
        loop {
            match accept(self.fd.as_fd()) {
                Ok(fd) => {
                    self.pause = None;
                    return Some(Event::Accepted(fd));
                }
                Err(Errno::WOULDBLOCK) => {
                    self.ready = false;
                    self.pause = None;
                    return None;
                }
                // The peer was faster than we were: that is its own affair.
                Err(Errno::INTR | Errno::CONNABORTED | Errno::PROTO) => {}
                Err(error) => return self.rest(now, error),
            }
        }
    }

    /// When to poll again although nothing wakes us.
    pub fn deadline(&self) -> Option<Instant> {
        self.pause.filter(|_| self.is_ready()).map(|(until, _)| until)
    }

    /// Out of descriptors, or the network is in trouble: what waits still waits.
    fn rest(&mut self, now: Instant, error: Errno) -> Option<Event> {
        let (told, length) = match self.pause {
            Some((_, last)) => (true, (last * 2).min(limits::ACCEPT_PAUSE_MAX)),
            None => (false, limits::ACCEPT_PAUSE),
        };
        self.pause = Some((now + length, length));
        (!told).then(|| Event::Failed(io::Error::from(error).into()))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        unix::remove(&self.fd);
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn accept(fd: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    use rustix::net::SocketFlags;
    rustix::net::accept_with(fd, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn accept(fd: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    let fd = rustix::net::accept(fd)?;
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&fd, true)?;
    Ok(fd)
}
