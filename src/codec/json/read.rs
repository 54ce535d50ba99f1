//! A text of JSON, told value by value. Depth costs a bit each and no recursion.
//!
//! ```text
//! Value -> "[" -> FirstItem -> value -> Behind -> "," -> Value …      "]" or "}" -> Behind
//!          "{" -> FirstKey  -> key   -> Value            Key
//! ```

use std::fmt;

use crate::base::limits;
use crate::codec::web::percent::digit;

/// One value, or the begin or end of one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Token<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number without fraction and exponent that has 64 bits; not -0.
    Integer(i64),
    /// Any other number; finite.
    Number(f64),
    /// A string.
    Text(Text<'a>),
    /// The name of the value that comes next.
    Key(Text<'a>),
    /// A list begins.
    OpenList,
    /// An object begins.
    OpenMap,
    /// What was opened last ends.
    Close,
}

/// What stands between two quotes; every escape in it is well formed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Text<'a> {
    raw: &'a [u8],
    has_escapes: bool,
}

/// Why something is no JSON, and where: bytes count from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// Something else was expected than what stands there, or than the end.
    Expected(&'static str, usize),
    /// Not UTF-8.
    Encoding(usize),
    /// More levels than the limit.
    TooDeep(usize),
    /// A number beyond all doubles.
    TooLarge(usize),
    /// An escape that is none, or half of a surrogate pair.
    Escape(usize),
    /// A control character in a string.
    Control(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Value,
    FirstItem,
    FirstKey,
    Key,
    Behind,
}

/// Most levels, in words of bits.
const WORDS: usize = limits::JSON_DEPTH_MAX.div_ceil(64);

/// A text and how much of it was told.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a [u8],
    /// Where the next byte is; `at <= text.len()`.
    at: usize,
    state: State,
    /// Levels that are open; `depth <= limit`.
    depth: usize,
    /// At most [`limits::JSON_DEPTH_MAX`].
    limit: usize,
    /// A bit for each open level: whether it is a list.
    lists: [u64; WORDS],
}

impl<'a> Reader<'a> {
    /// Reads a text with at most `limit` levels.
    ///
    /// # Errors
    ///
    /// [`Wrong::Encoding`].
    pub fn new(text: &'a [u8], limit: usize) -> Result<Self, Wrong> {
        if let Err(error) = std::str::from_utf8(text) {
            return Err(Wrong::Encoding(error.valid_up_to() + 1));
        }
        let limit = limit.min(limits::JSON_DEPTH_MAX);
        Ok(Reader { text, at: 0, state: State::Value, depth: 0, limit, lists: [0; WORDS] })
    }

    /// Levels that are open.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Whether what is told next stands in a list.
    pub fn is_in_list(&self) -> bool {
        let Some(level) = self.depth.checked_sub(1) else { return false };
        self.lists[level / 64] & (1 << (level % 64)) != 0
    }

    /// Tells what comes next; `None` once, at the end of the text.
    ///
    /// # Errors
    ///
    /// What is wrong. Nothing follows it.
    #[inline]
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, Wrong> {
        let mut byte = self.skip();
        if self.state == State::Behind {
            if self.depth == 0 {
                return match byte {
                    None => Ok(None),
                    Some(_) => Err(self.expected("nothing more")),
                };
            }
            if byte == Some(b',') {
                self.at += 1;
                self.state = if self.is_in_list() { State::Value } else { State::Key };
                byte = self.skip();
            } else {
                return self.close(
                    byte,
                    if self.is_in_list() { "\",\" or \"]\"" } else { "\",\" or \"}\"" },
                );
            }
        }
        match (self.state, byte) {
            (State::FirstItem, Some(b']')) | (State::FirstKey, Some(b'}')) => self.close(byte, ""),
            (State::FirstKey | State::Key, Some(b'"')) => self.key(),
            (State::FirstKey, _) => Err(self.expected("a key or \"}\"")),
            (State::Key, _) => Err(self.expected("a key")),
            (State::Value | State::FirstItem | State::Behind, _) => self.value(byte),
        }
    }

