//! Local time as log lines show it. The conversion costs more than the rest of a line, so each
//! thread remembers the latest second.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io::Write;
use std::mem;

/// A second of local time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Second {
    unix: i64,
    /// `YYYY-MM-DD-HH:MM:SS`
    pub text: [u8; 19],
    /// Minutes ahead of UTC.
    pub ahead: i32,
    /// Days since 1970, in local time.
    pub day: i64,
}

thread_local! {
    static LATEST: Cell<Option<Second>> = const { Cell::new(None) };
}

/// The second that `at` is in, and its milliseconds; `at` is in milliseconds since 1970 (UTC).
pub fn local(at: i64) -> (Second, u32) {
    let (unix, millis) = (at.div_euclid(1000), at.rem_euclid(1000) as u32);
    let known = LATEST.get().filter(|second| second.unix == unix);
    let second = known.unwrap_or_else(|| convert(unix));
    LATEST.set(Some(second));
    (second, millis)
}

fn convert(unix: i64) -> Second {
    let time = unix as libc::time_t;
    // SAFETY: all zero is a valid `tm`; the call fills it in, or leaves it so.
    let tm = unsafe {
        let mut tm: libc::tm = mem::zeroed();
        libc::localtime_r(&raw const time, &raw mut tm);
        tm
    };
    let mut text = *b"0000-00-00-00:00:00";
    // It fits: each part has its width, and a year beyond 9999 is cut.
    let _ = write!(
        &mut text[..],
        "{:04}-{:02}-{:02}-{:02}:{:02}:{:02}",
        (tm.tm_year + 1900).clamp(0, 9999),
        tm.tm_mon + 1,
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec
    );
    let ahead = tm.tm_gmtoff as i64;
    Second { unix, text, ahead: (ahead / 60) as i32, day: (unix + ahead).div_euclid(86_400) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_converted_once_and_belongs_to_a_day() {
        let (first, millis) = local(1_700_000_000_123);
        assert_eq!(
            (millis, first.text[4], first.text[10], first.text[13]),
            (123, b'-', b'-', b':')
        );
        assert_eq!(local(1_700_000_000_999).0, first);
        assert_eq!(local(1_700_086_400_000).0.day, first.day + 1);
        assert_eq!(local(-1).1, 999);
    }
}
