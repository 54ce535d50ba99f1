//! Messages, however they are cut.
//!
//! ```text
//!            .----------- whole, or no body -----------.
//!  Head -----+-> Sized --.                             +--> Head
//!            +-> Chunks -+-> Closing (its trailers) ---'
//!            '-> Rest ---'    (until the peer's end)
//!  what breaks a rule -> Refused     a request to close, done -> Over     101, CONNECT -> Tunnel
//! ```

use std::collections::VecDeque;
use std::mem;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr;

use super::chunk::Chunks;
use super::head::{Head, Length, Start, Traits};
use super::message::Message;
use super::{Bounds, Role, Violation, is_token};
use crate::base::buf::Buf;
use crate::base::limits;

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing to tell.
    Nothing,
    /// A head, with its body when that `is_whole`.
    Head {
        /// The whole body stands in the pieces.
        is_whole: bool,
    },
    /// A part of a body.
    Piece,
    /// The end of a body, and where its trailers stand.
    End(Range<usize>),
    /// A whole message.
    Message,
    /// Nothing more is made of what arrives.
    Refused(Violation),
}

/// What a response answers, where that decides about its body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Anything else.
    Other,
    /// HEAD: there is no body.
    Head,
    /// CONNECT: what follows a success is no HTTP.
    Connect,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Head,
    /// A message of so many bytes in all is waited for.
    Gather(usize),
    /// So many bytes are left.
    Sized(u64),
    Chunks,
    Rest,
    /// The last so many bytes of a body in chunks.
    Closing(usize),
    Tunnel,
    Over,
    Refused,
}

/// Goes through the messages of one connection. It has a state: between two calls the bytes that
/// were not used stay in front, and more may follow.
#[derive(Debug)]
pub struct Scanner {
    role: Role,
    bounds: Bounds,
    /// Messages are told as a whole.
    is_whole: bool,
    state: State,
    step: Step,
    /// Of a head that is not whole: bytes looked at, where the line at hand begins, the first
    /// line's length, lines.
    at: usize,
    line: usize,
    first: usize,
    lines: usize,
    /// The last head.
    head: Option<Head>,
    chunks: Chunks,
    /// Bytes of a body without length.
    rest: u64,
    /// Where the data of the last step stands.
    pieces: Vec<Range<usize>>,
    /// The peer has ended.
    has_ended: bool,
    /// Of a message that is told as a whole: its head and body so far, its trailers.
    held: Vec<u8>,
    trailers: Vec<u8>,
    /// The peer waits to be told to go on with its body.
    is_awaited: bool,
    expected: VecDeque<Expected>,
}

impl Scanner {
    /// For messages within these bounds, told in parts or, when `is_whole`, as they are.
    pub fn new(role: Role, bounds: Bounds, is_whole: bool) -> Self {
        Scanner {
            role,
            bounds,
            is_whole,
            state: State::Head,
            step: Step::Nothing,
            at: 0,
            line: 0,
            first: 0,
            lines: 0,
            head: None,
            chunks: Chunks::new(),
            rest: 0,
            pieces: Vec::new(),
            has_ended: false,
            held: Vec::new(),
            trailers: Vec::new(),
            is_awaited: false,
            expected: VecDeque::new(),
        }
    }

    /// Goes on with `input`; how many bytes of it the step takes, or nothing while more are
    /// needed.
    #[inline]
    pub fn next(&mut self, input: &[u8]) -> Option<usize> {
        if self.pieces.capacity() > limits::HTTP_PIECES {
            self.pieces = Vec::new();
        }
        self.pieces.clear();
        let found = match self.state {
            State::Head => self.next_head(input),
            State::Gather(len) => Ok((input.len() >= len).then(|| self.gathered(len))),
            State::Sized(left) => Ok(self.next_sized(input, left)),
            State::Chunks => self.next_chunks(input),
            State::Rest => self.next_rest(input),
            State::Closing(len) => Ok(Some(self.close(len))),
            State::Tunnel => return None,
            State::Over | State::Refused => {
                self.step = Step::Nothing;
                return (!input.is_empty()).then_some(input.len());
            }
        };
        match found {
            Ok(None) if self.has_ended => self.cut_off(input),
            Ok(used) => used,
            Err(violation) => Some(self.refuse(violation, input)),
        }
    }

