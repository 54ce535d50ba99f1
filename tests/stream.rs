//! Conversations without Lua: what streams say, in which order, and which bytes reach the peer.

mod support {
    pub mod drive;
    pub mod pair;
}

mod streams {
    mod failure;
    mod file;
    mod half_open;
    mod replies;
}

use std::time::Duration;

use chuck_core::base::error::Code;
use chuck_core::codec::frame::{Frames, Width};
use chuck_core::conn::framing::Framing;

use support::drive::{self, Drive, Id, Said};
use support::pair;

const WIDTHS: [Width; 2] = [Width::Bits16, Width::Bits32];
const MB: usize = 1 << 20;

fn framed(width: Width, max: usize) -> Framing {
    Framing::Frames(Frames::new(max, width))
}

fn frame(width: Width, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    width.put(body.len(), &mut out);
    out.extend_from_slice(body);
    out
}

/// Bytes in which a piece that is lost, doubled or moved shows.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| ((at % 251) ^ (at >> 8)) as u8).collect()
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The bytes of all raw packets.
fn raw(said: &[Said]) -> Vec<u8> {
    let pieces = said.iter().filter_map(|said| match said {
        Said::Raw(bytes) => Some(&bytes[..]),
        _ => None,
    });
    pieces.collect::<Vec<_>>().concat()
}

/// Sends as much as it takes that the kernel takes no more.
fn block(drive: &mut Drive, id: Id) {
    drive.send(id, &pattern(8 * MB), None).unwrap();
    drive.rest();
    assert!(drive.stream(id).queued() > MB, "8 MB fit into the kernel");
}

mod ends {
    use super::*;

    #[test]
    fn the_end_is_told_after_the_last_packet() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, framed(Width::Bits16, 64));
        peer.write(b"\0\x03one\0\x03two\0\x05cut", &mut drive);
        peer.end();
        drive.until("the end", |drive| drive.is_over(ours));
        let expected =
            [Said::Frame(b"one".to_vec()), Said::Frame(b"two".to_vec()), Said::Ended(Code::OK)];
        assert_eq!(drive.said(ours), expected);
    }

    #[test]
    fn what_is_sent_when_the_end_is_told_still_leaves() {
        for size in [3, 5 * MB] {
            let mut drive = Drive::new();
            let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
            let answer = pattern(size);
            drive.answer(ours, move |said, stream, now| {
                if *said == Said::Ended(Code::OK) {
                    drive::send(stream, &answer, Some(1), now).unwrap();
                }
            });
            peer.end();
            assert_eq!(peer.read_to_end(4 * MB, &mut drive), pattern(size), "{size} bytes");
            drive.until("the end", |drive| drive.is_over(ours));
            assert_eq!(drive.said(ours), [Said::Ended(Code::OK), Said::Sent(1)]);
        }
    }

    #[test]
    fn what_was_queued_before_the_end_still_leaves() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
        block(&mut drive, ours);
        peer.end();
        drive.until("the end is told", |drive| drive.has_said(ours, &Said::Ended(Code::OK)));
        assert_eq!(peer.read_to_end(MB, &mut drive), pattern(8 * MB));
    }

    #[test]
    fn after_the_end_a_peer_that_reads_nothing_is_given_up() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
        block(&mut drive, ours);
        peer.end();
        drive.until("the end is told", |drive| drive.has_said(ours, &Said::Ended(Code::OK)));
        drive.pass(millis(9_999));
        assert!(!drive.is_over(ours));
        drive.pass(millis(1));
        assert!(drive.is_over(ours));
        assert_eq!(drive.said(ours), [Said::Ended(Code::OK)]);
    }

    #[test]
    fn a_reset_is_told_as_an_error_and_ends_at_once() {
        let mut drive = Drive::new();
        let (ours, peer) = pair::narrow(&mut drive, Framing::Raw);
        block(&mut drive, ours);
        peer.reset();
        drive.until("the reset", |drive| drive.is_over(ours));
        let said = drive.said(ours);
        let [Said::Ended(code)] = said[..] else { panic!("{said:?}") };
        assert_eq!(code.name(), Some("ECONNRESET"));
        assert_eq!(drive.send(ours, b"late", None), Err(Code::SOCKET_CLOSED));
        assert_eq!(drive.stream(ours).queued(), 0);
    }

    #[test]
    fn a_closed_stream_says_nothing_more_and_takes_nothing_more() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, framed(Width::Bits16, 64));
        drive.answer(ours, |_, stream, now| stream.close(now));
        peer.write(b"\0\x03one\0\x03two", &mut drive);
        drive.until("the first packet", |drive| drive.is_over(ours));
        assert_eq!(drive.said(ours), [Said::Frame(b"one".to_vec())]);
        assert_eq!(drive.send(ours, b"late", None), Err(Code::SOCKET_CLOSED));
    }

    #[test]
    fn a_shut_write_side_sends_what_is_queued_and_goes_on_reading() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
        block(&mut drive, ours);
        let now = drive.now();
        drive.stream(ours).shutdown_write(now);
        assert_eq!(drive.send(ours, b"late", None), Err(Code::SOCKET_CLOSED));
        assert_eq!(peer.read_to_end(MB, &mut drive), pattern(8 * MB));
        drive.said(ours);
        peer.write(b"still here", &mut drive);
        drive.until("the packet", |drive| drive.received(ours) == 10);
        assert_eq!(drive.said(ours), [Said::Raw(b"still here".to_vec())]);
    }
}

