//! Connections over one end of a pipe: what differs from sockets.
#![cfg(unix)]

use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use chuck_core::base::error::Code;
use chuck_core::codec::packet::Payload;
use chuck_core::conn::framing::Framing;
use chuck_core::conn::stream::{Event, Stream};
use chuck_core::engine::Ready;
use chuck_core::net;
use chuck_core::os::pipe;

const READABLE: Ready = Ready { readable: true, writable: false, ended: false };
const WRITABLE: Ready = Ready { readable: false, writable: true, ended: false };
/// What epoll says of an end whose other end was closed.
const HUNG_UP: Ready = Ready { readable: true, writable: true, ended: true };

fn writer(now: Instant) -> (Stream, OwnedFd) {
    let (far, near) = pipe::pair().unwrap();
    let near = net::stream::Stream::writer(near).unwrap();
    (Stream::new(near, 4096, Framing::Raw, now), far)
}

fn reader(now: Instant) -> (Stream, OwnedFd) {
    let (near, far) = pipe::pair().unwrap();
    let near = net::stream::Stream::reader(near).unwrap();
    (Stream::new(near, 4096, Framing::Raw, now), far)
}

fn send(stream: &mut Stream, bytes: &[u8], now: Instant) -> Result<(), Code> {
    stream.send(&[], Payload::Copy(bytes), None, now)
}

fn read_all(fd: OwnedFd) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::fs::File::from(fd).read_to_end(&mut bytes).unwrap();
    bytes
}

fn ended(stream: &mut Stream, now: Instant) -> Option<Code> {
    match stream.poll(now) {
        Some(Event::Ended(code)) => Some(code),
        _ => None,
    }
}

#[test]
fn a_pipe_that_nobody_reads_ends_with_epipe_and_loses_what_is_queued() {
    let now = Instant::now();
    let (mut stream, far) = writer(now);
    send(&mut stream, &[1; 1 << 20], now).unwrap();
    stream.flush(now);
    assert!(stream.queued() > 0);
    drop(far);
    stream.wake(HUNG_UP, now);
    assert_eq!(ended(&mut stream, now), Some(Code::BROKEN_PIPE));
    assert_eq!(stream.queued(), 0);
    assert_eq!(send(&mut stream, b"x", now), Err(Code::SOCKET_CLOSED));
    assert!(stream.is_closed());
}

#[test]
fn a_write_finds_out_that_nobody_reads() {
    let now = Instant::now();
    let (mut stream, far) = writer(now);
    drop(far);
    send(&mut stream, b"lost", now).unwrap();
    stream.flush(now);
    assert_eq!(ended(&mut stream, now), Some(Code::BROKEN_PIPE));
}

#[test]
fn a_pipe_that_is_written_to_never_reads_its_own_end() {
    let now = Instant::now();
    let (mut stream, far) = writer(now);
    stream.wake(READABLE, now);
    stream.wake(WRITABLE, now);
    assert!(stream.poll(now).is_none());
    assert!(!stream.wants_turn());
    drop(far);
}

#[test]
fn shutting_a_pipe_sends_what_is_queued_and_ends_in_order() {
    let now = Instant::now();
    let (mut stream, far) = writer(now);
    let sent = vec![7; 300_000];
    send(&mut stream, &sent, now).unwrap();
    stream.shutdown_write(now);
    assert!(stream.queued() > 0 && !stream.is_done());
    assert_eq!(send(&mut stream, b"late", now), Err(Code::SOCKET_CLOSED));
    let reading = std::thread::spawn(move || read_all(far));
    let until = now + Duration::from_secs(30);
    while !stream.is_done() && Instant::now() < until {
        stream.wake(WRITABLE, now);
    }
    assert_eq!(ended(&mut stream, now), Some(Code::OK));
    stream.move_on(now);
    assert!(stream.is_closed());
    stream.drop_socket();
    assert_eq!(reading.join().unwrap(), sent);
}

#[test]
fn a_pipe_that_closes_after_a_delay_does_not_linger() {
    let now = Instant::now();
    for (mut stream, far) in [writer(now), reader(now)] {
        stream.close_after(Duration::from_secs(10), now);
        assert!(stream.is_closed());
        drop(far);
    }
}

#[test]
fn a_pipe_that_is_read_tells_its_bytes_and_then_its_end() {
    let now = Instant::now();
    let (mut stream, far) = reader(now);
    pipe::write(&far, &[std::io::IoSlice::new(b"bytes")]).unwrap();
    drop(far);
    stream.wake(HUNG_UP, now);
    assert!(matches!(stream.poll(now), Some(Event::Packet(_))));
    stream.wake(Ready::default(), now);
    assert_eq!(ended(&mut stream, now), Some(Code::OK));
}

#[test]
fn nothing_is_sent_to_a_pipe_that_is_read() {
    let now = Instant::now();
    let (mut stream, far) = reader(now);
    assert_eq!(send(&mut stream, b"x", now), Err(Code::SOCKET_CLOSED));
    stream.shutdown_write(now);
    assert!(!stream.is_closed());
    drop(far);
}
