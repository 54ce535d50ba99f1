//! Writing heads and bodies. Nothing leaves that another reader could take for more than it is.

use std::fmt;

use super::{is_text, is_token};

/// What cannot be written, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// The status, the reason, the method: told by the words.
    Line(&'static str),
    /// The target of a request.
    Target,
    /// The name of a field is no token.
    Name,
    /// The value of a field has a control character.
    Value,
    /// A field that the framing decides about.
    Framing(&'static str),
    /// Another size was announced: that, and the size of the body.
    Size(u64, u64),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Line(words) | Unfit::Framing(words) => f.write_str(words),
            Unfit::Target => f.write_str("a target has visible ASCII characters only, and no '#'"),
            Unfit::Name => f.write_str("a name of a field has letters, digits and !#$%&'*+-.^_`|~"),
            Unfit::Value => f.write_str("a value of a field has no CR, LF, NUL or other control"),
            Unfit::Size(said, size) => {
                write!(f, "Content-Length is {said}, but the body has {size} bytes")
            }
        }
    }
}

/// What body a message has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Announced {
    /// None, or it is there.
    Nothing,
    /// So many bytes follow.
    Sized(u64),
    /// Chunks follow.
    Chunks,
    /// What follows goes on until the connection ends.
    Open,
}

/// A body to announce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// It is written with the head: so many bytes.
    Whole(usize),
    /// So many bytes follow.
    Sized(u64),
    /// Chunks follow.
    Chunks,
}

/// What a response depends on beside its status.
#[derive(Clone, Copy, Default, Debug)]
pub struct Manner {
    /// The connection ends with it.
    pub closes: bool,
    /// It answers HEAD.
    pub is_head: bool,
    /// The client speaks HTTP/1.0.
    pub is_old: bool,
    /// Without a date.
    pub has_no_date: bool,
    /// It agrees to a tunnel, which has no body (RFC 9110, 9.3.6).
    pub is_tunnel: bool,
}

/// Builds a head.
#[derive(Default, Debug)]
pub struct Writer {
    out: Vec<u8>,
    has_date: bool,
    has_connection: bool,
    is_coded: bool,
    /// The reader speaks HTTP/1.0.
    is_for_old: bool,
    /// The fields are trailers, which have no word in the framing.
    is_behind: bool,
    size: Option<u64>,
}

