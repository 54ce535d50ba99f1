//! `web`: bodies in parts.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;

use crate::base::error::Code;
use crate::base::limits;
use crate::binding::convert;
use crate::binding::place;
use crate::binding::raw::{Call, Class, Outcome, function};
use crate::codec::web::media;
use crate::codec::web::multipart::{Event, Parser, Progress};

/// A body that is read.
struct Multipart {
    parser: Parser,
    progress: Cell<Progress>,
    /// Why it cannot be read on. While Lua's values are made it says so too: an error in between
    /// loses what was read.
    broken: Cell<Option<Code>>,
    /// Bytes that were not enough to tell what they are.
    kept: RefCell<Vec<u8>>,
}

impl Class for Multipart {
    const NAME: &'static CStr = c"web.multipart";
    const INDEX: usize = place::MULTIPART;
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<Multipart>(&[(c"Feed", function(feed)), (c"IsDone", function(is_done))], &[]);
}

/// `multipart(boundary[, { parts = , head = }])`, or `nil, message, code` for what is no boundary.
pub fn multipart(call: &Call) -> Outcome {
    let (mut parts, mut head) = (limits::PARTS, limits::PART_HEAD);
    if call.optional_table(2)? {
        let count = |call: &Call, n| call.integer_in(n, 0, i32::MAX.into());
        parts = convert::option(call, 2, c"parts", count)?.map_or(parts, |n| n as usize);
        head = convert::option(call, 2, c"head", count)?.map_or(head, |n| n as usize);
    }
    let boundary = call.bytes(1)?;
    if !media::is_boundary(boundary) {
        return convert::refusal(call, "boundary that cannot be one", Code::INVALID);
    }
    call.reserve(4);
    call.push_made(|| {
        Some(Multipart {
            parser: Parser::new(boundary, parts, head),
            progress: Cell::default(),
            broken: Cell::new(None),
            kept: RefCell::default(),
        })
    });
    Ok(1)
}

/// `multipart:IsDone()`: whether the last delimiter has come.
fn is_done(call: &Call) -> Outcome {
    call.push_boolean(call.object::<Multipart>(1)?.progress.get().is_done());
    Ok(1)
}

/// `multipart:Feed(bytes)`: a list of `{ "part", head }`, `{ "data", bytes }`, `{ "end" }` and
/// `{ "done" }`, or `nil, message, code`.
fn feed(call: &Call) -> Outcome {
    let body = call.object::<Multipart>(1)?;
    let bytes = call.bytes(2)?;
    call.set_top(2);
    call.reserve(8);
    if let Some(code) = body.broken.get() {
        return refuse(call, code);
    }
    body.broken.set(Some(Code::HTTP_PARSE));
    let kept = body.kept.borrow().len();
    if kept > 0 {
        // Together in memory of Lua's, at 3, for as long as it is read.
        call.push_filled(kept + bytes.len(), |room| {
            let (front, back) = room.split_at_mut(kept);
            front.copy_from_slice(&body.kept.borrow());
            back.copy_from_slice(bytes);
            Some(kept + bytes.len())
        });
    } else {
        call.push_value(2);
    }
    let input = call.bytes(3)?;
    call.push_table(1, 0);
    let (mut used, mut count) = (0, 0);
    let mut progress = body.progress.get();
    let end = loop {
        match body.parser.next(&mut progress, &input[used..]) {
            Ok(Some((event, size))) => {
                used += size;
                if push_event(call, event) {
                    count += 1;
                    call.raw_set(4, count);
                }
            }
            Ok(None) => break None,
            Err(code) => break Some(code),
        }
    };
    body.progress.set(progress);
    body.broken.set(end);
    let rest = if end.is_some() { &[] } else { &input[used..] };
    *body.kept.borrow_mut() = rest.to_vec();
    match end {
        // What was whole before is told first; the next call says what is wrong.
        Some(code) if count == 0 => refuse(call, code),
        _ => Ok(1),
    }
}

/// Pushes what Lua is told; false for what means nothing.
fn push_event(call: &Call, event: Event<'_>) -> bool {
    let (name, text): (&[u8], _) = match event {
        Event::Nothing => return false,
        Event::Part(head) => (b"part", Some(head)),
        Event::Data(bytes) => (b"data", Some(bytes)),
        Event::End => (b"end", None),
        Event::Done => (b"done", None),
    };
    call.push_table(2, 0);
    call.push_bytes(name);
    call.raw_set(-2, 1);
    if let Some(text) = text {
        call.push_bytes(text);
        call.raw_set(-2, 2);
    }
    true
}

fn refuse(call: &Call, code: Code) -> Outcome {
    let words = match code {
        Code::HTTP_TOO_LARGE => {
            "multipart body with too many parts, or a part with too long a head"
        }
        _ => "multipart body with a part whose head is none",
    };
    convert::refusal(call, words, code)
}