mod close_after {
    use super::*;

    fn close_after(drive: &mut Drive, id: Id, delay: Duration) {
        let now = drive.now();
        drive.stream(id).close_after(delay, now);
    }

    #[test]
    fn a_slow_reader_gets_everything_and_then_the_end() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
        block(&mut drive, ours);
        close_after(&mut drive, ours, Duration::from_secs(60));
        assert_eq!(drive.send(ours, b"late", None), Err(Code::SOCKET_CLOSED));
        let mut got = Vec::new();
        for _ in 0..50 {
            got.extend(peer.read_exactly(10_000, &mut drive));
            drive.pass(Duration::from_secs(1));
        }
        assert!(!drive.is_over(ours));
        got.extend(peer.read_to_end(MB, &mut drive));
        assert_eq!(got, pattern(8 * MB));
        assert!(!drive.is_over(ours), "the peer has not ended");
        peer.end();
        drive.until("the peer's end is seen", |drive| drive.is_over(ours));
        assert_eq!(drive.said(ours), []);
    }

    #[test]
    fn a_reader_that_never_reads_is_given_up_when_the_delay_is_over() {
        let mut drive = Drive::new();
        let (ours, _peer) = pair::narrow(&mut drive, Framing::Raw);
        block(&mut drive, ours);
        close_after(&mut drive, ours, millis(5000));
        drive.pass(millis(4999));
        assert!(!drive.is_over(ours) && drive.stream(ours).queued() > 0);
        drive.pass(millis(1));
        assert!(drive.is_over(ours));
        assert_eq!(drive.stream(ours).queued(), 0);
    }

    #[test]
    fn a_peer_that_never_ends_is_given_up_when_the_delay_is_over() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, Framing::Raw);
        drive.send(ours, b"bye", Some(7)).unwrap();
        close_after(&mut drive, ours, millis(5000));
        assert_eq!(peer.read_to_end(64, &mut drive), b"bye");
        drive.pass(millis(4999));
        assert!(!drive.is_over(ours));
        drive.pass(millis(1));
        assert!(drive.is_over(ours));
        assert_eq!(drive.said(ours), [Said::Sent(7)]);
    }

    #[test]
    fn what_arrives_meanwhile_is_not_told() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
        block(&mut drive, ours);
        close_after(&mut drive, ours, Duration::from_secs(60));
        peer.write(b"too late", &mut drive);
        assert_eq!(peer.read_to_end(MB, &mut drive), pattern(8 * MB));
        peer.end();
        drive.until("the peer's end is seen", |drive| drive.is_over(ours));
        assert_eq!(drive.said(ours), []);
    }
}

