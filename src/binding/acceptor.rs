//! `acceptor`: connections from a listening socket.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use super::cargo::{Claim, Moved};
use super::connection::Connection;
use super::convert;
use super::lease::{Counter, Lease};
use super::place;
use super::raw::{Call, Class, Outcome, function};
use super::run::{Core, Owner};
use super::seat::{self, Seat};
use super::stage::Stage;
use super::stats::add;
use crate::base::error::Code;
use crate::base::limits;
use crate::engine::Ready;
use crate::engine::key::Key;
use crate::net::fds;
use crate::net::listener::{Event, Listener};

/// What Lua holds.
pub struct Acceptor(Rc<Handle>);

impl Class for Acceptor {
    const NAME: &'static CStr = c"acceptor";
    const INDEX: usize = place::ACCEPTOR;
}

struct Handle {
    /// `None` once closed.
    listener: RefCell<Option<Listener>>,
    seat: Seat,
    /// Open connections that are counted.
    open: Cell<usize>,
    /// From so many on nobody is accepted.
    limit: Cell<usize>,
}

impl Counter for Handle {
    fn give_back(&self) {
        let was_full = self.is_full();
        self.open.set(self.open.get() - 1);
        if was_full {
            self.seat.touch();
        }
    }
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<Acceptor>(
        &[
            (c"Add2Engine", function(add_to_engine)),
            (c"Enable", function(|call| enable(call, true))),
            (c"Disable", function(|call| enable(call, false))),
            (c"Count", function(count)),
            (c"Counted", function(counted)),
            (c"SetLimit", function(set_limit)),
            (c"Close", function(close)),
        ],
        &[],
    );
}

/// `acceptor(fd)`
pub fn new(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let listener = match fds::take(number).and_then(Listener::new) {
        Ok(listener) => listener,
        Err(code) => return convert::failure(call, code),
    };
    call.push_object(Acceptor::over(Some(listener), usize::MAX));
    Ok(1)
}

impl Acceptor {
    fn over(listener: Option<Listener>, limit: usize) -> Self {
        Acceptor(Rc::new(Handle {
            listener: RefCell::new(listener),
            seat: Seat::default(),
            open: Cell::new(0),
            limit: Cell::new(limit),
        }))
    }

    /// Another descriptor of the listening socket, for a process to inherit.
    ///
    /// # Errors
    ///
    /// It is closed, or we are out of descriptors.
    pub fn share(&self) -> Result<OwnedFd, Code> {
        let listener = self.0.listener.borrow();
        let listener = listener.as_ref().ok_or(Code::SOCKET_CLOSED)?;
        Ok(listener.as_fd().try_clone_to_owned()?)
    }

    /// What a mail takes to another thread.
    pub fn claim(&self) -> Rc<dyn Claim> {
        self.0.clone()
    }
}

impl Claim for Handle {
    fn check(&self) -> Result<(), &'static str> {
        if self.seat.is_taken() {
            // It has no RemoveEngine: it is sent before it is associated.
            Err("an acceptor in an engine cannot be sent")
        } else if self.listener.borrow().is_none() {
            Err("a closed acceptor cannot be sent")
        } else {
            Ok(())
        }
    }

    fn take(&self) -> Box<dyn Moved> {
        Box::new((self.listener.borrow_mut().take(), self.limit.get()))
    }
}

/// A listener and the limit of its connections; those that it has counted stay behind.
impl Moved for (Option<Listener>, usize) {
    fn arrive(&mut self, call: &Call) {
        call.push_made(|| Some(Acceptor::over(self.0.take(), self.1)));
    }
}

fn add_to_engine(call: &Call) -> Outcome {
    let handle = call.object::<Acceptor>(1)?.0.clone();
    seat::take(call, |core| handle.sit_down(core))
}

