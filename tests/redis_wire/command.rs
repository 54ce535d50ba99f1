//! Commands of Redis as bytes.

use bytes::Bytes;
use chuck_core::codec::redis::{Bounds, Command, decimal};

use crate::support::reply::{Tree, all};

/// The whole, from its pieces; and through [`Command::copy_to`] the same.
fn bytes_of(command: &Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    command.pieces(|head, copied, shared| {
        bytes.extend_from_slice(head);
        bytes.extend_from_slice(copied);
        bytes.extend_from_slice(shared.map_or(&[], |shared| shared));
    });
    let mut copy = vec![0; bytes.len()];
    assert!(command.copy_to(&mut copy) && !command.copy_to(&mut vec![0; bytes.len() + 1]));
    assert_eq!((copy, command.size()), (bytes.clone(), bytes.len()));
    bytes
}

fn double(value: f64) -> String {
    let mut command = Command::default();
    command.double(value);
    let text = String::from_utf8(command.last().to_vec()).unwrap();
    let whole = format!("*1\r\n${}\r\n{text}\r\n", text.len());
    assert_eq!(bytes_of(&command), whole.as_bytes());
    text
}

#[test]
fn a_command_is_a_list_of_strings() {
    let mut command = Command::default();
    command.push(b"SET");
    command.push(b"a\r\nb\0");
    command.push(b"");
    command.integer(-12);
    assert_eq!(bytes_of(&command), b"*4\r\n$3\r\nSET\r\n$5\r\na\r\nb\0\r\n$0\r\n\r\n$3\r\n-12\r\n");
    command.clear();
    command.push(b"PING");
    assert_eq!(bytes_of(&command), b"*1\r\n$4\r\nPING\r\n");
}

#[test]
fn what_is_shared_stands_where_it_was_given() {
    let strings: Vec<Vec<u8>> = (0..12).map(|n| vec![b'a' + n as u8; n]).collect();
    for mask in 0..1u32 << strings.len() {
        let mut command = Command::default();
        for (n, string) in strings.iter().enumerate() {
            match mask >> n & 1 {
                0 => command.push(string),
                _ => command.share(Bytes::copy_from_slice(string)),
            }
        }
        let expected = strings.iter().map(|string| Tree::Text(string.clone())).collect();
        let reply = all(Bounds::default(), [&bytes_of(&command)[..]]);
        assert_eq!(reply, (vec![Tree::List(expected)], Ok(0)));
        assert_eq!(command.count(), strings.len());
    }
}

#[test]
fn whole_numbers_have_their_digits() {
    for value in [0, 1, -1, 9, 10, -10, 12345, i64::MAX, i64::MIN] {
        let mut room = [0; 20];
        let digits = decimal(value.unsigned_abs(), value < 0, &mut room).to_vec();
        assert_eq!(digits, value.to_string().into_bytes());
    }
    let mut room = [0; 20];
    assert_eq!(decimal(u64::MAX, false, &mut room), u64::MAX.to_string().as_bytes());
}

#[test]
fn other_numbers_have_the_shortest_text_that_reads_back() {
    let texts: &[(f64, &str)] = &[
        (0.1, "0.1"),
        (1.5, "1.5"),
        (-2.25, "-2.25"),
        (3.0, "3"),
        (-0.0, "0"),
        (1e15, "1000000000000000"),
        (1e18, "1000000000000000000"),
        (9_007_199_254_740_993.0, "9007199254740992"),
        (1e19, "1e19"),
        (1e300, "1e300"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e308"),
        (-f64::MIN_POSITIVE, "-2.2250738585072014e-308"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ];
    for (value, text) in texts {
        assert_eq!(double(*value), *text);
    }
    let mut state = 1u64;
    for _ in 0..100_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let value = f64::from_bits(state);
        let text = double(value);
        assert!(text.len() <= 24, "{text}");
        assert!(value.is_nan() || text.parse::<f64>() == Ok(value), "{text} for {value:?}");
    }
}
