//! A whole head: what its first line and the fields that matter to framing say.

use std::mem::MaybeUninit;

use httparse::{Error, Header, ParserConfig, Request, Response, Status};

use super::{Bounds, Role, Violation, is_token};
use crate::base::limits;

/// Where bytes stand in a head.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// Behind the last.
    pub end: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        Span { start: start as u32, end: end.max(start) as u32 }
    }

    /// The bytes.
    pub fn of(self, head: &[u8]) -> &[u8] {
        head.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// What the first line says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// A request.
    Request {
        /// `GET`
        method: Span,
        /// `/path?query`
        target: Span,
    },
    /// A response.
    Response {
        /// 100 to 999.
        status: u16,
        /// `OK`
        reason: Span,
    },
}

/// How far a body goes (RFC 9112, 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    /// There is none.
    None,
    /// So many bytes.
    Sized(u64),
    /// Chunks, until an empty one.
    Chunked,
    /// Everything until the peer's end.
    UntilClose,
    /// What follows is no HTTP.
    Tunnel,
}

/// What else a head says, as bits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Traits(pub u8);

impl Traits {
    /// The connection stays for another message.
    pub const KEEP_ALIVE: u8 = 1;
    /// HTTP/1.0.
    pub const OLD: u8 = 2;
    /// `Expect: 100-continue`.
    pub const CONTINUE: u8 = 4;
    /// `Connection: upgrade`, and what to.
    pub const UPGRADE: u8 = 8;
    /// `Transfer-Encoding: chunked`.
    pub const CHUNKED: u8 = 16;
    /// `Content-Length`.
    pub const SIZED: u8 = 32;

    /// Whether it says so.
    pub fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// A head that is whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Its first line.
    pub start: Start,
    /// Its fields, each with its end of line.
    pub fields: Span,
    /// Bytes in all, the empty line included.
    pub len: usize,
    /// What else it says.
    pub traits: Traits,
    /// How far its body goes; of a response, if it is not one to HEAD or CONNECT.
    pub length: Length,
}

impl Head {
    /// Reads `bytes`, which end with the empty line; the first line takes `line` of them.
    ///
    /// # Errors
    ///
    /// It breaks RFC 9112, is too large, or asks for what nobody knows.
    pub fn parse(
        bytes: &[u8],
        line: usize,
        role: Role,
        bounds: &Bounds,
    ) -> Result<Self, Violation> {
        let is_response = match role {
            Role::Server => false,
            Role::Client => true,
            Role::Either => bytes.starts_with(b"HTTP/"),
        };
        let mut room = [const { MaybeUninit::uninit() }; limits::HTTP_FIELDS_MAX];
        let room = room.get_mut(..bounds.fields).unwrap_or_default();
        if is_response { response(bytes, line, room) } else { request(bytes, line, room) }
    }
}

type Room<'h, 'b> = &'h mut [MaybeUninit<Header<'b>>];

fn request<'b>(bytes: &'b [u8], line: usize, room: Room<'_, 'b>) -> Result<Head, Violation> {
    let mut parsed = Request::new(&mut []);
    let config = ParserConfig::default();
    let end = config.parse_request_with_uninit_headers(&mut parsed, bytes, room);
    let len = whole(end, bytes.get(..line).unwrap_or_default())?;
    let (method, target) = (parsed.method.unwrap_or(""), parsed.path.unwrap_or(""));
    check_target(method, target)?;
    let is_old = parsed.version == Some(0);
    let seen = Seen::of(parsed.headers, true)?;
    if seen.hosts > 1 || seen.hosts == 0 && !is_old {
        return Err(Violation::SYNTAX);
    }
    if seen.is_coded && is_old {
        return Err(Violation::SYNTAX);
    }
    if seen.is_expectation_unknown && !is_old {
        return Err(Violation::EXPECTATION);
    }
    let length = match (seen.coding, seen.size) {
        (Coding::Chunked, _) => Length::Chunked,
        (Coding::Unknown, _) => return Err(Violation::CODING),
        (Coding::Identity | Coding::Open, _) => return Err(Violation::SYNTAX),
        (Coding::None, Some(size)) if size > 0 => Length::Sized(size),
        (Coding::None, _) => Length::None,
    };
    let mut traits = seen.traits(is_old);
    let length = match (method, length) {
        // Behind it, no two readers agree on what is HTTP until it is answered (RFC 9110, 9.3.6).
        ("CONNECT", Length::None) => {
            traits.0 &= !Traits::KEEP_ALIVE;
            Length::Tunnel
        }
        ("CONNECT", _) => return Err(Violation::SYNTAX),
        (_, length) => length,
    };
    let at = method.len() + 1;
    Ok(Head {
        start: Start::Request {
            method: Span::new(0, method.len()),
            target: Span::new(at, at + target.len()),
        },
        fields: Span::new(line, len - 2),
        len,
        traits,
        length,
    })
}

