//! `json`: Lua values to text and back.

use std::ffi::c_int;

use super::convert;
use super::held;
use super::place;
use super::raw::{Call, Class, Fail, Kind, Outcome, function};
use crate::base::error::Code;
use crate::base::limits;
use crate::codec::json::{self, Reader, Text, Token, Unfit, Wrong};

/// Stack slots of one level: a table, a key, a value, and what it takes to make that.
const PER_LEVEL: c_int = 6;

/// Holes that a marked list may have although it has no more items.
const HOLES: i64 = 8;

/// What stands for nothing where Lua's nil would leave a hole.
struct Null;

impl Class for Null {
    const NAME: &'static std::ffi::CStr = c"json.null";
    const INDEX: usize = place::JSON_NULL;

    fn is_plain(&mut self) -> bool {
        true
    }
}

/// Makes the values known that JSON needs beside Lua's own.
pub fn register(call: &Call) {
    call.register::<Null>(&[], &[(c"__tostring", function(null_text))]);
    call.reserve(8);
    call.push_object(Null);
    call.push_table(0, 1);
    call.push_bytes(b"json.array");
    call.set_field(-2, c"__name");
    call.keep_json_values();
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"encode", function(encode)),
        (c"decode", function(decode)),
        (c"array", function(array)),
    ]);
    call.push_json_null();
    call.set_field(-2, c"null");
}

fn null_text(call: &Call) -> Outcome {
    call.push_bytes(b"json.null");
    Ok(1)
}

/// `array([table])`: the table, marked as a list.
fn array(call: &Call) -> Outcome {
    call.reserve(2);
    if call.optional_table(1)? {
        call.set_top(1);
        if call.has_metatable(1) && !call.is_json_list(1) {
            return Err(Fail::argument(1, "table without a metatable expected"));
        }
    } else {
        call.set_top(0);
        call.push_table(0, 0);
    }
    call.push_json_list_class();
    call.set_metatable(1);
    Ok(1)
}

/// `decode(text[, options])`: the value, or `nil, message, code`.
fn decode(call: &Call) -> Outcome {
    let text = call.bytes(1)?;
    let mut limit = limits::JSON_DEPTH;
    if call.optional_table(2)? {
        let most = limits::JSON_DEPTH_MAX as i64;
        let depth = convert::option(call, 2, c"depth", |call, n| call.integer_in(n, 0, most))?;
        limit = depth.map_or(limit, |depth| depth as usize);
    }
    let top = call.top();
    let result = Reader::new(text, limit).and_then(|mut reader| push_values(call, &mut reader));
    match result {
        Ok(()) => Ok(1),
        Err(wrong) => {
            call.set_top(top);
            call.reserve(3);
            convert::refusal(call, &wrong.to_string(), Code::INVALID)
        }
    }
}

/// Pushes the value that a text is. Nothing here needs a destructor: Lua may raise at any time.
fn push_values(call: &Call, reader: &mut Reader<'_>) -> Result<(), Wrong> {
    // How many items the open lists have.
    let mut counts = [0; limits::JSON_DEPTH_MAX + 1];
    call.reserve(PER_LEVEL);
    loop {
        let depth = reader.depth();
        let Some(token) = reader.next_token()? else { return Ok(()) };
        match token {
            Token::Null => call.push_json_null(),
            Token::Boolean(value) => call.push_boolean(value),
            Token::Integer(value) => push_integer(call, value),
            Token::Number(value) => call.push_number(value),
            Token::Text(text) => push_text(call, text),
            Token::Key(text) => {
                push_text(call, text);
                continue;
            }
            Token::OpenList | Token::OpenMap => {
                call.reserve(PER_LEVEL);
                call.push_table(0, 0);
                if token == Token::OpenList {
                    call.push_json_list_class();
                    call.set_metatable(-2);
                }
                counts[depth + 1] = 0;
                continue;
            }
            // What was closed is a value of the level around it.
            Token::Close => {}
        }
        let depth = reader.depth();
        if depth > 0 && reader.is_in_list() {
            counts[depth] += 1;
            call.raw_set(-2, counts[depth]);
        } else if depth > 0 {
            call.raw_set_pair(-3);
        }
    }
}

fn push_text(call: &Call, text: Text<'_>) {
    match text.plain() {
        Some(plain) => call.push_bytes(plain),
        None => {
            call.push_filled(text.room(), |room| text.write(room));
        }
    }
}

fn push_integer(call: &Call, value: i64) {
    if cfg!(any(feature = "lua53", feature = "lua54", feature = "lua55")) {
        call.push_integer(value);
    } else {
        call.push_number(value as f64);
    }
}

/// What cannot be written, and where it stands, from the inside out.
struct Misfit {
    what: String,
    path: Vec<String>,
}

impl Misfit {
    fn new(what: impl Into<String>) -> Self {
        Misfit { what: what.into(), path: Vec::new() }
    }

    fn inside(mut self, place: impl FnOnce() -> String) -> Self {
        // The outermost places say enough of what is nested too deeply.
        self.path.push(place());
        self
    }