impl Writer {
    /// Empty again.
    pub fn clear(&mut self) {
        self.out.clear();
        (self.has_date, self.has_connection, self.is_coded) = (false, false, false);
        (self.is_for_old, self.is_behind, self.size) = (false, false, None);
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// The size that a field has said.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Whether a field has said that chunks follow.
    pub fn is_coded(&self) -> bool {
        self.is_coded
    }

    /// Bytes that it has room for.
    pub fn capacity(&self) -> usize {
        self.out.capacity()
    }

    /// Begins a response.
    ///
    /// # Errors
    ///
    /// The status is not one, or the reason is not on one line.
    pub fn response(
        &mut self,
        status: u16,
        words: Option<&[u8]>,
        is_old: bool,
    ) -> Result<(), Unfit> {
        if !(100..=999).contains(&status) {
            return Err(Unfit::Line("a status is from 100 to 999"));
        }
        let words = words.unwrap_or_else(|| reason(status).unwrap_or("").as_bytes());
        if !words.iter().all(|byte| is_text(*byte)) {
            return Err(Unfit::Line("a reason has no CR, LF, NUL or other control"));
        }
        self.out.extend_from_slice(if is_old { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
        self.decimal(status.into());
        self.out.push(b' ');
        self.out.extend_from_slice(words);
        self.out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Begins a request.
    ///
    /// # Errors
    ///
    /// The method is no token, or the target has what no target has.
    pub fn request(&mut self, method: &[u8], target: &[u8], is_old: bool) -> Result<(), Unfit> {
        if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
            return Err(Unfit::Line("a method has letters, digits and !#$%&'*+-.^_`|~"));
        }
        if target.is_empty() || !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#')
        {
            return Err(Unfit::Target);
        }
        self.out.extend_from_slice(method);
        self.out.push(b' ');
        self.out.extend_from_slice(target);
        self.out.extend_from_slice(if is_old { b" HTTP/1.0\r\n" } else { b" HTTP/1.1\r\n" });
        Ok(())
    }

    /// The reader speaks HTTP/1.0: a `Transfer-Encoding` is left out (RFC 9112, 6.1).
    pub fn for_old(&mut self, is_old: bool) {
        self.is_for_old = is_old;
    }

    /// Begins trailers.
    pub fn trailers(&mut self) {
        self.is_behind = true;
    }

    /// Writes a field.
    ///
    /// # Errors
    ///
    /// It would not be one, or contradicts the framing.
    #[inline]
    pub fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Unfit> {
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(Unfit::Name);
        }
        if !value.iter().all(|byte| is_text(*byte)) {
            return Err(Unfit::Value);
        }
        let is_left_out = match name.len() {
            4 | 10 | 14 | 17 => self.note(name, value)?,
            _ => false,
        };
        if !is_left_out {
            self.line(name, value);
        }
        Ok(())
    }

    /// Keeps in mind what a field says to the framing; whether it is left out.
    fn note(&mut self, name: &[u8], value: &[u8]) -> Result<bool, Unfit> {
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        if self.is_behind {
            // Who adds trailers to the head would read another message (RFC 9110, 6.5.1).
            return match is(b"content-length") || is(b"transfer-encoding") || is(b"host") {
                true => Err(Unfit::Framing(
                    "trailers have no Content-Length, Transfer-Encoding or Host",
                )),
                false => Ok(false),
            };
        }
        if is(b"date") {
            self.has_date = true;
        } else if is(b"connection") {
            self.has_connection = true;
        } else if is(b"content-length") {
            let text = std::str::from_utf8(value).unwrap_or("");
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let size = text.parse().ok().filter(|_| is_number);
            match (self.size, size) {
                (None, Some(size)) => self.size = Some(size),
                (Some(_), _) => return Err(Unfit::Framing("there is one Content-Length")),
                _ => return Err(Unfit::Framing("Content-Length is a number")),
            }
        } else if is(b"transfer-encoding") {
            if self.is_coded || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Unfit::Framing("Transfer-Encoding is 'chunked', and there is one"));
            }
            if self.is_for_old {
                return Ok(true);
            }
            self.is_coded = true;
        }
        match self.is_coded && self.size.is_some() {
            true => Err(Unfit::Framing("Content-Length and Transfer-Encoding exclude each other")),
            false => Ok(false),
        }
    }

    /// Ends the head of a response with what it lacks; what is to follow.
    ///
    /// # Errors
    ///
    /// Its fields contradict its body.
    pub fn end_response(
        &mut self,
        status: u16,
        body: Body,
        manner: Manner,
        date: &[u8],
    ) -> Result<Announced, Unfit> {
        let is_interim = status < 200;
        let is_bare = is_interim || status == 204 || status == 304 || manner.is_tunnel;
        if !self.has_date && !manner.has_no_date && !is_interim {
            self.line(b"Date", date);
        }
        let mut closes = manner.closes;
        let announced = if is_bare {
            self.check_bare(status, body)?
        } else if manner.is_head {
            self.announce_unsent(body, manner.is_old)
        } else {
            self.announce(body, manner.is_old)?
        };
        closes |= announced == Announced::Open;
        if !self.has_connection && !is_interim {
            if closes {
                self.line(b"Connection", b"close");
            } else if manner.is_old {
                self.line(b"Connection", b"keep-alive");
            }
        }
        self.out.extend_from_slice(b"\r\n");
        Ok(announced)
    }

