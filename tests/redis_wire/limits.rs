//! Limits of replies: reached and passed by one, held when a size is announced; nests, promises
//! and pieces cost no more than their bytes.

use std::time::{Duration, Instant};

use chuck_core::base::error::Code;
use chuck_core::base::limits;
use chuck_core::codec::redis::{Bounds, Scanner};

use crate::support::reply::{Tree, all, grow};

fn of(message: usize, depth: usize, elements: u64) -> Bounds {
    Bounds { message, depth, elements }
}

/// What a reply ends with: bytes left, or a code.
fn end(bounds: Bounds, bytes: &[u8]) -> Result<usize, Code> {
    let whole = all(bounds, [bytes]).1;
    assert_eq!(whole, all(bounds, bytes.chunks(1)).1, "byte by byte");
    whole
}

const TOO_LARGE: Result<usize, Code> = Err(Code::PACKET_TOO_LARGE);

#[test]
fn a_reply_may_have_so_many_bytes_and_none_more() {
    let replies: &[&[u8]] = &[
        b"+OK\r\n",
        b":1234567\r\n",
        b"$5\r\nhello\r\n",
        b"*2\r\n$1\r\na\r\n$1\r\nb\r\n",
        b"%1\r\n+a\r\n_\r\n",
        b"|1\r\n+a\r\n_\r\n+x\r\n",
        b"$?\r\n;2\r\nab\r\n;0\r\n",
        b"*?\r\n+a\r\n.\r\n",
        b"(12345678901234567890\r\n",
    ];
    for reply in replies {
        let told = String::from_utf8_lossy(reply);
        assert_eq!(end(of(reply.len(), 9, 99), reply), Ok(0), "{told:?}");
        for less in 1..reply.len() {
            assert_eq!(end(of(less, 9, 99), reply), TOO_LARGE, "{told:?} of {less} bytes at most");
        }
        let many = reply.repeat(100);
        assert_eq!(end(of(reply.len(), 9, 99), &many), Ok(0), "each for itself: {told:?}");
    }
}

#[test]
fn what_is_announced_is_refused_before_its_bytes_arrive() {
    let heads: &[&[u8]] = &[
        b"$536870913\r\n",
        b"$4294967296\r\n",
        b"$18446744073709551615\r\n",
        b"!536870913\r\n",
        b"=536870913\r\n",
        b"*1000000000\r\n",
        b"*18446744073709551615\r\n",
        b"~1000000000\r\n",
        b">1000000000\r\n",
        b"%500000000\r\n",
        b"|500000000\r\n",
        b"$?\r\n;4294967296\r\n",
        b"*1\r\n*1\r\n*1000000000\r\n",
    ];
    for head in heads {
        assert_eq!(end(Bounds::default(), head), TOO_LARGE, "{:?}", String::from_utf8_lossy(head));
    }
    assert_eq!(end(Bounds::default(), b"%18446744073709551615\r\n"), Err(Code::REDIS_REPLY));
}

#[test]
fn a_string_may_be_announced_up_to_the_last_byte_that_has_room() {
    assert_eq!(end(of(100, 9, 99), b"$93\r\n"), Ok(5));
    assert_eq!(end(of(100, 9, 99), b"$94\r\n"), TOO_LARGE);
    assert_eq!(end(of(100, 9, 99), b"*31\r\n"), Ok(5));
    assert_eq!(end(of(100, 9, 99), b"*32\r\n"), TOO_LARGE);
}

#[test]
fn a_line_without_an_end_is_refused_at_the_limit() {
    for first in [b'+', b'-', b'('] {
        let mut line = vec![b'1'; 1000];
        line[0] = first;
        assert_eq!(end(of(1000, 9, 99), &line), Ok(1000));
        assert_eq!(end(of(999, 9, 99), &line), TOO_LARGE);
    }
    assert_eq!(end(Bounds::default(), &[b'$'; 65]), Err(Code::REDIS_REPLY));
    assert_eq!(end(of(64, 9, 99), &[b'$'; 65]), Err(Code::REDIS_REPLY));
    assert_eq!(end(of(63, 9, 99), &[b'$'; 65]), TOO_LARGE);
}

#[test]
fn a_reply_may_have_so_many_levels_and_none_more() {
    let depth = 7;
    for (open, close) in [
        ("*1\r\n", ""),
        ("%1\r\n:1\r\n", ""),
        ("~1\r\n", ""),
        ("*?\r\n", ".\r\n"),
        ("|1\r\n", ":2\r\n:3\r\n"),
    ] {
        let nest = |levels| format!("{}:1\r\n{}", open.repeat(levels), close.repeat(levels));
        assert_eq!(end(of(9999, depth, 999), nest(depth).as_bytes()), Ok(0), "{open:?}");
        assert_eq!(end(of(9999, depth, 999), nest(depth + 1).as_bytes()), TOO_LARGE, "{open:?}");
    }
}

