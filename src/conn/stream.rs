//! A stream connection: packets in, packets out, timeouts, and an end in good order.
//!
//! ```text
//!          close(delay)             all sent               peer's end, deadline
//!  Open ------------------> Draining --------> Lingering -------------------------> Closed
//!   |                          ^   `- all sent, and the peer had ended -------------->
//!   |  peer's end, told        |
//!   |----------------> Ended --' next poll: what the owner sent meanwhile still leaves
//!   `------------------------------ close(), error --------------------------------->
//! ```
//!
//! A half-open one stays open when it has told the peer's end, until this side ends too. When
//! it fails, that is told even while reading is paused, behind what had arrived.

use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use crate::base::error::Code;
use crate::base::limits;
use crate::codec::packet::Payload;
use crate::conn::framing::{Framing, Packet, Shape};
use crate::conn::input::Input;
use crate::conn::queue::{Offer, Queue, Ticket};
use crate::conn::state::{Half, Shut, State};
use crate::conn::timeout::Timeout;
use crate::engine::Ready;
use crate::net;
use crate::net::stream::Kind;

mod command;
mod http;
mod reading;

pub use reading::Lent;

/// What a connection has to say.
#[derive(Debug)]
pub enum Event {
    /// A packet.
    Packet(Packet),
    /// A send with this ticket was taken by the kernel.
    Sent(Ticket),
    /// The queue has fallen to half of the high-water mark.
    Drained,
    /// A timeout; the connection stays open.
    Late(Code),
    /// Nothing more will be read: [`Code::OK`] is the peer's orderly end. The connection
    /// closes itself, after what is queued was sent if the end was orderly.
    Ended(Code),
}

/// A connected stream socket with everything that belongs to it.
pub struct Stream {
    socket: Option<net::stream::Stream>,
    /// Both ways, or one end of a pipe.
    kind: Kind,
    framing: Framing,
    state: State,
    /// At most [`limits::RECV_BUFFER`].
    recv_size: u32,
    input: Input,
    /// There may be something to read.
    readable: bool,
    /// The peer's end was announced: read on until it is reached.
    ending: bool,
    paused: bool,
    /// The kernel took less than was offered, and has not asked for more since.
    blocked: bool,
    /// The write side is to be shut, or was, when the queue is empty.
    shut: Shut,
    /// What the read side ended with, to be told after the last packet.
    end: Option<Code>,
    queue: Queue,
    recv: Timeout,
    send: Timeout,
    high: usize,
    limit: usize,
    /// The queue has reached `high` and not fallen to half of it since.
    above: bool,
    drained: bool,
    half: Half,
}

impl Stream {
    /// A connection over `socket` that reads at most `recv_size` bytes into one raw packet.
    pub fn new(
        socket: net::stream::Stream,
        recv_size: usize,
        framing: Framing,
        now: Instant,
    ) -> Self {
        Stream::made(Some(socket), State::Open, recv_size, framing, now)
    }

    fn made(
        socket: Option<net::stream::Stream>,
        state: State,
        recv_size: usize,
        framing: Framing,
        now: Instant,
    ) -> Self {
        let never = Timeout::new(Duration::ZERO, now);
        let kind = socket.as_ref().map_or(Kind::Local, net::stream::Stream::kind);
        Stream {
            socket,
            kind,
            framing,
            state,
            recv_size: recv_size.clamp(1, limits::RECV_BUFFER) as u32,
            input: Input::default(),
            readable: false,
            ending: false,
            paused: false,
            blocked: false,
            shut: if kind == Kind::Reader { Shut::Done } else { Shut::No },
            end: None,
            queue: Queue::default(),
            recv: never,
            send: never,
            high: limits::HIGH_WATER,
            limit: limits::SEND_LIMIT,
            above: false,
            drained: false,
            half: Half::Closes,
        }
    }

    /// Moves the connection out, with what is queued and what has arrived; a closed one is left.
    pub fn take_over(&mut self, now: Instant) -> Self {
        let left = Stream::made(None, State::Closed, 1, Framing::Raw, now);
        mem::replace(self, left)
    }

