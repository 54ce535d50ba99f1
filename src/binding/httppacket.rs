//! `httppacket`: a message of HTTP as a whole, received or made to be sent.

use std::ffi::{CStr, c_int};

use bytes::Bytes;

use super::command::Options;
use super::http;
use super::packet::RawPacket;
use super::place;
use super::raw::{Call, Class, Fail, Kind, Outcome, function};
use crate::base::buf::Buf;
use crate::base::limits;
use crate::codec::http1::{Body, Bounds, Head, Manner, Message, Role, Unfit, Writer};

/// A message of HTTP.
pub struct HttpPacket(pub Message);

impl Class for HttpPacket {
    const NAME: &'static CStr = c"httppacket";
    const INDEX: usize = place::HTTPPACKET;

    fn is_plain(&mut self) -> bool {
        self.0.is_plain()
    }

    fn outside(&mut self) -> usize {
        self.0.outside()
    }
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<HttpPacket>(
        &[
            (c"Method", function(|call| bytes(call, Message::method))),
            (c"Url", function(|call| bytes(call, Message::target))),
            (c"Status", function(status)),
            (c"Reason", function(|call| bytes(call, |message| Some(message.status()?.1)))),
            (
                c"Version",
                function(|call| bytes(call, |message| Some(message.version().as_bytes()))),
            ),
            (c"Content", function(|call| bytes(call, content))),
            (c"Headers", function(headers)),
            (c"Header", function(header)),
            (c"Trailers", function(trailers)),
            (c"KeepAlive", function(keep_alive)),
        ],
        &[(c"__len", function(size)), (c"__tostring", function(text))],
    );
}

/// The names of what a message is made of, in a table; the first ones also stand in this order.
type Names = [&'static CStr; 5];

const REQUEST: Names = [c"method", c"url", c"headers", c"body", c"version"];
const RESPONSE: Names = [c"status", c"headers", c"body", c"reason", c"version"];

/// `httprequest(method, url[, headers[, body]])`, or all in one table.
pub fn request(call: &Call) -> Outcome {
    let from = Arguments::new(call, &REQUEST)?;
    let (method, target) = (from.bytes(0)?, from.bytes(1)?);
    let content = from.content(3)?;
    let is_old = from.is_old()?;
    let made = http::with_writer(|writer| {
        writer.request(method, target, is_old).map_err(|unfit| from.unfit(0, &unfit))?;
        write_headers(&from, 2, writer)?;
        from.check_coding(2, is_old, writer)?;
        let size = size_of(writer, content);
        writer.end_request(method, size, false).map_err(|unfit| from.unfit(2, &unfit))?;
        let words = "a request has one Host, and a url that fits its method";
        message(writer, content, Role::Server).ok_or_else(|| from.complain(2, words))
    })?;
    call.push_object(HttpPacket(made));
    Ok(1)
}

/// `httpresponse(status[, headers[, body]])`, or all in one table.
pub fn response(call: &Call) -> Outcome {
    let from = Arguments::new(call, &RESPONSE)?;
    let status = from.status()?;
    let reason = if from.base == 0 || from.is_absent(3) { None } else { Some(from.bytes(3)?) };
    let content = from.content(2)?;
    let is_old = from.is_old()?;
    let made = http::with_writer(|writer| {
        writer.response(status, reason, is_old).map_err(|unfit| from.unfit(0, &unfit))?;
        write_headers(&from, 1, writer)?;
        from.check_coding(1, is_old, writer)?;
        // Who says a size and has no body answers HEAD.
        let is_head = from.is_absent(2) && writer.size().is_some();
        let manner = Manner { is_head, has_no_date: true, ..Manner::default() };
        let size = size_of(writer, content);
        let ended = writer.end_response(status, size, manner, b"");
        ended.map_err(|unfit| from.unfit(1, &unfit))?;
        message(writer, content, Role::Client)
            .ok_or_else(|| from.complain(1, "these make no response"))
    })?;
    call.push_object(HttpPacket(made));
    Ok(1)
}

/// Where the parts of a message stand: at their places, or in a table at the first.
struct Arguments<'a> {
    call: &'a Call,
    names: &'static Names,
    /// Below the first.
    base: c_int,
}

