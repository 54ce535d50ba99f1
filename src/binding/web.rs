//! `web`: what HTTP says in fields and bodies, for the Lua files that make a server and a client of
//! it. Not on the facade.

mod address;
mod coding;
mod field;
mod form;
mod secret;

use super::raw::{Call, Fail, Kind, function};

/// Makes the classes known.
pub fn register(call: &Call) {
    coding::register(call);
    form::register(call);
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"url", function(address::url)),
        (c"resolve", function(address::resolve)),
        (c"normalize_path", function(address::normalize_path)),
        (c"split_target", function(address::split_target)),
        (c"encode", function(address::encode)),
        (c"decode", function(address::decode)),
        (c"query", function(address::query)),
        (c"build_query", function(address::build_query)),
        (c"cookies", function(field::cookies)),
        (c"set_cookie", function(field::set_cookie)),
        (c"build_cookie", function(field::build_cookie)),
        (c"date", function(field::date)),
        (c"format_date", function(field::format_date)),
        (c"ranges", function(field::ranges)),
        (c"media_type", function(field::media_type)),
        (c"disposition", function(field::disposition)),
        (c"boundary", function(field::boundary)),
        (c"choose", function(field::choose)),
        (c"accepts", function(field::accepts)),
        (c"compressor", function(coding::compressor)),
        (c"decompressor", function(coding::decompressor)),
        (c"multipart", function(form::multipart)),
        (c"is_public_suffix", function(address::is_public_suffix)),
        (c"registrable", function(address::registrable)),
        (c"sha1", function(secret::sha1)),
        (c"sha256", function(secret::sha256)),
        (c"hmac_sha256", function(secret::hmac_sha256)),
        (c"base64", function(secret::base64)),
        (c"unbase64", function(secret::unbase64)),
        (c"random", function(secret::random)),
        (c"equal", function(secret::equal)),
    ]);
}

/// Puts a string, if there is one, into field `name` of the table at the top.
fn set_text(call: &Call, name: &std::ffi::CStr, text: Option<&[u8]>) {
    if let Some(text) = text {
        call.push_bytes(text);
        call.set_field(-2, name);
    }
}

/// Pushes text in lower case.
fn push_lower(call: &Call, text: &[u8]) {
    call.push_filled(text.len(), |room| {
        room.copy_from_slice(text);
        room.make_ascii_lowercase();
        Some(text.len())
    });
}

/// Shows each string of the list at argument `n` to `look`.
fn each_text(
    call: &Call,
    n: std::ffi::c_int,
    mut look: impl FnMut(i64, &[u8]),
) -> Result<(), Fail> {
    if call.kind(n) != Kind::Table {
        return Err(call.expected(n, "table"));
    }
    call.reserve(1);
    for at in 1..=call.raw_len(n) {
        call.raw_get(n, at);
        let Some(text) = call.to_bytes(-1) else {
            return Err(Fail::argument(n, format!("item {at} is no string")));
        };
        look(at, text);
        call.pop(1);
    }
    Ok(())
}
