//! The part of `socket_helper` that changes a socket, and hands descriptors to other processes.

use std::ffi::{CStr, c_int};
use std::time::Duration;

use super::convert;
use super::raw::{Call, Fail, Function, Kind, Outcome, function};
use crate::base::error::Code;
use crate::base::limits;
use crate::net::options::{self, Buffer, Keepalive};
use crate::net::{fds, passing};

/// Longest time of keepalive and linger, in seconds: Linux takes no more for keepalive.
const LONGEST: i64 = 32_767;

/// Most probes of keepalive: Linux takes no more.
const PROBES: i64 = 127;

/// Adds the functions to the table at the top.
pub fn push_functions(call: &Call) {
    let functions: [(&CStr, Function); 11] = [
        (c"noblock", function(|call| switch(call, options::set_nonblocking))),
        (c"addr_reuse", function(|call| switch(call, options::set_reuse_address))),
        (c"reuseport", function(|call| switch(call, options::set_reuse_port))),
        (c"nodelay", function(|call| switch(call, options::set_nodelay))),
        (c"v6only", function(|call| switch(call, options::set_only_v6))),
        (c"keepalive", function(keepalive)),
        (c"linger", function(linger)),
        (c"recv_buffer", function(|call| buffer(call, Buffer::Receive))),
        (c"send_buffer", function(|call| buffer(call, Buffer::Send))),
        (c"send_fd", function(send_fd)),
        (c"recv_fd", function(recv_fd)),
    ];
    for (name, function) in functions {
        call.push_function(function);
        call.set_field(-2, name);
    }
}

type Set = fn(&std::os::fd::OwnedFd, bool) -> Result<(), Code>;

/// `option(fd, on)`
fn switch(call: &Call, set: Set) -> Outcome {
    let (number, on) = (convert::descriptor(call, 1)?, call.switch(2)?);
    convert::with_lent(call, number, |fd| set(fd, on))
}

/// `keepalive(fd, idle_s[, interval_s[, count]])`: an idle time of 0 or false turns it off.
fn keepalive(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let idle = seconds(call, 2)?;
    let optional = |n: c_int, most: i64| match call.is_absent(n) {
        true => Ok(None),
        false => call.integer_in(n, 1, most).map(Some),
    };
    let interval = optional(3, LONGEST)?.map(|seconds| Duration::from_secs(seconds as u64));
    let count = optional(4, PROBES)?.map(|count| count as u32);
    let how = idle.filter(|idle| !idle.is_zero()).map(|idle| Keepalive { idle, interval, count });
    convert::with_lent(call, number, |fd| options::set_keepalive(fd, how))
}

/// `linger(fd, seconds)`: false is the usual way to close.
fn linger(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let time = seconds(call, 2)?;
    convert::with_lent(call, number, |fd| options::set_linger(fd, time))
}

/// Argument `n`, whole seconds, or false.
fn seconds(call: &Call, n: c_int) -> Result<Option<Duration>, Fail> {
    match call.kind(n) {
        Kind::Boolean if !call.switch(n)? => Ok(None),
        Kind::Number => Ok(Some(Duration::from_secs(call.integer_in(n, 0, LONGEST)? as u64))),
        _ => Err(call.expected(n, "number or false")),
    }
}

/// `recv_buffer(fd[, bytes])`: the size afterwards.
fn buffer(call: &Call, which: Buffer) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let size = match call.is_absent(2) {
        true => None,
        // What does not fit the kernel's number is more than it would give anyway.
        false => Some(call.integer_in(2, 1, i64::MAX)?.min(i64::from(i32::MAX / 2)) as usize),
    };
    match fds::get(number).and_then(|fd| options::buffer(&fd, which, size)) {
        Ok(size) => {
            call.push_integer(size as i64);
            Ok(1)
        }
        Err(code) => convert::failure(call, code),
    }
}

/// `send_fd(fd, fd_to_pass[, data])`: without data, a zero byte goes along.
fn send_fd(call: &Call) -> Outcome {
    let (over, passed) = (convert::descriptor(call, 1)?, convert::descriptor(call, 2)?);
    let data = if call.is_absent(3) { b"\0" } else { call.bytes(3)? };
    if data.is_empty() || data.len() > limits::PASS_DATA {
        let message = format!("data of {} bytes, not 1 to {}", data.len(), limits::PASS_DATA);
        return Err(Fail::argument(3, message));
    }
    convert::with_lent(call, over, |over| passing::send(over, &fds::get(passed)?, data))
}

/// `recv_fd(fd[, timeout_ms])`: a number, or false where only data came; and the data.
fn recv_fd(call: &Call) -> Outcome {
    let over = convert::descriptor(call, 1)?;
    let patience = convert::optional_millis(call, 2)?;
    let passed = match fds::get(over).and_then(|over| passing::receive(&over, patience)) {
        Ok(passed) => passed,
        Err(code) => return convert::failure(call, code),
    };
    match passed.fd {
        Some(fd) => call.push_integer(fds::lend(fd).number().into()),
        None => call.push_boolean(false),
    }
    call.push_bytes(&passed.data);
    Ok(2)
}
