//! A connected stream socket, or the end of a pipe: reads into spare room, writes what the
//! kernel takes.
//!
//! No call here waits, and none raises SIGPIPE.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};

use crate::base::{buf, limits};
use crate::net::file::File;
use crate::net::{options, unix};
use crate::os::{pipe, sendfile};

/// Of TCP, a read shorter than its buffer means that the socket is empty. Only epoll promises it.
const SHORT_READ_IS_LAST: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// What the descriptor is, and so which calls it takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A connected TCP socket: both ways.
    Tcp,
    /// A connected socket of another family: both ways.
    Local,
    /// The end of a pipe that is read.
    Reader,
    /// The end of a pipe that is written to.
    Writer,
}

impl Kind {
    /// Whether it goes both ways, and takes the calls of sockets.
    pub fn is_socket(self) -> bool {
        matches!(self, Kind::Tcp | Kind::Local)
    }
}

/// A connected stream socket, or the end of a pipe.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    kind: Kind,
}

impl Stream {
    /// Takes a connected socket over.
    pub fn new(fd: OwnedFd) -> Self {
        #[cfg(any(target_os = "macos", target_os = "ios"))]
        let _ = socket2::SockRef::from(&fd).set_nosigpipe(true);
        // We gather what is sent ourselves; a Unix socket has no such option and needs none.
        let is_tcp = options::set_nodelay(&fd, true).is_ok();
        Stream { fd, kind: if is_tcp { Kind::Tcp } else { Kind::Local } }
    }

    /// Takes the end of a pipe over that is read.
    ///
    /// # Errors
    ///
    /// The descriptor does not know what waiting is.
    pub fn reader(fd: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        Ok(Stream { fd, kind: Kind::Reader })
    }

    /// Takes the end of a pipe over that is written to.
    ///
    /// # Errors
    ///
    /// The descriptor does not know what waiting is.
    pub fn writer(fd: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        Ok(Stream { fd, kind: Kind::Writer })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether a read that does not fill its buffer has emptied the socket. A Unix socket stops
    /// short wherever the peer has passed a descriptor.
    pub fn short_read_is_last(&self) -> bool {
        SHORT_READ_IS_LAST && self.kind == Kind::Tcp
    }

    /// Appends what has arrived to the spare room of `into`; 0 is the peer's end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing has arrived, or what the kernel says.
    pub fn read(&self, into: &mut Vec<u8>) -> io::Result<usize> {
        if !self.kind.is_socket() {
            return Ok(retry_on_intr(|| rustix::io::read(&self.fd, spare_capacity(into)))?);
        }
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
        self.write_before(parts, false)
    }

    /// As [`Self::write`]; where `more` follows at once, the kernel need not send a short segment.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub fn write_before(&self, parts: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
        if !self.kind.is_socket() {
            return pipe::write(&self.fd, parts);
        }
        let flags = SendFlags::DONTWAIT | no_signal();
        let flags = if more { flags | more_follows() } else { flags };
        let sent = match parts {
            [one] => retry_on_intr(|| rustix::net::send(&self.fd, one, flags)),
            many => retry_on_intr(|| {
                let mut control = SendAncillaryBuffer::default();
                rustix::net::sendmsg(&self.fd, many, &mut control, flags)
            }),
        };
        Ok(sent?)
    }

    /// Writes up to `len` bytes of a file from `at` on, and returns how many the kernel took: 0 at
    /// the end of the file.
    ///
    /// # Errors
    ///
    /// As [`Self::write`], and what reading the file says.
    pub fn send_file(&self, file: &File, at: u64, len: usize) -> io::Result<usize> {
        if self.kind.is_socket() && !file.is_copied() {
            // A call for files knows no `DONTWAIT`, and a descriptor from outside may wait.
            rustix::io::ioctl_fionbio(&self.fd, true)?;
            match sendfile::send(&self.fd, file, at, len) {
                Err(error) if is_refused(&error) => file.set_copied(),
                result => return result,
            }
        }
        let mut bytes = buf::spare(limits::FILE_READ);
        bytes.resize(len.min(limits::FILE_READ), 0);
        let result = match file.read_at(&mut bytes, at) {
            Ok(0) => Ok(0),
            Ok(read) => self.write(&[IoSlice::new(bytes.get(..read).unwrap_or_default())]),
            Err(error) => Err(error),
        };
        buf::recycle(bytes);
        result
    }

    /// Tells the peer that nothing more will come. Only closing tells the one of a pipe.
    ///
    /// # Errors
    ///
    /// The peer is gone, or it is a pipe.
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

/// Whether the kernel cannot send a file by itself.
fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn more_follows() -> SendFlags {
    SendFlags::MORE
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn more_follows() -> SendFlags {
    SendFlags::empty()
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
