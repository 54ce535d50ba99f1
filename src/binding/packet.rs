//! `packet`: wpacket, rpacket, rawpacket, and their methods.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::mem;

use super::httppacket::{self, HttpPacket};
use super::place;
use super::raw::{Call, Class, Fail, Function, Outcome, function};
use crate::base::buf::Buf;
use crate::base::limits;
use crate::codec::frame::Width;
use crate::codec::packet::{Reader, Refused, Writer};

/// A packet to be written and sent. A cell without a borrow flag: objects are many, and the
/// smaller they are the less Lua's collector has to do.
pub struct WPacket(Cell<Writer>);

/// A packet to be read.
pub struct RPacket(pub Reader);

const _: () = assert!(size_of::<WPacket>() <= 80 && size_of::<RPacket>() <= 80);

impl WPacket {
    /// A packet that goes on from `body`.
    pub fn shared(body: Buf, width: Width) -> Self {
        WPacket(Cell::new(Writer::shared(body, width)))
    }

    /// Works on the packet. Lua must not run meanwhile: it would see it empty.
    #[inline]
    pub fn with<R>(&self, work: impl FnOnce(&mut Writer) -> R) -> R {
        let mut lent = Lent { writer: self.0.take(), home: &self.0 };
        work(&mut lent.writer)
    }
}

/// A writer out of its cell, which goes back however the work ends.
struct Lent<'a> {
    writer: Writer,
    home: &'a Cell<Writer>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.home.set(mem::take(&mut self.writer));
    }
}

/// Bytes without structure.
pub struct RawPacket(pub Buf);

impl Class for WPacket {
    const NAME: &'static CStr = c"wpacket";
    const INDEX: usize = place::WPACKET;

    fn is_plain(&mut self) -> bool {
        self.0.get_mut().is_plain()
    }

    fn outside(&mut self) -> usize {
        self.0.get_mut().outside()
    }
}

impl Class for RPacket {
    const NAME: &'static CStr = c"rpacket";
    const INDEX: usize = place::RPACKET;

    fn is_plain(&mut self) -> bool {
        self.0.body().is_plain()
    }

    fn outside(&mut self) -> usize {
        self.0.body().outside()
    }
}

impl Class for RawPacket {
    const NAME: &'static CStr = c"rawpacket";
    const INDEX: usize = place::RAWPACKET;

    fn is_plain(&mut self) -> bool {
        self.0.is_plain()
    }

    fn outside(&mut self) -> usize {
        self.0.outside()
    }
}

/// Makes the classes known.
pub fn register(call: &Call) {
    let write: [(&CStr, Function); 13] = [
        (c"WriteU8", function(|call| write(call, 1))),
        (c"WriteU16", function(|call| write(call, 2))),
        (c"WriteU32", function(|call| write(call, 4))),
        (c"WriteU64", function(|call| write(call, 8))),
        (c"WriteI8", function(|call| write(call, 1))),
        (c"WriteI16", function(|call| write(call, 2))),
        (c"WriteI32", function(|call| write(call, 4))),
        (c"WriteI64", function(|call| write(call, 8))),
        (c"WriteNum", function(write_number)),
        (c"WriteStr", function(write_string)),
        (c"WriteTab", function(write_table)),
        (c"WriteValues", function(write_values)),
        (c"Size", function(wpacket_size)),
    ];
    call.register::<WPacket>(
        &write,
        &[(c"__len", function(wpacket_size)), (c"__tostring", function(wpacket_text))],
    );
    let read: [(&CStr, Function); 13] = [
        (c"ReadU8", function(|call| read(call, |b| u8::from_be_bytes(b).into()))),
        (c"ReadU16", function(|call| read(call, |b| u16::from_be_bytes(b).into()))),
        (c"ReadU32", function(|call| read(call, |b| u32::from_be_bytes(b).into()))),
        (c"ReadU64", function(read_u64)),
        (c"ReadI8", function(|call| read(call, |b| i8::from_be_bytes(b).into()))),
        (c"ReadI16", function(|call| read(call, |b| i16::from_be_bytes(b).into()))),
        (c"ReadI32", function(|call| read(call, |b| i32::from_be_bytes(b).into()))),
        (c"ReadI64", function(|call| read(call, i64::from_be_bytes))),
        (c"ReadNum", function(read_number)),
        (c"ReadStr", function(read_string)),
        (c"ReadTab", function(read_table)),
        (c"ReadValues", function(read_values)),
        (c"Remaining", function(rpacket_remaining)),
    ];
    call.register::<RPacket>(
        &read,
        &[(c"__len", function(rpacket_size)), (c"__tostring", function(rpacket_text))],
    );
    call.register::<RawPacket>(
        &[(c"ReadBin", function(read_bin)), (c"Size", function(rawpacket_size))],
        &[(c"__len", function(rawpacket_size)), (c"__tostring", function(rawpacket_text))],
    );
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[
        (c"wpacket", function(wpacket)),
        (c"rpacket", function(rpacket)),
        (c"rawpacket", function(rawpacket)),
        (c"httprequest", function(httppacket::request)),
        (c"httpresponse", function(httppacket::response)),
        (c"clone", function(clone)),
    ]);
}

