//! A whole reply, shown value by value.

use super::Kind;
use super::head::Head;
use crate::base::limits::REDIS_DEPTH_MAX;

/// A value that holds no others.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// Strings of every kind, and numbers that no integer holds.
    Text(&'a [u8]),
    /// A string in pieces.
    Pieces(Chunks<'a>),
    /// An error, without its first byte.
    Error(&'a [u8]),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// Nothing, of any kind.
    Null,
}

/// Where a value belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// It is the reply.
    Top,
    /// It is so many of a list, from 1.
    Item(u64),
    /// It is a key; its value comes next.
    Key,
    /// It is the value of the latest key.
    Field,
}

/// Receives a reply value by value, outermost first.
pub trait Build {
    /// A value.
    fn value(&mut self, value: Value<'_>, place: Place);
    /// Something that holds values begins: so many, if that was said. Of a map, both count.
    fn open(&mut self, kind: Kind, count: Option<u64>);
    /// What began last is whole.
    fn close(&mut self, place: Place);
}

/// The pieces of a string.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
    /// Bytes of all pieces.
    len: usize,
}

impl Chunks<'_> {
    /// Bytes in all.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.len
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let Head::Chunk(len @ 1..) = take_head(&mut self.rest)? else {
            return None;
        };
        take_body(&mut self.rest, len)
    }
}

#[derive(Clone, Copy)]
struct Level {
    kind: Kind,
    seen: u64,
    /// `u64::MAX`: until an end.
    count: u64,
}

/// What is open, outermost first.
struct Levels {
    levels: [Level; REDIS_DEPTH_MAX],
    depth: usize,
    /// Of the open ones, attributes: nothing is shown of what they hold.
    hidden: usize,
}

/// Shows `reply`, in which a [`super::Scanner`] has found nothing to refuse, but for its
/// attributes. `None`, and a part was shown, when it is no such reply.
///
/// What it has on its stack needs no destructor: `build` may be left by a jump.
#[inline]
pub fn walk(reply: &[u8], build: &mut impl Build) -> Option<()> {
    let mut rest = reply;
    match take_head(&mut rest)? {
        Head::Value(value) => build.value(value, Place::Top),
        Head::Blob(blob, len) => {
            build.value(blob.value(take_body(&mut rest, len)?)?, Place::Top);
        }
        head => walk_levels(head, &mut rest, build)?,
    }
    rest.is_empty().then_some(())
}

fn walk_levels(first: Head<'_>, rest: &mut &[u8], build: &mut impl Build) -> Option<()> {
    let none = Level { kind: Kind::Array, seen: 0, count: 0 };
    let mut levels = Levels { levels: [none; REDIS_DEPTH_MAX], depth: 0, hidden: 0 };
    let mut head = first;
    loop {
        if levels.take(head, rest, build)? {
            return Some(());
        }
        head = take_head(rest)?;
    }
}

impl Levels {
    /// Shows what a head announces; whether the reply is whole.
    #[inline]
    fn take(&mut self, head: Head<'_>, rest: &mut &[u8], build: &mut impl Build) -> Option<bool> {
        match head {
            Head::Value(value) => Some(self.value(value, build)),
            Head::Blob(blob, len) => {
                let value = blob.value(take_body(rest, len)?)?;
                Some(self.value(value, build))
            }
            Head::Open(Kind::String, _) => {
                let chunks = take_chunks(rest)?;
                Some(self.value(Value::Pieces(chunks), build))
            }
            Head::Open(kind, count) => self.open(kind, count, build),
            Head::End => {
                self.depth.checked_sub(1)?;
                Some(self.close(build))
            }
            Head::Chunk(_) => None,
        }
    }

    #[inline]
    fn value(&mut self, value: Value<'_>, build: &mut impl Build) -> bool {
        if self.hidden == 0 {
            build.value(value, self.place());
        }
        self.seen_one(build)
    }

    fn open(&mut self, kind: Kind, count: Option<u64>, build: &mut impl Build) -> Option<bool> {
        let is_hidden = kind == Kind::Attribute;
        if self.hidden == 0 && !is_hidden {
            build.open(kind, count);
        }
        self.hidden += usize::from(is_hidden);
        let count = count.unwrap_or(u64::MAX);
        *self.levels.get_mut(self.depth)? = Level { kind, seen: 0, count };
        self.depth += 1;
        Some(count == 0 && self.close(build))
    }

    /// One more value is in what is open; whether the reply is whole.
    #[inline]
    fn seen_one(&mut self, build: &mut impl Build) -> bool {
        let Some(level) = self.depth.checked_sub(1).and_then(|at| self.levels.get_mut(at)) else {
            return true;
        };
        level.seen += 1;
        level.seen == level.count && self.close(build)
    }

    /// What is open innermost is whole, and all that it was the last of; whether the reply is.
    fn close(&mut self, build: &mut impl Build) -> bool {
        loop {
            self.depth -= 1;
            let is_attribute = self.levels.get(self.depth).is_some_and(Level::is_attribute);
            self.hidden -= usize::from(is_attribute);
            if is_attribute {
                return false;
            }
            if self.hidden == 0 {
                build.close(self.place());
            }
            let Some(above) = self.depth.checked_sub(1).and_then(|at| self.levels.get_mut(at))
            else {
                return true;
            };
            above.seen += 1;
            if above.seen != above.count {
                return false;
            }
        }
    }

    /// Where the next value belongs.
    #[inline]
    fn place(&self) -> Place {
        match self.depth.checked_sub(1).and_then(|at| self.levels.get(at)) {
            None => Place::Top,
            Some(Level { kind: Kind::Map, seen, .. }) if seen % 2 == 0 => Place::Key,
            Some(Level { kind: Kind::Map, .. }) => Place::Field,
            Some(level) => Place::Item(level.seen + 1),
        }
    }
}

impl Level {
    fn is_attribute(&self) -> bool {
        self.kind == Kind::Attribute
    }
}

#[inline]
fn take_head<'a>(rest: &mut &'a [u8]) -> Option<Head<'a>> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (line, behind) = rest.split_at_checked(end + 1)?;
    *rest = behind;
    Head::parse(line)
}

#[inline]
fn take_body<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (body, behind) = rest.split_at_checked(len)?;
    *rest = behind.strip_prefix(b"\r\n")?;
    Some(body)
}

fn take_chunks<'a>(rest: &mut &'a [u8]) -> Option<Chunks<'a>> {
    let mut chunks = Chunks { rest, len: 0 };
    let all = chunks;
    let mut len = 0;
    for chunk in chunks.by_ref() {
        len += chunk.len();
    }
    *rest = chunks.rest;
    Some(Chunks { len, ..all })
}
