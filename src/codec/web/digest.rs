//! Digests, signatures and base64, and comparing without telling where texts differ.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Padding or none, both are read; bits that say nothing must be zero.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(false);

const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// SHA-1 (RFC 3174): for WebSocket's handshake, not for secrets.
pub fn sha1(text: &[u8]) -> [u8; 20] {
    Sha1::digest(text).into()
}

/// SHA-256 (RFC 6234).
pub fn sha256(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// HMAC with SHA-256 (RFC 2104).
pub fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// Base64 with padding; for URLs (RFC 4648, 5) without.
pub fn base64(text: &[u8], is_for_urls: bool) -> Vec<u8> {
    let engine =
        if is_for_urls { general_purpose::URL_SAFE_NO_PAD } else { general_purpose::STANDARD };
    engine.encode(text).into_bytes()
}

/// What base64 stands for, with or without its padding; `None` for what is none.
pub fn unbase64(text: &[u8], is_for_urls: bool) -> Option<Vec<u8>> {
    // The engine would take a part of the padding for all of it.
    if text.ends_with(b"=") && !text.len().is_multiple_of(4) {
        return None;
    }
    if is_for_urls { URL_SAFE.decode(text) } else { STANDARD.decode(text) }.ok()
}

/// Whether two texts are equal, in a time that depends on their lengths only.
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    let differ = |sum: u8, (a, b): (&u8, &u8)| std::hint::black_box(sum | (a ^ b));
    one.len() == other.len() && one.iter().zip(other).fold(0, differ) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn digests_are_those_of_the_rfcs() {
        // RFC 3174, 7.3; RFC 6234, 8.5; RFC 4231, 4.3
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            hex(&sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(hex(&hmac_sha256(b"", b""))[..8], *"b613679a");
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648, 10
        for (text, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes(), false), coded.as_bytes());
            assert_eq!(unbase64(coded.as_bytes(), false).unwrap(), text.as_bytes());
            assert_eq!(
                unbase64(coded.trim_end_matches('=').as_bytes(), false).unwrap(),
                text.as_bytes()
            );
        }
        assert_eq!(base64(b"\xff\xfe", true), b"__4");
        assert_eq!(unbase64(b"__4=", true).unwrap(), b"\xff\xfe");
        for wrong in ["Z", "Zg=", "Zh==", "Zg==Zg==", "Z g=", "__4=", "Zm9v\n", "===="] {
            assert_eq!(unbase64(wrong.as_bytes(), false), None, "{wrong}");
        }
    }

    #[test]
    fn equal_texts_are_equal() {
        assert!(equal(b"", b"") && equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd") && !equal(b"abc", b"ab") && !equal(b"", b"a"));
    }
}