/// Pushes a packet that has arrived, a frame of `width` or bytes as they came; false, and
/// nothing pushed, when `take` has nothing after all.
#[inline]
pub fn push(call: &Call, width: Option<Width>, take: impl FnOnce() -> Option<Buf>) -> bool {
    match width {
        None => call.push_made(|| take().map(RawPacket)),
        Some(width) => call.push_made(|| Some(RPacket(Reader::new(take()?, width)))),
    }
}

/// The frame width of argument `n`, 16 when it is left out.
pub fn width(call: &Call, n: c_int) -> Result<Width, Fail> {
    if call.is_absent(n) {
        return Ok(Width::Bits16);
    }
    let bits = call.integer(n)?;
    Width::from_bits(bits).ok_or_else(|| Fail::argument(n, format!("{bits} is not 16 or 32")))
}

fn wpacket(call: &Call) -> Outcome {
    if let Some(RPacket(reader)) = call.try_object(1) {
        call.push_made(|| {
            Some(WPacket(Cell::new(Writer::shared(reader.body().clone(), reader.width()))))
        });
        return Ok(1);
    }
    let writer = if let Some(packet) = call.try_object::<WPacket>(1) {
        packet.with(|writer| Writer::shared(writer.share(), writer.width()))
    } else if call.is_absent(1) {
        Writer::new(limits::PACKET_ROOM, width(call, 2)?)
    } else if call.to_number(1).is_some() {
        let room = call.integer_in(1, 0, i64::MAX)?;
        Writer::new(room as usize, width(call, 2)?)
    } else {
        return Err(call.expected(1, "number, wpacket or rpacket"));
    };
    call.push_object(WPacket(Cell::new(writer)));
    Ok(1)
}

fn rpacket(call: &Call) -> Outcome {
    let reader = if let Some(packet) = call.try_object::<WPacket>(1) {
        packet.with(|writer| Reader::new(writer.share(), writer.width()))
    } else if let Some(packet) = call.try_object::<RPacket>(1) {
        packet.0.clone()
    } else {
        return Err(call.expected(1, "wpacket or rpacket"));
    };
    call.push_object(RPacket(reader));
    Ok(1)
}

fn rawpacket(call: &Call) -> Outcome {
    let bytes = if let Some(bytes) = call.to_bytes(1) {
        Buf::copy(bytes)
    } else if let Some(packet) = call.try_object::<RawPacket>(1) {
        packet.0.clone()
    } else {
        return Err(call.expected(1, "string or rawpacket"));
    };
    call.push_object(RawPacket(bytes));
    Ok(1)
}

fn clone(call: &Call) -> Outcome {
    if call.try_object::<RawPacket>(1).is_some() {
        rawpacket(call)
    } else if call.try_object::<RPacket>(1).is_some() {
        rpacket(call)
    } else if call.try_object::<WPacket>(1).is_some() {
        wpacket(call)
    } else if let Some(HttpPacket(message)) = call.try_object(1) {
        call.push_made(|| Some(HttpPacket(message.clone())));
        Ok(1)
    } else {
        Err(call.expected(1, "packet"))
    }
}

/// Appends the lowest `size` bytes of an integer, big endian.
fn write(call: &Call, size: usize) -> Outcome {
    let value = whole(call, 2)?.to_be_bytes();
    append(call, |writer| {
        writer.write(|out, _| {
            out.extend_from_slice(&value[8 - size..]);
            Ok(())
        })
    })
}

/// Argument `n` as 64 bits: a whole number from -2^63 to 2^64 - 1.
fn whole(call: &Call, n: c_int) -> Result<u64, Fail> {
    const BOUND: f64 = 18_446_744_073_709_551_616.0; // 2^64
    if let Some(value) = call.to_integer(n) {
        return Ok(value as u64);
    }
    match call.number(n)? {
        value if (0.0..BOUND).contains(&value) && value.trunc() == value => Ok(value as u64),
        _ => call.integer(n).map(|value| value as u64),
    }
}

fn write_number(call: &Call) -> Outcome {
    let value = call.number(2)?;
    append(call, |writer| {
        writer.write(|out, _| {
            out.extend_from_slice(&value.to_le_bytes());
            Ok(())
        })
    })
}

fn write_string(call: &Call) -> Outcome {
    let text = call.bytes(2)?;
    append(call, |writer| writer.string(text))
}

