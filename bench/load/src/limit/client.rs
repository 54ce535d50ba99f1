//! One client of the limit: its socket, an unfinished frame, and what the socket did not take.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

/// A client that lets more than this pile up is dropped.
const BACKLOG: usize = 64 << 20;
/// A drained backlog above this gives its memory back.
const KEEP: usize = 1 << 20;

/// A connected client.
pub struct Client {
    stream: TcpStream,
    /// The front of a frame whose rest has not arrived.
    partial: Vec<u8>,
    /// Bytes the socket did not take; those before `sent` are gone.
    backlog: Vec<u8>,
    /// 0 <= sent <= backlog.len()
    sent: usize,
}

impl Client {
    /// Takes over a stream that does not block.
    pub fn new(stream: TcpStream) -> Client {
        Client { stream, partial: Vec::new(), backlog: Vec::new(), sent: 0 }
    }

    /// Reads once behind the unfinished frame and returns how many bytes of `buffer` are valid
    /// and whether the socket is drained. `None`: nothing was there.
    ///
    /// # Errors
    ///
    /// What the socket says; its end is `UnexpectedEof`.
    #[inline]
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<(usize, bool)>> {
        let kept = self.partial.len();
        match self.stream.read(&mut buffer[kept..]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                buffer[..kept].copy_from_slice(&self.partial);
                self.partial.clear();
                Ok(Some((kept + n, kept + n < buffer.len())))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps the front of a frame until its rest arrives.
    #[inline]
    pub fn keep(&mut self, rest: &[u8]) {
        self.partial.extend_from_slice(rest);
    }

    /// Writes at once what the socket takes and keeps the rest, in order.
    ///
    /// # Errors
    ///
    /// What the socket says, or `OutOfMemory` when the client does not read.
    #[inline]
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let taken = if self.backlog.is_empty() { write(&mut self.stream, bytes)? } else { 0 };
        if taken == bytes.len() {
            return Ok(());
        }
        if BACKLOG < self.backlog.len() - self.sent + bytes.len() {
            return Err(ErrorKind::OutOfMemory.into());
        }
        self.backlog.drain(..self.sent);
        self.sent = 0;
        self.backlog.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    /// Writes what was kept, as far as the socket takes it.
    ///
    /// # Errors
    ///
    /// What the socket says.
    #[inline]
    pub fn flush(&mut self) -> io::Result<()> {
        while self.sent < self.backlog.len() {
            match write(&mut self.stream, &self.backlog[self.sent..])? {
                0 => return Ok(()),
                taken => self.sent += taken,
            }
        }
        self.sent = 0;
        self.backlog.clear();
        if KEEP < self.backlog.capacity() {
            self.backlog = Vec::new();
        }
        Ok(())
    }
}

/// Bytes the socket took; 0 when it is full.
fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}
