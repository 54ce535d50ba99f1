//! What keeps Lua's objects and callbacks alive: tables that belong to the engine's object.
//!
//! ```text
//! engine object -> anchors [OBJECTS]   slot -> connection, acceptor, ...
//!                          [CALLBACKS] slot -> its callback
//!                          [TIMERS]    timer -> its callback
//!                          [POSTS]     functions to run after this pass
//!                          [HANDLER]   what SetErrorHandler was given
//!                          [OWNER]     the engine object itself
//! ```
//!
//! A state has a weak table of them, by id, so that a connection or a timer finds the anchors
//! of its engine without holding it. Nothing else does: what the engine is collected with, is collected.

use std::ffi::c_int;

use super::raw::{Call, Kind};

/// Objects by slot.
pub const OBJECTS: i64 = 1;
/// Callbacks by slot.
pub const CALLBACKS: i64 = 2;
/// Callbacks of timers.
pub const TIMERS: i64 = 3;
/// Functions to run after this pass, in order.
pub const POSTS: i64 = 4;
/// The error handler.
pub const HANDLER: i64 = 5;
/// The object that has these anchors.
pub const OWNER: i64 = 6;

/// Attaches new anchors to the object at the top, under `id`.
pub fn attach(call: &Call, id: u32) {
    call.reserve(8);
    call.push_table(6, 0);
    for list in [OBJECTS, CALLBACKS, TIMERS, POSTS] {
        call.push_table(0, 0);
        call.raw_set(-2, list);
    }
    call.push_boolean(false);
    call.raw_set(-2, HANDLER);
    call.push_value(-2);
    call.raw_set(-2, OWNER);
    call.push_directory();
    call.push_value(-2);
    call.raw_set(-2, id.into());
    call.pop(1);
    call.set_user_value(-2);
}

/// Pushes the anchors of `id`; false, and nothing pushed, when they are gone.
pub fn push(call: &Call, id: u32) -> bool {
    call.reserve(8);
    call.push_directory();
    call.raw_get(-1, id.into());
    let found = call.kind(-1) == Kind::Table;
    if found {
        // The directory is below; leave only the anchors.
        call.replace_below();
    } else {
        call.pop(2);
    }
    found
}

/// Pops a value into `list[slot]` of the anchors of the object at `n`.
pub fn set(call: &Call, n: c_int, list: i64, slot: usize) {
    call.reserve(4);
    call.user_value(n);
    call.raw_get(-1, list);
    call.push_value(-3);
    call.raw_set(-2, index(slot));
    call.pop(3);
}

/// Lets go of the object and the callback of a slot.
pub fn clear(call: &Call, id: u32, slot: usize) {
    if !push(call, id) {
        return;
    }
    for list in [OBJECTS, CALLBACKS] {
        call.raw_get(-1, list);
        call.push_nil();
        call.raw_set(-2, index(slot));
        call.pop(1);
    }
    call.pop(1);
}

/// Where a slot stands in a Lua list.
#[inline]
pub fn index(slot: usize) -> i64 {
    slot as i64 + 1
}
