//! Addresses as text: `127.0.0.1:80`, `[::1]:80`.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use socket2::{SockAddr, SockRef};

use crate::base::error::Code;

/// The socket address of an IPv4 or IPv6 literal.
pub fn parse(ip: &str, port: u16) -> Option<SocketAddr> {
    Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, port))
}

/// The address that a socket is bound to.
///
/// # Errors
///
/// What the kernel says: not a socket, not bound.
pub fn local(fd: &impl AsFd) -> Result<String, Code> {
    Ok(text(&SockRef::from(fd).local_addr()?))
}

/// The address that a socket is connected to.
///
/// # Errors
///
/// What the kernel says: not a socket, not connected.
pub fn peer(fd: &impl AsFd) -> Result<String, Code> {
    Ok(text(&SockRef::from(fd).peer_addr()?))
}

fn text(addr: &SockAddr) -> String {
    match (addr.as_socket(), addr.as_pathname()) {
        (Some(addr), _) => addr.to_string(),
        (None, Some(path)) => format!("unix:{}", path.display()),
        (None, None) => "unix:".to_owned(),
    }
}
