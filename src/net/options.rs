//! Making sockets and setting their options.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::base::error::Code;
use crate::net::addr::Address;
use crate::net::unix;

/// A new blocking socket that children do not inherit; of protocol 0 the usual one is taken.
///
/// # Errors
///
/// What the kernel says: unknown family or type, out of descriptors.
pub fn socket(family: i32, kind: i32, protocol: i32) -> Result<OwnedFd, Code> {
    let socket =
        Socket::new(Domain::from(family), Type::from(kind), Some(Protocol::from(protocol)))?;
    Ok(socket.into())
}

/// Two Unix sockets that are connected to each other.
///
/// # Errors
///
/// What the kernel says: unknown type, out of descriptors.
pub fn pair(kind: i32) -> Result<(OwnedFd, OwnedFd), Code> {
    let (one, other) = Socket::pair(Domain::UNIX, Type::from(kind), None)?;
    Ok((one.into(), other.into()))
}

/// Connects; on a non-blocking socket the usual outcome is `EINPROGRESS`.
///
/// # Errors
///
/// What the kernel says.
pub fn connect(fd: &impl AsFd, to: &Address) -> Result<(), Code> {
    Ok(SockRef::from(fd).connect(&to.to_kernel()?)?)
}

/// Binds; of a path, `mode` are the permissions of its file.
///
/// # Errors
///
/// What the kernel says: address in use, not ours, not permitted.
pub fn bind(fd: &impl AsFd, at: &Address, mode: Option<u32>) -> Result<(), Code> {
    match at {
        Address::Path(path) => unix::bind(fd, path, mode),
        _ => Ok(SockRef::from(fd).bind(&at.to_kernel()?)?),
    }
}

/// Listens where the socket is bound; at most `backlog` connections wait, or what the kernel allows.
///
/// # Errors
///
/// What the kernel says: not a stream socket, not bound.
pub fn listen(fd: &impl AsFd, backlog: i32) -> Result<(), Code> {
    SockRef::from(fd).listen(backlog)?;
    unix::confirm(fd)
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

/// Lets several sockets be bound to one address, which the kernel shares out among them.
///
/// # Errors
///
/// What the kernel says.
pub fn set_reuse_port(fd: &impl AsFd, on: bool) -> Result<(), Code> {
    // FreeBSD has two options, of which only this one shares out.
    #[cfg(target_os = "freebsd")]
    return Ok(SockRef::from(fd).set_reuse_port_lb(on)?);
    #[cfg(not(target_os = "freebsd"))]
    Ok(SockRef::from(fd).set_reuse_port(on)?)
}

/// Sends small segments at once instead of collecting them in the kernel.
///
/// # Errors
///
/// What the kernel says: not a TCP socket.
pub fn set_nodelay(fd: &impl AsFd, on: bool) -> Result<(), Code> {
    Ok(SockRef::from(fd).set_tcp_nodelay(on)?)
}

/// Probes a silent TCP peer.
#[derive(Clone, Copy, Debug)]
pub struct Keepalive {
    /// Silence before the first probe.
    pub idle: Duration,
    /// Between two probes; `None`: the system's.
    pub interval: Option<Duration>,
    /// Probes without an answer after which the peer is gone; `None`: the system's.
    pub count: Option<u32>,
}

/// Sets or ends keepalive.
///
/// # Errors
///
/// What the kernel says: not a TCP socket, out of its range.
pub fn set_keepalive(fd: &impl AsFd, how: Option<Keepalive>) -> Result<(), Code> {
    let socket = SockRef::from(fd);
    let Some(how) = how else {
        return Ok(socket.set_keepalive(false)?);
    };
    let mut options = TcpKeepalive::new().with_time(how.idle);
    if let Some(interval) = how.interval {
        options = options.with_interval(interval);
    }
    if let Some(count) = how.count {
        options = options.with_retries(count);
    }
    Ok(socket.set_tcp_keepalive(&options)?)
}

/// How long a close waits for what is not sent yet; zero: a close resets the connection.
///
/// # Errors
///
/// What the kernel says.
pub fn set_linger(fd: &impl AsFd, time: Option<Duration>) -> Result<(), Code> {
    Ok(SockRef::from(fd).set_linger(time)?)
}

/// Whether an IPv6 socket leaves IPv4 to others.
///
/// # Errors
///
/// What the kernel says: not an IPv6 socket, bound already.
pub fn set_only_v6(fd: &impl AsFd, on: bool) -> Result<(), Code> {
    Ok(SockRef::from(fd).set_only_v6(on)?)
}

/// One of the kernel's buffers of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Buffer {
    /// For what has arrived.
    Receive,
    /// For what was sent.
    Send,
}

/// Asks for a buffer of `size` bytes, if given; returns what the kernel has made of it.
///
/// # Errors
///
/// What the kernel says.
pub fn buffer(fd: &impl AsFd, which: Buffer, size: Option<usize>) -> Result<usize, Code> {
    let socket = SockRef::from(fd);
    match (which, size) {
        (Buffer::Receive, Some(size)) => socket.set_recv_buffer_size(size)?,
        (Buffer::Send, Some(size)) => socket.set_send_buffer_size(size)?,
        (_, None) => {}
    }
    Ok(match which {
        Buffer::Receive => socket.recv_buffer_size()?,
        Buffer::Send => socket.send_buffer_size()?,
    })
}
