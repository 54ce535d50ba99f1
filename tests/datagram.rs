//! The conversation by datagrams, without an engine: what the kernel says is said by hand.

use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use chuck_core::base::error::Code;
use chuck_core::base::limits;
use chuck_core::codec::datagram::Whole;
use chuck_core::codec::frame::{Frames, Width};
use chuck_core::conn::datagram::{Datagram, Event};
use chuck_core::engine::Ready;
use chuck_core::net;
use chuck_core::net::addr::Address;

const ANY: Whole = Whole::Raw { max: usize::MAX };
const READABLE: Ready = Ready { readable: true, writable: false, ended: false };
const WRITABLE: Ready = Ready { readable: false, writable: true, ended: false };
const FAILED: Ready = Ready { readable: true, writable: true, ended: true };

/// Real time after which a wait for the kernel has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn conversation(fd: impl Into<OwnedFd>, whole: Whole) -> Datagram {
    Datagram::new(net::datagram::Datagram::new(fd.into()).unwrap(), 64, whole)
}

fn udp() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// Everything that is said until the socket is empty.
fn listen(datagram: &mut Datagram, ready: Ready) -> Vec<Result<Vec<u8>, Code>> {
    let mut said = Vec::new();
    datagram.wake(ready);
    loop {
        match datagram.poll() {
            Some(Event::Packet(bytes, _)) => said.push(Ok(bytes.to_vec())),
            Some(Event::Failed(code, _)) => said.push(Err(code)),
            None if datagram.wants_turn() => _ = datagram.wake(Ready::default()),
            None => return said,
        }
    }
}

/// As [`listen`], again and again until it has said something.
fn wait(datagram: &mut Datagram, ready: Ready) -> Vec<Result<Vec<u8>, Code>> {
    let start = Instant::now();
    loop {
        let said = listen(datagram, ready);
        if !said.is_empty() {
            return said;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain");
    }
}

fn text(n: usize) -> Vec<u8> {
    n.to_string().into_bytes()
}

#[test]
fn many_arrive_in_order_though_room_is_scarce() {
    let (one, other) = UnixDatagram::pair().unwrap();
    let (mut one, mut other) = (conversation(one, ANY), conversation(other, ANY));
    let count = limits::DATAGRAM_QUEUE;
    for n in 0..count {
        one.send(b"", &text(n), None).unwrap();
    }
    assert_eq!(one.send(b"", b"", None), Err(Code::NO_BUFFERS));
    let mut heard = Vec::new();
    while heard.len() < count {
        one.wake(WRITABLE);
        heard.extend(wait(&mut other, READABLE));
    }
    assert!(heard.iter().enumerate().all(|(n, said)| *said == Ok(text(n))));
    assert_eq!((one.counts().sent, one.queued(), one.waiting()), (count as u64, 0, 0));
}

#[test]
fn a_pause_in_a_batch_holds_back_the_rest_of_it() {
    let (one, other) = UnixDatagram::pair().unwrap();
    let mut other = conversation(other, ANY);
    for n in 0..4 {
        one.send(&text(n)).unwrap();
    }
    other.wake(READABLE);
    assert!(matches!(other.poll(), Some(Event::Packet(bytes, _)) if *bytes == *b"0"));
    other.pause(true);
    other.stow();
    assert!(other.poll().is_none() && !other.wants_turn());
    other.pause(false);
    assert_eq!(listen(&mut other, READABLE), [Ok(text(1)), Ok(text(2)), Ok(text(3))]);
}

#[test]
fn what_is_no_packet_is_counted_and_says_nothing() {
    let (one, other) = UnixDatagram::pair().unwrap();
    let mut other = conversation(other, Whole::Frame(Frames::new(64, Width::Bits16)));
    for bytes in [&b""[..], b"\0", b"\0\x02x", b"\0\x01xy", &[0; 65], b"\0\x01x"] {
        one.send(bytes).unwrap();
    }
    assert_eq!(listen(&mut other, READABLE), [Ok(b"x".to_vec())]);
    let counts = other.counts();
    assert_eq!((counts.received, counts.dropped, counts.truncated), (1, 4, 1));
}

#[test]
fn a_refusal_is_told_once_and_costs_no_later_datagram() {
    let (gone, address) = udp();
    drop(gone);
    let mut one = conversation(udp().0, ANY);
    one.connect(&Address::parse(address.as_bytes()).unwrap()).unwrap();
    one.send(b"", b"lost", None).unwrap();
    one.flush();
    // Its refusal is what the next send meets first.
    let back = UdpSocket::bind(&address).unwrap();
    back.set_read_timeout(Some(PATIENCE)).unwrap();
    one.send(b"", b"found", None).unwrap();
    one.flush();
    let mut bytes = [0; 64];
    assert_eq!(back.recv(&mut bytes).unwrap(), 5);
    assert_eq!(listen(&mut one, FAILED), [Err(Code::REFUSED)]);
    assert_eq!(one.counts().sent, 2);
}

#[test]
fn a_destination_has_to_be_known_and_of_the_family() {
    let (socket, address) = udp();
    let mut one = conversation(socket, ANY);
    assert_eq!(one.send(b"", b"x", None), Err(Code::NO_DESTINATION));
    assert_eq!(one.send(b"", b"x", Some(b"unix:/x")), Err(Code::NO_SUCH_FAMILY));
    assert_eq!(one.send(b"", b"x", Some(b"nowhere")), Err(Code::INVALID));
    let large = vec![0; 65_508];
    assert_eq!(one.send(b"", &large, Some(address.as_bytes())), Err(Code::TOO_LARGE_TO_SEND));
    assert_eq!(one.queued(), 0);
}

#[test]
fn a_stream_socket_is_refused() {
    let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let refused = net::datagram::Datagram::new(one.into()).err();
    assert_eq!(refused, Some(Code::INVALID_SOCKET_TYPE));
}

#[test]
fn after_a_close_nothing_is_sent_or_said() {
    let (one, other) = UnixDatagram::pair().unwrap();
    let mut one = conversation(one, ANY);
    other.send(b"unheard").unwrap();
    one.send(b"", b"last", None).unwrap();
    one.wake(READABLE);
    one.close();
    let mut bytes = [0; 64];
    assert_eq!(other.recv(&mut bytes).unwrap(), 4);
    assert!(one.poll().is_none() && one.fd().is_none());
    assert_eq!(one.send(b"", b"x", None), Err(Code::SOCKET_CLOSED));
}
