//! Two connected streams over loopback, or one and a plain socket that shows each byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use chuck_core::conn::framing::Framing;
use chuck_core::conn::stream::Stream;
use chuck_core::net;
use socket2::Socket;

use super::drive::{Drive, Id, unless_blocked};

/// Bytes that one raw packet of these streams may have, unless a test says otherwise.
const RECV_SIZE: usize = 64 << 10;

/// Two streams that talk to each other.
pub fn streams(drive: &mut Drive, framing: impl Fn() -> Framing) -> (Id, Id) {
    let (ours, theirs) = sockets();
    (add(drive, ours, RECV_SIZE, framing()), add(drive, theirs, RECV_SIZE, framing()))
}

/// A stream and its peer.
pub fn half(drive: &mut Drive, framing: Framing) -> (Id, Peer) {
    half_of_size(drive, RECV_SIZE, framing)
}

/// A stream that reads at most `recv_size` bytes into a raw packet, and its peer.
pub fn half_of_size(drive: &mut Drive, recv_size: usize, framing: Framing) -> (Id, Peer) {
    let (ours, theirs) = sockets();
    (add(drive, ours, recv_size, framing), Peer { socket: theirs })
}

/// A stream whose peer takes little before the kernel says "no more".
pub fn narrow(drive: &mut Drive, framing: Framing) -> (Id, Peer) {
    let (ours, theirs) = sockets();
    ours.set_send_buffer_size(16 << 10).unwrap();
    theirs.set_recv_buffer_size(16 << 10).unwrap();
    (add(drive, ours, RECV_SIZE, framing), Peer { socket: theirs })
}

/// A stream and its peer over a Unix socket, which moves bytes only while a call is made: TCP
/// may go on a little later, when an acknowledgement arrives.
pub fn still(drive: &mut Drive, framing: Framing) -> (Id, Peer) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (ours, theirs) = (Socket::from(ours), Socket::from(theirs));
    theirs.set_nonblocking(true).unwrap();
    (add(drive, ours, RECV_SIZE, framing), Peer { socket: theirs })
}

fn add(drive: &mut Drive, socket: Socket, recv_size: usize, framing: Framing) -> Id {
    let socket = net::stream::Stream::new(socket.into());
    let stream = Stream::new(socket, recv_size, framing, drive.now());
    drive.add(stream)
}

fn sockets() -> (Socket, Socket) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    theirs.set_nodelay(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    (ours.into(), theirs.into())
}

/// The other end as a plain socket. No call on it waits.
pub struct Peer {
    socket: Socket,
}

impl Peer {
    /// Writes all of `bytes`, while `drive` reads.
    pub fn write(&mut self, mut bytes: &[u8], drive: &mut Drive) {
        drive.until("the peer has written", |_| {
            bytes = &bytes[unless_blocked(self.socket.write(bytes)).unwrap_or(0)..];
            bytes.is_empty()
        });
    }

    /// Reads once, up to `room` bytes: `None` is "nothing yet", empty is the end.
    pub fn read(&mut self, room: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; room];
        let read = unless_blocked(self.socket.read(&mut bytes))?;
        bytes.truncate(read);
        Some(bytes)
    }

    /// Reads up to the end in pieces of `room`, while `drive` writes.
    pub fn read_to_end(&mut self, room: usize, drive: &mut Drive) -> Vec<u8> {
        let mut bytes = Vec::new();
        drive.until("the peer has read to the end", |_| {
            let Some(piece) = self.read(room) else {
                return false;
            };
            bytes.extend_from_slice(&piece);
            piece.is_empty()
        });
        bytes
    }

    /// Reads `count` bytes, while `drive` writes.
    pub fn read_exactly(&mut self, count: usize, drive: &mut Drive) -> Vec<u8> {
        let mut bytes = Vec::new();
        drive.until("the peer has read so much", |_| {
            bytes.extend(self.read(count - bytes.len()).unwrap_or_default());
            bytes.len() == count
        });
        bytes
    }

    /// Writes a few bytes that nobody has read yet when this returns.
    pub fn leave(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// Says that nothing more will come.
    pub fn end(&mut self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    /// Closes in a way that the other end sees as an error.
    pub fn reset(self) {
        self.socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
}
