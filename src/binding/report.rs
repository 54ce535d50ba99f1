//! Errors that nobody takes: a line on standard error, or in the log of a program that uses it,
//! and the loop goes on.

use std::ffi::c_int;
use std::io::{self, Write};

use super::raw::Call;
use crate::os::log::{self, Level};

/// Tells of an error that nobody takes.
pub fn complain(place: &str, call: &Call, error: c_int, traceback: Option<&[u8]>) {
    let text = match (call.to_bytes(error), call.to_number(error)) {
        (Some(text), _) => String::from_utf8_lossy(text).into_owned(),
        (None, Some(number)) => number.to_string(),
        (None, None) => format!("error object of type {:?}", call.kind(error)).to_lowercase(),
    };
    let traceback = String::from_utf8_lossy(traceback.unwrap_or_default());
    complain_of(place, &format!("{text}\n{traceback}"));
}

/// As [`complain`], for an error that is text already.
pub fn complain_of(place: &str, text: &str) {
    let text = format!("error in {place}: {text}");
    if log::is_system_used() {
        // A full queue counts it.
        log::system().log(Level::Error, text.as_bytes(), None);
        return;
    }
    // Without a standard error there is nobody left to tell.
    let _ = writeln!(io::stderr(), "chuck: {text}");
}
