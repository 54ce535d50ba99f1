//! `error`: every code with its number, and its words.

use super::convert;
use super::raw::{Call, Outcome, function};
use crate::base::errno;
use crate::base::error::{Code, OWN};

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_table(0, errno::NAMES.len() + OWN.len() + 2);
    let own = OWN.iter().map(|(name, code, _)| (*name, code.0));
    for (name, number) in errno::NAMES.iter().copied().chain(own) {
        call.push_bytes(name.as_bytes());
        call.push_integer(number.into());
        call.raw_set_pair(-3);
    }
    call.push_function(function(strerror));
    call.set_field(-2, c"strerror");
    call.push_function(function(name));
    call.set_field(-2, c"name");
}

/// `strerror(n)`: a negative number is taken as the positive one.
fn strerror(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    call.push_bytes(Code(number.saturating_abs()).message().as_bytes());
    Ok(1)
}

/// `name(n)`: of several names the first; nil for a number without one.
fn name(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    match Code(number.saturating_abs()).name() {
        Some(name) => call.push_bytes(name.as_bytes()),
        None => call.push_nil(),
    }
    Ok(1)
}
