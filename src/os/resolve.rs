//! Names to addresses, by the system's resolver. It blocks.

use std::io;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};

/// Every IPv4 address of `host`, each once, in the resolver's order.
///
/// # Errors
///
/// The resolver's words when it knows no such host, or the host has no IPv4 address.
pub fn ipv4(host: &str) -> io::Result<Vec<Ipv4Addr>> {
    let mut found = Vec::new();
    for addr in (host, 0).to_socket_addrs()? {
        if let IpAddr::V4(ip) = addr.ip()
            && !found.contains(&ip)
        {
            found.push(ip);
        }
    }
    if found.is_empty() {
        return Err(io::Error::other("host has no IPv4 address"));
    }
    Ok(found)
}