/// Bytes before the reason of a response: `HTTP/1.1 200 `.
const STATUS: usize = 13;

fn response<'b>(bytes: &'b [u8], line: usize, room: Room<'_, 'b>) -> Result<Head, Violation> {
    let mut parsed = Response::new(&mut []);
    let config = ParserConfig::default();
    let end = config.parse_response_with_uninit_headers(&mut parsed, bytes, room);
    let len = whole(end, bytes.get(..line).unwrap_or_default())?;
    let status = parsed.code.unwrap_or(0);
    if status < 100 {
        return Err(Violation::SYNTAX);
    }
    let is_old = parsed.version == Some(0);
    let seen = Seen::of(parsed.headers, false)?;
    let length = match (seen.coding, seen.size) {
        _ if status == 101 => Length::Tunnel,
        _ if status < 200 || status == 204 || status == 304 => Length::None,
        (Coding::Chunked, _) => Length::Chunked,
        (Coding::Unknown | Coding::Open, _) => return Err(Violation::CODING),
        (Coding::Identity, _) => Length::UntilClose,
        (Coding::None, Some(0)) => Length::None,
        (Coding::None, Some(size)) => Length::Sized(size),
        (Coding::None, None) => Length::UntilClose,
    };
    Ok(Head {
        start: Start::Response { status, reason: Span::new(STATUS.min(line - 2), line - 2) },
        fields: Span::new(line, len - 2),
        len,
        traits: seen.traits(is_old),
        length,
    })
}

/// Where the head ends, or what is wrong with it.
fn whole(end: httparse::Result<usize>, line: &[u8]) -> Result<usize, Violation> {
    match end {
        Ok(Status::Complete(len)) => Ok(len),
        Err(Error::TooManyHeaders) => Err(Violation::FIELDS),
        Err(Error::Version) if names_version(line) => Err(Violation::VERSION),
        Ok(Status::Partial) | Err(_) => Err(Violation::SYNTAX),
    }
}

/// Whether a first line is fine but for its version: `HTTP/2.0 ` in front, ` HTTP/2.0` at its end.
fn names_version(line: &[u8]) -> bool {
    let is_version = |text: &[u8]| {
        matches!(text, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit())
    };
    let line = line.strip_suffix(b"\r\n").unwrap_or(line);
    let mut words = line.split(|byte| *byte == b' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(first), ..) if is_version(first) => true,
        (_, _, Some(last), None) => is_version(last),
        _ => false,
    }
}

/// A target fits its method (RFC 9112, 3.2).
fn check_target(method: &str, target: &str) -> Result<(), Violation> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    let is_form = match target.as_bytes() {
        _ if method == "CONNECT" => is_authority(target.as_bytes(), true),
        b"*" => method == "OPTIONS",
        [b'/', ..] => true,
        _ => match target.split_once("://") {
            Some((scheme, rest)) => {
                let authority = rest.split(['/', '?']).next().unwrap_or_default();
                let is_scheme =
                    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
                is_scheme && !authority.is_empty() && is_authority(authority.as_bytes(), false)
            }
            None => false,
        },
    };
    match is_form && target.bytes().all(is_plain) && method.bytes().all(is_token) {
        true => Ok(()),
        false => Err(Violation::SYNTAX),
    }
}

/// Whether it is a host, and a port if that `is_due`: no user, no path (RFC 9110, 4.2.4).
fn is_authority(text: &[u8], is_due: bool) -> bool {
    let (host, rest) = match text {
        [b'[', inner @ ..] => {
            let Some(end) = inner.iter().position(|byte| *byte == b']') else {
                return false;
            };
            let (address, rest) = inner.split_at(end);
            let is_address = |byte: &u8| byte.is_ascii_hexdigit() || b":.".contains(byte);
            if address.is_empty() || !address.iter().all(is_address) {
                return false;
            }
            (address, rest.get(1..).unwrap_or_default())
        }
        _ => {
            let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
            let (host, rest) = text.split_at(end);
            let is_name =
                |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
            if !host.iter().all(is_name) {
                return false;
            }
            (host, rest)
        }
    };
    match rest {
        [] => !is_due,
        [b':', port @ ..] => {
            port.len() <= 5
                && port.iter().all(u8::is_ascii_digit)
                && !(is_due && (port.is_empty() || host.is_empty()))
        }
        _ => false,
    }
}

