//! `signal`: signals of the process, told in the loop.

use std::cell::RefCell;
use std::ffi::CStr;
use std::os::fd::AsFd;
use std::rc::Rc;

use super::convert;
use super::place;
use super::raw::{Call, Class, Fail, Outcome, function};
use super::run::{Core, Owner};
use super::seat::{self, Seat};
use super::stage::Stage;
use crate::base::error::Code;
use crate::engine::Ready;
use crate::engine::key::Key;
use crate::os::signal::{self, Signal};

/// What Lua holds.
pub struct Signaler(Rc<Handle>);

impl Class for Signaler {
    const NAME: &'static CStr = c"signaler";
    const INDEX: usize = place::SIGNALER;
}

struct Handle {
    number: i32,
    /// `None` once removed: the default action is back.
    signal: RefCell<Option<Signal>>,
    seat: Seat,
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<Signaler>(
        &[(c"Register", function(add_to_engine)), (c"Remove", function(remove))],
        &[],
    );
}

/// Pushes the module's table.
pub fn push_module(call: &Call) {
    call.push_functions(&[(c"signaler", function(signaler))]);
    for (name, number) in signal::NAMES {
        call.push_bytes(name.as_bytes());
        call.push_integer((*number).into());
        call.raw_set_pair(-3);
    }
}

/// `signaler(signum)`: a new watcher, whoever else watches the signal.
fn signaler(call: &Call) -> Outcome {
    let number = convert::descriptor(call, 1)?;
    let signal = match Signal::catch(number) {
        Ok(signal) => signal,
        Err(Code::INVALID) => {
            return Err(Fail::argument(1, format!("signal {number} cannot be caught")));
        }
        Err(code) => return convert::failure(call, code),
    };
    call.push_object(Signaler(Rc::new(Handle {
        number,
        signal: RefCell::new(Some(signal)),
        seat: Seat::default(),
    })));
    Ok(1)
}

fn add_to_engine(call: &Call) -> Outcome {
    let handle = call.object::<Signaler>(1)?.0.clone();
    seat::take(call, |core| handle.sit_down(core))
}

fn remove(call: &Call) -> Outcome {
    let handle = call.object::<Signaler>(1)?.0.clone();
    let signal = handle.signal.borrow_mut().take();
    handle.seat.leave(call, signal.as_ref().map(AsFd::as_fd));
    Ok(0)
}

impl Handle {
    fn sit_down(self: &Rc<Self>, core: &Rc<Core>) -> Result<Key, Code> {
        self.seat.expect_free()?;
        let mut signal = self.signal.borrow_mut();
        if signal.is_none() {
            *signal = Some(Signal::catch(self.number)?);
        }
        let signal = signal.as_ref().ok_or(Code::SOCKET_CLOSED)?;
        let key = core.register(signal.as_fd(), self.clone())?;
        self.seat.take(core, key);
        Ok(key)
    }

    fn deliver(&self, key: Key, stage: &Stage<'_>) {
        stage.push_callback(key);
        stage.call.push_integer(self.number.into());
        stage.invoke(1, 0);
    }
}

impl Owner for Handle {
    fn wake(&self, _ready: Ready, _core: &Core) {}

    fn tell(&self, key: Key, stage: &Stage<'_>) {
        let came = self.signal.borrow().as_ref().is_some_and(Signal::take);
        if came {
            self.deliver(key, stage);
        }
    }

    fn settle(&self, _key: Key, _stage: &Stage<'_>) {}

    fn abandon(&self, key: Key, stage: Option<&Stage<'_>>) {
        if let Some(stage) = stage {
            stage.forget(key);
        }
        self.seat.clear();
        *self.signal.borrow_mut() = None;
    }
}
