//! Streams of replies of Redis: lent to whom makes something of them, and given back.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use chuck_core::base::error::Code;
use chuck_core::codec::redis::{Bounds, Command};
use chuck_core::conn::framing::Framing;
use chuck_core::conn::stream::{Event, Lent, Stream};
use chuck_core::engine::Ready;
use chuck_core::net;

use crate::support::drive::{Drive, Said};
use crate::support::pair;

const READABLE: Ready = Ready { readable: true, writable: false, ended: false };

fn replies() -> Framing {
    Framing::replies(Bounds::default())
}

/// A stream and its peer.
fn open() -> (Stream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let socket = net::stream::Stream::new(ours.into());
    (Stream::new(socket, 4096, replies(), Instant::now()), theirs)
}

fn receive(stream: &mut Stream, peer: &mut UnixStream, bytes: &[u8]) {
    peer.write_all(bytes).unwrap();
    stream.wake(READABLE, Instant::now());
}

/// The next reply, taken.
fn take(stream: &mut Stream) -> Option<Vec<u8>> {
    let mut lent = Lent::default();
    let found = stream.lend(&mut lent).then(|| lent.bytes().to_vec());
    stream.give_back(&mut lent, true);
    found
}

#[test]
fn replies_are_said_whole_and_in_order_however_they_arrive() {
    let bytes = b"+OK\r\n*2\r\n:1\r\n$5\r\nhello\r\n_\r\n";
    for size in [1, 2, 3, 5, bytes.len()] {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, replies());
        for piece in bytes.chunks(size) {
            peer.write(piece, &mut drive);
        }
        peer.write(b"HTTP/1.1", &mut drive);
        drive.until("the end", |drive| drive.is_over(ours));
        let expected = [
            Said::Raw(b"+OK\r\n".to_vec()),
            Said::Raw(b"*2\r\n:1\r\n$5\r\nhello\r\n".to_vec()),
            Said::Raw(b"_\r\n".to_vec()),
            Said::Ended(Code::REDIS_REPLY),
        ];
        assert_eq!(drive.said(ours), expected, "pieces of {size}");
    }
}

#[test]
fn a_reply_that_is_given_back_undone_comes_again() {
    let (mut stream, mut peer) = open();
    receive(&mut stream, &mut peer, b"+a\r\n+b\r\n$5\r\nhe");
    let mut lent = Lent::default();
    for _ in 0..3 {
        assert!(stream.lend(&mut lent) && stream.is_lent() && lent.is_out());
        assert_eq!(lent.bytes(), b"+a\r\n");
        stream.give_back(&mut lent, false);
        assert!(!stream.is_lent() && !lent.is_out());
    }
    assert_eq!(take(&mut stream).as_deref(), Some(&b"+a\r\n"[..]));
    assert_eq!(take(&mut stream).as_deref(), Some(&b"+b\r\n"[..]));
    assert_eq!(take(&mut stream), None);
    stream.stow();
    receive(&mut stream, &mut peer, b"llo\r\n");
    assert_eq!(take(&mut stream).as_deref(), Some(&b"$5\r\nhello\r\n"[..]));
}

#[test]
fn what_arrives_while_a_reply_is_lent_stands_behind_it() {
    let (mut stream, mut peer) = open();
    receive(&mut stream, &mut peer, b"+a\r\n+b\r");
    let mut lent = Lent::default();
    assert!(stream.lend(&mut lent));
    assert!(!stream.may_have_packet());
    receive(&mut stream, &mut peer, b"\n+c\r\n");
    stream.give_back(&mut lent, true);
    assert_eq!(take(&mut stream).as_deref(), Some(&b"+b\r\n"[..]));
    assert_eq!(take(&mut stream).as_deref(), Some(&b"+c\r\n"[..]));
}

#[test]
fn a_stream_that_closes_while_a_reply_is_lent_has_no_more() {
    let (mut stream, mut peer) = open();
    receive(&mut stream, &mut peer, b"+a\r\n+b\r\n");
    let mut lent = Lent::default();
    assert!(stream.lend(&mut lent));
    stream.close(Instant::now());
    assert_eq!(lent.bytes(), b"+a\r\n");
    stream.give_back(&mut lent, true);
    assert!(!stream.may_have_packet());
    assert_eq!(take(&mut stream), None);
}

#[test]
fn nothing_is_lent_while_reading_is_paused_or_a_word_is_owed() {
    let now = Instant::now();
    let (mut stream, mut peer) = open();
    receive(&mut stream, &mut peer, b"+a\r\n");
    stream.pause(true, now);
    assert_eq!(take(&mut stream), None);
    stream.pause(false, now);
    stream.send(&[], chuck_core::codec::packet::Payload::Copy(b"x"), Some(7), now).unwrap();
    stream.flush(now);
    assert_eq!(take(&mut stream), None);
    assert!(matches!(stream.poll(now), Some(Event::Sent(7))));
    assert_eq!(take(&mut stream).as_deref(), Some(&b"+a\r\n"[..]));
}

#[test]
fn what_was_taken_over_goes_on_in_the_middle_of_a_reply() {
    let now = Instant::now();
    let (mut left, mut peer) = open();
    receive(&mut left, &mut peer, b"+a\r\n*2\r\n:1\r\n$5\r\nhe");
    assert!(take(&mut left).is_some() && take(&mut left).is_none());
    let mut moved = left.take_over(now);
    assert!(left.is_closed() && take(&mut left).is_none());
    receive(&mut moved, &mut peer, b"llo\r\n");
    assert_eq!(take(&mut moved).as_deref(), Some(&b"*2\r\n:1\r\n$5\r\nhello\r\n"[..]));
}

#[test]
fn what_is_broken_off_is_told_and_nothing_more() {
    let now = Instant::now();
    let (mut stream, mut peer) = open();
    receive(&mut stream, &mut peer, b"+a\r\n+b\r\n");
    stream.break_off(Code::NO_MEMORY);
    assert_eq!(take(&mut stream), None);
    assert!(matches!(stream.poll(now), Some(Event::Ended(Code::NO_MEMORY))));
    assert!(stream.is_closed());
}

#[test]
fn a_command_leaves_whole_or_not_at_all() {
    let now = Instant::now();
    let (mut stream, _peer) = open();
    stream.set_high_water(1, 3000);
    let mut command = Command::default();
    command.push(b"SET");
    command.share(vec![b'x'; 2000].into());
    assert_eq!(stream.send_command(&command, now), Ok(()));
    assert_eq!(stream.queued(), command.size());
    assert_eq!(stream.send_command(&command, now), Err(Code::NO_BUFFERS));
    assert_eq!(stream.queued(), command.size());
    stream.close(now);
    assert_eq!(stream.send_command(&command, now), Err(Code::SOCKET_CLOSED));
}
