//! `connector`: tells how a connect in progress ends.

use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;
use std::time::Duration;

use super::convert;
use super::place;
use super::raw::{Call, Class, Outcome, function};
use super::run::{Core, Owner};
use super::seat::{self, Seat};
use super::stage::Stage;
use crate::base::error::Code;
use crate::engine::Ready;
use crate::engine::key::Key;
use crate::net::connector::Connector;
use crate::net::fds;

/// What Lua holds.
pub struct ConnectorObject(Rc<Handle>);

impl Class for ConnectorObject {
    const NAME: &'static CStr = c"connector";
    const INDEX: usize = place::CONNECTOR;
}

struct Handle {
    /// The socket, until it is associated.
    waiting: RefCell<Option<(Connector, Duration)>>,
    /// The socket, until its fate is told.
    connector: RefCell<Option<Connector>>,
    seat: Seat,
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<ConnectorObject>(
        &[(c"Add2Engine", function(add_to_engine)), (c"Close", function(close))],
        &[],
    );
}

/// `connector(fd[, timeout_ms])`
pub fn new(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let timeout = convert::optional_millis(call, 2)?;
    let fd = match fds::take(number) {
        Ok(fd) => fd,
        Err(code) => return convert::failure(call, code),
    };
    call.push_object(ConnectorObject(Rc::new(Handle {
        waiting: RefCell::new(Some((Connector::new(fd), timeout))),
        connector: RefCell::new(None),
        seat: Seat::default(),
    })));
    Ok(1)
}

fn add_to_engine(call: &Call) -> Outcome {
    let handle = call.object::<ConnectorObject>(1)?.0.clone();
    seat::take(call, |core| handle.sit_down(core))
}

fn close(call: &Call) -> Outcome {
    let handle = call.object::<ConnectorObject>(1)?.0.clone();
    drop(handle.waiting.borrow_mut().take());
    let connector = handle.connector.borrow_mut().take();
    handle.seat.leave(call, connector.as_ref().and_then(Connector::fd));
    Ok(0)
}

impl Handle {
    fn sit_down(self: &Rc<Self>, core: &Rc<Core>) -> Result<Key, Code> {
        self.seat.expect_free()?;
        let mut waiting = self.waiting.borrow_mut();
        let (connector, timeout) = waiting.as_mut().ok_or(Code::SOCKET_CLOSED)?;
        let deadline = (!timeout.is_zero()).then(|| core.now() + *timeout);
        let fd = connector.fd().ok_or(Code::SOCKET_CLOSED)?;
        let key = core.register(fd, self.clone())?;
        connector.give_up_at(deadline);
        core.arm(key, deadline);
        *self.connector.borrow_mut() = waiting.take().map(|(connector, _)| connector);
        self.seat.take(core, key);
        Ok(key)
    }

    /// Ends the registration and tells the outcome.
    fn deliver(&self, outcome: Result<(), Code>, key: Key, stage: &Stage<'_>) {
        self.seat.clear();
        let mut connector = self.connector.borrow_mut().take();
        stage.core.release(key, connector.as_ref().and_then(Connector::fd));
        stage.push_callback(key);
        stage.forget(key);
        let fd = outcome.and_then(|()| {
            connector.as_mut().and_then(Connector::take_fd).ok_or(Code::SOCKET_CLOSED)
        });
        drop(connector);
        match fd {
            Ok(fd) => stage.hand_over(fd),
            Err(code) => stage.refuse(code),
        }
    }
}

impl Owner for Handle {
    fn wake(&self, ready: Ready, _core: &Core) {
        if (ready.writable || ready.ended)
            && let Some(connector) = self.connector.borrow_mut().as_mut()
        {
            connector.wake();
        }
    }

    fn tell(&self, key: Key, stage: &Stage<'_>) {
        if stage.core.is_stopping() {
            return;
        }
        let now = stage.core.now();
        let outcome = self.connector.borrow_mut().as_mut().and_then(|c| c.poll(now));
        if let Some(outcome) = outcome {
            self.deliver(outcome, key, stage);
        }
    }

    fn settle(&self, key: Key, stage: &Stage<'_>) {
        let deadline = match self.connector.borrow().as_ref() {
            Some(connector) => connector.deadline(),
            None => return,
        };
        stage.core.arm(key, deadline);
        if stage.core.is_stopping() {
            stage.core.wake_again(key);
        }
    }

    fn abandon(&self, key: Key, stage: Option<&Stage<'_>>) {
        match stage {
            Some(stage) => self.deliver(Err(Code::ENGINE_CLOSED), key, stage),
            None => {
                self.seat.clear();
                *self.connector.borrow_mut() = None;
            }
        }
    }
}
