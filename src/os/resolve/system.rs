//! The system's resolver itself: it reads `/etc/hosts`, asks name servers, and waits.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::mem;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::{io, ptr};

use super::{Answer, Failure, Family, Question};
use crate::base::error::Code;
use crate::base::limits;

/// Asks, and waits for as long as the system does.
pub fn look_up(question: &Question) -> Answer {
    let Ok(host) = CString::new(&*question.host) else {
        return Err(question.unknown());
    };
    let list = List::ask(&host, question.family).map_err(|error| explain(question, error))?;
    let mut found = Vec::new();
    for addr in list.addresses() {
        if !found.contains(&addr) && found.len() < limits::RESOLVE_ADDRESSES {
            found.push(addr);
        }
    }
    if found.is_empty() { Err(question.unknown()) } else { Ok(found.into()) }
}

/// What the resolver returned, until it is dropped.
struct List(*mut libc::addrinfo);

impl List {
    fn ask(host: &CStr, family: Family) -> Result<Self, i32> {
        // SAFETY: all zero is a valid `addrinfo` without anything behind it.
        let mut hints: libc::addrinfo = unsafe { mem::zeroed() };
        hints.ai_family = match family {
            Family::Any => libc::AF_UNSPEC,
            Family::Inet => libc::AF_INET,
            Family::Inet6 => libc::AF_INET6,
        };
        // Else every address comes once for each kind of socket.
        hints.ai_socktype = libc::SOCK_STREAM;
        let mut list = ptr::null_mut();
        // SAFETY: the name ends in NUL, the hints are whole, and `list` is ours to fill in.
        match unsafe { libc::getaddrinfo(host.as_ptr(), ptr::null(), &hints, &raw mut list) } {
            0 => Ok(List(list)),
            error => Err(error),
        }
    }

    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            // SAFETY: the list is the resolver's, whole until it is freed, and ends in null.
            let info = unsafe { next.as_ref() }?;
            next = info.ai_next;
            Some(address(info))
        })
        .flatten()
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: it came from `getaddrinfo` and is freed once.
        unsafe { libc::freeaddrinfo(self.0) }
    }
}

fn address(info: &libc::addrinfo) -> Option<SocketAddr> {
    let (start, size) = (info.ai_addr, info.ai_addrlen as usize);
    match info.ai_family {
        libc::AF_INET if size >= size_of::<libc::sockaddr_in>() => {
            // SAFETY: family and size say that this is what stands there; it is copied.
            let addr = unsafe { start.cast::<libc::sockaddr_in>().read_unaligned() };
            Some((u32::from_be(addr.sin_addr.s_addr).to_be_bytes(), 0).into())
        }
        libc::AF_INET6 if size >= size_of::<libc::sockaddr_in6>() => {
            // SAFETY: as above.
            let addr = unsafe { start.cast::<libc::sockaddr_in6>().read_unaligned() };
            let ip = Ipv6Addr::from(addr.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, 0, 0, addr.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// The resolver's own error numbers, as what they are to the one who asked.
fn explain(question: &Question, error: i32) -> Failure {
    let code = match error {
        libc::EAI_SYSTEM => io::Error::last_os_error().into(),
        libc::EAI_AGAIN => Code::WOULD_BLOCK,
        libc::EAI_MEMORY => Code(libc::ENOMEM),
        libc::EAI_FAMILY => Code::NO_SUCH_FAMILY,
        libc::EAI_FAIL => Code(libc::EIO),
        _ => Code::NOT_FOUND,
    };
    // SAFETY: the words of an error are a string that is never freed.
    let words = unsafe { CStr::from_ptr(libc::gai_strerror(error)) };
    match error {
        libc::EAI_SYSTEM => question.failure(code, &code.message()),
        _ => question.failure(code, &words.to_string_lossy()),
    }
}
