//! What Lua's arguments mean, and how results look, wherever more than one module agrees.

use std::ffi::{CStr, c_int};
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::raw::{Call, Fail, Outcome};
use crate::base::error::Code;
use crate::base::limits;
use crate::net::addr::Address;
use crate::net::fds;

/// Argument `n`, a time in milliseconds: not negative, at most 24 hours less one millisecond.
pub fn millis(call: &Call, n: c_int) -> Result<Duration, Fail> {
    let ms = call.number(n)?;
    if ms.is_nan() || ms < 0.0 {
        return Err(Fail::argument(n, format!("{ms} is not a time in milliseconds")));
    }
    Ok(Duration::from_millis((ms as u64).min(limits::TIMER_MAX_MS)))
}

/// Argument `n`, a time in milliseconds, or zero when it is left out.
pub fn optional_millis(call: &Call, n: c_int) -> Result<Duration, Fail> {
    if call.is_absent(n) { Ok(Duration::ZERO) } else { millis(call, n) }
}

/// Argument `n`, the number of a descriptor.
pub fn descriptor(call: &Call, n: c_int) -> Result<i32, Fail> {
    Ok(call.integer_in(n, i32::MIN.into(), i32::MAX.into())? as i32)
}

/// Field `name` of the table at argument `n`, as `read` takes it from its place on the stack.
/// What it complains about is said of argument `n` and the name. `None` when it is not there.
pub fn option<T>(
    call: &Call,
    n: c_int,
    name: &CStr,
    read: impl FnOnce(&Call, c_int) -> Result<T, Fail>,
) -> Result<Option<T>, Fail> {
    call.reserve(2);
    call.raw_field(n, name);
    let at = call.top();
    let value = if call.is_absent(at) { Ok(None) } else { read(call, at).map(Some) };
    call.pop(1);
    value.map_err(|fail| match fail {
        Fail::Argument(_, why) => {
            Fail::argument(n, format!("option {}: {why}", name.to_string_lossy()))
        }
        fail => fail,
    })
}

/// What a timer's callback has returned, at the top: when to call it again, if at all.
pub fn next_interval(call: &Call, interval: Duration) -> Option<Duration> {
    match call.to_integer(-1) {
        None | Some(0) => Some(interval),
        Some(ms @ 1..) => Some(Duration::from_millis((ms as u64).min(limits::TIMER_MAX_MS))),
        Some(_) => None,
    }
}

/// The permissions of a file at `n`: octal digits as text, or their value as a number.
pub fn permissions(call: &Call, n: c_int) -> Result<u32, String> {
    if let Some(digits) = call.to_bytes(n) {
        let digits = String::from_utf8_lossy(digits);
        return match u32::from_str_radix(&digits, 8) {
            Ok(mode) if mode <= 0o777 && !digits.starts_with('+') => Ok(mode),
            _ => Err(format!("octal digits from \"0000\" to \"0777\" expected, got \"{digits}\"")),
        };
    }
    let Some(number) = call.to_number(n) else {
        return Err("octal digits as text expected, as \"0600\", or a number".to_owned());
    };
    // Who writes 0600 means octal digits, of which Lua knows nothing: here it is six hundred.
    call.to_integer(n)
        .and_then(|mode| u32::try_from(mode).ok())
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| format!("{number} is not from 0 to 511; octal digits are text, as \"0600\""))
}

/// `0`, or a negative error number.
pub fn status(call: &Call, result: Result<(), Code>) -> Outcome {
    call.push_integer(match result {
        Ok(()) => 0,
        Err(code) => -i64::from(code.0),
    });
    Ok(1)
}

/// `true`, or `false, message, code`.
pub fn truth(call: &Call, result: Result<(), Code>) -> Outcome {
    call.push_boolean(result.is_ok());
    match result {
        Ok(()) => Ok(1),
        Err(code) => Ok(1 + push_error(call, code)),
    }
}

/// `nil, message, code`.
pub fn failure(call: &Call, code: Code) -> Outcome {
    call.push_nil();
    Ok(1 + push_error(call, code))
}

/// Argument `n`, an address in the grammar of [`Address`].
pub fn target(call: &Call, n: c_int) -> Result<Address, Fail> {
    let text = call.bytes(n)?;
    Address::parse(text).ok_or_else(|| no_address(n, text))
}

/// The complaint that argument `n` is no address.
pub fn no_address(n: c_int, text: &[u8]) -> Fail {
    let text = String::from_utf8_lossy(text);
    let wanted = "\"127.0.0.1:80\", \"[::1]:80\", \"unix:/path\" or \"unix:@name\"";
    Fail::argument(n, format!("address as {wanted} expected, got \"{text}\""))
}

/// `nil, words, code`, where there is more to say than the code does.
pub fn refusal(call: &Call, words: &str, code: Code) -> Outcome {
    call.push_nil();
    call.push_bytes(words.as_bytes());
    call.push_bytes(code.name().unwrap_or("EIO").as_bytes());
    Ok(3)
}

/// An address as text, or `nil, message, code`.
pub fn address(call: &Call, result: Result<Address, Code>) -> Outcome {
    match result {
        Ok(address) => {
            call.push_bytes(&address.to_bytes());
            Ok(1)
        }
        Err(code) => failure(call, code),
    }
}

fn push_error(call: &Call, code: Code) -> c_int {
    call.push_bytes(code.message().as_bytes());
    call.push_bytes(code.name().unwrap_or("EIO").as_bytes());
    2
}

/// Works on a lent descriptor; returns `0`, or a negative error number.
pub fn with_lent(
    call: &Call,
    number: i32,
    work: impl FnOnce(&OwnedFd) -> Result<(), Code>,
) -> Outcome {
    let result = fds::get(number).and_then(|fd| work(&fd));
    status(call, result)
}
