//! One connection that asks and looks at the answers: status 200, and a body of "hello".

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use chuck_bench::framing::find;
use rustix::net::sockopt::set_socket_linger;

/// What every server in the group answers to `/hello`.
const BODY: &[u8] = b"hello";
const BLANK_LINE: &[u8] = b"\r\n\r\n";

/// A connected client without a request under way, or with one.
pub struct Client {
    stream: TcpStream,
    /// The front of an answer.
    partial: Vec<u8>,
}

impl Client {
    /// Connects to 127.0.0.1. Closing resets the connection, so that no port stays in TIME_WAIT.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn connect(port: u16) -> io::Result<Client> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        set_socket_linger(&stream, Some(Duration::ZERO))?;
        Ok(Client { stream, partial: Vec::new() })
    }

    /// Sends a request, which an empty socket always takes.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[inline]
    pub fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Whether the answer is there, whole and right.
    ///
    /// # Errors
    ///
    /// What the system says, and what is wrong with the answer.
    #[inline]
    pub fn take(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let len = match self.stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        if self.partial.is_empty() && is_whole(&buffer[..len])? {
            return Ok(true);
        }
        self.partial.extend_from_slice(&buffer[..len]);
        let is_there = is_whole(&self.partial)?;
        if is_there {
            self.partial = Vec::new();
        }
        Ok(is_there)
    }

    /// The socket, to watch it.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

/// Whether these bytes are one answer; `false` while they are the front of one.
#[inline]
fn is_whole(bytes: &[u8]) -> io::Result<bool> {
    let Some(head) = find(bytes, BLANK_LINE) else {
        return Ok(false);
    };
    let body = &bytes[head + BLANK_LINE.len()..];
    if bytes.starts_with(b"HTTP/1.1 200 ") && BODY.starts_with(body) {
        return Ok(body.len() == BODY.len());
    }
    let said = String::from_utf8_lossy(bytes).into_owned();
    Err(io::Error::new(ErrorKind::InvalidData, format!("not the answer expected: {said:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cut_anywhere_is_not_yet_an_answer() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        for cut in 0..whole.len() {
            assert!(!is_whole(&whole[..cut]).unwrap(), "cut at {cut}");
        }
        assert!(is_whole(whole).unwrap());
    }

    #[test]
    fn another_status_and_another_body_are_wrong() {
        assert!(is_whole(b"HTTP/1.1 500 No\r\n\r\nhello").is_err());
        assert!(is_whole(b"HTTP/1.1 200 OK\r\n\r\nhellohello").is_err());
    }
}
