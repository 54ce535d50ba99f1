//! `connection`: a stream of packets in both directions.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};
use std::rc::Rc;
use std::time::Instant;

use super::cargo::{Claim, Moved};
use super::convert;
use super::decoder;
use super::httppacket::HttpPacket;
use super::lease::Lease;
use super::packet::{self, RPacket, RawPacket, WPacket};
use super::place;
use super::raw::{Call, Class, Outcome, function};
use super::run::{Core, Owner};
use super::seat::{self, Seat};
use super::stage::Stage;
use super::stats::add;
use crate::base::error::Code;
use crate::base::limits;
use crate::codec::packet::Payload;
use crate::codec::redis::Command;
use crate::conn::framing::{Framing, Shape};
use crate::conn::queue::Ticket;
use crate::conn::stream::Stream;
use crate::engine::Ready;
use crate::engine::key::Key;
use crate::net;
use crate::os::clock;

mod http;
mod replies;
mod tell;

pub use http::send_file;

/// Where the callback of `SetHighWater` stands in the object's own table; tickets of sends
/// count from 1.
const DRAIN: i64 = 0;

/// What Lua holds.
pub struct Connection(Rc<Handle>);

impl Class for Connection {
    const NAME: &'static CStr = c"connection";
    const INDEX: usize = place::CONNECTION;
    const USER_VALUES: c_int = 1;
}

/// With its counts it fills a block of the allocator's to the last byte: one field more, and an
/// idle connection takes 16 bytes more of the 500 that it may (`bench/run idle`).
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Handle>() <= 232);

/// What Lua and the engine share.
struct Handle {
    stream: RefCell<Stream>,
    /// What its packets are.
    shape: Cell<Shape>,
    seat: Seat,
    tickets: Cell<Ticket>,
    /// The object has a table of its own with callbacks: on drain, on sends.
    has_table: Cell<bool>,
    /// Ends with the socket: who counts the connection knows by that.
    lease: Cell<Option<Box<Lease>>>,
}

impl Connection {
    /// Keeps `lease` for as long as the socket is open.
    ///
    /// # Errors
    ///
    /// It is closed.
    pub fn keep(&self, lease: Lease) -> Result<(), Code> {
        if self.0.stream.borrow().socket().is_none() {
            return Err(Code::SOCKET_CLOSED);
        }
        self.0.lease.set(Some(Box::new(lease)));
        Ok(())
    }
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<Connection>(
        &[
            (c"Add2Engine", function(add_to_engine)),
            (c"RemoveEngine", function(remove_engine)),
            (c"Send", function(send)),
            (c"Close", function(close)),
            (c"SetRecvTimeout", function(set_recv_timeout)),
            (c"SetSendTimeout", function(set_send_timeout)),
            (c"GetPeerAddr", function(peer_addr)),
            (c"GetSockAddr", function(sock_addr)),
            (c"SetNoDelay", function(set_nodelay)),
            (c"PauseRead", function(|call| pause(call, true))),
            (c"ResumeRead", function(|call| pause(call, false))),
            (c"ShutdownWrite", function(shutdown_write)),
            (c"QueuedBytes", function(queued_bytes)),
            (c"SetHighWater", function(set_high_water)),
            (c"SetHalfOpen", function(set_half_open)),
        ],
        &[],
    );
}

/// `connection(fd, recvbuf[, decoder])`
pub fn new(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let recv_size = call.integer_in(2, 1, i64::MAX)? as usize;
    let framing = decoder::framing(call, 3)?;
    let fd = match net::fds::take(number) {
        Ok(fd) => fd,
        Err(code) => return convert::failure(call, code),
    };
    push(call, net::stream::Stream::new(fd), recv_size, framing);
    Ok(1)
}

/// Pushes a connection that has no engine yet.
pub fn push(call: &Call, socket: net::stream::Stream, recv_size: usize, framing: Framing) {
    let stream = Stream::new(socket, recv_size, framing, clock::now());
    call.push_object(Connection::over(stream));
}

