//! `decoder`: how the bytes of a connection, and datagrams, become packets.

use std::ffi::{CStr, c_int};

use super::command::Options;
use super::packet;
use super::place;
use super::raw::{Call, Class, Fail, Outcome, function};
use crate::base::limits;
use crate::codec::datagram::Whole;
use crate::codec::frame::Frames;
use crate::codec::http1;
use crate::codec::redis::Bounds;
use crate::conn::framing::Framing;

/// A recipe, not a state: one value serves any number of connections.
pub struct Decoder(Recipe);

#[derive(Clone, Copy)]
enum Recipe {
    Raw,
    Frames(Frames),
    Replies(Bounds),
    Messages(http1::Bounds),
    Parts { is_server: bool, bounds: http1::Bounds },
    Datagram(Whole),
}

/// Any datagram; what it may be is the receiver's to say.
const ANY: Whole = Whole::Raw { max: usize::MAX };

impl Class for Decoder {
    const NAME: &'static CStr = c"decoder";
    const INDEX: usize = place::DECODER;

    fn is_plain(&mut self) -> bool {
        true
    }
}

impl Decoder {
    /// How the bytes of a stream become packets, if it is for streams.
    pub fn framing(&self) -> Option<Framing> {
        match self.0 {
            Recipe::Raw => Some(Framing::Raw),
            Recipe::Frames(frames) => Some(Framing::Frames(frames)),
            Recipe::Replies(bounds) => Some(Framing::replies(bounds)),
            Recipe::Messages(bounds) => Some(Framing::messages(bounds)),
            Recipe::Parts { is_server, bounds } => Some(Framing::parts(is_server, bounds)),
            Recipe::Datagram(_) => None,
        }
    }
}

/// Makes the class known.
pub fn register(call: &Call) {
    // Old programs call what is a value in the seed's words: it answers with itself.
    call.register::<Decoder>(&[], &[(c"__call", function(itself))]);
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_table(0, 2);
    call.push_functions(&[
        (c"rpacket", function(rpacket)),
        (c"http", function(http)),
        (c"redis", function(redis)),
    ]);
    push(call, Recipe::Raw);
    call.set_field(-2, c"rawpacket");
    call.set_field(-2, c"connection");
    call.push_functions(&[(c"rpacket", function(datagram_rpacket))]);
    push(call, Recipe::Datagram(ANY));
    call.set_field(-2, c"rawpacket");
    call.set_field(-2, c"datagram");
}

/// Argument `n`, how the bytes of a stream become packets; raw when it is left out.
pub fn framing(call: &Call, n: c_int) -> Result<Framing, Fail> {
    if call.is_absent(n) {
        return Ok(Framing::Raw);
    }
    call.object::<Decoder>(n)?.framing().ok_or_else(|| {
        let words =
            "decoder of chuck.decoder.connection expected, got one of chuck.decoder.datagram";
        Fail::argument(n, words)
    })
}

/// Argument `n`, how a datagram becomes a packet; raw when it is left out.
pub fn whole(call: &Call, n: c_int) -> Result<Whole, Fail> {
    if call.is_absent(n) {
        return Ok(ANY);
    }
    match call.object::<Decoder>(n)?.0 {
        Recipe::Datagram(whole) => Ok(whole),
        _ => Err(Fail::argument(
            n,
            "decoder of chuck.decoder.datagram expected, got one of chuck.decoder.connection",
        )),
    }
}

fn rpacket(call: &Call) -> Outcome {
    let frames = frames(call)?;
    push(call, Recipe::Frames(frames));
    Ok(1)
}

/// `redis([options])`
fn redis(call: &Call) -> Outcome {
    let mut bounds = Bounds::default();
    if !call.is_absent(1) {
        let options = Options::new(call, 1, &["message", "depth", "elements"])?;
        let limit = |name, max| options.get(name, |call, n| size(call, n, max));
        if let Some(message) = limit(c"message", i64::MAX)? {
            bounds.message = message;
        }
        if let Some(depth) = limit(c"depth", limits::REDIS_DEPTH_MAX as i64)? {
            bounds.depth = depth;
        }
        if let Some(elements) = limit(c"elements", i64::MAX)? {
            bounds.elements = elements as u64;
        }
    }
    push(call, Recipe::Replies(bounds));
    Ok(1)
}

/// `http(max)`, `http(max_header, max_body)`: messages as a whole.
fn http(call: &Call) -> Outcome {
    let first = call.integer_in(1, 1, i64::MAX)? as usize;
    let mut bounds = http1::Bounds { head: first, line: first, ..http1::Bounds::default() };
    match call.is_absent(2) {
        true => bounds.message = first as u64,
        false => bounds.body = call.integer_in(2, 0, i64::MAX)? as u64,
    }
    push(call, Recipe::Messages(bounds));
    Ok(1)
}

/// `http.parts(options)`: messages as heads and pieces of bodies.
pub fn http_parts(call: &Call) -> Outcome {
    let options = Options::new(call, 1, &["role", "head", "fields", "line", "body"])?;
    let is_server = options.get(c"role", |call, n| match call.to_bytes(n) {
        Some(b"server") => Ok(true),
        Some(b"client") => Ok(false),
        _ => Err("'server' or 'client' expected".to_owned()),
    })?;
    let mut bounds = http1::Bounds::default();
    let limit = |name, max| options.get(name, |call, n| size(call, n, max));
    bounds.head = limit(c"head", i64::MAX)?.unwrap_or(bounds.head);
    bounds.line = limit(c"line", i64::MAX)?.unwrap_or(bounds.line);
    let most = limits::HTTP_FIELDS_MAX as i64;
    bounds.fields = limit(c"fields", most)?.unwrap_or(bounds.fields);
    bounds.body = limit(c"body", i64::MAX)?.map_or(bounds.body, |body| body as u64);
    push(call, Recipe::Parts { is_server: is_server.unwrap_or(true), bounds });
    Ok(1)
}

fn size(call: &Call, n: c_int, max: i64) -> Result<usize, String> {
    let size = call.to_integer(n).filter(|size| (1..=max).contains(size));
    size.map(|size| size as usize).ok_or_else(|| match max {
        i64::MAX => "an integer of at least 1 expected".to_owned(),
        _ => format!("an integer from 1 to {max} expected"),
    })
}

fn datagram_rpacket(call: &Call) -> Outcome {
    let frames = frames(call)?;
    push(call, Recipe::Datagram(Whole::Frame(frames)));
    Ok(1)
}

fn frames(call: &Call) -> Result<Frames, Fail> {
    let max = call.integer_in(1, 1, i64::MAX)?;
    Ok(Frames::new(max as usize, packet::width(call, 2)?))
}

/// The value itself; of raw datagrams also one with a limit.
fn itself(call: &Call) -> Outcome {
    let recipe = call.object::<Decoder>(1)?.0;
    if let Recipe::Datagram(Whole::Raw { .. }) = recipe
        && !call.is_absent(2)
    {
        let max = call.integer_in(2, 0, i64::MAX)? as usize;
        push(call, Recipe::Datagram(Whole::Raw { max }));
        return Ok(1);
    }
    call.set_top(1);
    Ok(1)
}

fn push(call: &Call, recipe: Recipe) {
    call.reserve(2);
    call.push_object(Decoder(recipe));
}