    /// What the last call has found.
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// Where the data of the last step stands in its bytes.
    pub fn pieces(&self) -> &[Range<usize>] {
        &self.pieces
    }

    /// The last head; its bytes are the first of its step's.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The message that the last call has found, of its bytes.
    pub fn message(&mut self, bytes: Buf) -> Option<Message> {
        let head = self.head?;
        if self.held.is_empty() {
            return Some(Message::new(head, bytes, &[]));
        }
        let held = Buf::from(Bytes::from(mem::take(&mut self.held)));
        Some(Message::new(head, held, &mem::take(&mut self.trailers)))
    }

    /// Whether the message was kept here, and is none of the step's bytes.
    pub fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether the peer waits to be told to go on with its body, of which nobody else knows:
    /// its message is told as a whole. Asked once.
    pub fn take_awaited(&mut self) -> bool {
        mem::take(&mut self.is_awaited)
    }

    /// The peer has ended.
    pub fn end(&mut self) {
        self.has_ended = true;
    }

    /// The next response answers this method.
    pub fn expect(&mut self, method: &[u8]) {
        let expected = match method {
            b"HEAD" => Expected::Head,
            b"CONNECT" => Expected::Connect,
            _ => Expected::Other,
        };
        if self.role != Role::Server {
            self.expected.push_back(expected);
        }
    }

    /// Whether another request may be sent: beyond the limit nobody could tell what its response
    /// answers.
    pub fn may_expect(&self) -> bool {
        self.expected.len() < limits::HTTP_EXPECTED
    }

    /// Whether there is something to tell or to do without more input: the end of a body, what
    /// the peer's end means, or closing after a refusal where messages are told as a whole.
    pub fn owes_word(&self) -> bool {
        match self.state {
            State::Sized(0) => true,
            State::Head => self.has_ended && self.at > 0,
            State::Refused => self.is_whole,
            State::Tunnel | State::Over => false,
            _ => self.has_ended,
        }
    }

    /// Whether it has refused what arrives.
    pub fn is_refused(&self) -> bool {
        self.state == State::Refused
    }

    /// Whether what arrives is no HTTP any more, and stays until somebody else reads it.
    pub fn is_tunnel(&self) -> bool {
        self.state == State::Tunnel
    }

    /// Whether what has arrived belongs to a message of which nothing was told.
    pub fn is_at_head(&self) -> bool {
        matches!(self.state, State::Head | State::Gather(_))
    }

    /// Bytes worth having room for.
    pub fn wanted(&self) -> usize {
        match self.state {
            State::Gather(len) => len,
            State::Head if self.at > 0 => 2 * self.at + limits::READ_BUFFER,
            _ => 0,
        }
    }

    /// The peer has ended in the middle of something, or at the end of a body without length.
    fn cut_off(&mut self, input: &[u8]) -> Option<usize> {
        match self.state {
            State::Head if input.is_empty() => None,
            State::Rest if input.is_empty() => {
                self.state = State::Over;
                self.step = if self.is_whole { Step::Message } else { Step::End(0..0) };
                Some(0)
            }
            _ => Some(self.refuse(Violation::SYNTAX, input)),
        }
    }

    fn refuse(&mut self, violation: Violation, input: &[u8]) -> usize {
        self.state = State::Refused;
        self.step = Step::Refused(violation);
        (self.held, self.pieces) = (Vec::new(), Vec::new());
        input.len()
    }

    fn next_head(&mut self, input: &[u8]) -> Result<Option<usize>, Violation> {
        if self.role == Role::Client && !begins_response(input) {
            return Err(Violation::SYNTAX);
        }
        if self.at == 0 {
            let blank = self.blank(input);
            if blank > 0 {
                self.step = Step::Nothing;
                return Ok(Some(blank));
            }
            match input.first() {
                // It may be half of an empty line.
                Some(b'\r') if input.len() == 1 && self.role != Role::Client => return Ok(None),
                // No need to wait for the end of a line that is none.
                Some(byte) if !is_token(*byte) => return Err(Violation::SYNTAX),
                _ => {}
            }
        }
        let Some(len) = self.find_end(input)? else {
            return Ok(None);
        };
        let bytes = input.get(..len).unwrap_or_default();
        let head = Head::parse(bytes, self.first, self.role, &self.bounds)?;
        (self.at, self.line, self.first, self.lines) = (0, 0, 0, 0);
        self.begin(head, input).map(Some)
    }

