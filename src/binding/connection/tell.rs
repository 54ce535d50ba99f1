//! Events of a connection, to its callbacks.

use super::{DRAIN, Handle};
use crate::base::buf::Buf;
use crate::base::error::Code;
use crate::binding::packet;
use crate::binding::raw::Kind;
use crate::binding::stage::Stage;
use crate::conn::framing::{Packet, Shape};
use crate::conn::stream::Event;
use crate::engine::key::Key;

impl Handle {
    /// Tells the object of packets, as long as there is nothing else; returns what else.
    pub(super) fn deliver_packets(&self, key: Key, stage: &Stage<'_>) -> Option<Event> {
        if self.stream.borrow().may_have_packet() {
            match self.shape.get() {
                Shape::Raw | Shape::Framed(_) => self.deliver_bytes(key, stage),
                Shape::Reply => self.deliver_replies(key, stage),
                Shape::Message => self.deliver_messages(key, stage),
                Shape::Requests | Shape::Responses => self.deliver_parts(key, stage),
            }
        }
        self.poll(key, stage)
    }

    /// Tells the object of packets that are bytes.
    fn deliver_bytes(&self, key: Key, stage: &Stage<'_>) {
        stage.invoke_each(key, |call| {
            if !self.stream.borrow().may_have_packet() {
                return None;
            }
            let take = || self.is_told(key, stage).then(|| self.next_packet()).flatten();
            if !packet::push(call, self.shape.get().width(), take) {
                return None;
            }
            call.push_integer(0);
            Some(2)
        });
    }

    #[inline]
    fn next_packet(&self) -> Option<Buf> {
        self.stream.borrow_mut().next_packet()
    }

    /// Whether its callback is to be told anything.
    #[inline]
    pub(super) fn is_told(&self, key: Key, stage: &Stage<'_>) -> bool {
        !stage.core.is_stopping() && self.seat.is_at(key, stage.core)
    }

    fn poll(&self, key: Key, stage: &Stage<'_>) -> Option<Event> {
        if !self.is_told(key, stage) {
            return None;
        }
        self.stream.borrow_mut().poll(stage.core.began())
    }

    /// Tells the object of one event.
    pub(super) fn deliver(&self, event: Event, key: Key, stage: &Stage<'_>) {
        match event {
            Event::Packet(packet) => self.deliver_packet(packet, key, stage),
            Event::Late(code) | Event::Ended(code) => self.deliver_code(code, key, stage),
            Event::Sent(ticket) => self.deliver_own(ticket.into(), true, key, stage),
            Event::Drained => self.deliver_own(DRAIN, false, key, stage),
        }
    }

    fn deliver_packet(&self, packet: Packet, key: Key, stage: &Stage<'_>) {
        let bytes = match packet {
            Packet::Raw(bytes) => bytes,
            Packet::Framed(reader) => reader.body().clone(),
            // Those are taken before it is asked what else there is.
            Packet::Other(_) => return,
        };
        stage.push_callback(key);
        stage.push_object(key);
        packet::push(stage.call, self.shape.get().width(), || Some(bytes));
        stage.call.push_integer(0);
        stage.invoke(3, 0);
    }

    pub(super) fn deliver_code(&self, code: Code, key: Key, stage: &Stage<'_>) {
        stage.push_callback(key);
        stage.push_object(key);
        stage.call.push_nil();
        stage.call.push_integer(code.0.into());
        stage.invoke(3, 0);
    }

    /// Calls a function of the object's own table, and takes it out if it is called `once`.
    fn deliver_own(&self, at: i64, once: bool, key: Key, stage: &Stage<'_>) {
        if !self.has_table.get() {
            return;
        }
        let call = stage.call;
        let top = call.top();
        stage.push_object(key);
        call.user_value(-1);
        call.raw_get(-1, at);
        if once {
            call.push_nil();
            call.raw_set(-3, at);
        }
        if call.kind(-1) == Kind::Function {
            call.push_value(top + 1);
            stage.invoke(1, 0);
        }
        call.set_top(top);
    }
}
