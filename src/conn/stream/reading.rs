//! What a connection reads: from the socket to the first packet.

use std::io;
use std::mem;
use std::time::Instant;

use super::{Event, Stream};
use crate::base::buf::Buf;
use crate::base::error::Code;
use crate::conn::framing::{Framing, Packet, Piece};
use crate::conn::input::Input;
use crate::conn::state::{Half, Shut, State};

/// What has arrived, lent to whom makes something of what is in front without copying it first.
/// What is left goes back by [`Stream::give_back`].
#[derive(Default)]
pub struct Lent {
    input: Input,
    /// Bytes in front.
    len: usize,
    is_out: bool,
}

impl Lent {
    /// What is in front: a reply, or a part of a message.
    pub fn bytes(&self) -> &[u8] {
        self.input.bytes().get(..self.len).unwrap_or_default()
    }

    /// Whether there is something.
    pub fn is_out(&self) -> bool {
        self.is_out
    }
}

impl Stream {
    /// Whether something is pending that may be a packet.
    #[inline]
    pub fn may_have_packet(&self) -> bool {
        !self.input.is_empty() || self.framing.owes_word()
    }

    /// The bytes of the packet that [`Self::poll`] would return next, if it is a packet: for
    /// owners that want them in a place of their own.
    #[inline]
    pub fn next_packet(&mut self) -> Option<Buf> {
        let piece = self.next_piece()?;
        Some(self.take(piece))
    }

    /// As [`Self::next_packet`], of what is not told as bytes; false when there is nothing. Until
    /// it is given back, nothing has arrived. The connection may be used meanwhile as ever, but
    /// not moved.
    #[inline]
    pub fn lend(&mut self, lent: &mut Lent) -> bool {
        let Some(piece) = self.next_piece() else {
            return false;
        };
        *lent = Lent { input: mem::take(&mut self.input), len: piece.len, is_out: true };
        self.framing.set_lent(true);
        true
    }

    /// Ends what [`Self::lend`] has begun; what was in front is gone when it `is_done`, else it
    /// comes again.
    #[inline]
    pub fn give_back(&mut self, lent: &mut Lent, is_done: bool) {
        let mut input = mem::take(&mut lent.input);
        if is_done {
            input.skip(lent.len);
        }
        (lent.len, lent.is_out) = (0, false);
        self.framing.set_lent(false);
        if self.state == State::Open {
            input.append(mem::take(&mut self.input));
            self.input = input;
        }
    }

    /// Whether what has arrived is lent.
    pub fn is_lent(&self) -> bool {
        self.framing.is_lent()
    }

    /// Nothing more can be made of what arrives: that is told, and the connection closes.
    pub fn break_off(&mut self, code: Code) {
        self.input.forget();
        self.end = Some(code);
        self.queue.clear();
    }

    #[inline]
    pub(super) fn next_piece(&mut self) -> Option<Piece> {
        let is_next = self.state == State::Open && !self.is_held() && !self.drained;
        if !is_next || !self.queue.is_told() {
            return None;
        }
        self.find().ok()?
    }

    pub(super) fn poll_input(&mut self) -> Option<Event> {
        let is_told_elsewhere = matches!(self.framing, Framing::Http(_));
        if !self.is_held() && !self.input.is_empty() && !is_told_elsewhere {
            match self.decode() {
                Ok(Some(packet)) => return Some(Event::Packet(packet)),
                Ok(None) => {}
                Err(code) => self.break_off(code),
            }
        }
        if self.is_held() && self.may_have_packet() {
            return None;
        }
        let code = self.end?;
        match (code, self.half) {
            (Code::OK, Half::Told) => return None,
            (Code::OK, Half::Stays) if self.shut != Shut::Done => self.half = Half::Told,
            (Code::OK, _) => self.state = State::Ended,
            _ => self.state = State::Closed,
        }
        Some(Event::Ended(code))
    }

    fn decode(&mut self) -> Result<Option<Packet>, Code> {
        let piece = self.find()?;
        Ok(piece.map(|piece| {
            let bytes = self.take(piece);
            self.framing.packet(bytes)
        }))
    }

    #[inline]
    fn take(&mut self, piece: Piece) -> Buf {
        self.input.take(piece.skip, piece.len)
    }

    #[inline]
    fn find(&mut self) -> Result<Option<Piece>, Code> {
        self.framing.find(self.input.bytes(), self.recv_size as usize)
    }

    /// Reads once.
    pub(super) fn fill(&mut self, now: Instant) -> usize {
        if !self.readable || !self.wants_input() {
            return 0;
        }
        let wanted = self.framing.wanted(self.input.bytes());
        let size = self.framing.read_size(self.recv_size as usize);
        let (buffer, room) = self.input.room(wanted, size);
        let Some(socket) = self.socket.as_ref() else {
            return 0;
        };
        let read = match socket.read(buffer) {
            Ok(0) => {
                self.ended(Code::OK);
                0
            }
            Ok(read) => {
                self.recv.restart(now);
                // Where the end was announced, the next read finds it.
                self.readable = read == room || self.ending || !socket.short_read_is_last();
                read
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                0
            }
            Err(error) => {
                self.fail(error.into());
                0
            }
        };
        if self.state != State::Open {
            self.input.forget();
        }
        read
    }
}
