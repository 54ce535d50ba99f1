//! Messages of HTTP, from a connection to its callback.

use super::{Connection, Handle, set_callback};
use crate::base::error::Code;
use crate::base::limits;
use crate::binding::convert;
use crate::binding::file::FileObject;
use crate::binding::http::{self, Part, push_violation};
use crate::binding::httppacket::HttpPacket;
use crate::binding::raw::{Call, Outcome};
use crate::binding::stage::Stage;
use crate::codec::http1::{Message, Violation};
use crate::conn::queue::{Span, Ticket};
use crate::conn::stream::Lent;
use crate::engine::key::Key;
use crate::net::file::Kind;

/// `send_file(conn, file, offset, length[, on_done])`: true; or nil, message, code.
pub fn send_file(call: &Call) -> Outcome {
    let handle = &call.object::<Connection>(1)?.0;
    let object = call.object::<FileObject>(2)?;
    let at = call.integer_in(3, 0, i64::MAX)? as u64;
    let len = call.integer_in(4, 0, isize::MAX as i64)? as usize;
    let ticket = call.optional_function(5)?.then(|| handle.next_ticket());
    let result = object.file().and_then(|file| {
        let end = at.checked_add(len as u64).ok_or(Code::INVALID)?;
        if file.kind() != Kind::Regular || end > file.size() {
            return Err(Code::INVALID);
        }
        let span = Span { file, at, len };
        http::with_writer(|writer| {
            handle.queue_up(|stream, now| stream.send_file(span, ticket, writer, now))
        })
    });
    if let Err(code) = result {
        return convert::failure(call, code);
    }
    if let Some(ticket) = ticket {
        // It is expected there.
        call.push_value(5);
        call.insert(3);
        set_callback(call, handle, ticket.into());
    }
    call.push_boolean(true);
    Ok(1)
}

impl Handle {
    /// Tells the object of whole messages.
    pub(super) fn deliver_messages(&self, key: Key, stage: &Stage<'_>) {
        stage.invoke_each(key, |call| {
            let mut refused = None;
            let is_made = call.push_made(|| match self.next_message(key, stage)? {
                Ok(message) => Some(HttpPacket(message)),
                Err(violation) => {
                    refused = Some(violation);
                    None
                }
            });
            if is_made {
                call.push_integer(0);
                return Some(2);
            }
            refused.map(|violation| push_violation(call, violation))
        });
    }

    #[inline]
    fn next_message(&self, key: Key, stage: &Stage<'_>) -> Option<Result<Message, Violation>> {
        if !self.is_told(key, stage) {
            return None;
        }
        self.stream.borrow_mut().next_message(stage.core.began())
    }

    /// Tells the object of messages in parts. As with replies, what they are made of is out of the
    /// stream meanwhile, and a part whose making was ended by an error is made anew.
    pub(super) fn deliver_parts(&self, key: Key, stage: &Stage<'_>) {
        let (mut lent, mut part, mut tries) = (Lent::default(), None, 0);
        stage.invoke_each(key, |call| {
            let top = call.top();
            loop {
                if lent.is_out() {
                    tries += 1;
                } else if !self.is_told(key, stage) || !self.lend_part(&mut lent, &mut part) {
                    return None;
                }
                if tries >= limits::HTTP_TRIES {
                    self.give_up(&mut lent);
                    return None;
                }
                let more = part.as_ref().map(|part| part.push(call, lent.bytes()));
                self.stream.borrow_mut().give_back(&mut lent, true);
                tries = 0;
                // A finalizer may have closed it.
                if more.is_some() && self.is_told(key, stage) {
                    return more;
                }
                call.set_top(top);
            }
        });
    }

    /// Takes out what the next step is made of; no part when there is nothing to tell of it.
    fn lend_part(&self, lent: &mut Lent, part: &mut Option<Part>) -> bool {
        let mut stream = self.stream.borrow_mut();
        if !stream.lend(lent) {
            return false;
        }
        *part = stream.http().and_then(Part::of);
        true
    }

    /// What could not be made is lost, and with it the connection.
    #[cold]
    fn give_up(&self, lent: &mut Lent) {
        let mut stream = self.stream.borrow_mut();
        stream.give_back(lent, true);
        stream.break_off(Code::NO_MEMORY);
    }

    /// Queues a whole message.
    pub(super) fn send_message(
        &self,
        message: &Message,
        ticket: Option<Ticket>,
    ) -> Result<(), Code> {
        http::with_writer(|writer| {
            self.queue_up(|stream, now| stream.send_message(message, writer, ticket, now))
        })
    }
}