mod timeouts {
    use super::*;

    const LATE: Said = Said::Late(Code::RECV_TIMEOUT);
    const STUCK: Said = Said::Late(Code::SEND_TIMEOUT);

    #[test]
    fn silence_is_told_once_and_again_after_the_next_byte() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, Framing::Raw);
        let now = drive.now();
        drive.stream(ours).set_recv_timeout(millis(100), now);
        for round in 0..3 {
            drive.pass(millis(99));
            assert_eq!(drive.said(ours), [], "round {round}");
            drive.pass(millis(1));
            assert_eq!(drive.said(ours), [LATE], "round {round}");
            drive.pass(millis(10_000));
            assert_eq!(drive.said(ours), [], "round {round}");
            peer.write(b"x", &mut drive);
            drive.until("the byte", |drive| drive.received(ours) == round + 1);
            assert_eq!(drive.said(ours), [Said::Raw(b"x".to_vec())]);
        }
    }

    #[test]
    fn any_byte_starts_the_wait_again_even_if_it_makes_no_packet() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, framed(Width::Bits16, 64));
        let now = drive.now();
        drive.stream(ours).set_recv_timeout(millis(100), now);
        for (at, byte) in b"\0\x20abcdefgh".iter().enumerate() {
            drive.pass(millis(99));
            peer.write(&[*byte], &mut drive);
            drive.until("the byte", |drive| drive.received(ours) == at + 1);
        }
        assert_eq!(drive.said(ours), []);
        drive.pass(millis(100));
        assert_eq!(drive.said(ours), [LATE]);
    }

    #[test]
    fn a_queue_that_stands_still_is_told_once_and_again_after_it_has_moved() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::still(&mut drive, Framing::Raw);
        let now = drive.now();
        drive.stream(ours).set_send_timeout(millis(100), now);
        drive.pass(millis(10_000));
        assert_eq!(drive.said(ours), [], "nothing is queued");
        block(&mut drive, ours);
        for round in 0..3 {
            drive.pass(millis(99));
            assert_eq!(drive.said(ours), [], "round {round}");
            drive.pass(millis(1));
            assert_eq!(drive.said(ours), [STUCK], "round {round}");
            drive.pass(millis(10_000));
            assert_eq!(drive.said(ours), [], "round {round}");
            let before = drive.stream(ours).queued();
            drive.until("the queue moves", |drive| {
                peer.read(64 << 10);
                drive.stream(ours).queued() < before
            });
            drive.rest();
        }
    }

    #[test]
    fn the_connection_stays_open_and_can_be_told_otherwise() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, Framing::Raw);
        let now = drive.now();
        drive.stream(ours).set_recv_timeout(millis(100), now);
        drive.answer(ours, |said, stream, now| {
            if *said == LATE {
                stream.set_recv_timeout(Duration::ZERO, now);
                drive::send(stream, b"are you there?", None, now).unwrap();
            }
        });
        drive.pass(millis(100));
        assert_eq!(peer.read_exactly(14, &mut drive), b"are you there?");
        drive.pass(millis(100_000));
        assert_eq!(drive.said(ours), [LATE]);
    }

    #[test]
    fn both_directions_have_their_own() {
        let mut drive = Drive::new();
        let (ours, _peer) = pair::still(&mut drive, Framing::Raw);
        let now = drive.now();
        block(&mut drive, ours);
        drive.stream(ours).set_recv_timeout(millis(50), now);
        drive.stream(ours).set_send_timeout(millis(80), now);
        drive.pass(millis(50));
        assert_eq!(drive.said(ours), [LATE]);
        drive.pass(millis(30));
        assert_eq!(drive.said(ours), [STUCK]);
    }

    #[test]
    fn a_paused_stream_does_not_miss_anything() {
        let mut drive = Drive::new();
        let (ours, _peer) = pair::half(&mut drive, Framing::Raw);
        let now = drive.now();
        drive.stream(ours).set_recv_timeout(millis(100), now);
        drive.stream(ours).pause(true, now);
        drive.pass(millis(10_000));
        assert_eq!(drive.said(ours), []);
        let now = drive.now();
        drive.stream(ours).pause(false, now);
        drive.pass(millis(99));
        assert_eq!(drive.said(ours), [], "the wait starts again");
        drive.pass(millis(1));
        assert_eq!(drive.said(ours), [LATE]);
    }
}

