//! `redis`: commands into connections, and what replies are made of. The rest is Lua.

use std::cell::Cell;
use std::ffi::{CStr, c_int};

use super::connection::Connection;
use super::convert;
use super::packet::RawPacket;
use super::place;
use super::raw::{Call, Class, Fail, Kind, Outcome, function};
use crate::base::limits;
use crate::codec::redis::{self, Command};

/// What stands for nothing in replies.
struct Null;

impl Class for Null {
    const NAME: &'static CStr = c"redis.null";
    const INDEX: usize = place::NULL;

    fn is_plain(&mut self) -> bool {
        true
    }
}

/// An argument that no command has: its place, and the complaint.
struct Unfit(c_int, String);

thread_local! {
    /// What the last command was built in.
    static SPARE: Cell<Option<Box<Command>>> = const { Cell::new(None) };
}

/// Makes the values known that replies are made of.
pub fn register(call: &Call) {
    call.register::<Null>(&[], &[(c"__tostring", function(null_text))]);
    call.reserve(8);
    call.push_object(Null);
    call.push_functions(&[(c"__tostring", function(error_text))]);
    call.push_bytes(b"redis.error");
    call.set_field(-2, c"__name");
    call.keep_reply_values();
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"send", function(send)),
        (c"encode", function(encode)),
        (c"slot", function(slot)),
    ]);
    call.push_null();
    call.set_field(-2, c"null");
    call.push_error_class();
    call.set_field(-2, c"ERROR");
}

/// Pushes a reply and what else its connection's callback is told of it; returns how many values
/// those are.
#[inline]
pub fn push_event(call: &Call, reply: &[u8]) -> Option<c_int> {
    let is_push = call.push_reply(reply)?;
    call.push_integer(0);
    if !is_push {
        return Some(2);
    }
    call.push_boolean(true);
    Some(3)
}

/// `send(conn, ...)`: `true`; `nil, message, code`; or `false, n, text`.
fn send(call: &Call) -> Outcome {
    let connection = call.object::<Connection>(1)?;
    let result = with_command(|command| {
        fill(call, 2, call.top(), limits::SEND_COPY, command)?;
        Ok(connection.send_command(command))
    });
    match result {
        Ok(Ok(())) => {
            call.push_boolean(true);
            Ok(1)
        }
        Ok(Err(code)) => convert::failure(call, code),
        Err(unfit) => refuse(call, &unfit),
    }
}

/// `encode(...)`: the bytes, or `false, n, text`.
fn encode(call: &Call) -> Outcome {
    let last = call.top();
    let measure = |command: &mut Command| {
        fill(call, 1, last, usize::MAX, command)?;
        Ok(command.size())
    };
    let size = match with_command(measure) {
        Ok(size) => size,
        Err(unfit) => return refuse(call, &unfit),
    };
    call.reserve(2);
    // In memory of Lua's: nothing of ours is alive while the string is made.
    let is_whole = call.push_built(size, |room| {
        with_command(|command| {
            fill(call, 1, last, usize::MAX, command).is_ok() && command.copy_to(room)
        })
    });
    if !is_whole {
        return Err(Fail::new("arguments have changed while they were encoded"));
    }
    Ok(1)
}

/// `slot(key)`
fn slot(call: &Call) -> Outcome {
    let slot = match (call.to_bytes(1), call.kind(1)) {
        (Some(key), _) => redis::slot(key),
        (None, Kind::Number) => with_command(|command| {
            argument(call, 1, usize::MAX, command).map(|()| redis::slot(command.last()))
        })?,
        _ => return Err(call.expected(1, "string or number")),
    };
    call.push_integer(slot.into());
    Ok(1)
}

fn null_text(call: &Call) -> Outcome {
    call.push_bytes(b"redis.null");
    Ok(1)
}

/// The message of an error in a reply.
fn error_text(call: &Call) -> Outcome {
    call.reserve(2);
    if call.kind(1) == Kind::Table {
        call.raw_field(1, c"message");
        if call.kind(-1) == Kind::String {
            return Ok(1);
        }
    }
    call.push_bytes(b"redis.error");
    Ok(1)
}

