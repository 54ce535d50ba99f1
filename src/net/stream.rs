//! A connected stream socket: reads into spare room, writes what the kernel takes.
//!
//! No call here waits, whatever the mode of the descriptor, and none raises SIGPIPE.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};

use crate::net::{options, unix};

/// Of TCP, a read shorter than its buffer means that the socket is empty. Only epoll promises it.
const SHORT_READ_IS_LAST: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// A connected stream socket.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    is_tcp: bool,
}

impl Stream {
    /// Takes a connected socket over.
    pub fn new(fd: OwnedFd) -> Self {
        #[cfg(any(target_os = "macos", target_os = "ios"))]
        let _ = socket2::SockRef::from(&fd).set_nosigpipe(true);
        // We gather what is sent ourselves; a Unix socket has no such option and needs none.
        let is_tcp = options::set_nodelay(&fd, true).is_ok();
        Stream { fd, is_tcp }
    }

    /// Whether a read that does not fill its buffer has emptied the socket. A Unix socket stops
    /// short wherever the peer has passed a descriptor.
    pub fn short_read_is_last(&self) -> bool {
        SHORT_READ_IS_LAST && self.is_tcp
    }

    /// Appends what has arrived to the spare room of `into`; 0 is the peer's end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing has arrived, or what the kernel says.
    pub fn read(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        let (read, _) = retry_on_intr(|| {
            rustix::net::recv(&self.fd, spare_capacity(into), RecvFlags::DONTWAIT)
        })?;
        Ok(read)
    }

    /// Writes the front of `parts` and returns how many bytes the kernel took.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it took none, or what the kernel says.
    pub fn write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let flags = SendFlags::DONTWAIT | no_signal();
        let sent = match parts {
            [one] => retry_on_intr(|| rustix::net::send(&self.fd, one, flags)),
            many => retry_on_intr(|| {
                let mut control = SendAncillaryBuffer::default();
                rustix::net::sendmsg(&self.fd, many, &mut control, flags)
            }),
        };
        Ok(sent?)
    }

    /// Tells the peer that nothing more will come.
    ///
    /// # Errors
    ///
    /// The peer is gone.
    pub fn shutdown_write(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&self.fd, Shutdown::Write)?)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        unix::remove(&self.fd);
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(not(any(target_os = "macos", target_os = "ios")))]
fn no_signal() -> SendFlags {
    SendFlags::NOSIGNAL
}

/// The socket itself was told at construction.
#[cfg(any(target_os = "macos", target_os = "ios"))]
fn no_signal() -> SendFlags {
    SendFlags::empty()
}
