//! `datagram`: packets that stand alone, over UDP and Unix sockets.

use std::cell::RefCell;
use std::ffi::{CStr, c_int};
use std::net::IpAddr;
use std::rc::Rc;

use super::cargo::{Claim, Moved};
use super::convert;
use super::decoder;
use super::packet::{self, RPacket, RawPacket, WPacket};
use super::place;
use super::raw::{Call, Class, Fail, Outcome, function};
use super::run::{Core, Owner};
use super::seat::{self, Seat};
use super::stage::Stage;
use super::stats::add;
use crate::base::buf::Buf;
use crate::base::error::Code;
use crate::base::limits;
use crate::codec::frame::Width;
use crate::conn::datagram::{Datagram, Event, Text};
use crate::engine::Ready;
use crate::engine::key::Key;
use crate::net::addr::{self, Address};
use crate::net::group::{self, Interface};
use crate::net::{datagram, fds};

/// What Lua holds.
pub struct DatagramObject(Rc<Handle>);

impl Class for DatagramObject {
    const NAME: &'static CStr = c"datagram";
    const INDEX: usize = place::DATAGRAM;
}

/// What Lua and the engine share.
struct Handle {
    datagram: RefCell<Datagram>,
    /// Of frames, the width of their header.
    width: Option<Width>,
    seat: Seat,
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<DatagramObject>(
        &[
            (c"Add2Engine", function(add_to_engine)),
            (c"RemoveEngine", function(remove_engine)),
            (c"SendTo", function(send_to)),
            (c"Send", function(send)),
            (c"Connect", function(connect)),
            (c"Close", function(close)),
            (c"GetPeerAddr", function(peer_addr)),
            (c"GetSockAddr", function(sock_addr)),
            (c"SetBroadcast", function(set_broadcast)),
            (c"JoinGroup", function(|call| join(call, true))),
            (c"LeaveGroup", function(|call| join(call, false))),
            (c"SetTtl", function(set_ttl)),
            (c"SetMulticastTtl", function(set_multicast_ttl)),
            (c"SetMulticastLoop", function(set_multicast_loop)),
            (c"SetMulticastInterface", function(set_multicast_interface)),
            (c"PauseRead", function(|call| pause(call, true))),
            (c"ResumeRead", function(|call| pause(call, false))),
            (c"QueuedBytes", function(queued_bytes)),
            (c"Stats", function(stats)),
        ],
        &[],
    );
}

/// `datagram(fd, recvbuf[, decoder])`
pub fn new(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let recv_size = call.integer_in(2, 1, i64::MAX)? as usize;
    let whole = decoder::whole(call, 3)?;
    // A socket of another type stays what it is: a number of the script's.
    let checked = fds::get(number).and_then(|fd| datagram::check(&fd));
    let socket = match checked.and_then(|_| datagram::Datagram::new(fds::take(number)?)) {
        Ok(socket) => socket,
        Err(code) => return convert::failure(call, code),
    };
    call.push_object(DatagramObject::over(Datagram::new(socket, recv_size, whole)));
    Ok(1)
}

impl DatagramObject {
    fn over(datagram: Datagram) -> Self {
        DatagramObject(Rc::new(Handle {
            width: datagram.width(),
            datagram: RefCell::new(datagram),
            seat: Seat::default(),
        }))
    }

    /// What a mail takes to another thread.
    pub fn claim(&self) -> Rc<dyn Claim> {
        self.0.clone()
    }
}

impl Claim for Handle {
    fn check(&self) -> Result<(), &'static str> {
        if self.seat.is_taken() {
            Err("a datagram socket in an engine cannot be sent: call RemoveEngine first")
        } else if self.datagram.borrow().socket().is_none() {
            Err("a closed datagram socket cannot be sent")
        } else {
            Ok(())
        }
    }

    fn take(&self) -> Box<dyn Moved> {
        Box::new(Some(self.datagram.borrow_mut().take_over()))
    }
}