impl<'a> Arguments<'a> {
    fn new(call: &'a Call, names: &'static Names) -> Result<Self, Fail> {
        call.reserve(12);
        if call.kind(1) != Kind::Table {
            // What was left out is there, and nothing.
            call.set_top(5);
            return Ok(Arguments { call, names, base: 0 });
        }
        let known = names.map(|name| name.to_str().unwrap_or_default());
        Options::new(call, 1, &known)?;
        let base = call.top();
        for name in names {
            call.raw_field(1, name);
        }
        Ok(Arguments { call, names, base })
    }

    fn at(&self, n: c_int) -> c_int {
        self.base + n + 1
    }

    fn is_absent(&self, n: c_int) -> bool {
        self.call.is_absent(self.at(n))
    }

    /// A complaint about the part `n`.
    fn complain(&self, n: c_int, words: &str) -> Fail {
        if self.base == 0 {
            return Fail::argument(n + 1, words);
        }
        let name = self.names.get(n as usize).map_or("", |name| name.to_str().unwrap_or_default());
        Fail::argument(1, format!("{name}: {words}"))
    }

    fn unfit(&self, n: c_int, unfit: &Unfit) -> Fail {
        let n = if *unfit == Unfit::Target { 1 } else { n };
        self.complain(n, &unfit.to_string())
    }

    /// The same complaint, about the part `n`.
    fn blame<T>(&self, n: c_int, result: Result<T, Fail>) -> Result<T, Fail> {
        result.map_err(|fail| match fail {
            Fail::Argument(_, text) => self.complain(n, &text),
            fail => fail,
        })
    }

    fn bytes(&self, n: c_int) -> Result<&'a [u8], Fail> {
        self.blame(n, self.call.bytes(self.at(n)))
    }

    fn status(&self) -> Result<u16, Fail> {
        self.blame(0, self.call.integer_in(self.at(0), 100, 999)).map(|status| status as u16)
    }

    fn content(&self, n: c_int) -> Result<&'a [u8], Fail> {
        if self.is_absent(n) {
            return Ok(&[]);
        }
        match self.call.try_object::<RawPacket>(self.at(n)) {
            Some(packet) => Ok(&packet.0),
            None => self.bytes(n),
        }
    }

    fn check_coding(&self, n: c_int, is_old: bool, writer: &Writer) -> Result<(), Fail> {
        match is_old && writer.is_coded() {
            true => Err(self.complain(n, "HTTP/1.0 has no Transfer-Encoding")),
            false => Ok(()),
        }
    }

    fn is_old(&self) -> Result<bool, Fail> {
        if self.base == 0 || self.is_absent(4) {
            return Ok(false);
        }
        match self.call.to_bytes(self.at(4)) {
            Some(b"1.0") => Ok(true),
            Some(b"1.1") => Ok(false),
            _ => Err(self.complain(4, "'1.0' or '1.1' expected")),
        }
    }
}

/// Writes the headers of a list of pairs, or of a table by name.
fn write_headers(from: &Arguments<'_>, n: c_int, writer: &mut Writer) -> Result<(), Fail> {
    let (call, at) = (from.call, from.at(n));
    if !from.blame(n, call.optional_table(at))? {
        return Ok(());
    }
    let len = call.raw_len(at);
    for item in 1..=len {
        call.raw_get(at, item);
        if call.kind(-1) != Kind::Table {
            return Err(from.complain(n, &format!("item {item} is no pair {{name, value}}")));
        }
        let pair = call.top();
        call.raw_get(pair, 1);
        call.raw_get(pair, 2);
        write_header(from, n, -2, -1, writer)?;
        call.pop(3);
    }
    if len > 0 {
        return Ok(());
    }
    call.push_nil();
    while call.next(at) {
        if call.kind(-1) == Kind::Table {
            let list = call.top();
            for item in 1..=call.raw_len(list) {
                call.raw_get(list, item);
                write_header(from, n, -3, -1, writer)?;
                call.pop(1);
            }
        } else {
            write_header(from, n, -2, -1, writer)?;
        }
        call.pop(1);
    }
    Ok(())
}