fn write_table(call: &Call) -> Outcome {
    if call.kind(2) != super::raw::Kind::Table {
        call.object::<WPacket>(1)?;
        return Err(call.expected(2, "table"));
    }
    append(call, |writer| writer.write(|out, width| call.write_table(2, out, width)))
}

fn write_values(call: &Call) -> Outcome {
    append(call, |writer| writer.write(|out, width| call.write_values(2, out, width)))
}

/// Changes the packet, which is argument 1.
#[inline]
fn append(call: &Call, change: impl FnOnce(&mut Writer) -> Result<(), Refused>) -> Outcome {
    let packet = call.object::<WPacket>(1)?;
    let (result, promote, grown) = packet.with(|writer| {
        let (was_plain, before) = (writer.is_plain(), writer.outside());
        let result = change(writer);
        let grown = writer.outside().saturating_sub(before);
        (result, was_plain && !writer.is_plain(), grown)
    });
    if grown > 0 {
        call.account(grown);
    }
    if promote {
        call.promote::<WPacket>(1);
    }
    result.map(|()| 0).map_err(|refused| match refused {
        Refused::Unfit { at, .. } => Fail::argument(at as c_int + 1, refused.to_string()),
        _ => Fail::new(refused.to_string()),
    })
}

/// Pushes an integer field, or nil when it is not there.
#[inline]
fn read<const N: usize>(call: &Call, convert: impl Fn([u8; N]) -> i64) -> Outcome {
    let bytes = call.object::<RPacket>(1)?.0.bytes::<N>();
    match bytes {
        Some(bytes) => call.push_integer(convert(bytes)),
        None => call.push_nil(),
    }
    Ok(1)
}

/// A Lua with 64-bit integers keeps all bits, as `string.unpack` does; others have doubles.
fn read_u64(call: &Call) -> Outcome {
    if cfg!(any(feature = "lua53", feature = "lua54", feature = "lua55")) {
        return read(call, i64::from_be_bytes);
    }
    let bytes = call.object::<RPacket>(1)?.0.bytes::<8>();
    match bytes {
        Some(bytes) => call.push_number(u64::from_be_bytes(bytes) as f64),
        None => call.push_nil(),
    }
    Ok(1)
}

fn read_number(call: &Call) -> Outcome {
    let value = call.object::<RPacket>(1)?.0.number();
    match value {
        Some(value) => call.push_number(value),
        None => call.push_nil(),
    }
    Ok(1)
}

fn read_string(call: &Call) -> Outcome {
    match call.object::<RPacket>(1)?.0.string() {
        Some(text) => call.push_bytes(text),
        None => call.push_nil(),
    }
    Ok(1)
}

fn read_table(call: &Call) -> Outcome {
    if !call.read_table(&call.object::<RPacket>(1)?.0) {
        call.push_nil();
    }
    Ok(1)
}

fn read_values(call: &Call) -> Outcome {
    let pushed = call.read_values(&call.object::<RPacket>(1)?.0);
    if pushed == 0 {
        call.push_nil();
    }
    Ok(pushed.max(1))
}

fn read_bin(call: &Call) -> Outcome {
    call.push_bytes(&call.object::<RawPacket>(1)?.0);
    Ok(1)
}

fn wpacket_size(call: &Call) -> Outcome {
    let size = call.object::<WPacket>(1)?.with(|writer| writer.bytes().len());
    count(call, size)
}

fn rpacket_size(call: &Call) -> Outcome {
    let size = call.object::<RPacket>(1)?.0.body().len();
    count(call, size)
}

fn rpacket_remaining(call: &Call) -> Outcome {
    let size = call.object::<RPacket>(1)?.0.remaining();
    count(call, size)
}

fn rawpacket_size(call: &Call) -> Outcome {
    count(call, call.object::<RawPacket>(1)?.0.len())
}

fn count(call: &Call, size: usize) -> Outcome {
    call.push_integer(size as i64);
    Ok(1)
}

fn wpacket_text(call: &Call) -> Outcome {
    let size = call.object::<WPacket>(1)?.with(|writer| writer.bytes().len());
    text(call, format!("wpacket ({size} bytes)"))
}

fn rpacket_text(call: &Call) -> Outcome {
    let reader = &call.object::<RPacket>(1)?.0;
    let (size, left) = (reader.body().len(), reader.remaining());
    text(call, format!("rpacket ({left} of {size} bytes left)"))
}

fn rawpacket_text(call: &Call) -> Outcome {
    let size = call.object::<RawPacket>(1)?.0.len();
    text(call, format!("rawpacket ({size} bytes)"))
}

fn text(call: &Call, text: String) -> Outcome {
    call.push_bytes(text.as_bytes());
    Ok(1)
}

/// The header of a payload of `len` bytes, and its size.
pub fn head(len: usize, size: usize) -> ([u8; 4], usize) {
    let len = len as u32;
    let bytes = if size == 2 { len << 16 } else { len };
    (bytes.to_be_bytes(), size)
}
