//! Messages of HTTP: the vectors in `data/http1`, whole and in parts, at every cut.
//!
//! A vector has a title with the section of the RFC, lines of bytes, and what is told of them:
//!
//! ```text
//! == a body in chunks (RFC 9112, 7.1)
//! POST /t HTTP/1.1\r\n
//! ...
//! --
//! POST /t keep "abc"
//! refused 400
//! ```
//!
//! Each line of bytes is joined to the next; `<end>` is the peer's end; `? HEAD` says what the
//! next response answers. `in_parts` begins the results where telling them in parts differs.

use std::fs;

use chuck_core::codec::http1::{Bounds, Role};

#[path = "support/message.rs"]
mod message;

use message::Reader;

struct Vector {
    title: String,
    bytes: Vec<u8>,
    has_end: bool,
    methods: Vec<String>,
    expected: Vec<String>,
}

fn vectors(name: &str) -> Vec<Vector> {
    let path = format!("{}/tests/data/http1/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    text.split("\n== ").skip(1).map(vector).collect()
}

fn vector(text: &str) -> Vector {
    let mut lines = text.lines();
    let title = lines.next().unwrap().to_owned();
    let mut vector = Vector {
        title,
        bytes: Vec::new(),
        has_end: false,
        methods: Vec::new(),
        expected: Vec::new(),
    };
    let mut is_input = true;
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line == "--" {
            is_input = false;
        } else if !is_input {
            vector.expected.push(line.replace("{1000*a}", &"a".repeat(1000)));
        } else if line == "<end>" {
            vector.has_end = true;
        } else if let Some(method) = line.strip_prefix("? ") {
            vector.methods.push(method.to_owned());
        } else {
            vector.bytes.extend(unescape(line));
        }
    }
    assert!(!is_input, "{}: no result", vector.title);
    vector
}

/// `\r`, `\n`, `\t`, `\\`, `\x00`; `{100*a}` stands for so many.
fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match (byte, rest) {
            (b'\\', [b'r', behind @ ..]) => (bytes.push(b'\r'), rest = behind).0,
            (b'\\', [b'n', behind @ ..]) => (bytes.push(b'\n'), rest = behind).0,
            (b'\\', [b't', behind @ ..]) => (bytes.push(b'\t'), rest = behind).0,
            (b'\\', [b'\\', behind @ ..]) => (bytes.push(b'\\'), rest = behind).0,
            (b'\\', [b'x', high, low, behind @ ..]) => {
                let text = [*high as char, *low as char].iter().collect::<String>();
                bytes.push(u8::from_str_radix(&text, 16).unwrap());
                rest = behind;
            }
            (b'{', _) => {
                let end = rest.iter().position(|byte| *byte == b'}').unwrap();
                let (count, what) =
                    std::str::from_utf8(&rest[..end]).unwrap().split_once('*').unwrap();
                let what = unescape(what);
                for _ in 0..count.parse::<usize>().unwrap() {
                    bytes.extend_from_slice(&what);
                }
                rest = &rest[end + 1..];
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}

fn check(vector: &Vector, role: Role, bounds: Bounds, pieces: &[&[u8]]) {
    for is_whole in [true, false] {
        let mut reader = Reader::new(role, bounds, is_whole, &vector.methods);
        for piece in pieces {
            reader.receive(piece);
        }
        if vector.has_end {
            reader.end();
        }
        let lengths: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
        let way = if is_whole { "whole" } else { "in parts" };
        assert_eq!(reader.told, vector.expected, "{} ({way}, {lengths:?})", vector.title);
    }
}

fn check_all(name: &str, role: Role) {
    let all = vectors(name);
    assert!(all.len() > 20, "{name}");
    let bounds = Bounds { line: 200, head: 1000, fields: 20, body: 1000, ..Bounds::default() };
    for vector in &all {
        let bytes = &vector.bytes[..];
        check(vector, role, bounds, &[bytes]);
        let step = (bytes.len() / 400).max(1);
        for cut in (0..=bytes.len()).step_by(step) {
            let (front, back) = bytes.split_at(cut);
            check(vector, role, bounds, &[front, back]);
        }
        check(vector, role, bounds, &bytes.chunks(1).collect::<Vec<_>>());
        // Who is both understands it as well, but for empty lines before a response.
        check(vector, Role::Either, bounds, &[bytes]);
    }
}

#[test]
fn requests_are_read_as_the_rfc_says_at_every_cut() {
    check_all("requests.txt", Role::Server);
}

#[test]
fn responses_are_read_as_the_rfc_says_at_every_cut() {
    check_all("responses.txt", Role::Client);
}

/// Of whole requests.
fn server(bounds: Bounds) -> Reader {
    Reader::new(Role::Server, bounds, true, &[""; 0])
}

#[test]
fn what_is_announced_is_refused_before_it_arrives() {
    let bounds = Bounds { body: 100, ..Bounds::default() };
    let mut reader = server(bounds);
    reader.receive(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n");
    assert_eq!(reader.told, ["refused 413"]);
    let mut reader = server(bounds);
    reader.receive(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n");
    assert_eq!(reader.told, ["refused 413"]);
}

#[test]
fn a_bound_of_the_whole_message_is_inclusive() {
    let text = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    for (message, told) in [(text.len(), "POST / keep \"abc\""), (text.len() - 1, "refused 413")] {
        let bounds = Bounds { message: message as u64, ..Bounds::default() };
        let mut reader = server(bounds);
        reader.receive(text);
        assert_eq!(reader.told, [told]);
    }
}

#[test]
fn many_tiny_chunks_are_fine_and_large_extensions_are_not() {
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let tiny = [head.clone(), b"1\r\na\r\n".repeat(20_000), b"0\r\n\r\n".to_vec()].concat();
    let mut reader = server(Bounds::default());
    reader.receive(&tiny);
    assert_eq!(reader.told, [format!("POST / keep \"{}\"", "a".repeat(20_000))]);
    let line = format!("1;{}\r\na\r\n", "x".repeat(1000));
    let wasteful = [head, line.as_bytes().repeat(30)].concat();
    let mut reader = server(Bounds::default());
    reader.receive(&wasteful);
    assert_eq!(reader.told, ["refused 400"]);
}

#[test]
fn what_is_no_response_is_refused_at_its_first_bytes() {
    let mut reader = Reader::new(Role::Client, Bounds::default(), false, &[""; 0]);
    reader.receive(b"HT");
    assert!(reader.told.is_empty());
    reader.receive(b"ML");
    assert_eq!(reader.told, ["refused 400"]);
}