    /// The next byte that is no white space.
    #[inline]
    fn skip(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn expected(&self, what: &'static str) -> Wrong {
        Wrong::Expected(what, self.at + 1)
    }

    fn close(
        &mut self,
        byte: Option<u8>,
        expected: &'static str,
    ) -> Result<Option<Token<'a>>, Wrong> {
        let end = if self.is_in_list() { b']' } else { b'}' };
        if byte != Some(end) {
            return Err(self.expected(expected));
        }
        self.at += 1;
        self.depth -= 1;
        self.state = State::Behind;
        Ok(Some(Token::Close))
    }

    fn open(&mut self, is_list: bool) -> Result<Option<Token<'a>>, Wrong> {
        if self.depth >= self.limit {
            return Err(Wrong::TooDeep(self.limit));
        }
        let bit = 1 << (self.depth % 64);
        let word = &mut self.lists[self.depth / 64];
        *word = if is_list { *word | bit } else { *word & !bit };
        self.depth += 1;
        self.at += 1;
        self.state = if is_list { State::FirstItem } else { State::FirstKey };
        Ok(Some(if is_list { Token::OpenList } else { Token::OpenMap }))
    }

    fn key(&mut self) -> Result<Option<Token<'a>>, Wrong> {
        let text = self.string()?;
        if self.skip() != Some(b':') {
            return Err(self.expected("\":\""));
        }
        self.at += 1;
        self.state = State::Value;
        Ok(Some(Token::Key(text)))
    }

    #[inline]
    fn value(&mut self, byte: Option<u8>) -> Result<Option<Token<'a>>, Wrong> {
        let token = match byte {
            Some(b'"') => Token::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'[') => return self.open(true),
            Some(b'{') => return self.open(false),
            Some(b't') => self.word(b"true", Token::Boolean(true))?,
            Some(b'f') => self.word(b"false", Token::Boolean(false))?,
            Some(b'n') => self.word(b"null", Token::Null)?,
            _ => return Err(self.expected("a value")),
        };
        self.state = State::Behind;
        Ok(Some(token))
    }

    fn word(&mut self, word: &[u8], token: Token<'a>) -> Result<Token<'a>, Wrong> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(token)
    }

    fn string(&mut self) -> Result<Text<'a>, Wrong> {
        let start = self.at + 1;
        let mut at = start;
        let mut has_escapes = false;
        loop {
            match self.text.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    at += escape(&self.text[at..]).ok_or(Wrong::Escape(at + 1))?.1;
                }
                Some(0..0x20) => return Err(Wrong::Control(at + 1)),
                Some(_) => at += 1,
                None => return Err(Wrong::Expected("a closing quote", at + 1)),
            }
        }
        self.at = at + 1;
        Ok(Text { raw: &self.text[start..at], has_escapes })
    }

    fn number(&mut self) -> Result<Token<'a>, Wrong> {
        let start = self.at;
        let is_negative = self.text[start] == b'-';
        self.at += usize::from(is_negative);
        let leads_with_zero = self.text.get(self.at) == Some(&b'0');
        let whole = self.digits()?;
        if leads_with_zero && whole > 1 {
            self.at -= whole - 1;
            return Err(self.expected("no digit behind a leading zero"));
        }
        let mut is_whole = true;
        if self.text.get(self.at) == Some(&b'.') {
            (self.at, is_whole) = (self.at + 1, false);
            self.digits()?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            (self.at, is_whole) = (self.at + 1, false);
            self.at += usize::from(matches!(self.text.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        if is_whole && let Some(value) = integer(text).filter(|value| *value != 0 || !is_negative) {
            return Ok(Token::Integer(value));
        }
        let value = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
        match value.filter(|value| value.is_finite()) {
            Some(value) => Ok(Token::Number(value)),
            None => Err(Wrong::TooLarge(start + 1)),
        }
    }

    /// Skips digits, of which there must be one.
    fn digits(&mut self) -> Result<usize, Wrong> {
        let rest = &self.text[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.expected("a digit")) } else { Ok(count) }
    }
}

