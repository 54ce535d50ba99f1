//! `socket_helper`: sockets as plain numbers. Options and passing are in `socket_option.rs`.

use std::ffi::{CStr, c_int};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::OnceLock;

use super::command::Options;
use super::convert;
use super::raw::{Call, Fail, Kind, Outcome, function};
use super::socket_option;
use crate::base::error::Code;
use crate::base::limits;
use crate::net::addr::{self, Address};
use crate::net::{fds, options};
use crate::os::{inherit, resolve};

/// Where a socket is to be.
struct Place {
    at: Address,
    /// Permissions of its file.
    mode: Option<u32>,
    /// Connections that may wait.
    backlog: Option<i32>,
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"socket", function(socket)),
        (c"pair", function(pair)),
        (c"adopt", function(adopt)),
        (c"connect", function(connect)),
        (c"bind", function(bind)),
        (c"listen", function(listen)),
        (c"close", function(close)),
        (c"getsockname", function(getsockname)),
        (c"getpeername", function(getpeername)),
        (c"gethostbyname_ipv4", function(gethostbyname_ipv4)),
        (c"inherited", function(inherited)),
    ]);
    socket_option::push_functions(call);
    let constants: [(&CStr, i32); 7] = [
        (c"AF_INET", libc::AF_INET),
        (c"AF_INET6", libc::AF_INET6),
        (c"AF_UNIX", libc::AF_UNIX),
        (c"SOCK_STREAM", libc::SOCK_STREAM),
        (c"SOCK_DGRAM", libc::SOCK_DGRAM),
        (c"IPPROTO_TCP", libc::IPPROTO_TCP),
        (c"IPPROTO_UDP", libc::IPPROTO_UDP),
    ];
    for (name, value) in constants {
        call.push_integer(value.into());
        call.set_field(-2, name);
    }
}

/// `socket(family, type[, protocol])`
fn socket(call: &Call) -> Outcome {
    let part = |n: c_int| convert::descriptor(call, n);
    let (family, kind) = (part(1)?, part(2)?);
    let protocol = if call.is_absent(3) { 0 } else { part(3)? };
    match options::socket(family, kind, protocol) {
        Ok(fd) => {
            call.push_integer(fds::lend(fd).number().into());
            Ok(1)
        }
        Err(code) => convert::status(call, Err(code)),
    }
}

/// `pair([type])`: two numbers.
fn pair(call: &Call) -> Outcome {
    let kind = if call.is_absent(1) { libc::SOCK_STREAM } else { convert::descriptor(call, 1)? };
    match options::pair(kind) {
        Ok((one, other)) => {
            for fd in [one, other] {
                call.push_integer(fds::lend(fd).number().into());
            }
            Ok(2)
        }
        Err(code) => convert::failure(call, code),
    }
}

fn adopt(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    convert::status(call, fds::adopt(number))
}

fn connect(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let Place { at, .. } = place(call, &[])?;
    convert::with_lent(call, number, |fd| options::connect(fd, &at))
}

fn bind(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let Place { at, mode, .. } = place(call, &["mode"])?;
    convert::with_lent(call, number, |fd| options::bind(fd, &at, mode))
}

/// `listen(fd[, address[, options]])`: binds first, if there is an address.
fn listen(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    if call.is_absent(2) && call.is_absent(3) {
        return convert::with_lent(call, number, |fd| options::listen(fd, limits::BACKLOG));
    }
    let Place { at, mode, backlog } = place(call, &["mode", "backlog"])?;
    convert::with_lent(call, number, |fd| {
        options::bind(fd, &at, mode)?;
        options::listen(fd, backlog.unwrap_or(limits::BACKLOG))
    })
}

fn close(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    convert::status(call, fds::close(number))
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

/// `inherited()`: descriptors in order, and by name.
fn inherited(call: &Call) -> Outcome {
    static INHERITED: OnceLock<Vec<(RawFd, String)>> = OnceLock::new();
    let inherited = INHERITED.get_or_init(|| {
        let lend = |(fd, name)| (fds::lend(fd).number(), name);
        inherit::take().into_iter().map(lend).collect()
    });
    call.push_table(inherited.len(), inherited.len());
    // Of several with one name, the first has it.
    for (at, (number, name)) in inherited.iter().enumerate().rev() {
        call.push_integer((*number).into());
        call.raw_set(-2, at as i64 + 1);
        call.push_bytes(name.as_bytes());
        call.push_integer((*number).into());
        call.raw_set_pair(-3);
    }
    Ok(1)
}

/// From argument 2 on: an IPv4 or IPv6 literal and a port; or an address, and options.
fn place(call: &Call, known: &[&str]) -> Result<Place, Fail> {
    let (mut mode, mut backlog) = (None, None);
    if !call.is_absent(3) {
        if call.kind(3) != Kind::Table {
            return Ok(Place { at: Address::Ip(literal(call)?), mode, backlog });
        }
        let options = Options::new(call, 3, known)?;
        mode = options.get(c"mode", convert::permissions)?;
        backlog = options.get(c"backlog", |call, n| {
            let number = call.to_integer(n).and_then(|number| i32::try_from(number).ok());
            number
                .filter(|number| *number > 0)
                .ok_or_else(|| "positive integer expected".to_owned())
        })?;
    }
    let at = convert::target(call, 2)?;
    if mode.is_some() && !matches!(at, Address::Path(_)) {
        return Err(Fail::argument(3, "only the path of a Unix socket has a mode"));
    }
    Ok(Place { at, mode, backlog })
}

fn literal(call: &Call) -> Result<SocketAddr, Fail> {
    let ip = call.text(2)?;
    let port = call.integer_in(3, 0, 65_535)? as u16;
    addr::parse(ip, port)
        .ok_or_else(|| Fail::argument(2, format!("IPv4 or IPv6 address expected, got \"{ip}\"")))
}