    /// Ends the head of a request with what it lacks; what is to follow.
    ///
    /// # Errors
    ///
    /// Its fields contradict its body.
    pub fn end_request(
        &mut self,
        method: &[u8],
        body: Body,
        closes: bool,
    ) -> Result<Announced, Unfit> {
        // A size that is not there could be one that was lost (RFC 9110, 8.6).
        let is_due = matches!(method, b"POST" | b"PUT" | b"PATCH");
        let announced = match body {
            Body::Whole(0) if !is_due && self.size.is_none() && !self.is_coded => {
                Announced::Nothing
            }
            body => self.announce(body, false)?,
        };
        if closes && !self.has_connection {
            self.line(b"Connection", b"close");
        }
        self.out.extend_from_slice(b"\r\n");
        Ok(announced)
    }

    /// A response without any body.
    fn check_bare(&self, status: u16, body: Body) -> Result<Announced, Unfit> {
        let says_size = self.size.is_some() && status != 304;
        if self.is_coded || says_size {
            return Err(Unfit::Framing(
                "a response 1xx, 204, 304 or to CONNECT has no Content-Length or Transfer-Encoding",
            ));
        }
        match body {
            Body::Whole(0) => Ok(Announced::Nothing),
            _ => Err(Unfit::Framing("a response 1xx, 204 or 304 has no body")),
        }
    }

    /// A response to HEAD: what there would be is said, and not sent.
    fn announce_unsent(&mut self, body: Body, is_old: bool) -> Announced {
        if self.size.is_none() && !self.is_coded {
            match body {
                Body::Whole(size) => self.size_line(size as u64),
                Body::Sized(size) => self.size_line(size),
                Body::Chunks if !is_old => self.line(b"Transfer-Encoding", b"chunked"),
                Body::Chunks => {}
            }
        }
        Announced::Nothing
    }

    fn announce(&mut self, body: Body, is_old: bool) -> Result<Announced, Unfit> {
        let expect = |said: Option<u64>, size: u64| match said {
            Some(said) if said != size => Err(Unfit::Size(said, size)),
            _ => Ok(()),
        };
        match body {
            Body::Whole(_) | Body::Sized(_) if self.is_coded => {
                Err(Unfit::Framing("a body of known size has no Transfer-Encoding"))
            }
            Body::Whole(size) => {
                expect(self.size, size as u64)?;
                if self.size.is_none() {
                    self.size_line(size as u64);
                }
                Ok(Announced::Nothing)
            }
            Body::Sized(size) => {
                expect(self.size, size)?;
                if self.size.is_none() {
                    self.size_line(size);
                }
                Ok(Announced::Sized(size))
            }
            Body::Chunks => Ok(match self.size {
                Some(size) => Announced::Sized(size),
                None if is_old => Announced::Open,
                None => {
                    if !self.is_coded {
                        self.line(b"Transfer-Encoding", b"chunked");
                    }
                    Announced::Chunks
                }
            }),
        }
    }

    fn size_line(&mut self, size: u64) {
        self.out.extend_from_slice(b"Content-Length: ");
        self.decimal(size);
        self.out.extend_from_slice(b"\r\n");
    }

    #[inline]
    fn line(&mut self, name: &[u8], value: &[u8]) {
        self.out.reserve(name.len() + value.len() + 4);
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(b": ");
        self.out.extend_from_slice(value);
        self.out.extend_from_slice(b"\r\n");
    }

    fn decimal(&mut self, mut value: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    /// The line before a chunk of `len` bytes.
    pub fn chunk(&mut self, len: usize) {
        self.out.extend_from_slice(format!("{len:x}\r\n").as_bytes());
    }

    /// The last chunk; trailers and an empty line follow.
    pub fn last_chunk(&mut self) {
        self.out.extend_from_slice(b"0\r\n");
    }

    /// Bytes as they are: an end of line, or what was found to be fine.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }
}

/// The words that go with a status (RFC 9110, 15, and the registry of IANA).
pub fn reason(status: u16) -> Option<&'static str> {
    Some(match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        208 => "Already Reported",
        226 => "IM Used",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        506 => "Variant Also Negotiates",
        507 => "Insufficient Storage",
        508 => "Loop Detected",
        511 => "Network Authentication Required",
        _ => return None,
    })
}
