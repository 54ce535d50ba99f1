//! Replies of Redis: every type, at every cut, as the crate decodes them.

use chuck_core::base::error::Code;
use chuck_core::codec::redis::{Bounds, code_of, slot};

use crate::support::reply::{Crate, Tree, all, map, of_crate, set, text};

fn int(value: i64) -> Tree {
    Tree::Integer(value)
}

fn double(value: f64) -> Tree {
    Tree::Double(value.to_bits())
}

fn error(words: &str) -> Tree {
    Tree::Error(words.into())
}

/// Bytes as servers send them, and what they are; those of which the crate knows nothing last.
fn recorded() -> Vec<(&'static [u8], Tree)> {
    let pair = |key: &str, value| (text(key), value);
    let list = Tree::List;
    let mut known: Vec<(&[u8], Tree)> = vec![
        (b"+OK\r\n", text("OK")),
        (b"+\r\n", text("")),
        (b"+a\rb\r\n", text("a\rb")),
        (b"+a\0\xff\r\n", Tree::Text(b"a\0\xff".to_vec())),
        (b"-ERR unknown command 'x'\r\n", error("ERR unknown command 'x'")),
        (b"-\r\n", error("")),
        (b":0\r\n", int(0)),
        (b":-1\r\n", int(-1)),
        (b":+5\r\n", int(5)),
        (b":9223372036854775807\r\n", int(i64::MAX)),
        (b":-9223372036854775808\r\n", int(i64::MIN)),
        (b"$0\r\n\r\n", text("")),
        (b"$5\r\nhello\r\n", text("hello")),
        (b"$4\r\n\r\n\r\n\r\n", text("\r\n\r\n")),
        (b"*0\r\n", list(vec![])),
        (b"*2\r\n$3\r\nfoo\r\n:7\r\n", list(vec![text("foo"), int(7)])),
        (
            b"*3\r\n*1\r\n+a\r\n-E x\r\n*0\r\n",
            list(vec![list(vec![text("a")]), error("E x"), list(vec![])]),
        ),
        (b"_\r\n", Tree::Null),
        (b"#t\r\n", Tree::Boolean(true)),
        (b"#f\r\n", Tree::Boolean(false)),
        (b",1.5\r\n", double(1.5)),
        (b",-0\r\n", double(-0.0)),
        (b",1e300\r\n", double(1e300)),
        (b",inf\r\n", double(f64::INFINITY)),
        (b",-inf\r\n", double(f64::NEG_INFINITY)),
        (b",nan\r\n", double(f64::NAN)),
        (b"(3492890328409238509324850943850943825024385\r\n", {
            text("3492890328409238509324850943850943825024385")
        }),
        (b"(-1\r\n", text("-1")),
        (b"!21\r\nSYNTAX invalid syntax\r\n", error("SYNTAX invalid syntax")),
        (b"=15\r\ntxt:Some string\r\n", text("Some string")),
        (b"=4\r\nmkd:\r\n", text("")),
        (b"~3\r\n+a\r\n:1\r\n#t\r\n", set(vec![text("a"), int(1), Tree::Boolean(true)])),
        (b"~0\r\n", set(vec![])),
        (b"%2\r\n+a\r\n:1\r\n$1\r\nb\r\n*1\r\n_\r\n", {
            map([pair("a", int(1)), pair("b", list(vec![Tree::Null]))].into_iter())
        }),
        (b"%0\r\n", map([].into_iter())),
        (b"%1\r\n,1.5\r\n%1\r\n:1\r\n:2\r\n", {
            map([(double(1.5), map([(int(1), int(2))].into_iter()))].into_iter())
        }),
        (b">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n", {
            Tree::Push(vec![text("invalidate"), list(vec![text("k")])])
        }),
        (b"|1\r\n+ttl\r\n:3600\r\n*2\r\n:1\r\n:2\r\n", list(vec![int(1), int(2)])),
        (b"*2\r\n:1\r\n|1\r\n+a\r\n*1\r\n:9\r\n$1\r\nx\r\n", list(vec![int(1), text("x")])),
    ];
    known.extend(unknown());
    known
}

