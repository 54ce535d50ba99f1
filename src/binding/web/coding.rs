//! `web`: compressing and decompressing, piece by piece.

use std::cell::RefCell;
use std::ffi::{CStr, c_int};

use crate::base::error::Code;
use crate::base::limits;
use crate::binding::convert;
use crate::binding::held;
use crate::binding::place;
use crate::binding::raw::{Call, Class, Fail, Outcome, function};
use crate::codec::web::coding::{Coding, Compressor, Decompressor, Flush};

/// Nothing once it was closed.
struct Packing(RefCell<Option<Compressor>>);

impl Class for Packing {
    const NAME: &'static CStr = c"web.compressor";
    const INDEX: usize = place::COMPRESSOR;

    fn outside(&mut self) -> usize {
        limits::PACKING
    }
}

/// Nothing once it was closed.
struct Unpacking(RefCell<Option<Decompressor>>);

impl Class for Unpacking {
    const NAME: &'static CStr = c"web.decompressor";
    const INDEX: usize = place::DECOMPRESSOR;

    fn outside(&mut self) -> usize {
        limits::UNPACKING
    }
}

/// Makes both classes known.
pub fn register(call: &Call) {
    call.register::<Packing>(
        &[(c"Feed", function(pack)), (c"Close", function(close_packing))],
        &[],
    );
    call.register::<Unpacking>(
        &[(c"Feed", function(unpack)), (c"Close", function(close_unpacking))],
        &[],
    );
}

/// `compressor(coding[, level])`, or `nil, message, code` for a coding that is not known.
pub fn compressor(call: &Call) -> Outcome {
    let level = match call.is_absent(2) {
        true => None,
        false => Some(call.integer_in(2, 0, 11)? as u32),
    };
    let Some(coding) = Coding::parse(call.bytes(1)?) else { return unknown(call) };
    call.reserve(4);
    call.push_made(|| Some(Packing(RefCell::new(Some(Compressor::new(coding, level))))));
    Ok(1)
}

/// `decompressor(coding[, max_bytes])`, or `nil, message, code` for a coding that is not known.
pub fn decompressor(call: &Call) -> Outcome {
    let limit = match call.is_absent(2) {
        true => limits::INFLATED as u64,
        false => call.integer_in(2, 0, 1 << 53)? as u64,
    };
    let Some(coding) = Coding::parse(call.bytes(1)?) else { return unknown(call) };
    call.reserve(4);
    call.push_made(|| Some(Unpacking(RefCell::new(Some(Decompressor::new(coding, limit))))));
    Ok(1)
}

fn unknown(call: &Call) -> Outcome {
    convert::refusal(call, "coding is none of gzip, deflate and br", Code::NOT_SUPPORTED)
}

/// `compressor:Feed(bytes[, "flush" | "finish"])`: what comes out, or `nil, message, code` once it was
/// finished.
fn pack(call: &Call) -> Outcome {
    let packing = call.object::<Packing>(1)?;
    let (bytes, flush) = (call.bytes(2)?, flush(call, 3)?);
    call.reserve(4);
    let result = packing.0.borrow_mut().as_mut().and_then(|made| made.feed(bytes, flush));
    match result {
        Some(out) => held::push(call, out),
        None => return convert::failure(call, Code::SOCKET_CLOSED),
    }
    Ok(1)
}

/// `decompressor:Feed(bytes[, "finish"])`: what comes out, or `nil, message, code`.
fn unpack(call: &Call) -> Outcome {
    let unpacking = call.object::<Unpacking>(1)?;
    let (bytes, is_last) = (call.bytes(2)?, flush(call, 3)? == Flush::Finish);
    call.reserve(4);
    let result = match unpacking.0.borrow_mut().as_mut() {
        Some(made) => made.feed(bytes, is_last),
        None => Err(Code::SOCKET_CLOSED),
    };
    match result {
        Ok(out) => held::push(call, out),
        Err(Code::HTTP_PARSE) => {
            return convert::refusal(call, "compressed bytes are broken", Code::HTTP_PARSE);
        }
        Err(Code::HTTP_TOO_LARGE) => {
            let words = "compressed bytes become more than the limit";
            return convert::refusal(call, words, Code::HTTP_TOO_LARGE);
        }
        Err(code) => return convert::failure(call, code),
    }
    Ok(1)
}

/// `compressor:Close()`
fn close_packing(call: &Call) -> Outcome {
    let made = call.object::<Packing>(1)?.0.take();
    drop(made);
    Ok(0)
}

/// `decompressor:Close()`
fn close_unpacking(call: &Call) -> Outcome {
    let made = call.object::<Unpacking>(1)?.0.take();
    drop(made);
    Ok(0)
}

fn flush(call: &Call, n: c_int) -> Result<Flush, Fail> {
    if call.is_absent(n) {
        return Ok(Flush::None);
    }
    match call.bytes(n)? {
        b"flush" => Ok(Flush::All),
        b"finish" => Ok(Flush::Finish),
        other => {
            let other = String::from_utf8_lossy(other);
            Err(Fail::argument(n, format!("\"flush\" or \"finish\" expected, got \"{other}\"")))
        }
    }
}