mod pauses {
    use super::*;

    fn pause(drive: &mut Drive, id: Id, on: bool) {
        let now = drive.now();
        drive.stream(id).pause(on, now);
    }

    #[test]
    fn nothing_is_told_while_paused_and_nothing_is_lost() {
        let mut drive = Drive::new();
        let (ours, theirs) = pair::streams(&mut drive, || framed(Width::Bits32, MB));
        pause(&mut drive, ours, true);
        let bodies: Vec<Vec<u8>> = (0..200).map(|n| pattern(n * 97)).collect();
        for body in &bodies {
            drive.send(theirs, &frame(Width::Bits32, body), None).unwrap();
        }
        drive.rest();
        assert_eq!(drive.said(ours), []);
        pause(&mut drive, ours, false);
        let total: usize = bodies.iter().map(|body| body.len() + 4).sum();
        drive.until("everything", |drive| drive.received(ours) == total);
        let expected: Vec<Said> = bodies.into_iter().map(Said::Frame).collect();
        assert_eq!(drive.said(ours), expected);
    }

    #[test]
    fn a_pause_from_inside_a_packet_holds_the_very_next_one() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, framed(Width::Bits16, 64));
        drive.answer(ours, |_, stream, now| stream.pause(true, now));
        peer.write(b"\0\x01a\0\x01b\0\x01c", &mut drive);
        drive.until("all bytes", |drive| drive.received(ours) == 9);
        for body in [b"a", b"b", b"c"] {
            drive.rest();
            assert_eq!(drive.said(ours), [Said::Frame(body.to_vec())]);
            pause(&mut drive, ours, false);
        }
        drive.rest();
        assert_eq!(drive.said(ours), []);
    }

    #[test]
    fn the_end_waits_behind_the_packets_of_a_pause() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, framed(Width::Bits16, 64));
        drive.answer(ours, |_, stream, now| stream.pause(true, now));
        peer.write(b"\0\x01a\0\x01b", &mut drive);
        peer.end();
        drive.until("all bytes", |drive| drive.received(ours) == 6);
        drive.rest();
        assert_eq!(drive.said(ours), [Said::Frame(b"a".to_vec())]);
        pause(&mut drive, ours, false);
        drive.rest();
        assert_eq!(drive.said(ours), [Said::Frame(b"b".to_vec())]);
        pause(&mut drive, ours, false);
        drive.until("the end", |drive| drive.is_over(ours));
        assert_eq!(drive.said(ours), [Said::Ended(Code::OK)]);
    }

    #[test]
    fn an_error_waits_behind_the_packets_of_a_pause() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, framed(Width::Bits16, 64));
        drive.answer(ours, |_, stream, now| stream.pause(true, now));
        peer.write(b"\0\x01a\0\x01b", &mut drive);
        drive.until("all bytes", |drive| drive.received(ours) == 6);
        peer.reset();
        drive.until("the error", |drive| drive.send(ours, b"x", None).is_err());
        assert_eq!(drive.said(ours), [Said::Frame(b"a".to_vec())]);
        pause(&mut drive, ours, false);
        drive.until("the end", |drive| drive.is_over(ours));
        let said = drive.said(ours);
        let [Said::Frame(body), Said::Ended(code)] = &said[..] else { panic!("{said:?}") };
        assert!(body == b"b" && *code != Code::OK);
    }
}