#[test]
fn the_deepest_limit_is_as_deep_as_replies_are_shown() {
    let bounds = Bounds { depth: limits::REDIS_DEPTH_MAX, ..Bounds::default() };
    let reply = format!("{}:1\r\n", "*1\r\n".repeat(limits::REDIS_DEPTH_MAX));
    let mut expected = Tree::Integer(1);
    for _ in 0..limits::REDIS_DEPTH_MAX {
        expected = Tree::List(vec![expected]);
    }
    assert_eq!(all(bounds, [reply.as_bytes()]), (vec![expected], Ok(0)));
}

#[test]
fn ten_thousand_levels_are_refused_at_the_first_too_many() {
    let nest = "*1\r\n".repeat(10_000);
    let mut scanner = Scanner::new(Bounds::default());
    let last = limits::REDIS_DEPTH * 4;
    assert_eq!(scanner.find(&nest.as_bytes()[..last]), Ok(None));
    assert_eq!(scanner.find(&nest.as_bytes()[..last + 4]), Err(Code::PACKET_TOO_LARGE));
    assert_eq!(end(Bounds::default(), nest.as_bytes()), TOO_LARGE);
}

#[test]
fn a_reply_may_have_so_many_values_in_all_levels_and_none_more() {
    // The outermost counts too; attributes and what they hold as well.
    let replies: &[(&str, u64)] = &[
        (":1\r\n", 1),
        ("*3\r\n:1\r\n:2\r\n:3\r\n", 4),
        ("*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n:3\r\n", 6),
        ("%1\r\n:1\r\n*1\r\n:2\r\n", 4),
        ("*?\r\n:1\r\n:2\r\n.\r\n", 3),
        ("*?\r\n*1\r\n:1\r\n*?\r\n:2\r\n.\r\n.\r\n", 5),
        ("|1\r\n:1\r\n:2\r\n:3\r\n", 4),
    ];
    for (reply, values) in replies {
        assert_eq!(end(of(9999, 9, *values), reply.as_bytes()), Ok(0), "{reply:?}");
        assert_eq!(end(of(9999, 9, values - 1), reply.as_bytes()), TOO_LARGE, "{reply:?}");
    }
}

#[test]
fn values_are_counted_reply_by_reply() {
    assert_eq!(end(of(9999, 9, 3), "*2\r\n:1\r\n:2\r\n".repeat(50).as_bytes()), Ok(0));
}

/// How long it takes to find the end of a reply that arrives in pieces.
fn time(reply: &[u8], piece: usize) -> Duration {
    let start = Instant::now();
    let mut scanner = Scanner::new(Bounds::default());
    let mut arrived = 0;
    let found = loop {
        arrived = (arrived + piece).min(reply.len());
        match scanner.find(&reply[..arrived]) {
            Ok(None) => assert!(arrived < reply.len()),
            found => break found,
        }
    };
    assert_eq!(found, Ok(Some(reply.len())));
    start.elapsed()
}

#[test]
fn a_million_values_in_small_pieces_cost_what_their_bytes_cost() {
    let list = format!("*1000000\r\n{}", "$5\r\nhello\r\n".repeat(1_000_000));
    let line = format!("+{}\r\n", "x".repeat(10_000_000));
    let nest = format!("*1000000\r\n{}", "*1\r\n*1\r\n:1\r\n".repeat(1_000_000));
    for reply in [list, line, nest] {
        // Were bytes looked at again with each piece, it would be hours.
        for piece in [1, 1024] {
            let took = time(reply.as_bytes(), piece);
            assert!(took < Duration::from_secs(20), "{took:?} in pieces of {piece}");
        }
    }
}

#[test]
fn a_million_values_are_shown() {
    let reply = format!("*1000000\r\n{}", ":7\r\n".repeat(1_000_000));
    match grow(reply.as_bytes()) {
        Some(Tree::List(values)) => assert_eq!(values.len(), 1_000_000),
        other => panic!("no list: {other:?}"),
    }
}

#[test]
fn room_is_asked_for_as_much_as_a_string_needs_and_grows_with_what_arrives() {
    let mut scanner = Scanner::new(Bounds::default());
    assert_eq!(scanner.find(b"$1048576\r\nab"), Ok(None));
    assert_eq!(scanner.wanted(), 10 + 1_048_576 + 2);
    let list = format!("*1000000\r\n{}", "$5\r\nhello\r\n".repeat(100_000));
    let mut scanner = Scanner::new(Bounds::default());
    assert_eq!(scanner.find(list.as_bytes()), Ok(None));
    assert!((list.len() + 1000..3 * list.len()).contains(&scanner.wanted()));
}
