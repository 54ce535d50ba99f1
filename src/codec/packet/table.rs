//! Tables inside of packets.
//!
//! ```text
//! table  := 01 | pairs: u32 | { key value } * pairs       key := string | number
//! string := 02 | length at the frame's width | bytes      bool := 03 | 0 or 1
//! number := 04 | double, little endian
//!         | 05 u8 | 06 u16 | 07 u32 | 08 u64 | 09 i8 | 0a i16 | 0b i32 | 0c i64     big endian
//! ```
//!
//! Written are the smallest unsigned tag for a positive integer, `0b` for zero and negatives
//! (as peers of 2015 expect them), `0c` below its range, and `04` for everything else. All are read.
//!
//! A list of values keeps what tables do not: nil, and whether a number is a double.
//!
//! ```text
//! values := count: u16 | value * count                    value := 00 nil | string | bool | number | table
//! ```
//!
//! In it the smallest tag that holds an integer is written.

use crate::base::limits::{TABLE_DEPTH, VALUES};
use crate::codec::frame::Width;

/// A table that has more pairs grows on the way.
const PAIRS_AT_ONCE: usize = 256;

const NIL: u8 = 0;
const TABLE: u8 = 1;
const STRING: u8 = 2;
const BOOL: u8 = 3;
const FLOAT: u8 = 4;
const U8: u8 = 5;
const U16: u8 = 6;
const U32: u8 = 7;
const U64: u8 = 8;
const I8: u8 = 9;
const I16: u8 = 10;
const I32: u8 = 11;
const I64: u8 = 12;

/// A value that is not a table.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Scalar<'a> {
    /// Any bytes.
    Str(&'a [u8]),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
}