    /// Whether somebody waits to be told that a send is done.
    pub fn owes_word(&self) -> bool {
        self.queue.has_tickets()
    }

    /// Something happened to the socket; returns how many bytes were read and written.
    pub fn wake(&mut self, ready: Ready, now: Instant) -> (usize, usize) {
        if self.kind == Kind::Writer {
            return (0, self.wake_writer(ready, now));
        }
        self.readable |= ready.readable;
        self.ending |= ready.ended;
        let mut written = 0;
        if ready.writable {
            self.blocked = false;
            written = self.flush(now);
        }
        (self.fill(now), written)
    }

    /// As [`Self::wake`], where there is nothing to read: an end means that nobody will read
    /// what we write.
    fn wake_writer(&mut self, ready: Ready, now: Instant) -> usize {
        if ready.ended {
            self.fail(Code::BROKEN_PIPE);
            return 0;
        }
        self.blocked &= !ready.writable;
        self.flush(now)
    }

    /// The connection has an engine from now on: its clocks start.
    pub fn start(&mut self, now: Instant) {
        self.recv.restart(now);
        self.send.restart(now);
        self.blocked = false;
    }

    /// Queues a header and a payload.
    ///
    /// # Errors
    ///
    /// [`Code::SOCKET_CLOSED`] after a close or an error, [`Code::NO_BUFFERS`] when more than
    /// the hard limit would be queued. Nothing is queued then.
    pub fn send(
        &mut self,
        head: &[u8],
        payload: Payload<'_>,
        ticket: Option<Ticket>,
        now: Instant,
    ) -> Result<(), Code> {
        let size = head.len()
            + match &payload {
                Payload::Copy(bytes) => bytes.len(),
                Payload::Share(bytes) => bytes.len(),
            };
        self.queue_up(size, now, |queue| queue.push(head, payload, ticket))
    }

    /// Lets `push` queue so many bytes, if they may be.
    #[inline]
    fn queue_up(
        &mut self,
        size: usize,
        now: Instant,
        push: impl FnOnce(&mut Queue),
    ) -> Result<(), Code> {
        if !self.is_open() || self.shut != Shut::No || self.has_failed() {
            return Err(Code::SOCKET_CLOSED);
        }
        if self.queue.held() + size > self.limit {
            return Err(Code::NO_BUFFERS);
        }
        if self.queue.is_empty() {
            self.send.restart(now);
        }
        push(&mut self.queue);
        self.above |= self.queue.len() >= self.high;
        Ok(())
    }

    /// Whether enough is queued that it should not wait for the end of the pass.
    pub fn wants_flush(&self) -> bool {
        !self.blocked && self.queue.len() >= limits::SEND_NOW
    }

    /// Writes what the kernel takes and returns how much that was.
    pub fn flush(&mut self, now: Instant) -> usize {
        let Some(socket) = self.socket.as_ref() else {
            return 0;
        };
        if self.blocked || self.queue.is_empty() || self.has_failed() {
            self.finish_writing();
            return 0;
        }
        let result = self.queue.flush(|offer| match offer {
            Offer::Bytes(parts, more) => socket.write_before(parts, more),
            Offer::File(file, at, len) => socket.send_file(file, at, len),
        });
        match result {
            Ok(flushed) => {
                let written = flushed.written;
                self.blocked = flushed.is_blocked;
                if written > 0 {
                    self.send.restart(now);
                }
                self.drained |= self.above && self.queue.len() <= self.high / 2;
                self.above &= !self.drained;
                self.finish_writing();
                written
            }
            Err(error) => {
                self.hear_out(now);
                self.fail(error.into());
                0
            }
        }
    }

    /// Sending has failed: what the peer has said before, which may be why, is read once more.
    fn hear_out(&mut self, now: Instant) {
        if self.state == State::Open && self.wants_input() {
            self.readable = true;
            self.fill(now);
            self.end = None;
        }
    }

    /// Closes at once. One last attempt is made to hand what is queued to the kernel.
    pub fn close(&mut self, now: Instant) {
        if self.is_open() {
            self.flush(now);
        }
        self.state = State::Closed;
        self.queue.clear();
    }

