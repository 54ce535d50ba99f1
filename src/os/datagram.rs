//! Datagrams, many by one system call: recvmmsg and sendmmsg on Linux, one by one elsewhere.
//!
//! FreeBSD has functions of these names, but they are loops in its C library, and save nothing.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::{SockAddr, SockAddrStorage};

use crate::base::limits::{DATAGRAM_ARENA, DATAGRAM_BATCH};

/// A datagram to be sent.
#[derive(Clone, Copy, Default)]
pub struct Letter<'a> {
    /// Nobody: whom the socket is connected to.
    pub to: Option<&'a SockAddr>,
    /// What it says.
    pub bytes: &'a [u8],
}

/// What one call has received.
pub struct Inbound {
    arena: Vec<u8>,
    names: Vec<libc::sockaddr_storage>,
    slots: Vec<Slot>,
    /// Bytes of the arena that each datagram has to itself.
    size: usize,
    /// `count <= slots.len()`
    count: usize,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// `len <= size`
    len: usize,
    /// At most the size of a name.
    name_len: usize,
    is_cut: bool,
}

impl Default for Inbound {
    fn default() -> Self {
        // SAFETY: all zero is a valid name: of no family.
        let name = unsafe { mem::zeroed() };
        Inbound {
            // Zeros come from the kernel page by page, as they are touched.
            arena: vec![0; DATAGRAM_ARENA],
            names: vec![name; DATAGRAM_BATCH],
            slots: vec![Slot::default(); DATAGRAM_BATCH],
            size: 1,
            count: 0,
        }
    }
}

impl Inbound {
    /// Receives up to `want` datagrams of up to `size` bytes, without waiting. What is larger is
    /// cut. True: the kernel has no more.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, or what the kernel says about the socket; nothing was received then.
    pub fn receive(&mut self, fd: BorrowedFd<'_>, size: usize, want: usize) -> io::Result<bool> {
        self.count = 0;
        self.size = size.clamp(1, self.arena.len());
        let want = want.clamp(1, DATAGRAM_BATCH.min(self.arena.len() / self.size));
        let fd = fd.as_raw_fd();
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if has_batches() {
            match self.receive_many(fd, want) {
                Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => forget_batches(),
                Err(error) => return Err(error),
                // A call that stops early has found the socket empty; an error that came
                // meanwhile is told by the next one.
                Ok(()) => return Ok(self.count < want),
            }
        }
        let _ = want;
        self.receive_one(fd)?;
        Ok(false)
    }

    /// Number of datagrams.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes of a datagram, as far as there was room.
    pub fn bytes(&self, at: usize) -> &[u8] {
        let slot = self.slots[..self.count][at];
        &self.arena[at * self.size..][..slot.len]
    }

    /// Whether there was less room than bytes.
    pub fn is_cut(&self, at: usize) -> bool {
        self.slots[at].is_cut
    }

    /// The kernel's own bytes for where a datagram came from; none for an unnamed socket.
    pub fn name(&self, at: usize) -> &[u8] {
        let len = self.slots[..self.count][at].name_len;
        // SAFETY: a name is plain bytes, all of them written by the kernel or zero, and `len` is
        // no more than there are.
        unsafe { std::slice::from_raw_parts((&raw const self.names[at]).cast(), len) }
    }

    /// Where a datagram came from; none for an unnamed socket.
    pub fn address(&self, at: usize) -> Option<SockAddr> {
        let len = self.slots[..self.count][at].name_len;
        if len <= mem::offset_of!(libc::sockaddr_un, sun_path) {
            return None;
        }
        let mut storage = SockAddrStorage::zeroed();
        // SAFETY: both are a `sockaddr_storage`, of which the kernel has written `len` bytes.
        unsafe {
            *storage.view_as::<libc::sockaddr_storage>() = self.names[at];
            Some(SockAddr::new(storage, len as libc::socklen_t))
        }
    }

    /// Room for the datagram `at`, and for where it came from.
    ///
    /// # Safety
    ///
    /// `at` times the size is within the arena, and what is returned is used while `self` stays
    /// where it is and nobody else looks.
    unsafe fn room(&mut self, at: usize) -> (libc::iovec, *mut libc::sockaddr_storage) {
        // SAFETY: the caller's promise.
        let start = unsafe { self.arena.as_mut_ptr().add(at * self.size) };
        let part = libc::iovec { iov_base: start.cast(), iov_len: self.size };
        (part, &raw mut self.names[at])
    }