impl Connection {
    fn over(stream: Stream) -> Self {
        Connection(Rc::new(Handle {
            shape: Cell::new(stream.shape()),
            stream: RefCell::new(stream),
            seat: Seat::default(),
            tickets: Cell::new(0),
            has_table: Cell::new(false),
            lease: Cell::new(None),
        }))
    }

    /// Queues a command of Redis: all of it or nothing.
    ///
    /// # Errors
    ///
    /// [`Code::SOCKET_CLOSED`], [`Code::NO_BUFFERS`].
    #[inline]
    pub fn send_command(&self, command: &Command) -> Result<(), Code> {
        self.0.queue_up(|stream, now| stream.send_command(command, now))
    }

    /// Queues by `push`: all of it or nothing.
    ///
    /// # Errors
    ///
    /// What `push` says.
    #[inline]
    pub fn queue_up(
        &self,
        push: impl FnOnce(&mut Stream, Instant) -> Result<(), Code>,
    ) -> Result<(), Code> {
        self.0.queue_up(push)
    }

    /// Bytes that have arrived of a message of which nothing was told.
    pub fn pending(&self) -> usize {
        self.0.stream.borrow_mut().pending()
    }

    /// From now on what arrives is read by another framing.
    ///
    /// # Errors
    ///
    /// It is closed, or just lent.
    pub fn switch(&self, framing: Framing) -> Result<(), Code> {
        let mut stream = self.0.stream.borrow_mut();
        if stream.is_lent() {
            return Err(Code::BUSY);
        }
        stream.socket().ok_or(Code::SOCKET_CLOSED)?;
        self.0.shape.set(stream.switch(framing));
        drop(stream);
        self.0.seat.touch();
        Ok(())
    }

    /// What a mail takes to another thread.
    pub fn claim(&self) -> Rc<dyn Claim> {
        self.0.clone()
    }
}

impl Claim for Handle {
    fn check(&self) -> Result<(), &'static str> {
        let stream = self.stream.borrow();
        if self.seat.is_taken() {
            Err("a connection in an engine cannot be sent: call RemoveEngine first")
        } else if stream.is_ending() || stream.socket().is_none() {
            Err("a closed connection cannot be sent")
        } else if stream.is_lent() {
            Err("a connection cannot be sent while a reply of it is made")
        } else if stream.owes_word() {
            Err("a connection cannot be sent before its on_send_finish was called")
        } else {
            Ok(())
        }
    }

    fn take(&self) -> Box<dyn Moved> {
        // Who counted it does so in the thread that it leaves.
        drop(self.lease.take());
        Box::new(Some(self.stream.borrow_mut().take_over(clock::now())))
    }
}

impl Moved for Option<Stream> {
    fn arrive(&mut self, call: &Call) {
        call.push_made(|| self.take().map(Connection::over));
    }
}

fn add_to_engine(call: &Call) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    seat::take(call, |core| handle.sit_down(core))
}

fn remove_engine(call: &Call) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    handle.stand_up(call);
    if handle.stream.borrow().is_ending() {
        // Without an engine nothing would end it.
        handle.hang_up();
    }
    Ok(0)
}

fn send(call: &Call) -> Outcome {
    let handle = &call.object::<Connection>(1)?.0;
    let ticket = call.optional_function(3)?.then(|| handle.next_ticket());
    let result = if let Some(packet) = call.try_object::<WPacket>(2) {
        packet.with(|writer| {
            let (head, size) = packet::head(writer.bytes().len(), writer.width().head());
            handle.send(&head[..size], writer.payload(), ticket)
        })
    } else if let Some(packet) = call.try_object::<RawPacket>(2) {
        let payload = match packet.0.len() > limits::SEND_COPY {
            true => Payload::Share(packet.0.share()),
            false => Payload::Copy(&packet.0),
        };
        handle.send(&[], payload, ticket)
    } else if let Some(HttpPacket(message)) = call.try_object(2) {
        handle.send_message(message, ticket)
    } else if call.try_object::<RPacket>(2).is_some() {
        Err(Code::INVALID_PACKET)
    } else {
        return Err(call.expected(2, "packet"));
    };
    if let (Ok(()), Some(ticket)) = (result, ticket) {
        set_callback(call, handle, ticket.into());
    }
    convert::status(call, result)
}