/// Writes one header whose name and value stand there.
fn write_header(
    from: &Arguments<'_>,
    n: c_int,
    name: c_int,
    value: c_int,
    writer: &mut Writer,
) -> Result<(), Fail> {
    let call = from.call;
    let Some(name) = call.to_bytes(name) else {
        return Err(from.complain(n, "a name of a field is a string"));
    };
    let text = call.to_integer(value).map(|value| value.to_string());
    let value = match (call.to_bytes(value), &text) {
        (Some(value), _) => value,
        (None, Some(text)) => text.as_bytes(),
        _ => {
            let name = String::from_utf8_lossy(name);
            let words = format!("the value of '{name}' is no string or integer");
            return Err(from.complain(n, &words));
        }
    };
    writer.field(name, value).map_err(|unfit| from.unfit(n, &unfit))
}

/// How a body is announced.
fn size_of(writer: &Writer, content: &[u8]) -> Body {
    if writer.is_coded() { Body::Chunks } else { Body::Whole(content.len()) }
}

/// The message that was written.
fn message(writer: &Writer, content: &[u8], role: Role) -> Option<Message> {
    let head = writer.bytes();
    let line = head.iter().position(|byte| *byte == b'\n')? + 1;
    let bounds = Bounds { fields: limits::HTTP_FIELDS_MAX, ..Bounds::default() };
    let parsed = Head::parse(head, line, role, &bounds).ok()?;
    let mut bytes = Vec::with_capacity(head.len() + content.len());
    bytes.extend_from_slice(head);
    bytes.extend_from_slice(content);
    Some(Message::new(parsed, Buf::from(Bytes::from(bytes)), &[]))
}

/// Pushes what the message has, or nil.
#[inline]
fn bytes(call: &Call, what: impl FnOnce(&Message) -> Option<&[u8]>) -> Outcome {
    let message = &call.object::<HttpPacket>(1)?.0;
    match what(message) {
        Some(bytes) => call.push_bytes(bytes),
        None => call.push_nil(),
    }
    Ok(1)
}

/// The body, if there is one.
fn content(message: &Message) -> Option<&[u8]> {
    Some(message.content()).filter(|content| !content.is_empty())
}

fn status(call: &Call) -> Outcome {
    match call.object::<HttpPacket>(1)?.0.status() {
        Some((status, _)) => call.push_integer(status.into()),
        None => call.push_nil(),
    }
    Ok(1)
}

fn headers(call: &Call) -> Outcome {
    let message = &call.object::<HttpPacket>(1)?.0;
    http::push_fields(call, message.fields());
    Ok(1)
}

fn trailers(call: &Call) -> Outcome {
    let message = &call.object::<HttpPacket>(1)?.0;
    http::push_fields(call, message.trailers());
    Ok(1)
}

fn header(call: &Call) -> Outcome {
    let message = &call.object::<HttpPacket>(1)?.0;
    let name = call.bytes(2)?;
    http::push_value(call, message.fields(), name);
    Ok(1)
}

/// The size of the body, as of a raw packet.
fn size(call: &Call) -> Outcome {
    let size = call.object::<HttpPacket>(1)?.0.content().len();
    call.push_integer(size as i64);
    Ok(1)
}

fn keep_alive(call: &Call) -> Outcome {
    let keeps = call.object::<HttpPacket>(1)?.0.keeps_alive();
    call.push_boolean(keeps);
    Ok(1)
}

fn text(call: &Call) -> Outcome {
    let message = &call.object::<HttpPacket>(1)?.0;
    let size = message.content().len();
    let text = match (message.method(), message.status()) {
        (Some(method), _) => {
            format!("httppacket ({}, {size} bytes)", String::from_utf8_lossy(method))
        }
        (None, Some((status, _))) => format!("httppacket ({status}, {size} bytes)"),
        _ => "httppacket".to_owned(),
    };
    call.push_bytes(text.as_bytes());
    Ok(1)
}
