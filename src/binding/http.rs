//! `http`: what `chuck.http` is built on: parts of messages into Lua, heads and bodies out of it.

use std::cell::Cell;
use std::ffi::c_int;
use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use httpdate::HttpDate;

use super::connection::{self, Connection};
use super::convert;
use super::decoder;
use super::file;
use super::packet::RawPacket;
use super::raw::{Call, Fail, Kind, Outcome, function};
use crate::base::error::Code;
use crate::base::limits;
use crate::codec::http1::{
    self, Body, Fields, Head, Manner, Start, Step, Traits, Unfit, Violation, Writer,
};
use crate::codec::packet::Payload;
use crate::conn::framing::Http;
use crate::os::clock;

/// What a callback is told of: a head, a piece of a body, its end, or that there is no more.
pub enum Part {
    /// A head, and its whole body if it is there.
    Head { head: Head, body: Option<Pieces> },
    /// Some of a body.
    Piece(Pieces),
    /// Its end, and where its trailers stand.
    End(Range<usize>),
    /// Nothing more is made of what arrives.
    Refused(Violation),
}

/// Where data stands.
pub enum Pieces {
    One(Range<usize>),
    Many(Vec<Range<usize>>),
}

impl Part {
    /// What the last step has found, if that is told.
    pub fn of(http: &mut Http) -> Option<Part> {
        let scanner = &http.scanner;
        match scanner.step() {
            Step::Head { is_whole } => {
                let body = is_whole.then(|| Pieces::of(scanner.pieces()));
                Some(Part::Head { head: *scanner.head()?, body })
            }
            Step::Piece => Some(Part::Piece(Pieces::of(scanner.pieces()))),
            Step::End(trailers) => Some(Part::End(trailers.clone())),
            Step::Refused(violation) => Some(Part::Refused(*violation)),
            Step::Nothing | Step::Message => None,
        }
    }

    /// Pushes what the callback gets; returns how many values those are.
    pub fn push(&self, call: &Call, bytes: &[u8]) -> c_int {
        call.reserve(12);
        match self {
            Part::Head { head, body } => {
                push_head(call, head, bytes);
                match body {
                    Some(pieces) => pieces.push(call, bytes),
                    None => call.push_boolean(false),
                }
                6
            }
            Part::Piece(pieces) => {
                pieces.push(call, bytes);
                call.push_integer(0);
                2
            }
            Part::End(trailers) => {
                call.push_boolean(true);
                call.push_integer(0);
                match trailers.is_empty() {
                    true => call.push_nil(),
                    false => call.push_bytes(bytes.get(trailers.clone()).unwrap_or_default()),
                }
                3
            }
            Part::Refused(violation) => push_violation(call, *violation),
        }
    }
}

impl Pieces {
    fn of(pieces: &[Range<usize>]) -> Self {
        match pieces {
            [] => Pieces::One(0..0),
            [one] => Pieces::One(one.clone()),
            many => Pieces::Many(many.to_vec()),
        }
    }

    /// Pushes the data as one string.
    fn push(&self, call: &Call, bytes: &[u8]) {
        match self {
            Pieces::One(one) => call.push_bytes(bytes.get(one.clone()).unwrap_or_default()),
            Pieces::Many(many) => {
                let len = many.iter().map(Range::len).sum();
                call.push_built(len, |mut room| {
                    for piece in many {
                        let (front, rest) = room.split_at_mut(piece.len());
                        front.copy_from_slice(bytes.get(piece.clone()).unwrap_or_default());
                        room = rest;
                    }
                    true
                });
            }
        }
    }
}

/// Pushes the lines of fields, 0, what the first line says, and what else there is as bits.
fn push_head(call: &Call, head: &Head, bytes: &[u8]) {
    call.push_bytes(head.fields.of(bytes));
    call.push_integer(0);
    match head.start {
        Start::Request { method, target } => {
            call.push_bytes(method.of(bytes));
            call.push_bytes(target.of(bytes));
        }
        Start::Response { status, reason } => {
            call.push_integer(status.into());
            call.push_bytes(reason.of(bytes));
        }
    }
    call.push_integer(head.traits.0.into());
}

