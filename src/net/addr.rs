//! Addresses as text, one grammar everywhere.
//!
//! ```text
//! 127.0.0.1:80   [::1]:80   [fe80::1%2]:80   unix:/run/app.sock   unix:@name
//! ```
//!
//! What is not printable in the name of a Unix socket is written as it is: names are bytes.
//! `unix:` alone is a Unix socket without a name. A relative path that begins with `@` is
//! written `unix:./@...`, for `unix:@...` is a name.

use std::ffi::OsStr;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use socket2::{SockAddr, SockRef};

use crate::base::error::Code;

/// Names of Unix sockets outside of the file system are Linux's own.
const HAS_ABSTRACT: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Where a socket is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// IPv4 or IPv6, and a port.
    Ip(SocketAddr),
    /// A Unix socket in the file system.
    Path(PathBuf),
    /// A Unix socket in Linux's own name space, which goes with its last user.
    Abstract(Vec<u8>),
    /// A Unix socket that was not bound.
    Unnamed,
}

impl Address {
    /// Reads an address; `None` when it is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        match text.strip_prefix(b"unix:") {
            None => std::str::from_utf8(text).ok()?.parse().ok().map(Address::Ip),
            Some(b"") => Some(Address::Unnamed),
            Some([b'@', name @ ..]) => Some(Address::Abstract(name.to_vec())),
            Some(path) if path.contains(&0) => None,
            Some(path) => Some(Address::Path(Path::new(OsStr::from_bytes(path)).to_owned())),
        }
    }

    /// The address that a socket of the kernel's has.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` for a family that has no text.
    pub fn from_kernel(addr: &SockAddr) -> Result<Self, Code> {
        if let Some(ip) = addr.as_socket() {
            return Ok(Address::Ip(ip));
        }
        if let Some(path) = addr.as_pathname() {
            return Ok(Address::Path(path.to_owned()));
        }
        if let Some(name) = addr.as_abstract_namespace() {
            return Ok(Address::Abstract(name.to_vec()));
        }
        if addr.is_unix() { Ok(Address::Unnamed) } else { Err(Code::NO_SUCH_FAMILY) }
    }

    /// The address as the kernel wants it.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG` for a Unix name that no kernel takes, `EINVAL` for none.
    pub fn to_kernel(&self) -> Result<SockAddr, Code> {
        match self {
            Address::Ip(addr) => Ok((*addr).into()),
            Address::Path(path) => unix(path.as_os_str()),
            Address::Abstract(name) if HAS_ABSTRACT => {
                unix(OsStr::from_bytes(&[b"\0", name.as_slice()].concat()))
            }
            Address::Abstract(_) => Err(Code::UNSUPPORTED),
            Address::Unnamed => Err(Code::INVALID),
        }
    }

    /// The text that [`Self::parse`] reads as the same address.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Address::Ip(addr) => addr.to_string().into_bytes(),
            Address::Path(path) => {
                let path = path.as_os_str().as_bytes();
                let here: &[u8] = if path.starts_with(b"@") { b"./" } else { b"" };
                [b"unix:", here, path].concat()
            }
            Address::Abstract(name) => [b"unix:@", name.as_slice()].concat(),
            Address::Unnamed => b"unix:".to_vec(),
        }
    }
}

/// The socket address of an IPv4 or IPv6 literal.
pub fn parse(ip: &str, port: u16) -> Option<SocketAddr> {
    Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, port))
}

/// The address that a socket is bound to.
///
/// # Errors
///
/// What the kernel says: not a socket, not bound.
pub fn local(fd: &impl AsFd) -> Result<Address, Code> {
    Address::from_kernel(&SockRef::from(fd).local_addr()?)
}

/// The address that a socket is connected to.
///
/// # Errors
///
/// What the kernel says: not a socket, not connected.
pub fn peer(fd: &impl AsFd) -> Result<Address, Code> {
    Address::from_kernel(&SockRef::from(fd).peer_addr()?)
}

fn unix(name: &OsStr) -> Result<SockAddr, Code> {
    SockAddr::unix(Path::new(name)).map_err(|_| Code::NAME_TOO_LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_round() {
        for text in [
            "127.0.0.1:80",
            "0.0.0.0:0",
            "[::1]:80",
            "[fe80::1%2]:65535",
            "unix:/run/app.sock",
            "unix:relative",
            "unix:./@odd",
            "unix:@name",
            "unix:@",
            "unix:@with\0nul",
            "unix:",
        ] {
            let address = Address::parse(text.as_bytes()).expect(text);
            assert_eq!(address.to_bytes(), text.as_bytes(), "{address:?}");
            if address != Address::Unnamed && HAS_ABSTRACT {
                let kernel = address.to_kernel().expect(text);
                assert_eq!(Address::from_kernel(&kernel), Ok(address), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "80",
            ":80",
            "127.0.0.1",
            "::1:80",
            "[::1]",
            "host:80",
            "127.0.0.1:65536",
            "127.0.0.1:-1",
            "1.2.3:80",
            "unix",
            "unix:/a\0b",
            " 127.0.0.1:80",
            "127.0.0.1:80 ",
        ] {
            assert_eq!(Address::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_name_of_any_length_is_refused_or_taken_whole() {
        for length in 90..120 {
            for address in
                [Address::Abstract(vec![b'n'; length]), Address::Path("p".repeat(length).into())]
            {
                match address.to_kernel() {
                    Ok(kernel) => assert_eq!(Address::from_kernel(&kernel), Ok(address)),
                    Err(code) => assert!(length > 100 && code == Code::NAME_TOO_LONG),
                }
            }
        }
    }
}