impl Moved for Option<Datagram> {
    fn arrive(&mut self, call: &Call) {
        call.push_made(|| self.take().map(DatagramObject::over));
    }
}

fn add_to_engine(call: &Call) -> Outcome {
    let handle = call.object::<DatagramObject>(1)?.0.clone();
    seat::take(call, |core| handle.sit_down(core))
}

fn remove_engine(call: &Call) -> Outcome {
    let handle = call.object::<DatagramObject>(1)?.0.clone();
    handle.stand_up(call);
    Ok(0)
}

fn send_to(call: &Call) -> Outcome {
    let handle = &call.object::<DatagramObject>(1)?.0;
    let to = call.bytes(3)?;
    let result = send_packet(call, |head, bytes| handle.send(head, bytes, Some(to)))?;
    if result == Err(Code::INVALID) && Address::parse(to).is_none() {
        return Err(convert::no_address(3, to));
    }
    convert::status(call, result)
}

fn send(call: &Call) -> Outcome {
    let handle = &call.object::<DatagramObject>(1)?.0;
    let result = send_packet(call, |head, bytes| handle.send(head, bytes, None))?;
    convert::status(call, result)
}

/// Has `work` send header and payload of the packet at argument 2.
fn send_packet(
    call: &Call,
    work: impl FnOnce(&[u8], &[u8]) -> Result<(), Code>,
) -> Result<Result<(), Code>, Fail> {
    if let Some(packet) = call.try_object::<WPacket>(2) {
        return Ok(packet.with(|writer| {
            let (head, size) = packet::head(writer.bytes().len(), writer.width().head());
            work(&head[..size], writer.bytes())
        }));
    }
    if let Some(packet) = call.try_object::<RawPacket>(2) {
        return Ok(work(&[], &packet.0));
    }
    if call.try_object::<RPacket>(2).is_some() {
        return Ok(Err(Code::INVALID_PACKET));
    }
    Err(call.expected(2, "packet"))
}

fn connect(call: &Call) -> Outcome {
    let handle = call.object::<DatagramObject>(1)?.0.clone();
    let to = convert::target(call, 2)?;
    let result = handle.datagram.borrow_mut().connect(&to);
    handle.seat.touch();
    convert::status(call, result)
}

fn close(call: &Call) -> Outcome {
    let handle = call.object::<DatagramObject>(1)?.0.clone();
    handle.datagram.borrow_mut().flush();
    handle.stand_up(call);
    handle.datagram.borrow_mut().close();
    Ok(0)
}

fn peer_addr(call: &Call) -> Outcome {
    let addr = call.object::<DatagramObject>(1)?.0.with_socket(addr::peer);
    convert::address(call, addr)
}

fn sock_addr(call: &Call) -> Outcome {
    let addr = call.object::<DatagramObject>(1)?.0.with_socket(addr::local);
    convert::address(call, addr)
}

fn set_broadcast(call: &Call) -> Outcome {
    let on = call.switch(2)?;
    set(call, |socket| group::set_broadcast(socket, on))
}

fn join(call: &Call, on: bool) -> Outcome {
    let group: IpAddr = call.text(2)?.parse().map_err(|_| {
        let text = String::from_utf8_lossy(call.to_bytes(2).unwrap_or_default());
        Fail::argument(2, format!("IPv4 or IPv6 address of a group expected, got \"{text}\""))
    })?;
    match interface(call, 3)? {
        Ok(at) => set(call, |socket| group::join(socket, group, at, on)),
        Err(code) => set(call, |_| Err(code)),
    }
}

fn set_ttl(call: &Call) -> Outcome {
    let hops = call.integer_in(2, 1, 255)? as u32;
    set(call, |socket| group::set_ttl(socket, socket.family(), hops))
}

