//! Where an object is registered: an engine, and the name it has there.

use std::os::fd::BorrowedFd;
use std::rc::Rc;

use super::anchor;
use super::convert;
use super::engine::EngineObject;
use super::raw::{Call, Outcome};
use super::run::Core;
use crate::base::error::Code;
use crate::engine::key::Key;

/// A registration.
pub struct Seat {
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
    /// Ends the registration and lets go of object and callback.
    pub fn leave(self, call: &Call, fd: Option<BorrowedFd<'_>>) {
        self.core.release(self.key, fd);
        anchor::clear(call, self.core.id, self.key.slot());
    }
}