/// Stores the function at argument 3 in the object's own table.
fn set_callback(call: &Call, handle: &Handle, at: i64) {
    call.reserve(4);
    if !handle.has_table.replace(true) {
        call.push_table(1, 1);
        call.set_user_value(1);
    }
    call.user_value(1);
    call.push_value(3);
    call.raw_set(-2, at);
    call.pop(1);
}

fn close(call: &Call) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    let delay = convert::optional_millis(call, 2)?;
    let seated = handle.seat.is_taken();
    if delay.is_zero() || !seated {
        handle.stream.borrow_mut().close(clock::now());
        handle.stand_up(call);
        handle.hang_up();
    } else {
        handle.stream.borrow_mut().close_after(delay, clock::now());
        handle.seat.touch();
    }
    Ok(0)
}

fn set_recv_timeout(call: &Call) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    let after = convert::millis(call, 2)?;
    handle.stream.borrow_mut().set_recv_timeout(after, clock::now());
    handle.seat.touch();
    Ok(0)
}

fn set_send_timeout(call: &Call) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    let after = convert::millis(call, 2)?;
    handle.stream.borrow_mut().set_send_timeout(after, clock::now());
    handle.seat.touch();
    Ok(0)
}

fn peer_addr(call: &Call) -> Outcome {
    let addr = call.object::<Connection>(1)?.0.with_socket(net::addr::peer);
    convert::address(call, addr)
}

fn sock_addr(call: &Call) -> Outcome {
    let addr = call.object::<Connection>(1)?.0.with_socket(net::addr::local);
    convert::address(call, addr)
}

fn set_nodelay(call: &Call) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    let on = call.switch(2)?;
    let result = handle.with_socket(|socket| net::options::set_nodelay(socket, on));
    convert::status(call, result)
}

fn pause(call: &Call, on: bool) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    handle.stream.borrow_mut().pause(on, clock::now());
    handle.seat.touch();
    Ok(0)
}

fn shutdown_write(call: &Call) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    let now = handle.seat.now();
    handle.stream.borrow_mut().shutdown_write(now);
    handle.seat.touch();
    let seated = handle.seat.is_taken();
    if !seated && handle.stream.borrow().is_done() {
        // Without an engine nothing would end it.
        handle.hang_up();
    }
    Ok(0)
}

fn queued_bytes(call: &Call) -> Outcome {
    let queued = call.object::<Connection>(1)?.0.stream.borrow().queued();
    call.push_integer(queued as i64);
    Ok(1)
}

fn set_high_water(call: &Call) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    let high = call.integer_in(2, 1, i64::MAX)? as usize;
    let wants_drain = call.optional_function(3)?;
    let limit = match call.is_absent(4) {
        true => limits::SEND_LIMIT.max(high),
        false => call.integer_in(4, high as i64, i64::MAX)? as usize,
    };
    handle.stream.borrow_mut().set_high_water(high, limit);
    if wants_drain || handle.has_table.get() {
        call.set_top(3);
        set_callback(call, &handle, DRAIN);
    }
    Ok(0)
}

fn set_half_open(call: &Call) -> Outcome {
    let handle = call.object::<Connection>(1)?.0.clone();
    let on = call.switch(2)?;
    handle.stream.borrow_mut().set_half_open(on);
    handle.seat.touch();
    Ok(0)
}

impl Handle {
    fn next_ticket(&self) -> Ticket {
        let ticket = self.tickets.get().wrapping_add(1).max(1);
        self.tickets.set(ticket);
        ticket
    }

    fn with_socket<R>(
        &self,
        ask: impl FnOnce(&net::stream::Stream) -> Result<R, Code>,
    ) -> Result<R, Code> {
        self.stream.borrow().socket().map_or(Err(Code::SOCKET_CLOSED), ask)
    }

    fn send(&self, head: &[u8], payload: Payload<'_>, ticket: Option<Ticket>) -> Result<(), Code> {
        self.queue_up(|stream, now| stream.send(head, payload, ticket, now))
    }