impl<'a> Text<'a> {
    /// The text, where it is what stands there.
    pub fn plain(&self) -> Option<&'a [u8]> {
        (!self.has_escapes).then_some(self.raw)
    }

    /// Bytes that the text takes at most.
    pub fn room(&self) -> usize {
        self.raw.len()
    }

    /// Writes the text to the front of `room`; how many bytes that are.
    pub fn write(&self, room: &mut [u8]) -> Option<usize> {
        let (mut used, mut at) = (0, 0);
        while let Some(&byte) = self.raw.get(at) {
            if byte == b'\\' {
                let (value, size) = escape(&self.raw[at..])?;
                used += value.encode_utf8(room.get_mut(used..used + value.len_utf8())?).len();
                at += size;
            } else {
                *room.get_mut(used)? = byte;
                (used, at) = (used + 1, at + 1);
            }
        }
        Some(used)
    }
}

/// What the escape at the front means, and its bytes.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let value = match *text.get(1)? {
        byte @ (b'"' | b'\\' | b'/') => byte,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return unicode(text),
        _ => return None,
    };
    Some((value as char, 2))
}

/// `\u0041`, or a pair of surrogates (RFC 8259, 7).
fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 4)?;
        digits.iter().try_fold(0, |sum, byte| Some(sum << 4 | u32::from(digit(*byte)?)))
    };
    let first = unit(2)?;
    if let Some(value) = char::from_u32(first) {
        return Some((value, 6));
    }
    if text.get(6..8) != Some(b"\\u") {
        return None;
    }
    let second = unit(8)?;
    let is_pair = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second);
    let value = char::from_u32(0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff))?;
    is_pair.then_some((value, 12))
}

