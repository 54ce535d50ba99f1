//! Every coding there and back, at every cut, beyond the limit, and broken everywhere.

use super::*;

const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Deflate, Coding::Brotli];

/// Far beyond what these texts have.
const ENOUGH: u64 = 1 << 30;

fn packed(coding: Coding, text: &[u8]) -> Vec<u8> {
    Compressor::new(coding, None).feed(text, Flush::Finish).unwrap()
}

fn unpacked(coding: Coding, bytes: &[u8], limit: u64) -> Result<Vec<u8>, Code> {
    Decompressor::new(coding, limit).feed(bytes, true)
}

fn text() -> Vec<u8> {
    (0..20_000u32).flat_map(|n| (n / 7).to_string().into_bytes()).collect()
}

#[test]
fn what_was_packed_is_unpacked() {
    for coding in CODINGS {
        for text in [&b""[..], b"a", b"hello hello hello", &text()] {
            assert_eq!(
                unpacked(coding, &packed(coding, text), ENOUGH).unwrap(),
                text,
                "{coding:?}"
            );
        }
        let mut flushed = Compressor::new(coding, Some(9));
        let mut reader = Decompressor::new(coding, ENOUGH);
        for piece in text().chunks(7777) {
            let bytes = flushed.feed(piece, Flush::All).unwrap();
            assert!(reader.feed(&bytes, false).unwrap() == piece, "{coding:?}");
        }
        reader.feed(&flushed.feed(b"", Flush::Finish).unwrap(), true).unwrap();
        assert_eq!(flushed.feed(b"more", Flush::None), None);
        assert_eq!(flushed.feed(b"", Flush::Finish), None);
    }
}

#[test]
fn it_does_not_matter_how_bytes_are_cut() {
    for coding in CODINGS {
        let text = &text()[..3000];
        let bytes = packed(coding, text);
        for cut in 0..=bytes.len() {
            let mut reader = Decompressor::new(coding, ENOUGH);
            let mut out = reader.feed(&bytes[..cut], false).unwrap();
            out.extend(reader.feed(&bytes[cut..], true).unwrap());
            assert!(out == text, "{coding:?} cut at {cut}");
        }
        let mut reader = Decompressor::new(coding, ENOUGH);
        let mut out = Vec::new();
        for byte in &bytes {
            out.extend(reader.feed(&[*byte], false).unwrap());
        }
        reader.feed(b"", true).unwrap();
        assert!(out == text, "{coding:?} byte by byte");
    }
}

#[test]
fn what_is_cut_short_is_broken() {
    for coding in CODINGS {
        let bytes = packed(coding, &text()[..500]);
        for cut in 1..bytes.len() {
            assert_eq!(
                unpacked(coding, &bytes[..cut], ENOUGH),
                Err(Code::HTTP_PARSE),
                "{coding:?} cut at {cut}"
            );
        }
        assert_eq!(unpacked(coding, b"", ENOUGH), Ok(Vec::new()), "{coding:?}");
    }
}

#[test]
fn something_behind_the_end_is_broken() {
    for coding in CODINGS {
        let bytes = [packed(coding, b"hello"), b"x".to_vec()].concat();
        assert_eq!(unpacked(coding, &bytes, ENOUGH), Err(Code::HTTP_PARSE), "{coding:?}");
        let mut reader = Decompressor::new(coding, ENOUGH);
        reader.feed(&packed(coding, b"hello"), false).unwrap();
        assert!(reader.feed(b"x", true).is_err(), "{coding:?}");
    }
    // RFC 1952, 2.2: several files one after the other are one.
    let twice = [packed(Coding::Gzip, b"a"), packed(Coding::Gzip, b"b")].concat();
    assert_eq!(unpacked(Coding::Gzip, &twice, ENOUGH).unwrap(), b"ab");
}

#[test]
fn a_bomb_goes_off_at_the_limit() {
    let text = vec![0; 10 << 20];
    for coding in CODINGS {
        let bomb = packed(coding, &text);
        assert!(bomb.len() < 20_000);
        let size = text.len() as u64;
        assert_eq!(unpacked(coding, &bomb, size).unwrap().len(), text.len(), "{coding:?}");
        for limit in [size - 1, size / 2, 1, 0] {
            assert_eq!(unpacked(coding, &bomb, limit), Err(Code::HTTP_TOO_LARGE), "{coding:?}");
        }
        let mut reader = Decompressor::new(coding, 1000);
        assert_eq!(reader.feed(&bomb, false), Err(Code::HTTP_TOO_LARGE));
        assert_eq!(reader.feed(b"", false), Err(Code::HTTP_TOO_LARGE), "it stays so");
    }
}

#[test]
fn broken_bytes_never_do_harm() {
    for coding in CODINGS {
        let bytes = packed(coding, &text()[..2000]);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut broken = bytes.clone();
                broken[at] ^= 1 << bit;
                if let Ok(out) = unpacked(coding, &broken, 1 << 20) {
                    assert!(out.len() <= 1 << 20);
                }
            }
        }
    }
}

#[test]
fn deflate_comes_with_a_head_or_without() {
    use std::io::Write;
    let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    raw.write_all(b"hello hello").unwrap();
    let bytes = raw.finish().unwrap();
    assert_eq!(unpacked(Coding::Deflate, &bytes, ENOUGH).unwrap(), b"hello hello");
    let mut reader = Decompressor::new(Coding::Deflate, ENOUGH);
    let out: Vec<u8> = bytes.iter().flat_map(|b| reader.feed(&[*b], false).unwrap()).collect();
    assert_eq!(out, b"hello hello");
}

#[test]
fn all_parts_of_a_gzip_head_are_read() {
    // RFC 1952, 2.3: extra field, name, comment, checksum of the head
    let plain = packed(Coding::Gzip, b"hi");
    let head = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x03\0abcname\0comment\0\0\0";
    let whole = [&head[..], &plain[10..]].concat();
    assert_eq!(unpacked(Coding::Gzip, &whole, ENOUGH).unwrap(), b"hi");
    for flags in 0..=255u8 {
        let mut bytes = plain.clone();
        bytes[3] = flags;
        let result = unpacked(Coding::Gzip, &bytes, ENOUGH);
        assert!(result.is_err() || flags & !1 == 0, "{flags}");
    }
    let mut wrong = plain.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert!(unpacked(Coding::Gzip, &wrong, ENOUGH).is_err(), "size");
    assert_eq!(Coding::parse(b"X-GZIP"), Some(Coding::Gzip));
    assert_eq!(Coding::parse(b"identity"), None);
}
