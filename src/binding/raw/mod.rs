//! The fence around the Lua stack: the only files that call Lua's C API.
//!
//! Shape of every native function: arguments are read by calls that do not raise, the work
//! is done in a function that returns a `Result`, inside `catch_unwind`; when every value
//! with a destructor is gone, the error is raised. So no jump ever crosses live Rust values.
//! Behind our back Lua raises when it is out of memory, and up to 5.3 when a finalizer of the
//! user's raises while we make a value: what is alive then leaks, but for LuaJIT, whose errors
//! unwind.
//!
//! No borrow may be alive where Lua can run: in a callback, and in everything that makes a
//! Lua value, because that may run finalizers.
#![allow(unsafe_code)]

mod call;
mod class;
mod each;
mod json;
mod parcel;
mod reply;
mod state;
mod walk;

use std::any::Any;
use std::ffi::{CStr, c_int};
use std::mem;
#[cfg(not(feature = "luajit"))]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use mlua::ffi::{self, lua_State};

pub use call::{Call, Kind};
pub use class::Class;
pub use each::FIRST;
pub use parcel::Unfit;
pub use state::{Loaded, Paths, State};

/// What a native function returns: how many results it has pushed.
pub type Outcome = Result<c_int, Fail>;

/// Why a native function raises. The message blames the caller's line.
#[derive(Debug)]
pub enum Fail {
    /// A wrong argument, counted from 1 as Lua passed it.
    Argument(c_int, String),
    /// Anything else.
    Message(String),
}

impl Fail {
    /// "bad argument #n to 'f' (message)"
    pub fn argument(n: c_int, message: impl Into<String>) -> Self {
        Fail::Argument(n, message.into())
    }

    /// Only the message.
    pub fn new(message: impl Into<String>) -> Self {
        Fail::Message(message.into())
    }
}

/// A function that Lua can call.
#[derive(Clone, Copy)]
pub struct Function(ffi::lua_CFunction);

/// What Lua expects of a function, but for the width of its result: see [`for_lua`].
type Thunk = unsafe extern "C-unwind" fn(*mut lua_State) -> usize;

/// LuaJIT takes the whole register for the number of results, though C leaves the upper
/// half of an `int` undefined: so we return all of it, with zeros.
fn for_lua(thunk: Thunk) -> ffi::lua_CFunction {
    // SAFETY: only Lua calls it; wherever a pointer has 64 bits, the low half of the register
    // in which a `usize` is returned is where an `int` is looked for.
    unsafe { mem::transmute::<Thunk, ffi::lua_CFunction>(thunk) }
}

/// How a native function ends, without anything that needs a destructor.
enum End {
    Return(c_int),
    /// The message is on the stack.
    RaiseArgument(c_int),
    Raise,
}

/// The native function that runs `f`, which must be a plain function or capture nothing.
pub fn function<F: Fn(&Call) -> Outcome + Copy + 'static>(_f: F) -> Function {
    const { assert!(size_of::<F>() == 0, "a native function captures nothing") };
    Function(for_lua(thunk::<F>))
}

/// As [`function`], for the `__call` of a table: the table itself is no argument.
pub fn call_of<F: Fn(&Call) -> Outcome + Copy + 'static>(_f: F) -> Function {
    const { assert!(size_of::<F>() == 0, "a native function captures nothing") };
    Function(for_lua(call_thunk::<F>))
}

/// Runs `F` and raises its failure.
///
/// # Safety
///
/// Called by Lua, with its own state.
unsafe extern "C-unwind" fn thunk<F: Fn(&Call) -> Outcome>(state: *mut lua_State) -> usize {
    // SAFETY: Lua calls us with its own state; everything in `protect` has ended here.
    unsafe {
        match protect::<F>(state) {
            End::Return(n) => n as u32 as usize,
            End::RaiseArgument(n) => {
                let message = ffi::lua_tolstring(state, -1, ptr::null_mut());
                ffi::luaL_argerror(state, n, message) as usize
            }
            End::Raise => {
                ffi::luaL_where(state, 1);
                ffi::lua_insert(state, -2);
                ffi::lua_concat(state, 2);
                ffi::lua_error(state)
            }
        }
    }
}

/// As [`thunk`], without the first value.
///
/// # Safety
///
/// Called by Lua, with its own state.
unsafe extern "C-unwind" fn call_thunk<F: Fn(&Call) -> Outcome>(state: *mut lua_State) -> usize {
    // SAFETY: as for `thunk`; the first value is the table that was called.
    unsafe {
        if ffi::lua_gettop(state) > 0 {
            ffi::lua_remove(state, 1);
        }
        thunk::<F>(state)
    }
}