/// The whole number of which this is the text, if it has 64 bits.
fn integer(text: &[u8]) -> Option<i64> {
    // Nineteen bytes with digits only always fit.
    if text.len() < 19 && text[0] != b'-' {
        return Some(text.iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0')));
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Expected(what, at) => write!(f, "no JSON: {what} expected at byte {at}"),
            Wrong::Encoding(at) => write!(f, "no JSON: not UTF-8 at byte {at}"),
            Wrong::TooDeep(limit) => write!(f, "JSON with more than {limit} levels"),
            Wrong::TooLarge(at) => write!(f, "JSON with a number beyond all doubles at byte {at}"),
            Wrong::Escape(at) => write!(f, "no JSON: no escape at byte {at}"),
            Wrong::Control(at) => write!(f, "no JSON: control character in a string at byte {at}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], limit: usize) -> Result<Vec<String>, Wrong> {
        let mut reader = Reader::new(text, limit)?;
        let mut told = Vec::new();
        while let Some(token) = reader.next_token()? {
            told.push(match token {
                Token::Text(text) => format!("{:?}", value(text)),
                Token::Key(text) => format!("{:?}:", value(text)),
                Token::OpenList => "[".to_owned(),
                Token::OpenMap => "{".to_owned(),
                Token::Close => "end".to_owned(),
                Token::Null => "null".to_owned(),
                Token::Boolean(value) => value.to_string(),
                Token::Integer(value) => value.to_string(),
                Token::Number(value) => format!("{value:?}f"),
            });
        }
        assert_eq!(reader.depth(), 0);
        Ok(told)
    }

    fn value(text: Text<'_>) -> String {
        let mut room = vec![0; text.room()];
        let used = text.write(&mut room).unwrap();
        assert!(text.plain().is_none_or(|plain| plain == &room[..used]));
        String::from_utf8(room[..used].to_vec()).unwrap()
    }

    fn told(text: &str) -> String {
        all(text.as_bytes(), 8).unwrap_or_else(|wrong| panic!("{text}: {wrong}")).join(" ")
    }

    #[test]
    fn values_are_told_in_order() {
        // RFC 8259, 13
        let text = r#" { "Image": { "Width": 800, "Title": "View from 15th Floor",
            "Animated" : false, "IDs": [116, 943, 234, 38793], "x": null } } "#;
        assert_eq!(
            told(text),
            r#"{ "Image": { "Width": 800 "Title": "View from 15th Floor" "Animated": false "IDs": [ 116 943 234 38793 end "x": null end end"#
        );
        assert_eq!(told("[]"), "[ end");
        assert_eq!(told("{}"), "{ end");
        assert_eq!(told("[[],{},[{}]]"), "[ [ end { end [ { end end end");
        assert_eq!(told("\t\"Hello\"\r\n"), "\"Hello\"");
        assert_eq!(told("42"), "42");
    }

    #[test]
    fn numbers_are_whole_or_not() {
        assert_eq!(
            told("[0,-1,9223372036854775807,-9223372036854775808]"),
            "[ 0 -1 9223372036854775807 -9223372036854775808 end"
        );
        assert_eq!(
            told("[-0,0.0,1.5,1e2,1E+2,1e-2,9223372036854775808,123456789012345678901]"),
            "[ -0.0f 0.0f 1.5f 100.0f 100.0f 0.01f 9.223372036854776e18f 1.2345678901234568e20f end"
        );
        assert_eq!(told("999999999999999999"), "999999999999999999");
        for wrong in
            ["01", "-", "+1", ".5", "1.", "1e", "1e+", "-01", "0x1", "1_0", "Infinity", "NaN"]
        {
            assert!(all(wrong.as_bytes(), 8).is_err(), "{wrong}");
        }
        assert_eq!(all(b"[1e999]", 8), Err(Wrong::TooLarge(2)));
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(
            told(r#""\"\\\/\b\f\n\r\t\u0041\u00e4\u20AC\uD83D\uDE00""#),
            format!("{:?}", "\"\\/\u{8}\u{c}\n\r\tAä€😀")
        );
        assert_eq!(told(r#""\u0000""#), r#""\0""#);
        for wrong in [
            r#""\x""#,
            r#""\u12""#,
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\u0041""#,
            r#""\ud800\ud800""#,
            r#""\"#,
            r#""\u+123""#,
            r#""a"#,
            "\"\n\"",
            "\"\0\"",
        ] {
            assert!(all(wrong.as_bytes(), 8).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        use Wrong::{Encoding, Expected};
        for (text, wrong) in [
            (&b""[..], Expected("a value", 1)),
            (b"[1,]", Expected("a value", 4)),
            (b"[1 2]", Expected("\",\" or \"]\"", 4)),
            (b"{\"a\":1,}", Expected("a key", 8)),
            (b"{\"a\" 1}", Expected("\":\"", 6)),
            (b"{a:1}", Expected("a key or \"}\"", 2)),
            (b"{\"a\":1]", Expected("\",\" or \"}\"", 7)),
            (b"[1}", Expected("\",\" or \"]\"", 3)),
            (b"[,1]", Expected("a value", 2)),
            (b"1 2", Expected("nothing more", 3)),
            (b"[]]", Expected("nothing more", 3)),
            (b"nul", Expected("a value", 1)),
            (b"nulll", Expected("nothing more", 5)),
            (b"[1", Expected("\",\" or \"]\"", 3)),
            (b"'a'", Expected("a value", 1)),
            (b"[//\n1]", Expected("a value", 2)),
            (b"\xef\xbb\xbf1", Expected("a value", 1)),
            (b"[\"\xff\"]", Encoding(3)),
            (b"\"\xed\xa0\x80\"", Encoding(2)),
            (b"]", Expected("a value", 1)),
            (b"}", Expected("a value", 1)),
            (b"[\x0b1]", Expected("a value", 2)),
        ] {
            assert_eq!(all(text, 8), Err(wrong), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn levels_are_limited() {
        let nested = |n: usize| [b"[".repeat(n), b"]".repeat(n)].concat();
        assert!(all(&nested(8), 8).is_ok());
        assert_eq!(all(&nested(9), 8), Err(Wrong::TooDeep(8)));
        assert!(all(&nested(limits::JSON_DEPTH_MAX), usize::MAX).is_ok());
        assert!(all(&nested(limits::JSON_DEPTH_MAX + 1), usize::MAX).is_err());
        assert!(all(&b"{\"a\":".repeat(100_000), usize::MAX).is_err());
    }

    #[test]
    fn every_cut_of_a_text_is_none() {
        let text = r#"{"a":[1.5e3,true,null,"\u00e4ö\ud83d\ude00",{}],"b":{"c":[[]]}}"#.as_bytes();
        assert!(all(text, 8).is_ok());
        for cut in 0..text.len() {
            assert!(all(&text[..cut], 8).is_err(), "cut at {cut}");
        }
    }
}
