//! Bytes of ours on their way to Lua, kept by Lua while its string of them is made: it may raise for
//! lack of memory, and then nobody else would free them.

use std::cell::RefCell;

use super::place;
use super::raw::{Call, Class};
use crate::base::limits;

struct Held(RefCell<Vec<u8>>);

impl Class for Held {
    const NAME: &'static std::ffi::CStr = c"chuck.bytes";
    const INDEX: usize = place::HELD;
}

thread_local! {
    /// Where bytes wait while their object is made. Finalizers may do the same meanwhile, so it is
    /// a stack of them.
    static WAITING: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<Held>(&[], &[]);
}

/// Pushes bytes as a string; needs four free slots.
pub fn push(call: &Call, bytes: Vec<u8>) {
    if bytes.len() <= limits::HELD {
        call.push_bytes(&bytes);
        return;
    }
    let depth = WAITING.with_borrow_mut(|waiting| {
        waiting.push(bytes);
        waiting.len()
    });
    // What stands above belongs to nobody: its making was ended by an error.
    let take = || {
        WAITING.with_borrow_mut(|waiting| {
            waiting.truncate(depth);
            waiting.pop()
        })
    };
    call.push_made(|| take().map(|bytes| Held(RefCell::new(bytes))));
    if let Some(held) = call.try_object::<Held>(-1) {
        call.push_bytes(&held.0.borrow());
        held.0.take();
        call.replace_below();
    }
}
