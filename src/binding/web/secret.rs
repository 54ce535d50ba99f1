//! `web`: digests, base64, random bytes.

use std::ffi::c_int;

use crate::base::limits;
use crate::binding::convert;
use crate::binding::held;
use crate::binding::raw::{Call, Fail, Outcome};
use crate::codec::web::digest;
use crate::os::random as kernel;

/// `sha1(text)`: 20 bytes.
pub fn sha1(call: &Call) -> Outcome {
    call.push_bytes(&digest::sha1(call.bytes(1)?));
    Ok(1)
}

/// `sha256(text)`: 32 bytes.
pub fn sha256(call: &Call) -> Outcome {
    call.push_bytes(&digest::sha256(call.bytes(1)?));
    Ok(1)
}

/// `hmac_sha256(key, text)`: 32 bytes.
pub fn hmac_sha256(call: &Call) -> Outcome {
    call.push_bytes(&digest::hmac_sha256(call.bytes(1)?, call.bytes(2)?));
    Ok(1)
}

/// `base64(text[, "url"])`
pub fn base64(call: &Call) -> Outcome {
    let text = digest::base64(call.bytes(1)?, is_for_urls(call, 2)?);
    call.reserve(4);
    held::push(call, text);
    Ok(1)
}

/// `unbase64(text[, "url"])`: nil for what is none.
pub fn unbase64(call: &Call) -> Outcome {
    call.reserve(4);
    match digest::unbase64(call.bytes(1)?, is_for_urls(call, 2)?) {
        Some(bytes) => held::push(call, bytes),
        None => call.push_nil(),
    }
    Ok(1)
}

/// `random(n)`: bytes from the kernel, or `nil, message, code`.
pub fn random(call: &Call) -> Outcome {
    let count = call.integer_in(1, 0, limits::RANDOM as i64)? as usize;
    call.reserve(4);
    let mut result = Ok(());
    let is_pushed = call.push_filled(count, |room| {
        result = kernel::fill(room);
        result.is_ok().then_some(count)
    });
    match result {
        Err(code) if !is_pushed => convert::failure(call, code),
        _ => Ok(1),
    }
}

/// `equal(a, b)`, in a time that does not tell where they differ.
pub fn equal(call: &Call) -> Outcome {
    call.push_boolean(digest::equal(call.bytes(1)?, call.bytes(2)?));
    Ok(1)
}

fn is_for_urls(call: &Call, n: c_int) -> Result<bool, Fail> {
    if call.is_absent(n) {
        return Ok(false);
    }
    match call.bytes(n)? {
        b"url" => Ok(true),
        other => {
            let other = String::from_utf8_lossy(other);
            Err(Fail::argument(n, format!("\"url\" or nothing expected, got \"{other}\"")))
        }
    }
}