/// Runs `F` and leaves at most a message on the stack.
///
/// # Safety
///
/// `state` is the state that Lua has called us with.
unsafe fn protect<F: Fn(&Call) -> Outcome>(state: *mut lua_State) -> End {
    // SAFETY: `F` has no size (checked where the thunk was made), so any address will do.
    let f: &F = unsafe { ptr::NonNull::<F>::dangling().as_ref() };
    // SAFETY: the caller's promise.
    let call = unsafe { Call::new(state) };
    let (message, end) = match guarded(|| f(&call)) {
        Ok(Ok(results)) => return End::Return(results),
        Ok(Err(Fail::Argument(n, message))) => (message, End::RaiseArgument(n)),
        Ok(Err(Fail::Message(message))) => (message, End::Raise),
        Err(panic) => (panic_message(&*panic), End::Raise),
    };
    // The stack may be full; what was on it is of no more use.
    call.set_top(0);
    call.push_bytes(message.as_bytes());
    end
}

/// Turns a panic into a value.
#[cfg(not(feature = "luajit"))]
fn guarded<R>(work: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(work))
}

/// LuaJIT's errors unwind through us like exceptions, and Rust aborts when it catches one that
/// is not its own. So they pass, with every destructor run, and nothing is caught: here, and
/// only here, a panic ends the process.
#[cfg(feature = "luajit")]
fn guarded<R>(work: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    Ok(work())
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    match text {
        Some("stack overflow") => "stack overflow".to_owned(),
        text => format!("internal error in chuck: {}", text.unwrap_or("panic")),
    }
}

/// The message handler of every callback: keeps the error as it is and notes the traceback.
///
/// # Safety
///
/// Called by Lua, with its own state.
unsafe extern "C-unwind" fn note_traceback(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls us with the error as the only argument; plain values only.
    unsafe {
        ffi::luaL_traceback(state, state, ptr::null(), 1);
        ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, &raw const TRACEBACK as *const _);
        1
    }
}

/// Its address is the registry key of the latest traceback.
static TRACEBACK: u8 = 1;

/// Its address is the registry key of the module.
static MODULE: u8 = 2;

/// Its address is the registry key of what our native functions share.
static HOME: u8 = 3;

/// What `require` calls: builds the module, once in a state however often it is loaded.
///
/// # Safety
///
/// `state` is the state that Lua has called us with.
unsafe fn open_module(state: *mut lua_State) -> c_int {
    let key = (&raw const MODULE).cast();
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(message) = wrong_lua(state) {
            ffi::lua_pushstring(state, message.as_ptr());
            ffi::lua_error(state);
        }
        ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, key);
        if ffi::lua_type(state, -1) != ffi::LUA_TTABLE {
            class::push_home(state);
            ffi::lua_pushvalue(state, -1);
            ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, (&raw const HOME).cast());
            ffi::lua_pushcclosure(state, function(crate::binding::open).0, 1);
            ffi::lua_call(state, 0, 1);
            ffi::lua_pushvalue(state, -1);
            ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, key);
        }
    }
    1
}

/// Entry point of `require "chuck_core"`.
///
/// # Safety
///
/// Called by Lua.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_chuck_core(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls us with its own state.
    unsafe { open_module(state) }
}

const BUILT_FOR: &CStr = if cfg!(feature = "luajit") {
    c"LuaJIT"
} else if cfg!(feature = "lua51") {
    c"Lua 5.1"
} else if cfg!(feature = "lua52") {
    c"Lua 5.2"
} else if cfg!(feature = "lua53") {
    c"Lua 5.3"
} else if cfg!(feature = "lua54") {
    c"Lua 5.4"
} else {
    c"Lua 5.5"
};

/// The complaint when this build serves another Lua than the one that loads it.
///
/// # Safety
///
/// `state` is the state that Lua has called us with.
unsafe fn wrong_lua(state: *mut lua_State) -> Option<&'static CStr> {
    // SAFETY: the globals `jit` and `_VERSION` are only looked at; the stack is restored.
    let running = unsafe {
        ffi::lua_getglobal(state, c"jit".as_ptr());
        ffi::lua_getglobal(state, c"_VERSION".as_ptr());
        let version = ffi::lua_tolstring(state, -1, ptr::null_mut());
        let is_jit = ffi::lua_type(state, -2) == ffi::LUA_TTABLE;
        let same = match (is_jit, version.is_null()) {
            (true, _) => BUILT_FOR == c"LuaJIT",
            (false, true) => true,
            (false, false) => BUILT_FOR == CStr::from_ptr(version),
        };
        ffi::lua_settop(state, -3);
        same
    };
    (!running).then_some(WRONG_LUA)
}

const WRONG_LUA: &CStr = if cfg!(feature = "luajit") {
    c"this chuck_core was built for LuaJIT, and another Lua loads it: build it for that one"
} else if cfg!(feature = "lua51") {
    c"this chuck_core was built for Lua 5.1, and another Lua loads it: build it for that one"
} else if cfg!(feature = "lua52") {
    c"this chuck_core was built for Lua 5.2, and another Lua loads it: build it for that one"
} else if cfg!(feature = "lua53") {
    c"this chuck_core was built for Lua 5.3, and another Lua loads it: build it for that one"
} else if cfg!(feature = "lua54") {
    c"this chuck_core was built for Lua 5.4, and another Lua loads it: build it for that one"
} else {
    c"this chuck_core was built for Lua 5.5, and another Lua loads it: build it for that one"
};
