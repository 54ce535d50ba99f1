//! One connection: what it may send, what it has sent, what has come back and was compared.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use crate::pattern::Pattern;

/// Bytes asked for in one read. A shorter answer means that the socket is empty.
pub const BUFFER: usize = 256 << 10;

/// A connected stream of the pattern.
pub struct Peer {
    stream: TcpStream,
    /// Where its stream begins in the cycle.
    start: usize,
    /// Bytes it may send in all. sent <= allowed
    allowed: u64,
    sent: u64,
    received: u64,
}

/// Why a connection is of no more use.
#[derive(Debug)]
pub enum Fault {
    /// The server closed it.
    Closed,
    /// A byte came back that was not sent; its position in the stream.
    Differs(u64),
    /// More came back than was sent.
    Surplus,
    /// Something did not come back in time.
    Late,
    /// What the kernel said.
    Io(io::Error),
}

impl Peer {
    /// Connects to 127.0.0.1. The stream does not block and does not wait for full segments.
    ///
    /// # Errors
    ///
    /// What `connect` says.
    pub fn connect(port: u16, start: usize) -> io::Result<Peer> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Peer { stream, start, allowed: 0, sent: 0, received: 0 })
    }

    /// Lets it send `bytes` more.
    #[inline]
    pub fn allow(&mut self, bytes: u64) {
        self.allowed += bytes;
    }

    /// Sends what is allowed, as far as the socket takes it.
    ///
    /// # Errors
    ///
    /// What the socket says.
    #[inline]
    pub fn send(&mut self, pattern: &Pattern) -> Result<(), Fault> {
        while self.sent < self.allowed {
            let left = (self.allowed - self.sent) as usize;
            match (&self.stream).write(pattern.slice(self.start, self.sent, left)) {
                Ok(taken) => self.sent += taken as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(Fault::Io(error)),
            }
        }
        Ok(())
    }

    /// Reads until the socket is empty and compares with the stream that began at `start`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    #[inline]
    pub fn receive(&mut self, pattern: &Pattern, buffer: &mut [u8]) -> Result<(), Fault> {
        loop {
            let len = match (&self.stream).read(buffer) {
                Ok(0) => return Err(Fault::Closed),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(Fault::Io(error)),
            };
            let wanted = pattern.slice(self.start, self.received, len);
            if wanted != &buffer[..len] {
                let same = wanted.iter().zip(&*buffer).take_while(|(a, b)| a == b).count();
                return Err(Fault::Differs(self.received + same as u64));
            }
            self.received += len as u64;
            if len < buffer.len() {
                return Ok(());
            }
        }
    }

    /// Bytes allowed, sent or not.
    pub fn allowed(&self) -> u64 {
        self.allowed
    }

    /// Bytes sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Bytes received, all of them compared.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The socket, to watch it.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Closed => f.write_str("closed by the server"),
            Fault::Differs(at) => write!(f, "byte {at} differs"),
            Fault::Surplus => f.write_str("more came back than was sent"),
            Fault::Late => f.write_str("nothing came back in time"),
            Fault::Io(error) => error.fmt(f),
        }
    }
}
