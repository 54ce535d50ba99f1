//! Messages of HTTP: whole ones out of what was read, and bodies into the send queue.

use std::time::Instant;

use super::Stream;
use crate::base::buf::Buf;
use crate::base::error::Code;
use crate::base::limits;
use crate::codec::http1::{Announced, Message, Step, Violation, Writer};
use crate::codec::packet::Payload;
use crate::conn::framing::{Framing, Http, Shape};
use crate::conn::queue::{Span, Ticket};

/// What a client waits for that has announced a body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Stream {
    /// How far the messages of this connection have come, if it is one of HTTP.
    pub fn http(&mut self) -> Option<&mut Http> {
        match &mut self.framing {
            Framing::Http(http) => Some(http),
            _ => None,
        }
    }

    /// From now on what arrives is read by another framing, also what is there already.
    pub fn switch(&mut self, framing: Framing) -> Shape {
        self.framing = framing;
        if self.end == Some(Code::OK) {
            self.framing.end();
        }
        self.framing.shape()
    }

    /// Bytes that have arrived of a message of which nothing was told.
    pub fn pending(&mut self) -> usize {
        let len = self.input.bytes().len();
        let is_at_head = self.http().is_none_or(|http| http.scanner.is_at_head());
        if is_at_head { len } else { 0 }
    }

    /// The next whole message, or why there will be none.
    #[inline]
    pub fn next_message(&mut self, now: Instant) -> Option<Result<Message, Violation>> {
        loop {
            if self.http()?.scanner.is_refused() {
                // That was told: what was answered leaves, then it is over.
                self.close_after(limits::LINGER, now);
                return None;
            }
            let piece = self.next_piece()?;
            let scanner = &mut self.http()?.scanner;
            let (is_held, step) = (scanner.is_held(), scanner.step().clone());
            let is_awaited = scanner.take_awaited();
            match step {
                Step::Message if !is_held => {
                    let bytes = self.input.take(0, piece.len);
                    return self.http()?.scanner.message(bytes).map(Ok);
                }
                _ => self.input.skip(piece.len),
            }
            match step {
                Step::Message => return self.http()?.scanner.message(Buf::copy(&[])).map(Ok),
                Step::Refused(violation) => return Some(Err(violation)),
                // Who is told of whole messages cannot say it (RFC 9110, 10.1.1). What cannot be
                // sent is no loss: the peer waits no longer than it likes.
                _ if is_awaited => drop(self.send(CONTINUE, Payload::Copy(&[]), None, now)),
                _ => {}
            }
        }
    }

    /// Queues a whole message; a request tells what the next response answers.
    ///
    /// # Errors
    ///
    /// As [`Stream::send`]; [`Code::NO_BUFFERS`] for a request while too many wait for answers.
    pub fn send_message(
        &mut self,
        message: &Message,
        writer: &mut Writer,
        ticket: Option<Ticket>,
        now: Instant,
    ) -> Result<(), Code> {
        if message.method().is_some() {
            self.expect_room()?;
        }
        let share = message.content().len() > limits::SEND_COPY;
        if !message.is_chunked() && share {
            self.send(&[], Payload::Share(message.bytes().share()), ticket, now)?;
        } else if !message.is_chunked() {
            self.send(&[], Payload::Copy(message.bytes()), ticket, now)?;
        } else {
            writer.raw(message.head());
            if !message.content().is_empty() {
                writer.chunk(message.content().len());
                writer.raw(message.content());
                writer.raw(b"\r\n");
            }
            writer.last_chunk();
            writer.raw(message.trailers());
            writer.raw(b"\r\n");
            self.send(writer.bytes(), Payload::Copy(&[]), ticket, now)?;
        }
        if let (Some(method), Some(http)) = (message.method(), self.http()) {
            http.scanner.expect(method);
        }
        Ok(())
    }

    fn expect_room(&mut self) -> Result<(), Code> {
        match self.http().is_none_or(|http| http.scanner.may_expect()) {
            true => Ok(()),
            false => Err(Code::NO_BUFFERS),
        }
    }

    /// Queues the head of a request as [`Self::send_head`], and tells what the next response
    /// answers.
    ///
    /// # Errors
    ///
    /// As [`Stream::send`]; [`Code::NO_BUFFERS`] while too many requests wait for answers.
    pub fn send_request(
        &mut self,
        method: &[u8],
        head: &[u8],
        body: Payload<'_>,
        announced: Announced,
        now: Instant,
    ) -> Result<(), Code> {
        self.expect_room()?;
        self.send_head(head, body, announced, now)?;
        if let Some(http) = self.http() {
            http.scanner.expect(method);
        }
        Ok(())
    }

    /// Queues a head, and with it the body that belongs to it; what it announces may follow.
    ///
    /// # Errors
    ///
    /// As [`Stream::send`].
    #[inline]
    pub fn send_head(
        &mut self,
        head: &[u8],
        body: Payload<'_>,
        announced: Announced,
        now: Instant,
    ) -> Result<(), Code> {
        self.send(head, body, None, now)?;
        if let Some(http) = self.http() {
            http.announced = announced;
        }
        Ok(())
    }

    /// Queues a piece of `len` bytes of the body that was announced.
    ///
    /// # Errors
    ///
    /// As [`Stream::send`]; [`Code::INVALID`] beyond what was announced.
    pub fn send_piece(
        &mut self,
        piece: Payload<'_>,
        len: usize,
        writer: &mut Writer,
        now: Instant,
    ) -> Result<(), Code> {
        let announced = self.http().map_or(Announced::Open, |http| http.announced);
        match announced {
            _ if len == 0 => Ok(()),
            Announced::Nothing => Err(Code::INVALID),
            Announced::Open => self.send(&[], piece, None, now),
            Announced::Sized(left) => {
                let left = left.checked_sub(len as u64).ok_or(Code::INVALID)?;
                self.send_head(&[], piece, Announced::Sized(left), now)
            }
            Announced::Chunks => {
                writer.chunk(len);
                self.queue_up(writer.bytes().len() + len + 2, now, |queue| {
                    queue.push(writer.bytes(), piece, None);
                    queue.push(b"\r\n", Payload::Copy(&[]), None);
                })
            }
        }
    }

    /// Queues bytes of a file; on a connection of HTTP as a piece of the body that was announced.
    ///
    /// # Errors
    ///
    /// As [`Self::send_piece`]. What is queued of files counts little against the hard limit.
    pub fn send_file(
        &mut self,
        span: Span,
        ticket: Option<Ticket>,
        writer: &mut Writer,
        now: Instant,
    ) -> Result<(), Code> {
        let announced = self.http().map_or(Announced::Open, |http| http.announced);
        let left = match announced {
            Announced::Nothing if span.len > 0 => return Err(Code::INVALID),
            Announced::Sized(left) => left.checked_sub(span.len as u64).ok_or(Code::INVALID)?,
            _ => 0,
        };
        if self.queue.len().checked_add(span.len).is_none_or(|sum| sum > isize::MAX as usize) {
            return Err(Code::NO_BUFFERS);
        }
        let is_chunk = announced == Announced::Chunks && span.len > 0;
        if is_chunk {
            writer.chunk(span.len);
        }
        self.queue_up(limits::FILE_COST, now, |queue| {
            queue.push(writer.bytes(), Payload::Copy(&[]), None);
            queue.push_file(span, if is_chunk { None } else { ticket });
            if is_chunk {
                queue.push(b"\r\n", Payload::Copy(&[]), ticket);
            }
        })?;
        if let (Announced::Sized(_), Some(http)) = (announced, self.http()) {
            http.announced = Announced::Sized(left);
        }
        Ok(())
    }

    /// Ends the body that was announced; the lines of `trailers` go with chunks.
    ///
    /// # Errors
    ///
    /// As [`Stream::send`]; [`Code::INVALID`] when less was sent than announced.
    pub fn finish_body(
        &mut self,
        trailers: &[u8],
        writer: &mut Writer,
        now: Instant,
    ) -> Result<(), Code> {
        let announced = self.http().map_or(Announced::Nothing, |http| http.announced);
        match announced {
            Announced::Sized(left) if left > 0 => return Err(Code::INVALID),
            Announced::Chunks => {
                writer.last_chunk();
                writer.raw(trailers);
                writer.raw(b"\r\n");
                self.send(writer.bytes(), Payload::Copy(&[]), None, now)?;
            }
            _ => {}
        }
        if let Some(http) = self.http() {
            http.announced = Announced::Nothing;
        }
        Ok(())
    }
}