    /// Bytes of empty lines before a request (RFC 9112, 2.2).
    fn blank(&self, input: &[u8]) -> usize {
        if self.role == Role::Client {
            return 0;
        }
        2 * input.chunks_exact(2).take_while(|pair| pair == b"\r\n").count()
    }

    /// Where the head at the front ends. Each byte is looked at once, and bounds hold before the
    /// end is there.
    #[inline]
    fn find_end(&mut self, input: &[u8]) -> Result<Option<usize>, Violation> {
        loop {
            let unseen = input.get(self.at..).unwrap_or_default();
            let end = memchr(b'\n', unseen).map(|end| self.at + end + 1);
            self.at = end.unwrap_or(input.len());
            if self.lines == 0 && self.at > self.bounds.line {
                return Err(Violation::LINE);
            }
            if self.at > self.bounds.head {
                return Err(Violation::FIELDS);
            }
            let Some(end) = end else {
                return Ok(None);
            };
            let line = input.get(self.line..end).unwrap_or_default();
            if !line.ends_with(b"\r\n") {
                return Err(Violation::SYNTAX);
            }
            if line.len() == 2 {
                return if self.lines > 0 { Ok(Some(end)) } else { Err(Violation::SYNTAX) };
            }
            if self.lines == 0 {
                self.first = end;
            }
            if self.lines > self.bounds.fields {
                return Err(Violation::FIELDS);
            }
            self.lines += 1;
            self.line = end;
        }
    }

    /// A head was found: what follows it.
    fn begin(&mut self, mut head: Head, input: &[u8]) -> Result<usize, Violation> {
        if let Start::Response { status, .. } = head.start {
            self.answer(&mut head, status);
        }
        self.head = Some(head);
        let room = self.bounds.message.checked_sub(head.len as u64).ok_or(Violation::FIELDS)?;
        let bound = self.bounds.body.min(room);
        let behind = input.get(head.len..).unwrap_or_default();
        let waits = head.traits.has(Traits::CONTINUE) && behind.is_empty();
        self.is_awaited = waits && self.is_whole && head.length != Length::None;
        match head.length {
            Length::Sized(size) if size > bound => Err(Violation::BODY),
            Length::None | Length::Tunnel => {
                self.state = match head.length {
                    Length::Tunnel => State::Tunnel,
                    _ => self.after(),
                };
                Ok(self.told(head.len))
            }
            Length::Sized(size) => Ok(self.begin_sized(&head, size, behind)),
            Length::Chunked => self.begin_chunks(&head, behind, input),
            Length::UntilClose => {
                self.rest = 0;
                Ok(self.begin_parts(&head, State::Rest, input))
            }
        }
    }

    /// What a response says depends on what it answers.
    fn answer(&mut self, head: &mut Head, status: u16) {
        if status < 200 && status != 101 {
            return;
        }
        match self.expected.pop_front().unwrap_or(Expected::Other) {
            Expected::Head => head.length = Length::None,
            Expected::Connect if (200..300).contains(&status) => head.length = Length::Tunnel,
            _ => {}
        }
        if head.length == Length::UntilClose {
            head.traits.0 &= !Traits::KEEP_ALIVE;
        }
    }

    fn begin_sized(&mut self, head: &Head, size: u64, behind: &[u8]) -> usize {
        let has_all = behind.len() as u64 >= size;
        let waits = head.traits.has(Traits::CONTINUE);
        if has_all || self.is_whole || self.gathers(size) && !waits {
            // Within bounds, and so within memory.
            let len = head.len + usize::try_from(size).unwrap_or(usize::MAX - head.len);
            self.state = State::Gather(len);
            if has_all {
                return self.gathered(len);
            }
            self.step = Step::Nothing;
            return 0;
        }
        self.state = State::Sized(size);
        self.step = Step::Head { is_whole: false };
        head.len
    }

    /// Whether a body is small enough to be told with its head although it has not arrived. Not of
    /// responses: who waits for one wants to know that there is one.
    fn gathers(&self, size: u64) -> bool {
        self.role != Role::Client && size <= limits::HTTP_GATHER
    }

    /// All of a message has arrived.
    fn gathered(&mut self, len: usize) -> usize {
        let start = self.head.map_or(0, |head| head.len);
        self.pieces.push(start..len);
        self.state = self.after();
        self.told(len)
    }

