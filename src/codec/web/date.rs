//! Dates of HTTP (RFC 9110, 5.6.7) and of cookies (RFC 6265, 5.1.1), in seconds since 1970.
//!
//! ```text
//! Sun, 06 Nov 1994 08:49:37 GMT       as it is written
//! Sunday, 06-Nov-94 08:49:37 GMT      RFC 850, two digits of a year
//! Sun Nov  6 08:49:37 1994            asctime
//! ```

use super::digits;

const DAYS: [&[u8]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];

const LONG_DAYS: [&[u8]; 7] =
    [b"Sunday", b"Monday", b"Tuesday", b"Wednesday", b"Thursday", b"Friday", b"Saturday"];

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// 9999-12-31 23:59:59, the last one that has a text.
const LAST: i64 = 253_402_300_799;

const DAY: i64 = 86_400;

/// Bytes of a date as it is written.
pub const SIZE: usize = 29;

/// A date in one of the three forms. `now` says which century two digits of a year belong to: a year
/// more than 50 years ahead is long past.
pub fn parse(text: &[u8], now: i64) -> Option<i64> {
    imf(text).or_else(|| rfc850(text, now)).or_else(|| asctime(text))
}

/// The text of a date; years 0 to 9999, what is outside becomes the nearest.
pub fn format(seconds: i64) -> [u8; SIZE] {
    let seconds = seconds.clamp(seconds_of(0, 0, 1), LAST);
    let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let mut text = *b"Sun, 00 Jan 0000 00:00:00 GMT";
    text[..3].copy_from_slice(DAYS[(days + 4).rem_euclid(7) as usize]);
    text[8..11].copy_from_slice(MONTHS[month as usize]);
    put(&mut text[5..7], day);
    put(&mut text[12..16], year);
    put(&mut text[17..19], rest / 3600);
    put(&mut text[20..22], rest / 60 % 60);
    put(&mut text[23..25], rest % 60);
    text
}

/// A date in a cookie: whatever has a time, a day, a month and a year in it.
pub fn parse_lenient(text: &[u8]) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter =
        |byte: &u8| matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none() && lenient_time(token).is_some() {
            time = lenient_time(token);
        } else if day.is_none() && leading(token, 1, 2).is_some() {
            day = leading(token, 1, 2);
        } else if month.is_none() && month_of(token).is_some() {
            month = month_of(token);
        } else if year.is_none() {
            year = leading(token, 2, 4);
        }
    }
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    if year < 1601 {
        return None;
    }
    moment(year, month?, day?, time?)
}

fn imf(text: &[u8]) -> Option<i64> {
    let text: &[u8; SIZE] = text.try_into().ok()?;
    let fits = text[3..5] == *b", " && text[7] == b' ' && text[11] == b' ' && text[16] == b' ';
    if !fits || text[25..] != *b" GMT" || !DAYS.contains(&&text[..3]) {
        return None;
    }
    moment(number(&text[12..16])?, month(&text[8..11])?, number(&text[5..7])?, time(&text[17..25])?)
}

fn rfc850(text: &[u8], now: i64) -> Option<i64> {
    let comma = memchr::memchr(b',', text)?;
    let (name, rest) = text.split_at(comma);
    let rest: &[u8; 24] = rest.try_into().ok()?;
    let fits = rest[..2] == *b", " && rest[4] == b'-' && rest[8] == b'-' && rest[11] == b' ';
    if !fits || rest[20..] != *b" GMT" || !LONG_DAYS.contains(&name) {
        return None;
    }
    let (this_year, ..) = civil(now.div_euclid(DAY));
    let mut year = number(&rest[9..11])? + this_year / 100 * 100;
    if year > this_year + 50 {
        year -= 100;
    }
    moment(year, month(&rest[5..8])?, number(&rest[2..4])?, time(&rest[12..20])?)
}

fn asctime(text: &[u8]) -> Option<i64> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let fits = text[3] == b' ' && text[7] == b' ' && text[10] == b' ' && text[19] == b' ';
    if !fits || !DAYS.contains(&&text[..3]) {
        return None;
    }
    let day = if text[8] == b' ' { &text[9..10] } else { &text[8..10] };
    moment(number(&text[20..])?, month(&text[4..7])?, number(day)?, time(&text[11..19])?)
}

/// Seconds of a day, from "08:49:37". A leap second is the one before it.
fn time(text: &[u8]) -> Option<i64> {
    if text.get(2) != Some(&b':') || text.get(5) != Some(&b':') {
        return None;
    }
    seconds(number(&text[..2])?, number(&text[3..5])?, number(&text[6..])?)
}

