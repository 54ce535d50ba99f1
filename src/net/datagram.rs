//! A datagram socket: receives and sends by the batch; never waits.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use socket2::{Domain, SockAddr, SockRef, Type};

use crate::base::error::Code;
use crate::net::addr::{self, Address};
use crate::net::{options, unix};
use crate::os::datagram;

/// What a call receives: the datagrams, in the order in which they came.
pub type Inbound = datagram::Inbound;

/// A datagram to be sent.
pub type Letter<'a> = datagram::Letter<'a>;

/// An address as the kernel wants it.
pub type Name = SockAddr;

/// Largest datagram over IPv4, in bytes: 65,535 without the headers of IP and UDP.
const MAX_V4: usize = 65_507;

/// Largest datagram over IPv6, in bytes, where the header of IP does not count.
const MAX_V6: usize = 65_527;

/// Of a Unix socket's send buffer, what Linux keeps for itself, in bytes.
const OVERHEAD: usize = 32;

/// A datagram socket.
pub struct Datagram {
    fd: OwnedFd,
    family: Domain,
    /// Whom it is connected to.
    peer: Option<Address>,
}

impl Datagram {
    /// Takes a datagram socket over.
    ///
    /// # Errors
    ///
    /// As [`check`].
    pub fn new(fd: OwnedFd) -> Result<Self, Code> {
        let family = check(&fd)?;
        let peer = addr::peer(&fd).ok();
        Ok(Datagram { fd, family, peer })
    }

    /// Receives up to `want` datagrams of up to `size` bytes. True: there are no more.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, or what the kernel says; also about what was sent before.
    pub fn receive(&self, into: &mut Inbound, size: usize, want: usize) -> io::Result<bool> {
        into.receive(self.fd.as_fd(), size, want)
    }

    /// Sends the first of `letters` and returns how many the kernel took.
    ///
    /// # Errors
    ///
    /// What the kernel says about the first one; also about what was sent before.
    pub fn send(&self, letters: &[Letter<'_>]) -> io::Result<usize> {
        datagram::send(self.fd.as_fd(), letters)
    }

    /// Sends to `to`, and receives from there only, from now on.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn connect(&mut self, to: &Address) -> Result<(), Code> {
        SockRef::from(&self.fd).connect(&self.target(to)?)?;
        self.peer = Some(to.clone());
        Ok(())
    }

    /// The kernel's form of an address to send to.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` for another family's, or as [`Address::to_kernel`].
    pub fn target(&self, to: &Address) -> Result<SockAddr, Code> {
        match (self.family, to) {
            (Domain::IPV6, Address::Ip(SocketAddr::V4(to))) => {
                Ok(SocketAddr::new(to.ip().to_ipv6_mapped().into(), to.port()).into())
            }
            (Domain::IPV4, Address::Ip(SocketAddr::V4(_)))
            | (Domain::IPV6, Address::Ip(SocketAddr::V6(_))) => to.to_kernel(),
            (Domain::UNIX, to) if !matches!(to, Address::Ip(_)) => to.to_kernel(),
            _ => Err(Code::NO_SUCH_FAMILY),
        }
    }

    /// Whether a datagram of `len` bytes can leave, as far as that is known beforehand.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE`
    pub fn check_size(&self, len: usize, to: Option<&SockAddr>) -> Result<(), Code> {
        let to = match (to, &self.peer) {
            (Some(to), _) => to.as_socket(),
            (None, Some(Address::Ip(peer))) => Some(*peer),
            (None, _) => None,
        };
        let is_mapped = to.is_some_and(|to| to.ip().to_canonical().is_ipv4());
        let fits = match self.family {
            // Only what is large is worth a question.
            Domain::UNIX if len > MAX_V4 => {
                let room = options::buffer(&self.fd, options::Buffer::Send, None)?;
                len + OVERHEAD <= room
            }
            Domain::IPV6 if !is_mapped => len <= MAX_V6,
            Domain::IPV4 | Domain::IPV6 => len <= MAX_V4,
            _ => true,
        };
        if fits { Ok(()) } else { Err(Code::TOO_LARGE_TO_SEND) }
    }

    /// IPv4, IPv6 or Unix.
    pub fn family(&self) -> Domain {
        self.family
    }

    /// Whether it sends to one peer only.
    pub fn is_connected(&self) -> bool {
        self.peer.is_some()
    }

    /// Whether "no room" may mean that a peer does not read, for which we cannot wait: the
    /// kernel would not tell when it does. It tells of the one that the socket is connected to.
    pub fn cannot_wait(&self, has_address: bool) -> bool {
        self.family == Domain::UNIX && (has_address || !self.is_connected())
    }

    /// Whether a send may be told what is the matter with the one before.
    pub fn errs_late(&self) -> bool {
        self.family != Domain::UNIX
    }
}

impl AsFd for Datagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Datagram {
    fn drop(&mut self) {
        unix::remove(&self.fd);
    }
}

/// The family of a datagram socket.
///
/// # Errors
///
/// [`Code::INVALID_SOCKET_TYPE`] for any other socket, `ENOTSOCK`.
pub fn check(fd: &impl AsFd) -> Result<Domain, Code> {
    let socket = SockRef::from(fd);
    if socket.r#type()? != Type::DGRAM {
        return Err(Code::INVALID_SOCKET_TYPE);
    }
    Ok(socket.local_addr()?.domain())
}
