//! Names to addresses, by the system's resolver, which waits: on threads of its own ([`pool`]),
//! or, as in 2015, on the caller's.
//!
//! ```text
//!  Question --> literal? --> cache? --> asked already? --> queue --> a thread --> getaddrinfo
//! ```

pub mod cache;
pub mod pool;
mod system;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use crate::base::error::Code;
use crate::base::limits;

/// What kind of addresses is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Family {
    /// Both kinds, in the resolver's order.
    #[default]
    Any,
    /// IPv4 only.
    Inet,
    /// IPv6 only.
    Inet6,
}

impl Family {
    fn has(self, ip: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::Inet => ip.is_ipv4(),
            Family::Inet6 => ip.is_ipv6(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Family::Any => "address",
            Family::Inet => "IPv4 address",
            Family::Inet6 => "IPv6 address",
        }
    }
}

/// A name and what is wanted of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Question {
    /// In lower case, without NUL, 1 to [`limits::HOST_NAME`] bytes.
    host: Arc<str>,
    family: Family,
}

/// The addresses of a host in the resolver's order, each once, at least one; ports are 0.
pub type Answer = Result<Arc<[SocketAddr]>, Failure>;

/// Why there is no address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// `ENOENT` when there is none; anything else may be over soon.
    pub code: Code,
    /// One line for people, which names the host.
    pub message: Arc<str>,
}

impl Failure {
    /// A failure and its words.
    pub fn new(code: Code, message: &str) -> Self {
        Failure { code, message: message.into() }
    }
}

impl Question {
    /// # Errors
    ///
    /// `EINVAL` for what cannot be the name of a host.
    pub fn new(host: &[u8], family: Family) -> Result<Self, Failure> {
        let invalid = |message: &str| Err(Failure::new(Code::INVALID, message));
        if host.is_empty() {
            return invalid("the name of a host is empty");
        }
        if host.len() > limits::HOST_NAME {
            let (size, limit) = (host.len(), limits::HOST_NAME);
            return invalid(&format!("the name of a host has {size} bytes, limit is {limit}"));
        }
        match std::str::from_utf8(host) {
            Ok(host) if !host.contains('\0') => {
                Ok(Question { host: host.to_ascii_lowercase().into(), family })
            }
            _ => invalid("the name of a host is not text"),
        }
    }

    /// The answer, if the host is an address already.
    pub fn literal(&self) -> Option<Answer> {
        let ip: IpAddr = self.host.parse().ok()?;
        if self.family.has(ip) {
            return Some(Ok([(ip, 0).into()].into()));
        }
        Some(Err(self.failure(Code::NOT_FOUND, "it is an address of the other kind")))
    }

    fn unknown(&self) -> Failure {
        self.failure(Code::NOT_FOUND, "the resolver knows none")
    }

    fn failure(&self, code: Code, why: &str) -> Failure {
        let (what, host) = (self.family.words(), &self.host);
        Failure::new(code, &format!("no {what} of host \"{host}\": {why}"))
    }

    /// The failure to answer within `ms` milliseconds.
    pub fn too_late(&self, ms: u128) -> Failure {
        self.failure(Code::TIMED_OUT, &format!("no answer in {ms} ms"))
    }
}

/// An address of an answer as text, without a port: `127.0.0.1`, `::1`, `fe80::1%2`.
pub fn text(addr: &SocketAddr) -> String {
    match addr {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        addr => addr.ip().to_string(),
    }
}

/// Every IPv4 address of `host`, each once, in the resolver's order. It waits.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn question(host: &str, family: Family) -> Question {
        Question::new(host.as_bytes(), family).expect(host)
    }

    #[test]
    fn a_literal_is_its_own_answer_in_its_own_family() {
        for (host, family, other) in
            [("127.0.0.1", Family::Inet, Family::Inet6), ("::1", Family::Inet6, Family::Inet)]
        {
            for wanted in [Family::Any, family] {
                let found = question(host, wanted).literal().expect(host).expect(host);
                assert_eq!(found.iter().map(text).collect::<Vec<_>>(), [host]);
            }
            let failure = question(host, other).literal().expect(host).unwrap_err();
            assert_eq!(failure.code, Code::NOT_FOUND);
        }
        assert_eq!(question("localhost", Family::Any).literal(), None);
    }

    #[test]
    fn what_cannot_be_a_host_is_invalid() {
        let long = "x".repeat(limits::HOST_NAME + 1);
        for host in [b"".as_slice(), b"nul\0byte", b"\xff\xfe", long.as_bytes()] {
            let failure = Question::new(host, Family::Any).unwrap_err();
            assert_eq!(failure.code, Code::INVALID, "{host:?}");
        }
        assert!(Question::new(&long.as_bytes()[1..], Family::Any).is_ok());
    }

    #[test]
    fn a_name_is_the_same_in_capitals() {
        assert_eq!(question("LocalHost", Family::Any), question("localhost", Family::Any));
        assert_ne!(question("localhost", Family::Inet), question("localhost", Family::Any));
    }

    #[test]
    fn an_address_with_a_scope_keeps_it() {
        let addr: SocketAddr = "[fe80::1%2]:0".parse().unwrap();
        assert_eq!(text(&addr), "fe80::1%2");
    }
}