fn set_multicast_ttl(call: &Call) -> Outcome {
    let hops = call.integer_in(2, 0, 255)? as u32;
    set(call, |socket| group::set_multicast_ttl(socket, socket.family(), hops))
}

fn set_multicast_loop(call: &Call) -> Outcome {
    let on = call.switch(2)?;
    set(call, |socket| group::set_multicast_loop(socket, socket.family(), on))
}

fn set_multicast_interface(call: &Call) -> Outcome {
    match interface(call, 2)? {
        Ok(at) => set(call, |socket| group::set_interface(socket, socket.family(), at)),
        Err(code) => set(call, |_| Err(code)),
    }
}

/// Argument `n`, an interface: an IPv4 address that it has, its name, or its number.
fn interface(call: &Call, n: c_int) -> Result<Result<Interface, Code>, Fail> {
    if call.is_absent(n) {
        return Ok(Ok(Interface::Any));
    }
    if call.to_number(n).is_some() {
        return Ok(Ok(Interface::Index(call.integer_in(n, 0, u32::MAX.into())? as u32)));
    }
    if call.to_bytes(n).is_none() {
        return Err(call.expected(n, "address, name or number of an interface"));
    }
    Ok(Interface::parse(call.text(n)?))
}

fn set(call: &Call, work: impl FnOnce(&datagram::Datagram) -> Result<(), Code>) -> Outcome {
    let result = call.object::<DatagramObject>(1)?.0.with_socket(work);
    convert::status(call, result)
}

fn pause(call: &Call, on: bool) -> Outcome {
    let handle = call.object::<DatagramObject>(1)?.0.clone();
    handle.datagram.borrow_mut().pause(on);
    handle.seat.touch();
    Ok(0)
}

fn queued_bytes(call: &Call) -> Outcome {
    let queued = call.object::<DatagramObject>(1)?.0.datagram.borrow().queued();
    call.push_integer(queued as i64);
    Ok(1)
}

fn stats(call: &Call) -> Outcome {
    let counts = call.object::<DatagramObject>(1)?.0.datagram.borrow().counts();
    call.push_table(0, 4);
    for (name, count) in [
        (c"received", counts.received),
        (c"sent", counts.sent),
        (c"dropped", counts.dropped),
        (c"truncated", counts.truncated),
    ] {
        call.push_integer(count as i64);
        call.set_field(-2, name);
    }
    Ok(1)
}

impl Handle {
    fn with_socket<R>(
        &self,
        ask: impl FnOnce(&datagram::Datagram) -> Result<R, Code>,
    ) -> Result<R, Code> {
        self.datagram.borrow().socket().map_or(Err(Code::SOCKET_CLOSED), ask)
    }

