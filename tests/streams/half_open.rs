//! Half-open streams: sending goes on after the peer has ended its side.

use chuck_core::base::error::Code;
use chuck_core::base::limits;
use chuck_core::codec::frame::Width;
use chuck_core::conn::framing::Framing;

use crate::support::drive::{Drive, Id, Said};
use crate::support::pair;
use crate::{MB, block, framed, millis, pattern};

/// A stream that stays half open, has told the peer's end, and the peer.
fn told(drive: &mut Drive) -> (Id, pair::Peer) {
    let (ours, mut peer) = pair::narrow(drive, Framing::Raw);
    drive.stream(ours).set_half_open(true);
    peer.write(b"last", drive);
    peer.end();
    drive.until("the end", |drive| drive.has_said(ours, &Said::Ended(Code::OK)));
    assert_eq!(drive.said(ours), [Said::Raw(b"last".to_vec()), Said::Ended(Code::OK)]);
    (ours, peer)
}

#[test]
fn it_sends_on_after_the_end_was_told_once() {
    let mut drive = Drive::new();
    let (ours, mut peer) = told(&mut drive);
    drive.pass(limits::LINGER * 2);
    drive.send(ours, &pattern(5 * MB), None).unwrap();
    drive.rest();
    let now = drive.now();
    drive.stream(ours).shutdown_write(now);
    assert_eq!(peer.read_to_end(4 * MB, &mut drive), pattern(5 * MB));
    drive.until("its own end", |drive| drive.is_over(ours));
    assert!(drive.said(ours).iter().all(|said| *said == Said::Drained));
}

#[test]
fn it_is_over_with_the_peer_when_this_side_has_ended_before() {
    let mut drive = Drive::new();
    let (ours, mut peer) = pair::half(&mut drive, Framing::Raw);
    let now = drive.now();
    drive.stream(ours).set_half_open(true);
    drive.stream(ours).shutdown_write(now);
    peer.end();
    drive.until("the end", |drive| drive.is_over(ours));
    assert_eq!(drive.said(ours), [Said::Ended(Code::OK)]);
}

#[test]
fn it_tells_an_error_after_the_end() {
    let mut drive = Drive::new();
    let (ours, peer) = told(&mut drive);
    block(&mut drive, ours);
    peer.reset();
    drive.until("the reset", |drive| drive.is_over(ours));
    let said = drive.said(ours);
    let [Said::Ended(code)] = said[..] else { panic!("{said:?}") };
    assert!(["ECONNRESET", "EPIPE"].contains(&code.name().unwrap()), "{code:?}");
    assert_eq!(drive.send(ours, b"late", None), Err(Code::SOCKET_CLOSED));
}

#[test]
fn it_closes_itself_when_it_is_turned_off() {
    let mut drive = Drive::new();
    let (ours, _peer) = told(&mut drive);
    let now = drive.now();
    drive.stream(ours).set_recv_timeout(millis(5), now);
    drive.pass(millis(10));
    assert!(!drive.is_over(ours));
    drive.stream(ours).set_half_open(false);
    drive.until("the end", |drive| drive.is_over(ours));
    assert_eq!(drive.said(ours), []);
}

#[test]
fn it_says_that_the_queue_has_fallen_before_it_is_over() {
    let mut drive = Drive::new();
    let (ours, mut peer) = told(&mut drive);
    block(&mut drive, ours);
    let now = drive.now();
    drive.stream(ours).set_high_water(1, limits::SEND_LIMIT);
    drive.stream(ours).shutdown_write(now);
    peer.read_to_end(4 * MB, &mut drive);
    drive.until("its own end", |drive| drive.is_over(ours));
    assert_eq!(drive.said(ours), [Said::Drained]);
}

/// A paused half-open stream with two frames behind the pause and more queued than leaves.
fn held(drive: &mut Drive) -> (Id, pair::Peer) {
    let (ours, mut peer) = pair::narrow(drive, framed(Width::Bits16, 64));
    drive.stream(ours).set_half_open(true);
    drive.answer(ours, |_, stream, now| stream.pause(true, now));
    peer.write(b"\0\x01a\0\x01b\0\x01c", drive);
    drive.until("a frame", |drive| drive.has_said(ours, &Said::Frame(b"a".to_vec())));
    assert_eq!(drive.said(ours), [Said::Frame(b"a".to_vec())]);
    (ours, peer)
}

#[test]
fn it_tells_a_failure_while_reading_is_paused_behind_what_had_arrived() {
    let mut drive = Drive::new();
    let (ours, peer) = held(&mut drive);
    block(&mut drive, ours);
    let queued = drive.stream(ours).queued();
    assert!(queued > 0);
    drive.answer(ours, move |_, stream, _| assert_eq!(stream.queued(), queued));
    peer.reset();
    drive.until("the reset", |drive| drive.is_over(ours));
    let mut said = drive.said(ours);
    assert_ne!(said.pop(), Some(Said::Ended(Code::OK)));
    assert_eq!(said, [Said::Frame(b"b".to_vec()), Said::Frame(b"c".to_vec())]);
}
