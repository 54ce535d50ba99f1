//! Packets: any reads of any bytes, and what was read is written and read back.
//!
//! ```text
//! | how: bit 0 width 32, bit 1 fill up | n: u8 | n kinds of reads | the payload |
//! ```
#![no_main]

mod model;

use chuck_core::base::buf::Buf;
use chuck_core::codec::frame::Width;
use chuck_core::codec::packet::{Reader, Writer};
use libfuzzer_sys::fuzz_target;
use model::{Model, Told};

/// A field that was read.
#[derive(PartialEq, Debug)]
enum Field {
    U8([u8; 1]),
    U16([u8; 2]),
    U32([u8; 4]),
    U64([u8; 8]),
    /// The bits, so that NaN equals itself.
    Number(u64),
    Str(Vec<u8>),
    Table(Vec<Told>),
}

fuzz_target!(|input: &[u8]| {
    let Some((&[how, count], rest)) = input.split_first_chunk() else {
        return;
    };
    let Some((kinds, payload)) = rest.split_at_checked(count.into()) else {
        return;
    };
    let width = if how & 1 == 0 { Width::Bits16 } else { Width::Bits32 };
    let reader = Reader::new(Buf::copy(payload), width);
    let fields: Vec<_> =
        kinds.iter().filter_map(|kind| Some((*kind, read(&reader, *kind)?))).collect();
    assert_eq!(&**reader.body(), payload, "reading changes nothing");

    let mut writer = write(&fields, width);
    if how & 2 != 0 && width == Width::Bits16 {
        check_the_limit(&mut writer);
    }
    let again = Reader::new(writer.share(), width);
    for (kind, field) in &fields {
        assert_eq!(read(&again, *kind).as_ref(), Some(field));
    }
    assert_eq!(again.remaining(), 0);
});

/// Reads a field; one that is not there leaves the reader where it was.
fn read(reader: &Reader, kind: u8) -> Option<Field> {
    let before = reader.remaining();
    let copy = reader.clone();
    let field = match kind % 7 {
        0 => reader.bytes().map(Field::U8),
        1 => reader.bytes().map(Field::U16),
        2 => reader.bytes().map(Field::U32),
        3 => reader.bytes().map(Field::U64),
        4 => reader.number().map(|n| Field::Number(n.to_bits())),
        5 => reader.string().map(|text| Field::Str(text.to_vec())),
        _ => {
            let mut model = Model::default();
            reader.table(&mut model).map(|()| {
                assert!(model.is_whole());
                Field::Table(model.told)
            })
        }
    };
    assert!(reader.remaining() <= before);
    assert_eq!(field.is_none(), reader.remaining() == before, "a field takes bytes: {field:?}");
    assert_eq!(copy.remaining(), before, "a copy reads for itself");
    field
}

/// Writes all fields. Every holder of an earlier state keeps just that.
fn write(fields: &[(u8, Field)], width: Width) -> Writer {
    let mut writer = Writer::new(0, width);
    for (at, (kind, field)) in fields.iter().enumerate() {
        if kind & 0x80 != 0 {
            let held = writer.share();
            let bytes = held.to_vec();
            let mut other = Writer::shared(held.clone(), width);
            put(&mut other, &Field::U8([at as u8]));
            put(&mut writer, field);
            assert_eq!(&*held, &bytes[..], "what was shared never changes");
            assert_eq!(other.bytes().split_last(), Some((&(at as u8), &bytes[..])));
        } else {
            put(&mut writer, field);
        }
    }
    writer
}

fn put(writer: &mut Writer, field: &Field) {
    if let Field::Str(text) = field {
        writer.string(text).expect("it fitted before");
        return;
    }
    let result = writer.write(|out, width| {
        match field {
            Field::U8(bytes) => out.extend_from_slice(bytes),
            Field::U16(bytes) => out.extend_from_slice(bytes),
            Field::U32(bytes) => out.extend_from_slice(bytes),
            Field::U64(bytes) => out.extend_from_slice(bytes),
            Field::Number(bits) => out.extend_from_slice(&f64::from_bits(*bits).to_le_bytes()),
            Field::Str(text) => unreachable!("a string was written above: {text:?}"),
            Field::Table(told) => {
                model::write(told, out, width);
            }
        }
        Ok(())
    });
    // A table may be written longer than it was read: -1 takes five bytes then, and took two.
    result.expect("payloads here are far below the limit");
}

/// One byte more than fits is refused and leaves the packet as it was.
fn check_the_limit(writer: &mut Writer) {
    let before = writer.bytes().to_vec();
    let room = writer.width().body_max() - before.len();
    let mut fill = |size: usize| {
        writer.write(|out, _| {
            out.resize(out.len() + size, 0);
            Ok(())
        })
    };
    assert!(fill(room + 1).is_err());
    assert_eq!(writer.bytes(), before);
    let text = vec![0; room.saturating_sub(writer.width().head()) + 1];
    assert!(writer.string(&text).is_err());
    assert_eq!(writer.bytes(), before);
}