/// Pushes what a callback is told of a message that is none.
pub fn push_violation(call: &Call, violation: Violation) -> c_int {
    call.push_nil();
    call.push_integer(violation.code.0.into());
    call.push_integer(violation.status.into());
    3
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"respond", function(respond)),
        (c"request", function(request)),
        (c"piece", function(piece)),
        (c"finish", function(finish)),
        (c"parts", function(decoder::http_parts)),
        (c"open_file", function(file::open)),
        (c"send_file", function(connection::send_file)),
        (c"pending", function(pending)),
        (c"switch", function(switch)),
        (c"value", function(value)),
        (c"values", function(values)),
        (c"fields", function(fields)),
        (c"reason", function(reason)),
        (c"date", function(date)),
    ]);
    push_bits(call);
    call.set_field(-2, c"bits");
}

/// Pushes what each set of bits means.
fn push_bits(call: &Call) {
    let names = [
        (Traits::KEEP_ALIVE, c"keep_alive"),
        (Traits::OLD, c"is_10"),
        (Traits::CONTINUE, c"expects_continue"),
        (Traits::UPGRADE, c"upgrade"),
        (Traits::CHUNKED, c"chunked"),
        (Traits::SIZED, c"sized"),
    ];
    call.reserve(4);
    call.push_table(63, 1);
    for bits in 0..64 {
        call.push_table(0, names.len());
        for (bit, name) in names {
            call.push_boolean(Traits(bits).has(bit));
            call.set_field(-2, name);
        }
        call.raw_set(-2, bits.into());
    }
}

/// Bytes of a date: `Sun, 06 Nov 1994 08:49:37 GMT`.
const DATE_LEN: usize = 29;

thread_local! {
    /// What the last head was written in.
    static SPARE: Cell<Option<Box<Writer>>> = const { Cell::new(None) };
    /// The second that a date was written in last, and the date.
    static DATE: Cell<(u64, [u8; DATE_LEN])> = const { Cell::new((u64::MAX, [0; DATE_LEN])) };
}

/// Works with an empty writer. Lua makes no value meanwhile.
#[inline]
pub fn with_writer<R>(work: impl FnOnce(&mut Writer) -> R) -> R {
    // While the thread ends, each has its own.
    let mut writer = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let result = work(&mut writer);
    writer.clear();
    if writer.capacity() <= limits::HTTP_WRITER {
        let _ = SPARE.try_with(|spare| spare.set(Some(writer)));
    }
    result
}

/// The date of now.
#[inline]
fn today() -> [u8; DATE_LEN] {
    let seconds = clock::unix_millis().max(0) as u64 / 1000;
    let (at, text) = DATE.get();
    if at == seconds {
        return text;
    }
    let mut text = [b' '; DATE_LEN];
    for (byte, known) in text.iter_mut().zip(date_of(seconds).bytes()) {
        *byte = known;
    }
    DATE.set((seconds, text));
    text
}

fn date_of(seconds: u64) -> String {
    HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// Why something was not sent.
enum Refusal {
    /// The connection does not take it.
    Code(Code),
    /// It cannot be written: which item of the fields, 0 and below for the first line.
    Unfit(c_int, String),
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Refusal::Code(code)
    }
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        Refusal::Unfit(0, unfit.to_string())
    }
}

/// `true`; `nil, message, code`; or `false, n, text`.
fn answer(call: &Call, result: Result<(), Refusal>) -> Outcome {
    match result {
        Ok(()) => {
            call.push_boolean(true);
            Ok(1)
        }
        Err(Refusal::Code(code)) => convert::failure(call, code),
        Err(Refusal::Unfit(n, text)) => {
            call.set_top(0);
            call.push_boolean(false);
            call.push_integer(n.into());
            call.push_bytes(text.as_bytes());
            Ok(3)
        }
    }
}

const CLOSES: i64 = 1;
const HEAD: i64 = 2;
const OLD: i64 = 4;
const NO_DATE: i64 = 8;
const TUNNEL: i64 = 16;

/// `respond(conn, status, reason, fields, body, mode)`
fn respond(call: &Call) -> Outcome {
    let connection = call.object::<Connection>(1)?;
    let status = call.integer_in(2, 100, 999)? as u16;
    let mode = if call.is_absent(6) { 0 } else { call.integer_in(6, 0, 31)? };
    let manner = Manner {
        closes: mode & CLOSES != 0,
        is_head: mode & HEAD != 0,
        is_old: mode & OLD != 0,
        has_no_date: mode & NO_DATE != 0,
        is_tunnel: mode & TUNNEL != 0,
    };
    let words = if call.is_absent(3) { None } else { Some(call.bytes(3)?) };
    call.optional_table(4)?;
    let body = body(call, 5)?;
    let result = with_writer(|writer| {
        writer.response(status, words, false)?;
        writer.for_old(manner.is_old);
        write_fields(call, 4, writer)?;
        let announced = writer.end_response(status, body.size, manner, &today())?;
        let payload = if manner.is_head { Payload::Copy(&[]) } else { body.payload() };
        connection
            .queue_up(|stream, now| stream.send_head(writer.bytes(), payload, announced, now))?;
        Ok(())
    });
    answer(call, result)
}