    /// Sends what is queued, then closes; what takes longer than `delay` is lost.
    pub fn close_after(&mut self, delay: Duration, now: Instant) {
        if !self.is_open() {
            return;
        }
        if self.has_failed() {
            self.close(now);
            return;
        }
        self.state = State::Draining { until: now + delay };
        self.input.forget();
        self.flush(now);
    }

    /// Sends what is queued, then tells the peer that nothing more will come.
    pub fn shutdown_write(&mut self, now: Instant) {
        if self.shut == Shut::No {
            self.shut = Shut::WhenSent;
            self.flush(now);
        }
    }

    /// Stops reading, or goes on with it. Packets wait meanwhile.
    pub fn pause(&mut self, on: bool, now: Instant) {
        if self.paused && !on {
            self.recv.restart(now);
        }
        self.paused = on;
    }

    /// Reports [`Code::RECV_TIMEOUT`] when nothing arrives for so long. Zero: never.
    pub fn set_recv_timeout(&mut self, after: Duration, now: Instant) {
        self.recv = Timeout::new(after, now);
    }

    /// Reports [`Code::SEND_TIMEOUT`] when something is queued and no byte leaves for so
    /// long. Zero: never.
    pub fn set_send_timeout(&mut self, after: Duration, now: Instant) {
        self.send = Timeout::new(after, now);
    }

    /// Sets the mark that [`Event::Drained`] speaks of, and the limit of the queue, in bytes.
    pub fn set_high_water(&mut self, high: usize, limit: usize) {
        (self.high, self.limit) = (high, limit);
        self.above = self.queue.len() >= high;
    }

    /// Whether sending goes on after the peer's end was told, until this side ends too.
    pub fn set_half_open(&mut self, on: bool) {
        if on && self.half == Half::Closes {
            self.half = Half::Stays;
        } else if !on {
            let told = mem::replace(&mut self.half, Half::Closes) == Half::Told;
            self.state = if told && self.state == State::Open { State::Ended } else { self.state };
        }
    }

    /// What follows from the time, and from having told the end, without telling more.
    pub fn move_on(&mut self, now: Instant) {
        if self.state == State::Ended {
            self.close_after(limits::LINGER, now);
        }
        if let State::Draining { until } | State::Lingering { until } = self.state
            && until <= now
        {
            self.state = State::Closed;
        }
    }

    /// The next thing to tell.
    pub fn poll(&mut self, now: Instant) -> Option<Event> {
        if let Some(ticket) = self.queue.sent() {
            return Some(Event::Sent(ticket));
        }
        self.move_on(now);
        if self.state != State::Open {
            return None;
        }
        if mem::take(&mut self.drained) {
            return Some(Event::Drained);
        }
        if self.half == Half::Told && self.shut == Shut::Done {
            self.state = State::Closed;
            return None;
        }
        self.poll_input().or_else(|| self.poll_late(now))
    }

    /// What its packets are.
    pub fn shape(&self) -> Shape {
        self.framing.shape()
    }

    /// Puts the read buffer away once everything was polled, so that the next connection
    /// can have it.
    pub fn stow(&mut self) {
        if self.state != State::Open {
            self.input.forget();
        }
        self.input.stow();
    }

    /// Puts everything away that nobody needs until the next wake.
    pub fn settle(&mut self) {
        self.queue.settle();
        self.stow();
    }

