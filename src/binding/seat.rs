//! Where an object is registered: an engine, and the name it has there.

use std::cell::RefCell;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Instant;

use super::anchor;
use super::convert;
use super::engine::EngineObject;
use super::raw::{Call, Outcome};
use super::run::Core;
use crate::base::error::Code;
use crate::engine::key::Key;
use crate::os::clock;

/// Where an object is registered, if it is.
#[derive(Default)]
pub struct Seat(RefCell<Option<Taken>>);

/// A registration.
pub struct Taken {
    /// The engine.
    pub core: Rc<Core>,
    /// The name of the registration.
    pub key: Key,
}

/// The `object:Add2Engine(engine, callback)` of every class: registers by `sit`, then keeps
/// object and callback alive.
pub fn take(call: &Call, sit: impl FnOnce(&Rc<Core>) -> Result<Key, Code>) -> Outcome {
    let core = call.object::<EngineObject>(2)?.core().clone();
    call.function(3)?;
    let key = match sit(&core) {
        Ok(key) => key,
        Err(code) => return convert::truth(call, Err(code)),
    };
    for (value, list) in [(1, anchor::OBJECTS), (3, anchor::CALLBACKS)] {
        call.reserve(1);
        call.push_value(value);
        anchor::set(call, 2, list, key.slot());
    }
    convert::truth(call, Ok(()))
}

impl Seat {
    /// The object is registered from now on; returns where it was before.
    pub fn take(&self, core: &Rc<Core>, key: Key) -> Option<Taken> {
        self.0.replace(Some(Taken { core: core.clone(), key }))
    }

    /// Whether the object is registered.
    pub fn is_taken(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// The object is not registered.
    ///
    /// # Errors
    ///
    /// [`Code::HAS_ENGINE`]
    pub fn expect_free(&self) -> Result<(), Code> {
        if self.is_taken() { Err(Code::HAS_ENGINE) } else { Ok(()) }
    }

    /// Whether the object has this registration, and not another by now.
    pub fn is_at(&self, key: Key, core: &Core) -> bool {
        let taken = self.0.borrow();
        taken.as_ref().is_some_and(|taken| taken.key == key && taken.core.id == core.id)
    }

    /// Works with the registration, if there is one.
    pub fn with<R>(&self, work: impl FnOnce(&Taken) -> R) -> Option<R> {
        self.0.borrow().as_ref().map(work)
    }

    /// Has the object settled, if it is registered.
    pub fn touch(&self) {
        self.with(|taken| taken.core.touch(taken.key));
    }

    /// The time: of the engine's pass, else by the clock.
    pub fn now(&self) -> Instant {
        self.with(|taken| taken.core.now()).unwrap_or_else(clock::now)
    }

    /// Ends the registration and lets go of object and callback; whether there was one.
    pub fn leave(&self, call: &Call, fd: Option<BorrowedFd<'_>>) -> bool {
        self.0.take().map(|taken| taken.leave(call, fd)).is_some()
    }

    /// The registration is ended by who keeps it; returns what it was.
    pub fn clear(&self) -> Option<Taken> {
        self.0.take()
    }
}

impl Taken {
    /// Ends the registration and lets go of object and callback.
    pub fn leave(self, call: &Call, fd: Option<BorrowedFd<'_>>) {
        self.core.release(self.key, fd);
        anchor::clear(call, self.core.id, self.key.slot());
    }
}