/// What the crate does not take, and we do.
fn unknown() -> Vec<(&'static [u8], Tree)> {
    let list = Tree::List;
    vec![
        (b"$-1\r\n", Tree::Null),
        (b"*-1\r\n", Tree::Null),
        (b"*3\r\n$-1\r\n*-1\r\n_\r\n", list(vec![Tree::Null, Tree::Null, Tree::Null])),
        (b"=7\r\ncsv:a,b\r\n", text("a,b")),
        (b"%1\r\n*1\r\n:1\r\n+v\r\n", map([(list(vec![int(1)]), text("v"))].into_iter())),
        (b"%1\r\n_\r\n+v\r\n", map([(Tree::Null, text("v"))].into_iter())),
        (b"~1\r\n*1\r\n:1\r\n", set(vec![list(vec![int(1)])])),
        (b"|0\r\n|1\r\n+a\r\n+b\r\n>1\r\n+x\r\n", Tree::Push(vec![text("x")])),
        (b"$?\r\n;4\r\nHell\r\n;6\r\no worl\r\n;1\r\nd\r\n;0\r\n", text("Hello world")),
        (b"$?\r\n;0\r\n", text("")),
        (b"*?\r\n:1\r\n$?\r\n;1\r\na\r\n;0\r\n.\r\n", list(vec![int(1), text("a")])),
        (b"*1\r\n*?\r\n.\r\n", list(vec![list(vec![])])),
        (b"~?\r\n:1\r\n.\r\n", set(vec![int(1)])),
        (b"%?\r\n+a\r\n:1\r\n.\r\n", map([(text("a"), int(1))].into_iter())),
    ]
}

#[test]
fn every_type_is_what_it_says() {
    for (bytes, tree) in recorded() {
        let told = String::from_utf8_lossy(bytes);
        assert_eq!(all(Bounds::default(), [bytes]), (vec![tree], Ok(0)), "{told:?}");
    }
}

#[test]
fn what_the_crate_takes_too_is_the_same() {
    let unknown = unknown();
    for (bytes, tree) in recorded() {
        let told = String::from_utf8_lossy(bytes);
        match of_crate(bytes) {
            Crate::Takes(theirs, used) => {
                assert_eq!((theirs, used), (tree, bytes.len()), "{told:?}")
            }
            _ => assert!(unknown.iter().any(|(known, _)| *known == bytes), "{told:?}"),
        }
    }
}

#[test]
fn a_reply_cut_anywhere_is_the_same_reply() {
    for (bytes, tree) in recorded() {
        let told = String::from_utf8_lossy(bytes);
        for cut in 0..bytes.len() {
            let (front, back) = bytes.split_at(cut);
            assert_eq!(all(Bounds::default(), [front]), (vec![], Ok(cut)), "{told:?} cut at {cut}");
            let both = all(Bounds::default(), [front, back]);
            assert_eq!(both, (vec![tree.clone()], Ok(0)), "{told:?} cut at {cut}");
        }
        let byte_by_byte = all(Bounds::default(), bytes.chunks(1));
        assert_eq!(byte_by_byte, (vec![tree], Ok(0)), "{told:?} byte by byte");
    }
}

#[test]
fn any_two_in_a_row_come_one_by_one_however_they_are_cut() {
    let recorded = recorded();
    for (first, one) in &recorded {
        for (second, two) in &recorded {
            let bytes = [*first, *second].concat();
            let both = (vec![one.clone(), two.clone()], Ok(0));
            assert_eq!(all(Bounds::default(), [&bytes[..]]), both);
            for size in [1, 2, 3, 7] {
                assert_eq!(all(Bounds::default(), bytes.chunks(size)), both, "pieces of {size}");
            }
        }
    }
}