/// `request(conn, method, target, fields, body, mode)`
fn request(call: &Call) -> Outcome {
    let connection = call.object::<Connection>(1)?;
    let (method, target) = (call.bytes(2)?, call.bytes(3)?);
    let mode = if call.is_absent(6) { 0 } else { call.integer_in(6, 0, 1)? };
    call.optional_table(4)?;
    let body = body(call, 5)?;
    let result = with_writer(|writer| {
        writer.request(method, target, false).map_err(|unfit| {
            let n = if unfit == Unfit::Target { -2 } else { -1 };
            Refusal::Unfit(n, unfit.to_string())
        })?;
        write_fields(call, 4, writer)?;
        let announced = writer.end_request(method, body.size, mode & CLOSES != 0)?;
        connection.queue_up(|stream, now| {
            stream.send_request(method, writer.bytes(), body.payload(), announced, now)
        })?;
        Ok(())
    });
    answer(call, result)
}

/// A body: how it is announced, and what of it goes with the head.
struct Content<'a> {
    size: Body,
    bytes: &'a [u8],
    packet: Option<&'a RawPacket>,
}

impl Content<'_> {
    fn payload(&self) -> Payload<'_> {
        match self.packet {
            Some(packet) if self.bytes.len() > limits::SEND_COPY => {
                Payload::Share(packet.0.share())
            }
            _ => payload(self.bytes),
        }
    }
}

/// Large bytes are copied once, into a place of their own.
fn payload(bytes: &[u8]) -> Payload<'_> {
    match bytes.len() > limits::SEND_NOW {
        true => Payload::Share(bytes::Bytes::copy_from_slice(bytes)),
        false => Payload::Copy(bytes),
    }
}

/// Argument `n`, a body: bytes, how many follow, or true for chunks.
fn body(call: &Call, n: c_int) -> Result<Content<'_>, Fail> {
    let none = Content { size: Body::Whole(0), bytes: &[], packet: None };
    Ok(match call.kind(n) {
        Kind::None | Kind::Nil => none,
        Kind::Number => {
            let size = call.integer_in(n, 0, i64::MAX)? as u64;
            Content { size: Body::Sized(size), ..none }
        }
        Kind::Boolean if call.switch(n)? => Content { size: Body::Chunks, ..none },
        Kind::String => {
            let bytes = call.bytes(n)?;
            Content { size: Body::Whole(bytes.len()), bytes, packet: None }
        }
        _ => match call.try_object::<RawPacket>(n) {
            Some(packet) => {
                let bytes = &*packet.0;
                Content { size: Body::Whole(bytes.len()), bytes, packet: Some(packet) }
            }
            None => return Err(call.expected(n, "string, rawpacket, integer or true")),
        },
    })
}

/// Writes the fields of the list at `n`: name, value, name, value.
#[inline]
fn write_fields(call: &Call, n: c_int, writer: &mut Writer) -> Result<(), Refusal> {
    if call.is_absent(n) {
        return Ok(());
    }
    call.reserve(3);
    let len = call.raw_len(n);
    for at in (1..=len).step_by(2) {
        call.raw_get(n, at);
        call.raw_get(n, at + 1);
        let unfit = |at: i64, text: String| Refusal::Unfit(at as c_int, text);
        let name = call
            .to_bytes(-2)
            .ok_or_else(|| unfit(at, "a name of a field is a string".to_owned()))?;
        let digits;
        let value = match (call.to_bytes(-1), call.to_integer(-1)) {
            (Some(value), _) => value,
            (None, Some(value)) => {
                digits = value.to_string();
                digits.as_bytes()
            }
            _ => {
                let words = "a value of a field is a string or an integer".to_owned();
                return Err(unfit(at + 1, words));
            }
        };
        writer
            .field(name, value)
            .map_err(|why| unfit(if why == Unfit::Name { at } else { at + 1 }, why.to_string()))?;
        call.pop(2);
    }
    Ok(())
}