    /// Queues by `push`, and sees to it that what is queued leaves.
    #[inline]
    fn queue_up(
        &self,
        push: impl FnOnce(&mut Stream, Instant) -> Result<(), Code>,
    ) -> Result<(), Code> {
        let mut stream = self.stream.borrow_mut();
        let now = self.seat.now();
        let was_empty = stream.queued() == 0;
        push(&mut stream, now)?;
        self.seat.with(|seat| {
            if stream.wants_flush() {
                add(&seat.core.stats.bytes_out, stream.flush(now));
            }
            // Who had something queued is touched already, or waits for the kernel.
            if was_empty {
                seat.core.sends_to(seat.key);
            }
        });
        Ok(())
    }

    fn sit_down(self: &Rc<Self>, core: &Rc<Core>) -> Result<Key, Code> {
        self.seat.expect_free()?;
        let mut stream = self.stream.borrow_mut();
        let fd = stream.fd().ok_or(Code::SOCKET_CLOSED)?;
        let key = core.register(fd, self.clone())?;
        stream.start(clock::now());
        drop(stream);
        self.seat.take(core, key);
        self.seat.touch();
        Ok(key)
    }

    /// Closes the socket.
    fn hang_up(&self) {
        self.stream.borrow_mut().drop_socket();
        drop(self.lease.take());
    }

    fn stand_up(&self, call: &Call) {
        self.seat.leave(call, self.stream.borrow().fd());
    }

    /// Reads once, and writes if there is room; returns how many bytes were read.
    fn receive(&self, ready: Ready, core: &Core) -> usize {
        let (read, written) = self.stream.borrow_mut().wake(ready, core.now());
        add(&core.stats.bytes_in, read);
        add(&core.stats.bytes_out, written);
        read
    }
}

impl Owner for Handle {
    fn wake(&self, ready: Ready, core: &Core) {
        self.receive(ready, core);
    }

    fn tell(&self, key: Key, stage: &Stage<'_>) {
        let core = stage.core;
        let mut read = 0;
        while self.is_told(key, stage) {
            if let Some(event) = self.deliver_packets(key, stage) {
                self.deliver(event, key, stage);
                continue;
            }
            // There is more to read: go on until others should have their turn.
            if read >= limits::READ_BUFFER || !self.stream.borrow().wants_read() {
                break;
            }
            read += self.receive(Ready::default(), core).max(1);
        }
        self.stream.borrow_mut().stow();
    }

    fn settle(&self, key: Key, stage: &Stage<'_>) {
        if !self.seat.is_at(key, stage.core) {
            return;
        }
        self.tell(key, stage);
        if !self.seat.is_at(key, stage.core) {
            return;
        }
        let core = stage.core;
        let written = self.stream.borrow_mut().flush(core.now());
        add(&core.stats.bytes_out, written);
        self.tell(key, stage);
        if !self.seat.is_at(key, stage.core) {
            return;
        }
        if core.is_stopping() {
            // Something may be left to tell: in the next run.
            self.seat.touch();
        }
        let mut stream = self.stream.borrow_mut();
        stream.move_on(core.now());
        stream.settle();
        if stream.is_closed() {
            drop(stream);
            self.leave(key, stage);
            return;
        }
        core.arm(key, stream.deadline());
        if stream.wants_turn() {
            core.wake_again(key);
        }
    }

    fn abandon(&self, key: Key, stage: Option<&Stage<'_>>) {
        if let Some(stage) = stage {
            self.deliver_code(Code::ENGINE_CLOSED, key, stage);
            if !self.seat.is_at(key, stage.core) {
                return;
            }
            stage.forget(key);
        }
        self.seat.clear();
        self.hang_up();
    }
}

impl Handle {
    /// The connection has closed itself.
    fn leave(&self, key: Key, stage: &Stage<'_>) {
        self.seat.clear();
        stage.core.release(key, self.stream.borrow().fd());
        stage.forget(key);
        self.hang_up();
    }
}