mod queues {
    use super::*;

    #[test]
    fn drained_is_told_once_when_the_queue_has_fallen_to_half_of_the_mark() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
        drive.stream(ours).set_high_water(MB, 64 * MB);
        for _ in 0..2 {
            block(&mut drive, ours);
            assert_eq!(drive.said(ours), []);
            let mut left = 8 * MB;
            drive.until("half of the mark", |drive| {
                let queued = drive.stream(ours).queued();
                let is_low = queued <= MB / 2;
                assert_eq!(drive.has_said(ours, &Said::Drained), is_low, "{queued} queued");
                left -= peer.read(4096).unwrap_or_default().len();
                is_low
            });
            assert_eq!(drive.said(ours), [Said::Drained]);
            peer.read_exactly(left, &mut drive);
            assert_eq!(drive.said(ours), []);
        }
    }

    #[test]
    fn below_the_mark_nothing_is_told() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, Framing::Raw);
        drive.stream(ours).set_high_water(100, 1000);
        drive.send(ours, &[1; 99], None).unwrap();
        peer.read_exactly(99, &mut drive);
        assert_eq!(drive.said(ours), []);
        drive.send(ours, &[1; 100], None).unwrap();
        peer.read_exactly(100, &mut drive);
        assert_eq!(drive.said(ours), [Said::Drained]);
    }

    #[test]
    fn the_limit_is_reached_and_not_passed() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, Framing::Raw);
        drive.stream(ours).set_high_water(50, 100);
        drive.send(ours, &[1; 60], None).unwrap();
        assert_eq!(drive.send(ours, &[2; 41], Some(9)), Err(Code::NO_BUFFERS));
        drive.send(ours, &[3; 40], None).unwrap();
        assert_eq!(drive.send(ours, &[4], None), Err(Code::NO_BUFFERS));
        assert_eq!(drive.stream(ours).queued(), 100);
        let expected = [[1; 60].to_vec(), [3; 40].to_vec()].concat();
        assert_eq!(peer.read_exactly(100, &mut drive), expected);
        drive.send(ours, &[5; 100], None).unwrap();
        peer.read_exactly(100, &mut drive);
        assert!(!drive.has_said(ours, &Said::Sent(9)), "a refused send has no end");
    }

    #[test]
    fn tickets_come_in_order_and_not_before_the_kernel_has_the_bytes() {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::narrow(&mut drive, Framing::Raw);
        drive.send(ours, b"small", Some(1)).unwrap();
        drive.send(ours, &pattern(8 * MB), Some(2)).unwrap();
        drive.send(ours, b"", Some(3)).unwrap();
        drive.send(ours, b"last", Some(4)).unwrap();
        drive.rest();
        assert_eq!(drive.said(ours), [Said::Sent(1)]);
        peer.read_exactly(5 + 8 * MB + 4, &mut drive);
        let said: Vec<Said> =
            drive.said(ours).into_iter().filter(|said| *said != Said::Drained).collect();
        assert_eq!(said, [2, 3, 4].map(Said::Sent).as_slice());
    }
}

mod arrivals {
    use super::*;

    /// What is told of `pieces` that arrive one by one.
    fn told_of(width: Width, pieces: &[&[u8]]) -> Vec<Said> {
        let mut drive = Drive::new();
        let (ours, mut peer) = pair::half(&mut drive, framed(width, 64));
        let mut total = 0;
        for piece in pieces {
            peer.write(piece, &mut drive);
            total += piece.len();
            drive.until("the piece", |drive| drive.received(ours) == total);
        }
        drive.said(ours)
    }

