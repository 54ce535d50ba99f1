//! Many callbacks under one protected call.

use std::any::Any;
use std::ffi::c_int;
use std::panic::resume_unwind;

use mlua::ffi::{self, lua_State};

use super::call::Call;

/// Where the values given to [`Call::protected_each`] stand while `next` runs.
pub const FIRST: c_int = 2;

/// What the function inside of the protected call works on.
struct Each<'a> {
    next: &'a mut dyn FnMut(&Call) -> Option<c_int>,
    panic: Option<Box<dyn Any + Send>>,
}

impl Call {
    /// Calls functions one after the other: `next` pushes a function and its arguments, and
    /// returns how many those are, or `None` at the end. The topmost `values` are popped, and
    /// stand at [`FIRST`] and above meanwhile. A single protected call serves all.
    ///
    /// False: a function has raised, the error is at the top; the rest is for another call.
    pub fn protected_each(
        &self,
        values: c_int,
        handler: c_int,
        next: &mut dyn FnMut(&Call) -> Option<c_int>,
    ) -> bool {
        let mut each = Each { next, panic: None };
        let state = self.state();
        // SAFETY: three slots are free; `each` outlives the call that it is given to.
        let fine = unsafe {
            ffi::lua_rawgeti(state, ffi::LUA_REGISTRYINDEX, self.home().each.get().into());
            ffi::lua_insert(state, -1 - values);
            ffi::lua_pushlightuserdata(state, (&raw mut each).cast());
            ffi::lua_insert(state, -1 - values);
            ffi::lua_pcall(state, 1 + values, 0, handler) == ffi::LUA_OK
        };
        if let Some(panic) = each.panic {
            resume_unwind(panic);
        }
        fine
    }
}

/// The function inside of the protected call. An error in a callback leaves it by a jump, so
/// nothing with a destructor may be alive in it while a callback runs.
///
/// # Safety
///
/// Called by Lua, from `protected_each`.
pub(super) unsafe extern "C-unwind" fn run(state: *mut lua_State) -> c_int {
    // SAFETY: only `protected_each` calls this, with a living `Each`, whose work is over
    // when a callback is called.
    unsafe {
        let each = ffi::lua_touserdata(state, 1).cast::<Each<'_>>();
        loop {
            let arguments = step(state, each);
            if arguments < 0 {
                return 0;
            }
            ffi::lua_call(state, arguments, 0);
        }
    }
}

/// Pushes what is to be called next; negative at the end.
///
/// # Safety
///
/// As `run` says.
unsafe fn step(state: *mut lua_State, each: *mut Each<'_>) -> c_int {
    // SAFETY: the caller's promise.
    let (call, each) = unsafe { (Call::new(state), &mut *each) };
    match super::guarded(|| (each.next)(&call)) {
        Ok(arguments) => arguments.unwrap_or(-1),
        Err(panic) => {
            each.panic = Some(panic);
            -1
        }
    }
}