/// Receives a table piece by piece, outermost first.
pub trait Build {
    /// A table opens; about `pairs` pairs follow.
    fn begin(&mut self, pairs: usize);
    /// The key of the pair that comes next: a string or a number, never NaN.
    fn key(&mut self, key: Scalar<'_>);
    /// The value of the latest key, unless a table opens instead.
    fn value(&mut self, value: Scalar<'_>);
    /// The table that opened last is complete.
    fn end(&mut self);
    /// A value of a list, in no table; `None` is nil.
    fn single(&mut self, value: Option<Scalar<'_>>);
}

/// Writes the head of a table and returns where its number of pairs stands.
pub fn begin(out: &mut Vec<u8>) -> usize {
    out.push(TABLE);
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    at
}

/// Fills in the number of pairs of the table whose count stands at `at`.
pub fn end(out: &mut [u8], at: usize, pairs: u32) {
    if let Some(count) = out.get_mut(at..at + 4) {
        count.copy_from_slice(&pairs.to_be_bytes());
    }
}

/// Writes a string; its length fits the width, or the packet is too large anyway.
pub fn put_str(out: &mut Vec<u8>, text: &[u8], width: Width) {
    out.push(STRING);
    width.put(text.len(), out);
    out.extend_from_slice(text);
}

/// Writes a boolean.
pub fn put_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(&[BOOL, u8::from(value)]);
}

/// Writes an integer.
pub fn put_int(out: &mut Vec<u8>, n: i64) {
    match n {
        1..=0xff => out.extend_from_slice(&[U8, n as u8]),
        0x100..=0xffff => tagged(out, U16, (n as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => tagged(out, U32, (n as u32).to_be_bytes()),
        0x1_0000_0000.. => tagged(out, U64, n.to_be_bytes()),
        -0x8000_0000..=0 => tagged(out, I32, (n as i32).to_be_bytes()),
        _ => tagged(out, I64, n.to_be_bytes()),
    }
}

/// Writes a number: as an integer when it is one, else as a double.
pub fn put_float(out: &mut Vec<u8>, n: f64) {
    match whole(n) {
        Some(int) => put_int(out, int),
        None => tagged(out, FLOAT, n.to_le_bytes()),
    }
}

/// Writes the number of values of a list.
pub fn put_count(out: &mut Vec<u8>, count: u16) {
    out.extend_from_slice(&count.to_be_bytes());
}

/// Writes nil, as a value of a list.
pub fn put_nil(out: &mut Vec<u8>) {
    out.push(NIL);
}

/// Writes an integer by the smallest tag.
pub fn put_short_int(out: &mut Vec<u8>, n: i64) {
    match n {
        -0x80..=0 => out.extend_from_slice(&[I8, n as u8]),
        -0x8000..=0 => tagged(out, I16, (n as i16).to_be_bytes()),
        _ => put_int(out, n),
    }
}

/// Writes a number as a double, whole or not.
pub fn put_double(out: &mut Vec<u8>, n: f64) {
    tagged(out, FLOAT, n.to_le_bytes());
}

/// Writes a number by the smallest tag, for a Lua that knows doubles only.
pub fn put_short_float(out: &mut Vec<u8>, n: f64) {
    match whole(n) {
        Some(int) => put_short_int(out, int),
        None => put_double(out, n),
    }
}

/// The integer that `n` is, unless it is negative zero or out of range.
fn whole(n: f64) -> Option<i64> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0; // 2^63
    let fits = (-BOUND..BOUND).contains(&n) && n.trunc() == n;
    (fits && !(n == 0.0 && n.is_sign_negative())).then_some(n as i64)
}

fn tagged<const N: usize>(out: &mut Vec<u8>, tag: u8, bytes: [u8; N]) {
    out.push(tag);
    out.extend_from_slice(&bytes);
}

enum Token<'a> {
    Table(usize),
    Scalar(Scalar<'a>),
}

/// Reads one table from the front of `input`.
///
/// `None` when the bytes are no table of at most [`TABLE_DEPTH`] levels: a cut, an unknown
/// tag, a key that is neither string nor number, or NaN as a key.
pub fn read(input: &mut &[u8], width: Width, build: &mut impl Build) -> Option<()> {
    let mut rest = *input;
    let Token::Table(pairs) = token(&mut rest, width)? else {
        return None;
    };
    pairs_of(&mut rest, width, pairs, build)?;
    *input = rest;
    Some(())
}

/// How many values the list at the front of `input` announces, and what stands behind; `None`
/// when they are more than [`VALUES`], or than there are bytes.
pub fn count(input: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = input.split_first_chunk()?;
    let count = u16::from_be_bytes(*head) as usize;
    (count <= VALUES && count <= rest.len()).then_some((count, rest))
}

/// Reads `count` values from the front of `input`; `None` when the bytes are no such values.
pub fn values(input: &mut &[u8], width: Width, count: usize, build: &mut impl Build) -> Option<()> {
    let mut rest = *input;
    for _ in 0..count {
        if let [NIL, behind @ ..] = rest {
            rest = behind;
            build.single(None);
            continue;
        }
        match token(&mut rest, width)? {
            Token::Scalar(value) => build.single(Some(value)),
            Token::Table(pairs) => pairs_of(&mut rest, width, pairs, build)?,
        }
    }
    *input = rest;
    Some(())
}

/// Reads what stands behind the head of a table that announces so many pairs.
fn pairs_of(rest: &mut &[u8], width: Width, pairs: usize, build: &mut impl Build) -> Option<()> {
    let mut room = Room(rest.len() / 4);
    let mut above = [0usize; TABLE_DEPTH];
    let mut depth = 0;
    let mut left = pairs;
    build.begin(room.take(pairs));
    loop {
        if left == 0 {
            build.end();
            if depth == 0 {
                return Some(());
            }
            depth -= 1;
            left = *above.get(depth)?;
            continue;
        }
        left -= 1;
        build.key(key(rest, width)?);
        match token(rest, width)? {
            Token::Scalar(value) => build.value(value),
            Token::Table(pairs) => {
                *above.get_mut(depth)? = left;
                depth += 1;
                if depth == TABLE_DEPTH {
                    return None;
                }
                left = pairs;
                build.begin(room.take(pairs));
            }
        }
    }
}

/// Pairs for which memory is taken in advance. An announced count is not believed: all
/// tables together get what their bytes could hold at the most, and none gets much.
struct Room(usize);

impl Room {
    fn take(&mut self, pairs: usize) -> usize {
        let pairs = pairs.min(self.0).min(PAIRS_AT_ONCE);
        self.0 -= pairs;
        pairs
    }
}

fn key<'a>(input: &mut &'a [u8], width: Width) -> Option<Scalar<'a>> {
    match token(input, width)? {
        Token::Scalar(Scalar::Float(n)) if n.is_nan() => None,
        Token::Scalar(Scalar::Bool(_)) | Token::Table(_) => None,
        Token::Scalar(key) => Some(key),
    }
}

fn token<'a>(input: &mut &'a [u8], width: Width) -> Option<Token<'a>> {
    let [tag] = take(input)?;
    Some(Token::Scalar(match tag {
        TABLE => return Some(Token::Table(u32::from_be_bytes(take(input)?) as usize)),
        STRING => Scalar::Str(string(input, width)?),
        BOOL => Scalar::Bool(take::<1>(input)? != [0]),
        FLOAT => Scalar::Float(f64::from_le_bytes(take(input)?)),
        U8 => Scalar::Int(u8::from_be_bytes(take(input)?).into()),
        U16 => Scalar::Int(u16::from_be_bytes(take(input)?).into()),
        U32 => Scalar::Int(u32::from_be_bytes(take(input)?).into()),
        U64 => unsigned(u64::from_be_bytes(take(input)?)),
        I8 => Scalar::Int(i8::from_be_bytes(take(input)?).into()),
        I16 => Scalar::Int(i16::from_be_bytes(take(input)?).into()),
        I32 => Scalar::Int(i32::from_be_bytes(take(input)?).into()),
        I64 => Scalar::Int(i64::from_be_bytes(take(input)?)),
        _ => return None,
    }))
}

/// No Lua has integers above `i64`: beyond, the nearest double.
fn unsigned(n: u64) -> Scalar<'static> {
    i64::try_from(n).map_or(Scalar::Float(n as f64), Scalar::Int)
}

fn string<'a>(input: &mut &'a [u8], width: Width) -> Option<&'a [u8]> {
    let (len, rest) = width.take(input)?;
    let text = rest.get(..len)?;
    *input = rest.get(len..)?;
    Some(text)
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*head)
}
