//! One client of the limit: its socket, an unfinished frame, and what the socket did not take.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use rustix::net::SendFlags;

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
    /// Downloads that were asked for, with the one under way.
    downloads: usize,
    /// What of the one under way has left; 0 before its head has.
    offset: u64,
}

impl Client {
    /// Takes over a stream that does not block.
    pub fn new(stream: TcpStream) -> Client {
        Client {
            stream,
            partial: Vec::new(),
            backlog: Vec::new(),
            sent: 0,
            downloads: 0,
            offset: 0,
        }
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

impl Client {
    /// Adds downloads to those to be sent.
    pub fn ask(&mut self, downloads: usize) {
        self.downloads += downloads;
    }

    /// Sends what was asked for, as far as the socket takes it: the head, held back by the system
    /// until bytes of the file follow, and the file.
    ///
    /// # Errors
    ///
    /// What the socket or the file says. A socket too full for a head is an error, too: a client
    /// has read the last file when it asks for the next.
    pub fn download(&mut self, head: &[u8], file: &File) -> io::Result<()> {
        let size = file.metadata()?.len();
        while 0 < self.downloads {
            if self.offset == 0 {
                rustix::net::send(&self.stream, head, SendFlags::MORE | SendFlags::NOSIGNAL)?;
            }
            while self.offset < size {
                let left = (size - self.offset) as usize;
                match rustix::fs::sendfile(&self.stream, file, Some(&mut self.offset), left) {
                    Err(rustix::io::Errno::AGAIN) => return Ok(()),
                    Err(error) => return Err(error.into()),
                    Ok(_) => {}
                }
            }
            self.offset = 0;
            self.downloads -= 1;
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
