//! Making sockets and setting their options.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::base::error::Code;
use crate::base::limits;

/// A new blocking socket that children do not inherit.
///
/// # Errors
///
/// What the kernel says: unknown family or type, out of descriptors.
pub fn socket(family: i32, kind: i32, protocol: i32) -> Result<OwnedFd, Code> {
    let socket =
        Socket::new(Domain::from(family), Type::from(kind), Some(Protocol::from(protocol)))?;
    Ok(socket.into())
}

/// Connects; on a non-blocking socket the usual outcome is `EINPROGRESS`.
///
/// # Errors
///
/// What the kernel says.
pub fn connect(fd: &impl AsFd, to: SocketAddr) -> Result<(), Code> {
    Ok(SockRef::from(fd).connect(&to.into())?)
}

/// Binds and listens.
///
/// # Errors
///
/// What the kernel says: address in use, not ours, not permitted.
pub fn listen(fd: &impl AsFd, at: SocketAddr) -> Result<(), Code> {
    let socket = SockRef::from(fd);
    socket.bind(&at.into())?;
    Ok(socket.listen(limits::BACKLOG)?)
}

/// Switches between waiting and returning `EAGAIN`.
///
/// # Errors
///
/// What the kernel says.
pub fn set_nonblocking(fd: &impl AsFd, on: bool) -> Result<(), Code> {
    Ok(SockRef::from(fd).set_nonblocking(on)?)
}

/// Lets an address be bound again at once.
///
/// # Errors
///
/// What the kernel says.
pub fn set_reuse_address(fd: &impl AsFd, on: bool) -> Result<(), Code> {
    Ok(SockRef::from(fd).set_reuse_address(on)?)
}

/// Sends small segments at once instead of collecting them in the kernel.
///
/// # Errors
///
/// What the kernel says: not a TCP socket.
pub fn set_nodelay(fd: &impl AsFd, on: bool) -> Result<(), Code> {
    Ok(SockRef::from(fd).set_tcp_nodelay(on)?)
}