/// `piece(conn, bytes)`
fn piece(call: &Call) -> Outcome {
    let connection = call.object::<Connection>(1)?;
    let content = body(call, 2)?;
    let Body::Whole(len) = content.size else {
        return Err(call.expected(2, "string or rawpacket"));
    };
    let result = with_writer(|writer| {
        connection.queue_up(|stream, now| stream.send_piece(content.payload(), len, writer, now))
    });
    answer(call, result.map_err(Refusal::Code))
}

/// `finish(conn[, trailers])`
fn finish(call: &Call) -> Outcome {
    let connection = call.object::<Connection>(1)?;
    call.optional_table(2)?;
    let result = with_writer(|trailers| {
        trailers.trailers();
        write_fields(call, 2, trailers)?;
        with_writer(|writer| {
            connection.queue_up(|stream, now| stream.finish_body(trailers.bytes(), writer, now))
        })?;
        Ok(())
    });
    answer(call, result)
}

/// `pending(conn)`
fn pending(call: &Call) -> Outcome {
    let pending = call.object::<Connection>(1)?.pending();
    call.push_integer(pending as i64);
    Ok(1)
}

/// `switch(conn, decoder)`
fn switch(call: &Call) -> Outcome {
    let connection = call.object::<Connection>(1)?;
    let framing = decoder::framing(call, 2)?;
    let result = connection.switch(framing);
    answer(call, result.map_err(Refusal::Code))
}

/// `value(head, name)`: repeated ones are joined (RFC 9110, 5.2).
fn value(call: &Call) -> Outcome {
    let (lines, name) = (call.bytes(1)?, call.bytes(2)?);
    push_value(call, lines, name);
    Ok(1)
}

/// Pushes the values of the fields with this name as one; nil when there is none.
pub fn push_value(call: &Call, lines: &[u8], name: &[u8]) {
    call.reserve(4);
    let mut values = http1::value_of(lines, name);
    let Some(first) = values.next() else {
        call.push_nil();
        return;
    };
    let rest: usize = values.map(|value| value.len() + 2).sum();
    if rest == 0 {
        call.push_bytes(first);
        return;
    }
    call.push_built(first.len() + rest, |mut room| {
        for (n, value) in http1::value_of(lines, name).enumerate() {
            for bytes in [if n > 0 { &b", "[..] } else { &[] }, value] {
                let (front, behind) = room.split_at_mut(bytes.len());
                front.copy_from_slice(bytes);
                room = behind;
            }
        }
        true
    });
}

/// `values(head, name)`
fn values(call: &Call) -> Outcome {
    let (lines, name) = (call.bytes(1)?, call.bytes(2)?);
    call.reserve(4);
    call.push_table(1, 0);
    for (n, value) in http1::value_of(lines, name).enumerate() {
        call.push_bytes(value);
        call.raw_set(-2, n as i64 + 1);
    }
    Ok(1)
}

/// `fields(head)`
fn fields(call: &Call) -> Outcome {
    let lines = call.bytes(1)?;
    push_fields(call, lines);
    Ok(1)
}

/// Pushes the fields as a list of pairs.
pub fn push_fields(call: &Call, lines: &[u8]) {
    call.reserve(6);
    call.push_table(8, 0);
    for (n, (name, value)) in Fields::new(lines).enumerate() {
        call.push_table(2, 0);
        call.push_bytes(name);
        call.raw_set(-2, 1);
        call.push_bytes(value);
        call.raw_set(-2, 2);
        call.raw_set(-2, n as i64 + 1);
    }
}

/// `reason(status)`
fn reason(call: &Call) -> Outcome {
    let status = call.integer_in(1, 0, 999)?;
    match http1::reason(status as u16) {
        Some(words) => call.push_bytes(words.as_bytes()),
        None => call.push_nil(),
    }
    Ok(1)
}

/// The last second that has a date of four digits for its year.
const LAST_SECOND: i64 = 253_402_300_799;

/// `date([seconds])`
fn date(call: &Call) -> Outcome {
    if call.is_absent(1) {
        call.push_bytes(&today());
    } else {
        let seconds = call.integer_in(1, 0, LAST_SECOND)?;
        call.push_bytes(date_of(seconds as u64).as_bytes());
    }
    Ok(1)
}