    /// When to be woken although nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Draining { until } | State::Lingering { until } => Some(until),
            State::Closed | State::Ended => None,
            State::Open => {
                let recv = self.recv.deadline().filter(|_| !self.paused && self.end.is_none());
                let owes = !self.queue.is_empty() && !self.has_failed();
                let send = self.send.deadline().filter(|_| owes);
                match (recv, send) {
                    (Some(recv), Some(send)) => Some(recv.min(send)),
                    (recv, send) => recv.or(send),
                }
            }
        }
    }

    /// Whether there is more to read, without a wake.
    pub fn wants_read(&self) -> bool {
        self.readable && self.wants_input()
    }

    /// Whether another pass would find work without a wake: also a file, of which a step was sent.
    pub fn wants_turn(&self) -> bool {
        let writes = !self.blocked && !self.queue.is_empty() && !self.has_failed();
        self.wants_read() || writes && self.state != State::Closed && self.socket.is_some()
    }

    /// Whether all that it could do is done, though nobody was told: the end of a pipe that
    /// was written to, once everything was sent.
    pub fn is_done(&self) -> bool {
        self.kind == Kind::Writer && self.end.is_some()
    }

    /// Whether it is over and the socket may go.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether it is on its way to be closed, or is.
    pub fn is_ending(&self) -> bool {
        self.state != State::Open
    }

    /// Bytes that the kernel has not taken yet.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The socket, until it was taken out.
    pub fn socket(&self) -> Option<&net::stream::Stream> {
        self.socket.as_ref()
    }

    /// The socket's descriptor, until it was taken out.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    /// Takes the socket out and drops it: the descriptor is closed.
    pub fn drop_socket(&mut self) {
        self.state = State::Closed;
        self.socket = None;
        self.queue.clear();
        self.input = Input::default();
    }

    fn poll_late(&mut self, now: Instant) -> Option<Event> {
        if !self.paused && self.end.is_none() && self.recv.passes(now) {
            return Some(Event::Late(Code::RECV_TIMEOUT));
        }
        let late = !self.queue.is_empty() && !self.has_failed() && self.send.passes(now);
        late.then_some(Event::Late(Code::SEND_TIMEOUT))
    }

    fn wants_input(&self) -> bool {
        match self.state {
            State::Open => !self.paused && self.end.is_none() && !self.is_full(),
            State::Draining { .. } | State::Lingering { .. } => self.end.is_none(),
            State::Closed | State::Ended => false,
        }
    }

    /// Whether nobody takes what arrives, and enough of it waits.
    fn is_full(&self) -> bool {
        self.framing.is_idle() && self.input.bytes().len() >= limits::READ_IN_PLACE
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Ended)
    }

    fn ended(&mut self, code: Code) {
        self.readable = false;
        self.end.get_or_insert(code);
        if code == Code::OK {
            self.framing.end();
        }
        if let State::Lingering { .. } = self.state {
            self.state = State::Closed;
        }
    }

    /// The socket is of no more use: nothing can be sent, the end is told in its turn. What a
    /// half-open one has queued counts until then: nobody may take it for sent.
    fn fail(&mut self, code: Code) {
        self.ended(code);
        if self.half == Half::Closes {
            self.queue.clear();
        } else {
            // It counts for more than the peer's end, told or not.
            self.end = Some(code);
        }
        if self.state != State::Open {
            self.state = State::Closed;
        }
    }

    fn has_failed(&self) -> bool {
        self.end.is_some_and(|code| code != Code::OK)
    }

    /// Whether packets wait: not once a half-open connection has failed. Nothing more arrives
    /// then, and who sends has to be told.
    fn is_held(&self) -> bool {
        self.paused && (self.half == Half::Closes || !self.has_failed())
    }

    /// What follows when the queue is empty.
    fn finish_writing(&mut self) {
        if !self.queue.is_empty() {
            return;
        }
        let draining = matches!(self.state, State::Draining { .. });
        if (draining || self.shut == Shut::WhenSent) && self.shut != Shut::Done {
            self.shut = Shut::Done;
            if self.kind == Kind::Writer {
                // That is its end: there was nothing else to wait for.
                self.ended(Code::OK);
            } else {
                // It fails when the peer is gone, which the read side tells better.
                let _ = self.socket.as_ref().map(net::stream::Stream::shutdown_write);
            }
        }
        if let State::Draining { until } = self.state {
            // A peer that has not ended could still send: closing now would reset the
            // connection and destroy what it has not read yet. Not so of a pipe.
            self.state = match self.end {
                None if self.kind.is_socket() => State::Lingering { until },
                _ => State::Closed,
            };
        }
    }
}