    fn begin_chunks(
        &mut self,
        head: &Head,
        behind: &[u8],
        input: &[u8],
    ) -> Result<usize, Violation> {
        let bounds = self.body_bounds();
        self.chunks = Chunks::new();
        if self.is_whole {
            return Ok(self.begin_parts(head, State::Chunks, input));
        }
        let found = self.chunks.find(behind, &bounds, &mut self.pieces)?;
        if found.end == Some(2) {
            for piece in &mut self.pieces {
                *piece = piece.start + head.len..piece.end + head.len;
            }
            self.state = self.after();
            return Ok(self.told(head.len + found.used));
        }
        // It comes in parts: those are gone through again.
        self.chunks = Chunks::new();
        self.pieces.clear();
        Ok(self.begin_parts(head, State::Chunks, input))
    }

    fn begin_parts(&mut self, head: &Head, state: State, input: &[u8]) -> usize {
        self.state = state;
        self.step = Step::Head { is_whole: false };
        if self.is_whole {
            self.held.extend_from_slice(input.get(..head.len).unwrap_or_default());
            self.step = Step::Nothing;
        }
        head.len
    }

    /// A message is told with the step that takes `len` bytes.
    fn told(&mut self, len: usize) -> usize {
        self.step = if self.is_whole { Step::Message } else { Step::Head { is_whole: true } };
        len
    }

    /// What follows the message.
    fn after(&self) -> State {
        let stays = self.head.is_none_or(|head| {
            let is_interim = matches!(head.start, Start::Response { status, .. } if status < 200);
            is_interim || head.traits.has(Traits::KEEP_ALIVE)
        });
        if stays { State::Head } else { State::Over }
    }

    fn next_sized(&mut self, input: &[u8], left: u64) -> Option<usize> {
        if left == 0 {
            self.state = self.after();
            self.step = Step::End(0..0);
            return Some(0);
        }
        if input.is_empty() {
            return None;
        }
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        self.pieces.push(0..len);
        self.state = State::Sized(left - len as u64);
        self.step = Step::Piece;
        Some(len)
    }

    fn next_chunks(&mut self, input: &[u8]) -> Result<Option<usize>, Violation> {
        let bounds = self.body_bounds();
        let found = self.chunks.find(input, &bounds, &mut self.pieces)?;
        if self.is_whole {
            self.hold(input);
        }
        let Some(len) = found.end else {
            let has_data = !self.pieces.is_empty() && !self.is_whole;
            self.step = if has_data { Step::Piece } else { Step::Nothing };
            return Ok((found.used > 0).then_some(found.used));
        };
        if self.is_whole {
            let trailers = found.used - len..found.used - 2;
            self.trailers.extend_from_slice(input.get(trailers).unwrap_or_default());
            self.state = self.after();
            self.step = Step::Message;
            return Ok(Some(found.used));
        }
        self.state = State::Closing(len);
        if self.pieces.is_empty() {
            self.step = Step::Nothing;
            return Ok(Some(found.used - len));
        }
        self.step = Step::Piece;
        Ok(Some(found.used - len))
    }

    fn close(&mut self, len: usize) -> usize {
        self.state = self.after();
        self.step = Step::End(0..len - 2);
        len
    }

    fn next_rest(&mut self, input: &[u8]) -> Result<Option<usize>, Violation> {
        if input.is_empty() {
            return Ok(None);
        }
        self.rest += input.len() as u64;
        if self.rest > self.body_bounds().body {
            return Err(Violation::BODY);
        }
        self.pieces.push(0..input.len());
        self.step = Step::Piece;
        if self.is_whole {
            self.hold(input);
            self.step = Step::Nothing;
        }
        Ok(Some(input.len()))
    }

    /// Keeps the pieces of a message that is told as a whole.
    fn hold(&mut self, input: &[u8]) {
        for piece in &self.pieces {
            self.held.extend_from_slice(input.get(piece.clone()).unwrap_or_default());
        }
    }

    /// The bounds of the body behind the last head.
    fn body_bounds(&self) -> Bounds {
        let head = self.head.map_or(0, |head| head.len as u64);
        let room = self.bounds.message.saturating_sub(head);
        Bounds { body: self.bounds.body.min(room), ..self.bounds }
    }
}

/// Whether it may become a response.
fn begins_response(input: &[u8]) -> bool {
    input.iter().zip(b"HTTP/").all(|(byte, expected)| byte == expected)
}