    fn into_fail(self) -> Fail {
        let shown = self.path.iter().rev().take(8).map(String::as_str).collect::<String>();
        let place = if shown.is_empty() { String::new() } else { format!(", at {shown}") };
        Fail::argument(1, format!("{} cannot be JSON{place}", self.what))
    }
}

/// `encode(value)`: its text. Raises for what JSON does not have.
fn encode(call: &Call) -> Outcome {
    if call.top() == 0 {
        return Err(call.expected(1, "value"));
    }
    call.set_top(1);
    let mut out = Vec::with_capacity(256);
    write(call, 1, &mut out).map_err(Misfit::into_fail)?;
    call.set_top(0);
    call.reserve(4);
    held::push(call, out);
    Ok(1)
}

/// Appends the value at the top. No more than [`limits::JSON_DEPTH`] calls deep. Makes no value of
/// Lua's.
fn write(call: &Call, depth: usize, out: &mut Vec<u8>) -> Result<(), Misfit> {
    match call.kind(-1) {
        Kind::Nil | Kind::None => out.extend_from_slice(b"null"),
        Kind::Boolean => {
            let text: &[u8] = if call.switch(-1).unwrap_or(false) { b"true" } else { b"false" };
            out.extend_from_slice(text);
        }
        Kind::Number => match call.to_exact_integer(-1) {
            Some(value) => json::put_integer(value, out),
            None => json::put_number(call.to_number(-1).unwrap_or(f64::NAN), out).map_err(unfit)?,
        },
        Kind::String => {
            json::put_text(call.to_bytes(-1).unwrap_or_default(), out).map_err(unfit)?;
        }
        Kind::Table if depth > limits::JSON_DEPTH => {
            let words = format!("a table with more than {} levels", limits::JSON_DEPTH);
            return Err(Misfit::new(words));
        }
        Kind::Table => return write_table(call, depth, out),
        _ if call.try_object::<Null>(-1).is_some() => out.extend_from_slice(b"null"),
        Kind::Function => return Err(Misfit::new("a function")),
        Kind::Other => return Err(Misfit::new("a userdata or coroutine")),
    }
    Ok(())
}

fn unfit(unfit: Unfit) -> Misfit {
    Misfit::new(match unfit {
        Unfit::Number => "a number that is not finite",
        Unfit::Text => "a string that is not UTF-8",
    })
}

fn write_table(call: &Call, depth: usize, out: &mut Vec<u8>) -> Result<(), Misfit> {
    if !call.has_room(PER_LEVEL) {
        return Err(Misfit::new("a table nested so deeply that the stack is full"));
    }
    let table = call.top();
    if call.is_json_list(table) {
        let len = last_of(call, table)?;
        return write_list(call, table, len, depth, out);
    }
    let len = call.raw_len(table);
    if len == 0 {
        return write_map(call, table, depth, out);
    }
    write_list(call, table, len, depth, out)?;
    match pairs_of(call, table, len) == len {
        true => Ok(()),
        false => Err(Misfit::new("a list with holes or other keys")),
    }
}

fn write_list(
    call: &Call,
    table: c_int,
    len: i64,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    out.push(b'[');
    for at in 1..=len {
        if at > 1 {
            out.push(b',');
        }
        call.raw_get(table, at);
        write(call, depth + 1, out).map_err(|misfit| misfit.inside(|| format!("[{at}]")))?;
        call.pop(1);
    }
    out.push(b']');
    Ok(())
}

fn write_map(call: &Call, table: c_int, depth: usize, out: &mut Vec<u8>) -> Result<(), Misfit> {
    out.push(b'{');
    let mut is_first = true;
    call.push_nil();
    while call.next(table) {
        let Some(key) = call.to_bytes(-2) else {
            return Err(Misfit::new("a key that is no string"));
        };
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        json::put_text(key, out).map_err(unfit)?;
        out.push(b':');
        let place = || format!(".{}", String::from_utf8_lossy(key));
        write(call, depth + 1, out).map_err(|misfit| misfit.inside(place))?;
        call.pop(1);
    }
    out.push(b'}');
    Ok(())
}

/// The largest place in a marked list, whose holes are null. They may be about as many as its items:
/// a single item far out would make a text without end.
fn last_of(call: &Call, table: c_int) -> Result<i64, Misfit> {
    let (mut last, mut pairs) = (0, 0);
    call.push_nil();
    while call.next(table) {
        call.pop(1);
        pairs += 1;
        match call.to_integer(-1).filter(|at| *at > 0) {
            Some(at) => last = at.max(last),
            None => return Err(Misfit::new("a list with other keys than 1, 2, 3 and so on")),
        }
    }
    match last > 2 * pairs + HOLES {
        true => Err(Misfit::new("a list with more holes than items")),
        false => Ok(last),
    }
}

/// Number of pairs of the table, looked for no further than `most` and one.
fn pairs_of(call: &Call, table: c_int, most: i64) -> i64 {
    let mut pairs = 0;
    call.push_nil();
    while call.next(table) {
        call.pop(1);
        pairs += 1;
        if pairs > most {
            call.pop(1);
            break;
        }
    }
    pairs
}