fn enable(call: &Call, on: bool) -> Outcome {
    let handle = &call.object::<Acceptor>(1)?.0;
    let result = match handle.listener.borrow_mut().as_mut() {
        None => Err(Code::SOCKET_CLOSED),
        Some(_) if !handle.seat.is_taken() => Err(Code::NO_ENGINE),
        Some(listener) => {
            listener.enable(on);
            Ok(())
        }
    };
    handle.seat.touch();
    convert::truth(call, result)
}

/// Counts a connection until it closes.
fn count(call: &Call) -> Outcome {
    let handle = &call.object::<Acceptor>(1)?.0;
    let connection = call.object::<Connection>(2)?;
    handle.open.set(handle.open.get() + 1);
    let counter: Rc<dyn Counter> = handle.clone();
    let result = connection.keep(Lease::of(&counter));
    convert::truth(call, result)
}

fn counted(call: &Call) -> Outcome {
    let open = call.object::<Acceptor>(1)?.0.open.get();
    call.push_integer(open as i64);
    Ok(1)
}

/// Accepts nobody while so many counted connections are open.
fn set_limit(call: &Call) -> Outcome {
    let handle = &call.object::<Acceptor>(1)?.0;
    let limit = call.integer_in(2, 1, i64::MAX)? as usize;
    handle.limit.set(limit);
    handle.seat.touch();
    Ok(0)
}

fn close(call: &Call) -> Outcome {
    let handle = call.object::<Acceptor>(1)?.0.clone();
    let listener = handle.listener.borrow_mut().take();
    handle.seat.leave(call, listener.as_ref().map(AsFd::as_fd));
    Ok(0)
}

impl Handle {
    fn sit_down(self: &Rc<Self>, core: &Rc<Core>) -> Result<Key, Code> {
        self.seat.expect_free()?;
        let listener = self.listener.borrow();
        let listener = listener.as_ref().ok_or(Code::SOCKET_CLOSED)?;
        let key = core.register(listener.as_fd(), self.clone())?;
        self.seat.take(core, key);
        Ok(key)
    }

    fn is_full(&self) -> bool {
        self.open.get() >= self.limit.get()
    }

    fn deliver(&self, event: Event, key: Key, stage: &Stage<'_>) {
        stage.push_callback(key);
        match event {
            Event::Accepted(fd) => {
                add(&stage.core.stats.accepted, 1);
                stage.hand_over(fd);
            }
            Event::Failed(code) => stage.refuse(code),
        }
    }
}

impl Owner for Handle {
    fn wake(&self, ready: Ready, _core: &Core) {
        if ready.readable
            && let Some(listener) = self.listener.borrow_mut().as_mut()
        {
            listener.wake();
        }
    }

    fn tell(&self, key: Key, stage: &Stage<'_>) {
        for _ in 0..limits::ACCEPT_BATCH {
            if stage.core.is_stopping() || self.is_full() {
                break;
            }
            let now = stage.core.now();
            let event = self.listener.borrow_mut().as_mut().and_then(|l| l.poll(now));
            let Some(event) = event else {
                return;
            };
            self.deliver(event, key, stage);
        }
    }

    fn settle(&self, key: Key, stage: &Stage<'_>) {
        let (ready, deadline) = match self.listener.borrow().as_ref() {
            // A connection that closes has us settled again.
            Some(_) if self.is_full() => (false, None),
            Some(listener) => (listener.is_ready(), listener.deadline()),
            None => return,
        };
        stage.core.arm(key, deadline);
        if ready && deadline.is_none() {
            stage.core.wake_again(key);
        }
    }

    fn abandon(&self, key: Key, stage: Option<&Stage<'_>>) {
        if let Some(stage) = stage {
            self.deliver(Event::Failed(Code::ENGINE_CLOSED), key, stage);
            if !self.seat.is_at(key, stage.core) {
                return;
            }
            stage.forget(key);
        }
        self.seat.clear();
        *self.listener.borrow_mut() = None;
    }
}