fn refuse(call: &Call, unfit: &Unfit) -> Outcome {
    call.set_top(0);
    call.push_boolean(false);
    call.push_integer(unfit.0.into());
    call.push_bytes(unfit.1.as_bytes());
    Ok(3)
}

/// Works on an empty command. Lua does not run meanwhile, and makes no value.
#[inline]
fn with_command<R>(work: impl FnOnce(&mut Command) -> R) -> R {
    // While the thread ends, each has its own.
    let mut command = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let result = work(&mut command);
    command.clear();
    if command.capacity() <= limits::REDIS_COMMAND {
        let _ = SPARE.try_with(|spare| spare.set(Some(command)));
    }
    result
}

/// Appends the arguments from `first` to `last` to an empty command; those longer than `share`
/// bytes are not copied into it.
#[inline]
fn fill(
    call: &Call,
    first: c_int,
    last: c_int,
    share: usize,
    command: &mut Command,
) -> Result<(), Unfit> {
    for n in first..=last {
        let text = |fail: Fail| match fail {
            Fail::Argument(_, text) | Fail::Message(text) => Unfit(n - first + 1, text),
        };
        if call.kind(n) == Kind::Table {
            flatten(call, n, share, command).map_err(text)?;
        } else {
            argument(call, n, share, command).map_err(text)?;
        }
    }
    if command.count() == 0 {
        return Err(Unfit(1, "name of a command expected, got nothing".to_owned()));
    }
    Ok(())
}

/// Appends the value at `n`, which is no table.
#[inline]
fn argument(call: &Call, n: c_int, share: usize, command: &mut Command) -> Result<(), Fail> {
    if let Some(bytes) = call.to_bytes(n) {
        match bytes.len() > share {
            true => command.share(bytes::Bytes::copy_from_slice(bytes)),
            false => command.push(bytes),
        }
    } else if call.kind(n) == Kind::Number {
        match call.to_integer(n) {
            Some(value) => command.integer(value),
            None => command.double(call.to_number(n).unwrap_or_default()),
        }
    } else if let Some(packet) = call.try_object::<RawPacket>(n) {
        match packet.0.len() > share {
            true => command.share(packet.0.share()),
            false => command.push(&packet.0),
        }
    } else {
        return Err(call.expected(n, "string or number"));
    }
    Ok(())
}

/// Appends what is in the table at `n`: the items of a list, else each key and its value. A list
/// with holes is neither.
fn flatten(call: &Call, n: c_int, share: usize, command: &mut Command) -> Result<(), Fail> {
    call.reserve(4);
    let len = call.raw_len(n);
    let mut append = |at: c_int, what: &str| {
        argument(call, at, share, command).map_err(|fail| match fail {
            Fail::Argument(_, text) => Fail::argument(n, format!("{what}: {text}")),
            fail => fail,
        })
    };
    if is_list(call, n, len) {
        for at in 1..=len {
            call.raw_get(n, at);
            append(-1, "in a list")?;
            call.pop(1);
        }
        return Ok(());
    }
    call.raw_get(n, 1);
    if call.kind(-1) != Kind::Nil {
        let text = "list expected, got a table with key 1 that has holes or other keys";
        return Err(Fail::argument(n, text.to_owned()));
    }
    call.pop(1);
    call.push_nil();
    while call.next(n) {
        append(-2, "as a key of a table")?;
        append(-1, "as a value of a table")?;
        call.pop(1);
    }
    Ok(())
}

/// Whether the table at `n` has its `len` items, and nothing else.
fn is_list(call: &Call, n: c_int, len: i64) -> bool {
    let mut pairs = 0;
    call.push_nil();
    while call.next(n) {
        call.pop(1);
        pairs += 1;
        if pairs > len {
            call.pop(1);
            return false;
        }
    }
    pairs == len
}