/// What transfer codings there are.
#[derive(Clone, Copy, PartialEq)]
enum Coding {
    None,
    /// Only chunks.
    Chunked,
    /// Chunks of something that nobody knows.
    Unknown,
    /// Not any.
    Identity,
    /// It does not end with chunks.
    Open,
}

/// What the fields say that framing depends on.
struct Seen {
    coding: Coding,
    is_coded: bool,
    size: Option<u64>,
    hosts: usize,
    closes: bool,
    keeps: bool,
    upgrades: bool,
    has_upgrade: bool,
    is_continue: bool,
    is_expectation_unknown: bool,
}

impl Seen {
    fn of(fields: &[Header<'_>], is_request: bool) -> Result<Self, Violation> {
        let mut seen = Seen {
            coding: Coding::None,
            is_coded: false,
            size: None,
            hosts: 0,
            closes: false,
            keeps: false,
            upgrades: false,
            has_upgrade: false,
            is_continue: false,
            is_expectation_unknown: false,
        };
        for field in fields {
            // Few names matter, and those by their length first.
            match field.name.len() {
                4 | 6 | 7 | 10 | 14 | 17 => seen.note(field.name, field.value, is_request)?,
                _ => {}
            }
        }
        match seen.is_coded && seen.size.is_some() {
            true => Err(Violation::SYNTAX),
            false => Ok(seen),
        }
    }

    fn note(&mut self, name: &str, value: &[u8], is_request: bool) -> Result<(), Violation> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("content-length") {
            return self.note_size(value);
        } else if is("transfer-encoding") {
            // Of two fields the order could be read in two ways.
            if self.is_coded {
                return Err(Violation::SYNTAX);
            }
            self.is_coded = true;
            self.coding = coding_of(value);
        } else if is("connection") {
            for word in words(value) {
                self.closes |= word.eq_ignore_ascii_case(b"close");
                self.keeps |= word.eq_ignore_ascii_case(b"keep-alive");
                self.upgrades |= word.eq_ignore_ascii_case(b"upgrade");
            }
        } else if is("upgrade") {
            self.has_upgrade = true;
        } else if is_request && is("host") {
            self.hosts += 1;
            if !is_authority(value, false) {
                return Err(Violation::SYNTAX);
            }
        } else if is_request && is("expect") {
            match value.eq_ignore_ascii_case(b"100-continue") {
                true => self.is_continue = true,
                false => self.is_expectation_unknown = true,
            }
        }
        Ok(())
    }

    /// Digits, and once: of two equal values some reader may take the sum or the first for wrong.
    fn note_size(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.size.is_some() || value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(Violation::SYNTAX);
        }
        let digit = |size: u64, byte: &u8| size.checked_mul(10)?.checked_add((byte - b'0').into());
        self.size = Some(value.iter().try_fold(0, digit).ok_or(Violation::BODY)?);
        Ok(())
    }

    fn traits(&self, is_old: bool) -> Traits {
        // Who was in between may not have known chunks (RFC 9112, 6.1).
        let is_faulty = is_old && self.is_coded;
        let keeps = !self.closes && (self.keeps || !is_old) && !is_faulty;
        let bit = |is: bool, bit: u8| if is { bit } else { 0 };
        Traits(
            bit(keeps, Traits::KEEP_ALIVE)
                | bit(is_old, Traits::OLD)
                | bit(self.is_continue && !is_old, Traits::CONTINUE)
                | bit(self.upgrades && self.has_upgrade && !is_old, Traits::UPGRADE)
                | bit(self.coding == Coding::Chunked, Traits::CHUNKED)
                | bit(self.size.is_some(), Traits::SIZED),
        )
    }
}

fn coding_of(value: &[u8]) -> Coding {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Coding::Chunked;
    }
    // RFC 2616 had a name for it, and old servers say it.
    if value.eq_ignore_ascii_case(b"identity") {
        return Coding::Identity;
    }
    let is_chunked = |word: &[u8]| word.eq_ignore_ascii_case(b"chunked");
    let mut last = false;
    for word in words(value) {
        if last {
            // Something behind the chunks, or chunks of chunks.
            return Coding::Open;
        }
        last = is_chunked(word);
    }
    if last { Coding::Unknown } else { Coding::Open }
}

/// The words of a list (RFC 9110, 5.6.1).
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|word| !word.is_empty())
}