    /// Remembers what the kernel says about the datagram `at`.
    fn note(&mut self, at: usize, len: usize, header: &libc::msghdr) {
        self.slots[at] = Slot {
            len: len.min(self.size),
            name_len: (header.msg_namelen as usize).min(size_of::<libc::sockaddr_storage>()),
            is_cut: header.msg_flags & libc::MSG_TRUNC != 0,
        };
        self.count = at + 1;
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn receive_many(&mut self, fd: RawFd, want: usize) -> io::Result<()> {
        let mut parts = [const { mem::MaybeUninit::<libc::iovec>::uninit() }; DATAGRAM_BATCH];
        let mut headers = [const { mem::MaybeUninit::<libc::mmsghdr>::uninit() }; DATAGRAM_BATCH];
        for at in 0..want {
            // SAFETY: `receive` has seen to it that `want` datagrams have room; all parts stay
            // where they are until the call is over.
            unsafe {
                let (part, name) = self.room(at);
                let part = parts[at].write(part);
                let header = header(part, name.cast(), size_of::<libc::sockaddr_storage>());
                headers[at].write(libc::mmsghdr { msg_hdr: header, msg_len: 0 });
            }
        }
        let count = retry(|| {
            // SAFETY: the first `want` headers were written, and what they point to is alive.
            unsafe {
                let first = headers.as_mut_ptr().cast();
                let count = want as libc::c_uint;
                libc::recvmmsg(fd, first, count, libc::MSG_DONTWAIT as _, ptr::null_mut()) as isize
            }
        })?;
        for (at, header) in headers[..count].iter().enumerate() {
            // SAFETY: `count` is no more than `want`.
            let header = unsafe { header.assume_init_ref() };
            self.note(at, header.msg_len as usize, &header.msg_hdr);
        }
        Ok(())
    }

    fn receive_one(&mut self, fd: RawFd) -> io::Result<()> {
        // SAFETY: as above; one datagram always has room.
        let (mut part, name) = unsafe { self.room(0) };
        let mut header = header(&mut part, name.cast(), size_of::<libc::sockaddr_storage>());
        // SAFETY: the header and what it points to are alive.
        let len = retry(|| unsafe { libc::recvmsg(fd, &raw mut header, libc::MSG_DONTWAIT) })?;
        self.note(0, len, &header);
        Ok(())
    }
}

/// Sends datagrams, at most as many as fit one batch, without waiting; returns how many left.
///
/// # Errors
///
/// What the kernel says about the first one.
pub fn send(fd: BorrowedFd<'_>, letters: &[Letter<'_>]) -> io::Result<usize> {
    let fd = fd.as_raw_fd();
    let letters = &letters[..letters.len().min(DATAGRAM_BATCH)];
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if letters.len() > 1 && has_batches() {
        match send_many(fd, letters) {
            Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => forget_batches(),
            result => return result,
        }
    }
    for (at, letter) in letters.iter().enumerate() {
        match send_one(fd, letter) {
            Ok(()) => {}
            Err(error) if at == 0 => return Err(error),
            // It is asked about again as the first of the next call.
            Err(_) => return Ok(at),
        }
    }
    Ok(letters.len())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn send_many(fd: RawFd, letters: &[Letter<'_>]) -> io::Result<usize> {
    let mut parts = [const { mem::MaybeUninit::<libc::iovec>::uninit() }; DATAGRAM_BATCH];
    let mut headers = [const { mem::MaybeUninit::<libc::mmsghdr>::uninit() }; DATAGRAM_BATCH];
    for (at, letter) in letters.iter().enumerate() {
        let part = libc::iovec {
            iov_base: letter.bytes.as_ptr().cast_mut().cast(),
            iov_len: letter.bytes.len(),
        };
        let (name, len) = name_of(letter);
        let header = header(parts[at].write(part), name.cast_mut(), len as usize);
        headers[at].write(libc::mmsghdr { msg_hdr: header, msg_len: 0 });
    }
    retry(|| {
        // SAFETY: as many headers were written as are sent; what they point to is borrowed, and
        // the kernel only reads it.
        unsafe {
            let count = letters.len() as libc::c_uint;
            libc::sendmmsg(fd, headers.as_mut_ptr().cast(), count, SEND as _) as isize
        }
    })
}

fn send_one(fd: RawFd, letter: &Letter<'_>) -> io::Result<()> {
    let (name, len) = name_of(letter);
    let (start, size) = (letter.bytes.as_ptr(), letter.bytes.len());
    // SAFETY: bytes and name are borrowed for the call.
    retry(|| unsafe { libc::sendto(fd, start.cast(), size, SEND, name.cast(), len) })?;
    Ok(())
}

fn name_of(letter: &Letter<'_>) -> (*const libc::c_void, libc::socklen_t) {
    letter.to.map_or((ptr::null(), 0), |to| (to.as_ptr().cast(), to.len()))
}

fn header(part: &mut libc::iovec, name: *mut libc::c_void, len: usize) -> libc::msghdr {
    // SAFETY: all zero is a valid header: of no parts, without a name and control data.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_name = name;
    header.msg_namelen = len as libc::socklen_t;
    header.msg_iov = part;
    header.msg_iovlen = 1;
    header
}

fn retry(mut call: impl FnMut() -> isize) -> io::Result<usize> {
    loop {
        if let Ok(count) = usize::try_from(call()) {
            return Ok(count);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Never waits, and a peer that is gone is an error, not a signal.
#[cfg(not(any(target_os = "macos", target_os = "ios")))]
const SEND: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// Never waits; datagrams raise no signal here.
#[cfg(any(target_os = "macos", target_os = "ios"))]
const SEND: libc::c_int = libc::MSG_DONTWAIT;

/// Sandboxes may be without calls that the kernel has.
#[cfg(any(target_os = "linux", target_os = "android"))]
static NO_BATCHES: AtomicBool = AtomicBool::new(false);

#[cfg(any(target_os = "linux", target_os = "android"))]
fn has_batches() -> bool {
    !NO_BATCHES.load(Ordering::Relaxed)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn forget_batches() {
    NO_BATCHES.store(true, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixDatagram;

    /// What two sockets say to each other by the batch, and one by one.
    fn both(claim: fn(&mut Inbound, bool)) {
        for batches in [true, false] {
            claim(&mut Inbound::default(), batches);
        }
    }

    fn receive(inbound: &mut Inbound, socket: &impl AsFd, batches: bool) -> io::Result<()> {
        let fd = socket.as_fd();
        if batches {
            return inbound.receive(fd, 8, 64).map(drop);
        }
        (inbound.count, inbound.size) = (0, 8);
        inbound.receive_one(fd.as_raw_fd())
    }

    #[test]
    fn bytes_and_sender_arrive_and_what_is_too_long_is_cut() {
        both(|inbound, batches| {
            let (one, other) =
                (UdpSocket::bind("[::1]:0").unwrap(), UdpSocket::bind("[::1]:0").unwrap());
            for text in ["", "12345678", "123456789"] {
                let to = other.local_addr().unwrap().into();
                send(one.as_fd(), &[Letter { to: Some(&to), bytes: text.as_bytes() }]).unwrap();
                receive(inbound, &other, batches).unwrap();
                assert_eq!(inbound.len(), 1);
                assert_eq!(inbound.bytes(0), &text.as_bytes()[..text.len().min(8)]);
                assert_eq!(inbound.is_cut(0), text.len() > 8, "{text}");
                let from = inbound.address(0).unwrap().as_socket();
                assert_eq!(from, Some(one.local_addr().unwrap()));
                assert!(!inbound.name(0).is_empty());
            }
            let error = receive(inbound, &other, batches).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        });
    }

    #[test]
    fn many_leave_and_arrive_in_order_from_a_socket_without_a_name() {
        let (one, other) = UnixDatagram::pair().unwrap();
        let bytes: Vec<[u8; 1]> = (0..5).map(|n| [n]).collect();
        let letters: Vec<Letter<'_>> =
            bytes.iter().map(|bytes| Letter { to: None, bytes }).collect();
        assert_eq!(send(one.as_fd(), &letters).unwrap(), 5);
        let mut inbound = Inbound::default();
        let is_last = inbound.receive(other.as_fd(), 8, 64).unwrap();
        assert!(is_last || cfg!(not(target_os = "linux")));
        for (at, bytes) in bytes.iter().enumerate().take(inbound.len()) {
            assert_eq!(inbound.bytes(at), bytes);
            assert!(inbound.address(at).is_none());
        }
    }

    #[test]
    fn a_batch_stops_before_the_first_that_cannot_leave() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = socket.local_addr().unwrap().into();
        let huge = vec![0; 1 << 17];
        let small = Letter { to: Some(&to), bytes: b"small" };
        let large = Letter { to: Some(&to), bytes: &huge };
        assert_eq!(send(socket.as_fd(), &[small, large, small]).unwrap(), 1);
        let error = send(socket.as_fd(), &[large, small]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
    }
}