    #[test]
    fn two_frames_arrive_the_same_wherever_they_are_cut() {
        for width in WIDTHS {
            let two = [frame(width, b"hello"), frame(width, b""), frame(width, b"you")].concat();
            let expected = [&b"hello"[..], b"", b"you"].map(|body| Said::Frame(body.to_vec()));
            for cut in 0..=two.len() {
                let (first, second) = two.split_at(cut);
                assert_eq!(told_of(width, &[first, second]), expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_frame_arrives_one_byte_at_a_time() {
        for width in WIDTHS {
            let two = [frame(width, b"hello"), frame(width, b"you")].concat();
            let bytes: Vec<&[u8]> = two.chunks(1).collect();
            let expected = [&b"hello"[..], b"you"].map(|body| Said::Frame(body.to_vec()));
            assert_eq!(told_of(width, &bytes), expected);
        }
    }

    #[test]
    fn too_large_a_frame_ends_the_stream_when_it_is_announced() {
        for width in WIDTHS {
            let mut drive = Drive::new();
            let (ours, mut peer) = pair::half(&mut drive, framed(width, width.head() + 5));
            let announced = &frame(width, b"123456")[..width.head()];
            peer.write(&[&frame(width, b"12345"), announced].concat(), &mut drive);
            drive.until("the end", |drive| drive.is_over(ours));
            let expected = [Said::Frame(b"12345".to_vec()), Said::Ended(Code::PACKET_TOO_LARGE)];
            assert_eq!(drive.said(ours), expected);
            assert_eq!(peer.read_to_end(64, &mut drive), b"");
        }
    }

    #[test]
    fn raw_pieces_are_cut_to_the_size_and_nothing_is_lost() {
        for size in [1, 7, 1000, 16 << 10, 100_000, MB] {
            let mut drive = Drive::new();
            let (ours, mut peer) = pair::half_of_size(&mut drive, size, Framing::Raw);
            let sent = pattern(size * 10 + 5);
            peer.write(&sent, &mut drive);
            drive.until("everything", |drive| drive.received(ours) == sent.len());
            let said = drive.said(ours);
            let longest = said.iter().map(|said| raw(std::slice::from_ref(said)).len()).max();
            assert!(longest.is_some_and(|longest| longest <= size), "{longest:?} of {size}");
            assert!(raw(&said) == sent, "size {size}");
        }
    }

    #[test]
    fn large_frames_arrive_whole_between_small_ones() {
        let width = Width::Bits32;
        let mut drive = Drive::new();
        let (ours, theirs) = pair::streams(&mut drive, || framed(width, 2 * MB));
        let bodies: Vec<Vec<u8>> =
            [3, MB, MB + 1, 0, 20_000, MB - 1, 7].map(pattern).into_iter().collect();
        for body in &bodies {
            drive.send(theirs, &frame(width, body), None).unwrap();
        }
        let total: usize = bodies.iter().map(|body| body.len() + 4).sum();
        drive.until("everything", |drive| drive.received(ours) == total);
        let expected: Vec<Said> = bodies.into_iter().map(Said::Frame).collect();
        assert!(drive.said(ours) == expected);
    }

    #[test]
    fn eight_megabytes_go_both_ways_at_once() {
        let mut drive = Drive::new();
        let (ours, theirs) = pair::streams(&mut drive, || Framing::Raw);
        let (there, back) = (pattern(8 * MB), pattern(9 * MB)[MB..].to_vec());
        drive.send(ours, &there, Some(1)).unwrap();
        drive.send(theirs, &back, Some(2)).unwrap();
        drive.until("everything", |drive| {
            [ours, theirs].iter().all(|id| drive.received(*id) == 8 * MB)
        });
        let (at_ours, at_theirs) = (drive.said(ours), drive.said(theirs));
        assert!(raw(&at_ours) == back && raw(&at_theirs) == there);
        assert!(at_ours.contains(&Said::Sent(1)) && at_theirs.contains(&Said::Sent(2)));
    }
}