#[test]
fn what_is_no_reply_is_refused_however_it_is_cut() {
    let garbage: &[&[u8]] = &[
        b"HTTP/1.1 400 Bad Request\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail.example.org ESMTP\r\n",
        b"PING\r\n",
        b"\r\n",
        b"\n",
        b"\0",
        b"+OK\n",
        b"$5\nhello\n",
        b"$5\r\nhelloworld\r\n",
        b"$5\r\nhello\rx",
        b"$-2\r\n",
        b"$+5\r\nhello\r\n",
        b"$ 5\r\n",
        b"$\r\n",
        b"$5x\r\n",
        b"$99999999999999999999999\r\n",
        b"*-2\r\n",
        b"*x\r\n",
        b"%-1\r\n",
        b"~-1\r\n",
        b">-1\r\n",
        b">?\r\n",
        b"|?\r\n",
        b"!-1\r\n",
        b"=-1\r\n",
        b"=3\r\ntxt\r\n",
        b"=8\r\nlonger:x\r\n",
        b":\r\n",
        b":-\r\n",
        b":1.5\r\n",
        b":0x10\r\n",
        b":9223372036854775808\r\n",
        b":-9223372036854775809\r\n",
        b":99999999999999999999999\r\n",
        b"#\r\n",
        b"#true\r\n",
        b"#x\r\n",
        b"_x\r\n",
        b",\r\n",
        b",x\r\n",
        b",1.5.5\r\n",
        b"(\r\n",
        b"(-\r\n",
        b"(1.5\r\n",
        b"(12a\r\n",
        b";0\r\n",
        b".\r\n",
        b"*1\r\n.\r\n",
        b"*1\r\n;1\r\na\r\n",
        b"*1\r\n>1\r\n:1\r\n",
        b"$?\r\n+a\r\n",
        b"$?\r\n;-1\r\n",
        b"$?\r\n.\r\n",
        b"%?\r\n:1\r\n.\r\n",
        b"*?\r\n|1\r\n:1\r\n:2\r\n.\r\n",
        b"*?\r\n.x\r\n",
        b":0000000000000000000000000000000000000000000000000000000000000000000000001",
    ];
    for bytes in garbage {
        let told = String::from_utf8_lossy(bytes);
        let refused = (vec![], Err(Code::REDIS_REPLY));
        assert_eq!(all(Bounds::default(), [*bytes]), refused, "{told:?}");
        assert_eq!(all(Bounds::default(), bytes.chunks(1)), refused, "{told:?} byte by byte");
        let behind = [b"+OK\r\n", *bytes].concat();
        assert_eq!(
            all(Bounds::default(), [&behind[..]]),
            (vec![text("OK")], Err(Code::REDIS_REPLY)),
            "{told:?} behind a reply"
        );
    }
}

#[test]
fn garbage_is_refused_by_its_first_byte() {
    for first in 0..=u8::MAX {
        let is_known = b"+-:$*_#,(!=~%>|;.".contains(&first);
        let code = all(Bounds::default(), [&[first][..]]).1;
        assert_eq!(code, if is_known { Ok(1) } else { Err(Code::REDIS_REPLY) }, "byte {first}");
    }
}

/// All strings of so many of these symbols.
fn each_string(symbols: &[&[u8]], most: usize, look: &mut impl FnMut(&[u8])) {
    fn grow(symbols: &[&[u8]], left: usize, bytes: &mut Vec<u8>, look: &mut impl FnMut(&[u8])) {
        look(bytes);
        if left == 0 {
            return;
        }
        for symbol in symbols {
            let before = bytes.len();
            bytes.extend_from_slice(symbol);
            grow(symbols, left - 1, bytes, look);
            bytes.truncate(before);
        }
    }
    grow(symbols, most, &mut Vec::new(), look);
}

/// Words of a reply, by which the crate is asked no more.
fn is_ours_alone(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    has(b"$-1")
        || has(b"*-1")
        || has(b"?")
        || (has(b"|") && bytes.iter().filter(|b| **b == b'|').count() > 1)
}