fn seconds(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let fits = hour < 24 && minute < 60 && second <= 60;
    fits.then(|| hour * 3600 + minute * 60 + second.min(59))
}

/// "8:49:37" with whatever behind it.
fn lenient_time(token: &[u8]) -> Option<i64> {
    let mut parts = token.splitn(3, |byte| *byte == b':');
    let mut exact = || parts.next().filter(|part| part.len() <= 2).and_then(number);
    let (hour, minute) = (exact()?, exact()?);
    let second = leading(parts.next()?, 1, 2)?;
    (hour < 24 && minute < 60 && second < 60).then(|| hour * 3600 + minute * 60 + second)
}

/// The number of `least` to `most` digits at the front; nothing when there are more.
fn leading(token: &[u8], least: usize, most: usize) -> Option<i64> {
    let count = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (least..=most).contains(&count).then(|| number(&token[..count]))?
}

fn number(text: &[u8]) -> Option<i64> {
    digits(text).map(|number| number as i64)
}

fn month(text: &[u8]) -> Option<i64> {
    MONTHS.iter().position(|month| *month == text).map(|month| month as i64)
}

fn month_of(token: &[u8]) -> Option<i64> {
    let name = token.get(..3)?;
    MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name)).map(|month| month as i64)
}

/// The moment of a date; nothing for one that is not in the calendar.
fn moment(year: i64, month: i64, day: i64, time: i64) -> Option<i64> {
    let start = seconds_of(year, month, day);
    let is_real = (0..=9999).contains(&year) && civil(start.div_euclid(DAY)) == (year, month, day);
    is_real.then_some(start + time)
}

/// Seconds from 1970 to the start of a day; months count from 0.
fn seconds_of(year: i64, month: i64, day: i64) -> i64 {
    // The year begins in March, so that the day that comes and goes is its last.
    let shifted = if month < 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 10) % 12) + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468) * DAY
}

/// Year, month from 0, and day of a number of days since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = (shifted + 2) % 12;
    (year + era * 400 + i64::from(month < 2), month, day)
}

/// Writes `value` in as many digits as there is room for.
fn put(room: &mut [u8], mut value: i64) {
    for digit in room.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: i64 = 784_111_777;
    const NOW: i64 = 1_790_000_000; // 2026

    #[test]
    fn the_three_forms_are_one_moment() {
        // RFC 9110, 5.6.7
        assert_eq!(parse(b"Sun, 06 Nov 1994 08:49:37 GMT", NOW), Some(MOMENT));
        assert_eq!(parse(b"Sunday, 06-Nov-94 08:49:37 GMT", NOW), Some(MOMENT));
        assert_eq!(parse(b"Sun Nov  6 08:49:37 1994", NOW), Some(MOMENT));
        assert_eq!(&format(MOMENT), b"Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_year_far_ahead_is_long_past() {
        let year = |text: &[u8]| civil(parse(text, NOW).unwrap() / DAY).0;
        assert_eq!(year(b"Sunday, 06-Nov-76 08:49:37 GMT"), 2076);
        assert_eq!(year(b"Sunday, 06-Nov-77 08:49:37 GMT"), 1977);
    }

    #[test]
    fn what_is_no_date_is_none() {
        for wrong in [
            "",
            "0",
            "-1",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "sun, 06 nov 1994 08:49:37 gmt",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 00 Jan 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08-49-37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
        ] {
            assert_eq!(parse(wrong.as_bytes(), NOW), None, "{wrong}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_is_read_as_it_is_written() {
        for day in 0..146_097 + 366 {
            let moment = (day - 146_097 / 2) * DAY + day % DAY;
            assert_eq!(parse(&format(moment), NOW), Some(moment));
        }
        assert_eq!(&format(i64::MAX), b"Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(&format(i64::MIN), b"Sat, 01 Jan 0000 00:00:00 GMT");
        assert_eq!(&format(0), b"Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(&format(951_782_400), b"Tue, 29 Feb 2000 00:00:00 GMT");
    }

    #[test]
    fn cookies_have_dates_of_many_kinds() {
        // RFC 6265, 5.1.1; as servers send them
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "6 november 1994 8:49:37",
            "08:49:37x 6th Nov 1994",
        ] {
            assert_eq!(parse_lenient(text.as_bytes()), Some(MOMENT), "{text}");
        }
        for wrong in ["", "Sun, 06 Nov 1994", "06 Nov 1600 08:49:37", "06 Nov 1994 24:00:00"] {
            assert_eq!(parse_lenient(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse_lenient(b"31 Feb 1994 08:49:37"), None);
    }
}