    fn send(&self, head: &[u8], bytes: &[u8], to: Option<&[u8]>) -> Result<(), Code> {
        let mut datagram = self.datagram.borrow_mut();
        let was_empty = datagram.waiting() == 0;
        datagram.send(head, bytes, to)?;
        self.seat.with(|seat| {
            if datagram.wants_flush() {
                add(&seat.core.stats.bytes_out, datagram.flush());
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
        let mut datagram = self.datagram.borrow_mut();
        let fd = datagram.fd().ok_or(Code::SOCKET_CLOSED)?;
        let key = core.register(fd, self.clone())?;
        datagram.start();
        drop(datagram);
        self.seat.take(core, key);
        self.seat.touch();
        Ok(key)
    }

    fn stand_up(&self, call: &Call) {
        self.seat.leave(call, self.datagram.borrow().fd());
    }

    /// Whether it still has the registration that `stage` speaks of, and is to be told.
    fn is_told(&self, key: Key, stage: &Stage<'_>) -> bool {
        !stage.core.is_stopping() && self.seat.is_at(key, stage.core)
    }

    /// Receives once, and sends if there is room; returns how many datagrams are pending.
    fn receive(&self, ready: Ready, core: &Core) -> usize {
        let mut datagram = self.datagram.borrow_mut();
        let (received, sent) = datagram.wake(ready);
        add(&core.stats.bytes_in, received);
        add(&core.stats.bytes_out, sent);
        datagram.pending()
    }

    /// Tells the object of packets, as long as there is nothing else; returns what else.
    fn deliver_packets(&self, key: Key, stage: &Stage<'_>) -> Option<Event> {
        if self.datagram.borrow().may_have_packet() {
            stage.invoke_each(key, |call| {
                if !self.datagram.borrow().may_have_packet() {
                    return None;
                }
                let mut from = Text::NONE;
                let take = || {
                    let next = self.is_told(key, stage).then(|| self.next_packet()).flatten();
                    next.map(|(bytes, text)| {
                        from = text;
                        bytes
                    })
                };
                if !packet::push(call, self.width, take) {
                    return None;
                }
                push_text(call, from);
                call.push_integer(0);
                Some(3)
            });
        }
        self.is_told(key, stage).then(|| self.datagram.borrow_mut().poll()).flatten()
    }

    #[inline]
    fn next_packet(&self) -> Option<(Buf, Text)> {
        self.datagram.borrow_mut().next_packet()
    }

    fn deliver(&self, event: Event, key: Key, stage: &Stage<'_>) {
        match event {
            Event::Failed(code, to) => self.deliver_code(code, to, key, stage),
            Event::Packet(bytes, from) => {
                stage.push_callback(key);
                stage.push_object(key);
                packet::push(stage.call, self.width, || Some(bytes));
                push_text(stage.call, from);
                stage.call.push_integer(0);
                stage.invoke(4, 0);
            }
        }
    }

    fn deliver_code(&self, code: Code, to: Text, key: Key, stage: &Stage<'_>) {
        stage.push_callback(key);
        stage.push_object(key);
        stage.call.push_nil();
        push_text(stage.call, to);
        stage.call.push_integer(code.0.into());
        stage.invoke(4, 0);
    }
}

fn push_text(call: &Call, text: Text) {
    match text.get() {
        Some(text) => call.push_bytes(text),
        None => call.push_nil(),
    }
}

impl Owner for Handle {
    fn wake(&self, ready: Ready, core: &Core) {
        self.receive(ready, core);
    }

    fn tell(&self, key: Key, stage: &Stage<'_>) {
        let mut received = 0;
        while self.is_told(key, stage) {
            if let Some(event) = self.deliver_packets(key, stage) {
                self.deliver(event, key, stage);
                continue;
            }
            // There is more: go on until others should have their turn.
            if received >= limits::DATAGRAM_TURN || !self.datagram.borrow().wants_turn() {
                break;
            }
            received += self.receive(Ready::default(), stage.core).max(1);
        }
        self.datagram.borrow_mut().stow();
    }

    fn settle(&self, key: Key, stage: &Stage<'_>) {
        if !self.seat.is_at(key, stage.core) {
            return;
        }
        self.tell(key, stage);
        if !self.seat.is_at(key, stage.core) {
            return;
        }
        let sent = self.datagram.borrow_mut().flush();
        add(&stage.core.stats.bytes_out, sent);
        if !self.seat.is_at(key, stage.core) {
            return;
        }
        let datagram = self.datagram.borrow();
        let has_news = datagram.has_news() || datagram.wants_turn();
        drop(datagram);
        if has_news {
            // What sending has brought up, or what a stop has left, is told in the next pass.
            stage.core.wake_again(key);
        }
    }

    fn abandon(&self, key: Key, stage: Option<&Stage<'_>>) {
        if let Some(stage) = stage {
            self.deliver_code(Code::ENGINE_CLOSED, Text::NONE, key, stage);
            if !self.seat.is_at(key, stage.core) {
                return;
            }
            stage.forget(key);
        }
        self.seat.clear();
        self.datagram.borrow_mut().drop_socket();
    }
}
