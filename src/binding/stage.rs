//! The Lua side of a running loop: the anchors of its engine, laid out on the stack.

use std::ffi::c_int;
use std::os::fd::OwnedFd;

use super::anchor;
use super::raw::{self, Call, Kind};
use super::report::complain;
use super::run::Core;
use crate::base::error::Code;
use crate::engine::key::Key;
use crate::engine::wheel::TimerId;
use crate::net::fds;

/// The Lua side of a running loop: the anchors of its engine, laid out on the stack.
pub struct Stage<'a> {
    /// The call that runs the loop.
    pub call: &'a Call,
    /// The engine.
    pub core: &'a Core,
    /// Where the message handler stands.
    pub handler: c_int,
    anchors: c_int,
    objects: c_int,
    callbacks: c_int,
    timers: c_int,
}

impl<'a> Stage<'a> {
    /// The engine's object is argument 1.
    pub fn new(call: &'a Call, core: &'a Core) -> Self {
        call.reserve(32);
        let base = call.top();
        call.push_handler();
        call.user_value(1);
        for list in [anchor::OBJECTS, anchor::CALLBACKS, anchor::TIMERS] {
            call.raw_get(base + 2, list);
        }
        Stage {
            call,
            core,
            handler: base + 1,
            anchors: base + 2,
            objects: base + 3,
            callbacks: base + 4,
            timers: base + 5,
        }
    }

    /// Pushes the callback of a registration.
    #[inline]
    pub fn push_callback(&self, key: Key) {
        self.call.raw_get(self.callbacks, anchor::index(key.slot()));
    }

    /// Pushes the object of a registration.
    #[inline]
    pub fn push_object(&self, key: Key) {
        self.call.raw_get(self.objects, anchor::index(key.slot()));
    }

    /// Lets go of the object and the callback of a registration.
    pub fn forget(&self, key: Key) {
        for list in [self.objects, self.callbacks] {
            self.call.push_nil();
            self.call.raw_set(list, anchor::index(key.slot()));
        }
    }

    pub fn push_timer(&self, id: TimerId) {
        self.call.raw_get(self.timers, anchor::index(id.slot as usize));
    }

    pub fn forget_timer(&self, id: TimerId) {
        self.call.push_nil();
        self.call.raw_set(self.timers, anchor::index(id.slot as usize));
    }

    /// Pushes the posted function at a place, and takes it out of the list.
    pub fn take_post(&self, place: i64) {
        self.call.raw_get(self.anchors, anchor::POSTS);
        self.call.raw_get(-1, place);
        self.call.push_nil();
        self.call.raw_set(-3, place);
        self.call.replace_below();
    }

    /// Lets go of the callbacks of timers, of what was posted, and of the error handler.
    pub fn forget_all(&self) {
        for list in [anchor::TIMERS, anchor::POSTS] {
            self.call.push_table(0, 0);
            self.call.raw_set(self.anchors, list);
        }
        self.call.push_boolean(false);
        self.call.raw_set(self.anchors, anchor::HANDLER);
    }

    /// Calls the function below `arguments` values. An error is reported, and leaves nothing.
    #[inline]
    pub fn invoke(&self, arguments: c_int, results: c_int) -> bool {
        let fine = self.call.protected(arguments, results, self.handler);
        if !fine {
            self.report();
        }
        fine
    }

    /// Calls the function at the top with a descriptor and 0. When it raises it has not taken
    /// the descriptor, which is closed then.
    pub fn hand_over(&self, fd: OwnedFd) {
        let lent = fds::lend(fd);
        self.call.push_integer(lent.number().into());
        self.call.push_integer(0);
        if !self.invoke(2, 0) {
            lent.take_back();
        }
    }

    /// Calls the function at the top with -1 and an error number.
    pub fn refuse(&self, code: Code) {
        self.call.push_integer(-1);
        self.call.push_integer(code.0.into());
        self.invoke(2, 0);
    }

    /// Tells a registration's callback of everything that `next` has: it pushes arguments for
    /// `callback(object, ...)` and returns how many, or `None` at the end.
    pub fn invoke_each(&self, key: Key, mut next: impl FnMut(&Call) -> Option<c_int>) {
        let mut step = |call: &Call| {
            call.push_value(raw::FIRST);
            call.push_value(raw::FIRST + 1);
            let more = next(call);
            if more.is_none() {
                call.pop(2);
            }
            more.map(|more| 1 + more)
        };
        loop {
            self.push_callback(key);
            self.push_object(key);
            if self.call.protected_each(2, self.handler, &mut step) {
                return;
            }
            self.report();
        }
    }

    /// Pops an error and gives it to the engine's error handler, or complains.
    #[cold]
    pub fn report(&self) {
        let call = self.call;
        call.reserve(8);
        let error = call.top();
        call.raw_get(self.anchors, anchor::HANDLER);
        if call.kind(-1) == Kind::Function {
            call.push_value(error);
            call.push_traceback();
            if !call.protected(2, 0, 0) {
                complain("error handler", call, -1, None);
            }
        } else {
            call.push_traceback();
            complain("callback", call, error, call.to_bytes(-1));
        }
        call.set_top(error - 1);
    }
}
