//! `socket_helper`: sockets as plain numbers.

use std::ffi::{CStr, c_int};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use super::convert;
use super::raw::{Call, Fail, Outcome, function};
use crate::base::error::Code;
use crate::net::{addr, fds, options};
use crate::os::resolve;

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"socket", function(socket)),
        (c"connect", function(connect)),
        (c"listen", function(listen)),
        (c"noblock", function(noblock)),
        (c"addr_reuse", function(addr_reuse)),
        (c"close", function(close)),
        (c"getsockname", function(getsockname)),
        (c"getpeername", function(getpeername)),
        (c"gethostbyname_ipv4", function(gethostbyname_ipv4)),
    ]);
    let constants: [(&CStr, i32); 4] = [
        (c"AF_INET", libc::AF_INET),
        (c"AF_INET6", libc::AF_INET6),
        (c"SOCK_STREAM", libc::SOCK_STREAM),
        (c"IPPROTO_TCP", libc::IPPROTO_TCP),
    ];
    for (name, value) in constants {
        call.push_integer(value.into());
        call.set_field(-2, name);
    }
}

fn socket(call: &Call) -> Outcome {
    let part = |n: c_int| convert::descriptor(call, n);
    let (family, kind, protocol) = (part(1)?, part(2)?, part(3)?);
    match options::socket(family, kind, protocol) {
        Ok(fd) => {
            call.push_integer(fds::lend(fd).number().into());
            Ok(1)
        }
        Err(code) => convert::status(call, Err(code)),
    }
}

fn connect(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let to = address(call)?;
    with(call, number, |fd| options::connect(fd, to))
}

fn listen(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let at = address(call)?;
    with(call, number, |fd| options::listen(fd, at))
}

fn noblock(call: &Call) -> Outcome {
    let (number, on) = (convert::descriptor(call, 1)?, call.switch(2)?);
    with(call, number, |fd| options::set_nonblocking(fd, on))
}

fn addr_reuse(call: &Call) -> Outcome {
    let (number, on) = (convert::descriptor(call, 1)?, call.switch(2)?);
    with(call, number, |fd| options::set_reuse_address(fd, on))
}

fn close(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let result = fds::take(number).map(drop);
    convert::status(call, result)
}

fn getsockname(call: &Call) -> Outcome {
    let fd = fds::get(convert::descriptor(call, 1)?);
    convert::address(call, fd.and_then(|fd| addr::local(&fd)))
}

fn getpeername(call: &Call) -> Outcome {
    let fd = fds::get(convert::descriptor(call, 1)?);
    convert::address(call, fd.and_then(|fd| addr::peer(&fd)))
}

/// It waits for the resolver.
fn gethostbyname_ipv4(call: &Call) -> Outcome {
    let found = resolve::ipv4(call.text(1)?);
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            call.push_nil();
            call.push_bytes(error.to_string().as_bytes());
            call.push_bytes(Code::NOT_FOUND.name().unwrap_or_default().as_bytes());
            return Ok(3);
        }
    };
    call.push_table(found.len(), 0);
    for (at, ip) in found.iter().enumerate() {
        call.push_bytes(ip.to_string().as_bytes());
        call.raw_set(-2, at as i64 + 1);
    }
    Ok(1)
}

fn with(call: &Call, number: i32, work: impl FnOnce(&OwnedFd) -> Result<(), Code>) -> Outcome {
    let result = fds::get(number).and_then(|fd| work(&fd));
    convert::status(call, result)
}

/// Arguments 2 and 3: an IPv4 or IPv6 literal and a port.
fn address(call: &Call) -> Result<SocketAddr, Fail> {
    let ip = call.text(2)?;
    let port = call.integer_in(3, 0, 65_535)? as u16;
    addr::parse(ip, port)
        .ok_or_else(|| Fail::argument(2, format!("IPv4 or IPv6 address expected, got \"{ip}\"")))
}