/// Ours and the crate's agree about these bytes, where the crate is not laxer by intent.
fn check_agreement(bytes: &[u8]) {
    let told = String::from_utf8_lossy(bytes);
    let (ours, end) = all(Bounds::default(), [bytes]);
    let Some(first) = ours.first() else {
        if let Crate::Takes(theirs, used) = of_crate(bytes) {
            // What we refuse and the crate does not: a wrong end, a line feed in a text, a sign
            // before a size, words behind a null, a push inside, its own HELLO, lonely chunks.
            let is_strict = end == Err(Code::REDIS_REPLY);
            assert!(is_strict, "{told:?}: {theirs:?} of {used} bytes is nothing to us: {end:?}");
        }
        return;
    };
    match of_crate(bytes) {
        Crate::Takes(theirs, used) if !is_ours_alone(bytes) => {
            assert!(first.agrees(&theirs), "{told:?}: {first:?} and {theirs:?}");
            let alone = all(Bounds::default(), [&bytes[..used]]);
            assert_eq!(alone, (vec![first.clone()], Ok(0)), "{told:?}");
        }
        Crate::Takes(..) => {}
        Crate::Waits => panic!("{told:?}: the crate waits, and we have {first:?}"),
        Crate::Refuses => {
            let is_set = bytes.iter().any(|byte| b"%~|".contains(byte));
            assert!(is_ours_alone(bytes) || is_set, "{told:?}: the crate refuses {first:?}");
        }
    }
}

#[test]
fn single_values_are_the_crates_on_all_small_inputs() {
    let symbols: &[&[u8]] = &[
        b"$", b":", b"+", b"-", b"_", b"#", b",", b"(", b"!", b"t", b"0", b"1", b"3", b"9", b".",
        b"e", b"\r\n",
    ];
    each_string(symbols, 4, &mut check_agreement);
    let lines: &[&[u8]] =
        &[b"$0\r\n", b"$2\r\n", b"!2\r\n", b"a", b"\r", b"\r\n", b"\n", b":1\r\n"];
    each_string(lines, 5, &mut check_agreement);
}

#[test]
fn what_holds_values_is_the_crates_on_all_small_inputs() {
    let lines: &[&[u8]] = &[
        b"*0\r\n",
        b"*1\r\n",
        b"*2\r\n",
        b"%1\r\n",
        b"~1\r\n",
        b"~2\r\n",
        b"|1\r\n",
        b"_\r\n",
        b":1\r\n",
        b"+a\r\n",
        b"$1\r\nb\r\n",
        b">1\r\n",
    ];
    each_string(lines, 5, &mut check_agreement);
}

#[test]
fn what_is_sent_before_its_size_is_known_is_taken_or_refused_at_every_cut() {
    let lines: &[&[u8]] = &[
        b"$?\r\n",
        b"*?\r\n",
        b"%?\r\n",
        b"~?\r\n",
        b";1\r\na\r\n",
        b";0\r\n",
        b".\r\n",
        b":1\r\n",
    ];
    each_string(lines, 5, &mut |bytes| {
        let whole = all(Bounds::default(), [bytes]);
        assert_eq!(whole, all(Bounds::default(), bytes.chunks(1)));
        assert_eq!(whole, all(Bounds::default(), bytes.chunks(3)));
    });
}

#[test]
fn an_error_has_the_word_that_it_begins_with_as_its_code() {
    let codes: &[(&str, &str)] = &[
        ("ERR unknown command", "ERR"),
        ("WRONGTYPE Operation against a key", "WRONGTYPE"),
        ("MOVED 3999 127.0.0.1:6381", "MOVED"),
        ("NOAUTH", "NOAUTH"),
        ("EXECABORT Transaction discarded", "EXECABORT"),
        ("", "ERR"),
        (" x", "ERR"),
        ("Error in words", "ERR"),
        ("ERR: x", "ERR"),
        ("42 is a number", "ERR"),
        ("A1_B c", "A1_B"),
    ];
    for (message, code) in codes {
        assert_eq!(code_of(message.as_bytes()), code.as_bytes(), "{message:?}");
    }
}

#[test]
fn a_key_has_the_slot_that_a_server_gives_it() {
    // As `CLUSTER KEYSLOT` of Redis 7.0 answers.
    let slots: &[(&str, u16)] = &[
        ("", 0),
        ("123456789", 12739),
        ("foo", 12182),
        ("foo{123456789}bar", 12739),
        ("{user1000}.following", 3443),
        ("{user1000}.followers", 3443),
        ("foo{}{bar}", 8363),
        ("foo{{bar}}zap", 4015),
        ("foo{bar}{zap}", 5061),
        ("{", 4092),
        ("{}", 15257),
        ("a{", 14311),
        ("}{", 12793),
    ];
    for (key, expected) in slots {
        assert_eq!(slot(key.as_bytes()), *expected, "{key:?}");
    }
}
