//! Descriptors on their way to another process, over a Unix socket.
//!
//! A message is some bytes and at most one descriptor. What comes beyond that is closed, and
//! nothing here waits longer than it is told.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use socket2::{SockRef, Type};

use crate::base::error::Code;
use crate::base::limits;
use crate::net::unix;

/// As many descriptors as Linux puts into one message.
const MOST: usize = 253;

/// What a message has brought.
#[derive(Debug)]
pub struct Passed {
    /// The descriptor, if there was one; children do not inherit it.
    pub fd: Option<OwnedFd>,
    /// The bytes.
    pub data: Vec<u8>,
}

/// Sends `data`, at least one byte, and with it a descriptor, which stays open here.
///
/// # Errors
///
/// `EAGAIN` when there is no room, `EMSGSIZE` for too many bytes, `EAFNOSUPPORT` over anything
/// but a Unix socket, or what the kernel says.
pub fn send(over: &impl AsFd, passed: &impl AsFd, data: &[u8]) -> Result<(), Code> {
    if data.len() > limits::PASS_DATA {
        return Err(Code::TOO_LARGE_TO_SEND);
    }
    // TCP would send the bytes, and leave the descriptor out without a word.
    if !SockRef::from(over).local_addr()?.is_unix() {
        return Err(Code::NO_SUCH_FAMILY);
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [passed.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    #[cfg(any(target_os = "macos", target_os = "ios"))]
    let flags = SendFlags::DONTWAIT;
    #[cfg(not(any(target_os = "macos", target_os = "ios")))]
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    let parts = [IoSlice::new(data)];
    let sent = retry_on_intr(|| rustix::net::sendmsg(over, &parts, &mut control, flags));
    let sent = sent.map_err(code)?;
    // The descriptor goes with the first byte.
    unix::disown(passed);
    if sent == data.len() { Ok(()) } else { Err(Code::NO_BUFFERS) }
}

/// Receives one message, for which it waits at most so long.
///
/// # Errors
///
/// `EAGAIN` when none came in time, `EINTR` when a signal came first, [`Code::SOCKET_CLOSED`] at the peer's end, `EMFILE` when
/// there is no number for a descriptor: the message stays where it is. `EMSGSIZE` for a datagram
/// of more than [`limits::PASS_DATA`] bytes, which is lost; or what the kernel says.
pub fn receive(over: &impl AsFd, patience: Duration) -> Result<Passed, Code> {
    match receive_now(over) {
        Err(Code::WOULD_BLOCK) if !patience.is_zero() => {
            let waited = wait(over.as_fd(), patience);
            match receive_now(over) {
                Err(Code::WOULD_BLOCK) => Err(waited.err().unwrap_or(Code::WOULD_BLOCK)),
                result => result,
            }
        }
        result => result,
    }
}

fn receive_now(over: &impl AsFd) -> Result<Passed, Code> {
    // For want of a number the kernel would deliver the bytes, and drop the descriptor.
    drop(rustix::io::fcntl_dupfd_cloexec(over, 0).map_err(code)?);
    let mut data = vec![0; limits::PASS_DATA];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    #[cfg(any(target_os = "macos", target_os = "ios"))]
    let flags = RecvFlags::DONTWAIT;
    #[cfg(not(any(target_os = "macos", target_os = "ios")))]
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = retry_on_intr(|| {
        let mut parts = [IoSliceMut::new(&mut data)];
        rustix::net::recvmsg(over, &mut parts, &mut control, flags)
    });
    let received = received.map_err(code)?;
    let len = received.bytes;
    let mut fd = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            for descriptor in descriptors {
                // The first is kept, all others are closed right here.
                fd.get_or_insert(descriptor);
            }
        }
    }
    if fd.is_none() && received.flags.contains(ReturnFlags::CTRUNC) {
        // Another thread took the last number meanwhile.
        return Err(Code::TOO_MANY_FILES);
    }
    if received.flags.contains(ReturnFlags::TRUNC) {
        return Err(Code::TOO_LARGE_TO_SEND);
    }
    if len == 0 && fd.is_none() && SockRef::from(over).r#type()? != Type::DGRAM {
        return Err(Code::SOCKET_CLOSED);
    }
    #[cfg(any(target_os = "macos", target_os = "ios"))]
    if let Some(fd) = &fd {
        rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC).map_err(code)?;
    }
    data.truncate(len);
    Ok(Passed { fd, data })
}

fn wait(fd: BorrowedFd<'_>, patience: Duration) -> Result<(), Code> {
    let until = Timespec { tv_sec: patience.as_secs() as _, tv_nsec: patience.subsec_nanos() as _ };
    // It is not resumed after a signal: the script gets its turn, and may ask again.
    rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&until)).map_err(code)?;
    Ok(())
}

fn code(error: Errno) -> Code {
    io::Error::from(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_descriptor_arrives_open_with_its_bytes_and_others_are_closed() {
        let (over, far) = UnixStream::pair().unwrap();
        let (mut one, mut other) = UnixStream::pair().unwrap();
        send(&over, &other, b"take it").unwrap();
        let passed = receive(&far, Duration::ZERO).unwrap();
        assert_eq!(passed.data, b"take it");
        let mut twin = UnixStream::from(passed.fd.unwrap());
        twin.write_all(b"x").unwrap();
        let mut byte = [0];
        one.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
        // The end of all but one copy is the end: nothing has leaked.
        drop(twin);
        other.set_nonblocking(true).unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let three = [other.as_fd(), other.as_fd(), other.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&three));
        rustix::net::sendmsg(&over, &[IoSlice::new(b".")], &mut control, SendFlags::empty())
            .unwrap();
        drop(receive(&far, Duration::ZERO).unwrap());
        let _ = other.read(&mut byte);
        drop(other);
        one.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(one.read(&mut byte).unwrap(), 0);
    }

    #[test]
    fn nothing_is_waited_for_longer_than_said() {
        let (over, far) = UnixStream::pair().unwrap();
        assert_eq!(receive(&far, Duration::ZERO).unwrap_err(), Code::WOULD_BLOCK);
        assert_eq!(receive(&far, Duration::from_millis(1)).unwrap_err(), Code::WOULD_BLOCK);
        drop(over);
        assert_eq!(receive(&far, Duration::ZERO).unwrap_err(), Code::SOCKET_CLOSED);
    }
}
