//! A Lua state of our own, for a thread: made, entered, closed.

use std::any::Any;
use std::ffi::{CStr, c_char, c_int};
use std::panic::resume_unwind;
use std::ptr;

use mlua::ffi::{self, lua_State};

use super::call::{Call, Kind};
use super::{Fail, Outcome, for_lua, function, guarded, luaopen_chuck_core};

/// Where a state looks for modules: `package.path` and `package.cpath`.
#[derive(Clone, Debug, Default)]
pub struct Paths(Option<Vec<u8>>, Option<Vec<u8>>);

/// How a script was loaded. The function, or the message, is at the top.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loaded {
    Fine,
    /// It does not compile.
    Syntax,
    /// It cannot be read, or memory is out.
    Unread,
}

/// A state, closed when it is dropped. It stays in the thread that made it.
pub struct State(*mut lua_State);

/// What is run inside of a protected call.
struct Work<'a> {
    work: &'a mut dyn FnMut(&Call) -> Outcome,
    paths: &'a Paths,
    panic: Option<Box<dyn Any + Send>>,
}

impl State {
    /// An empty state; `None` when memory is out.
    pub fn new() -> Option<Self> {
        // SAFETY: asks for memory only.
        let state = unsafe { ffi::luaL_newstate() };
        (!state.is_null()).then_some(State(state))
    }

    /// Opens the standard libraries and chuck, then runs `work` as a native function of that
    /// state.
    ///
    /// # Errors
    ///
    /// The message of an error that `work` did not catch: memory is out, or chuck does not load.
    pub fn run(&self, paths: &Paths, work: &mut dyn FnMut(&Call) -> Outcome) -> Result<(), String> {
        let mut work = Work { work, paths, panic: None };
        // SAFETY: the state is ours and empty; `work` outlives the call that it is given to.
        let fine = unsafe {
            ffi::lua_pushcclosure(self.0, boot, 0);
            ffi::lua_pushlightuserdata(self.0, (&raw mut work).cast());
            ffi::lua_pcall(self.0, 1, 0, 0) == ffi::LUA_OK
        };
        if let Some(panic) = work.panic {
            resume_unwind(panic);
        }
        if fine {
            return Ok(());
        }
        // SAFETY: the error is at the top; nothing is made of it but a copy.
        let call = unsafe { Call::new(self.0) };
        let message = call.to_bytes(-1).unwrap_or(b"unknown error");
        Err(String::from_utf8_lossy(message).into_owned())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: the state is ours, and no function of it runs.
        unsafe { ffi::lua_close(self.0) }
    }
}

/// Everything of [`State::run`] that may raise.
///
/// # Safety
///
/// Called by Lua, from `run`.
unsafe extern "C-unwind" fn boot(state: *mut lua_State) -> c_int {
    // SAFETY: only `run` calls this, with a living `Work`; nothing here has a destructor.
    unsafe {
        let work = ffi::lua_touserdata(state, 1).cast::<Work<'_>>();
        ffi::luaL_openlibs(state);
        ffi::lua_getglobal(state, c"package".as_ptr());
        let paths = (*work).paths;
        for (name, path) in [(c"path", &paths.0), (c"cpath", &paths.1)] {
            if let Some(path) = path {
                ffi::lua_pushlstring(state, path.as_ptr().cast(), path.len());
                ffi::lua_setfield(state, -2, name.as_ptr());
            }
        }
        ffi::lua_getfield(state, -1, c"preload".as_ptr());
        ffi::lua_pushcclosure(state, luaopen_chuck_core, 0);
        ffi::lua_setfield(state, -2, c"chuck_core".as_ptr());
        ffi::lua_settop(state, 1);
        // What the module knows about its state is made with it, and our function needs it.
        ffi::lua_pushcclosure(state, luaopen_chuck_core, 0);
        ffi::lua_call(state, 0, 0);
        ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, (&raw const super::HOME).cast());
        ffi::lua_pushcclosure(state, for_lua(enter), 1);
        ffi::lua_pushvalue(state, 1);
        ffi::lua_call(state, 1, 0);
    }
    0
}

/// Runs the work.
///
/// # Safety
///
/// Called by Lua, from `boot`.
unsafe extern "C-unwind" fn enter(state: *mut lua_State) -> usize {
    // SAFETY: as for `boot`; when the error is raised, nothing with a destructor is left.
    unsafe {
        let work = ffi::lua_touserdata(state, 1).cast::<Work<'_>>();
        ffi::lua_settop(state, 0);
        if attempt(state, work) { 0 } else { ffi::lua_error(state) }
    }
}

/// Runs the work; false, and a message at the top, when it has failed.
///
/// # Safety
///
/// As `enter` says.
unsafe fn attempt(state: *mut lua_State, work: *mut Work<'_>) -> bool {
    // SAFETY: the caller's promise.
    let (call, work) = unsafe { (Call::new(state), &mut *work) };
    let message = match guarded(|| (work.work)(&call)) {
        Ok(Ok(_)) => return true,
        Ok(Err(Fail::Argument(_, message) | Fail::Message(message))) => message,
        Err(panic) => {
            work.panic = Some(panic);
            String::new()
        }
    };
    call.set_top(0);
    call.push_bytes(message.as_bytes());
    false
}

impl Call {
    /// Where this state looks for modules. What is no string is left out.
    pub fn module_paths(&self) -> Paths {
        let top = self.top();
        self.reserve(4);
        self.push_package();
        let mut paths = Paths::default();
        if self.kind(-1) == Kind::Table {
            for (name, path) in [(c"path", &mut paths.0), (c"cpath", &mut paths.1)] {
                self.push_bytes(name.to_bytes());
                self.raw_get_key(-2);
                *path = self.to_bytes(-1).map(<[u8]>::to_vec);
                self.pop(1);
            }
        }
        self.set_top(top);
        paths
    }

    /// Pushes the table of the standard library `package`, whatever the global of that name is
    /// by now; or something else, when a program has taken it away.
    fn push_package(&self) {
        // SAFETY: room was reserved; the registry is a table, and its list of loaded modules
        // too, or nothing of it is asked.
        unsafe {
            ffi::lua_pushstring(self.state(), c"_LOADED".as_ptr());
            ffi::lua_rawget(self.state(), ffi::LUA_REGISTRYINDEX);
        }
        if self.kind(-1) == Kind::Table {
            self.push_bytes(b"package");
            self.raw_get_key(-2);
        }
    }

    /// Pops a key and pushes what stands there in the table at `n`, past any metamethod.
    pub fn raw_get_key(&self, n: c_int) {
        // SAFETY: a valid index of a table, and a key at the top.
        unsafe {
            ffi::lua_rawget(self.state(), n);
        }
    }

    /// Loads a script, and pushes its function or a message.
    pub fn load_file(&self, path: &CStr) -> Loaded {
        // SAFETY: the caller has reserved room; the path is read only.
        match unsafe { load(self.state(), path.as_ptr()) } {
            ffi::LUA_OK => Loaded::Fine,
            ffi::LUA_ERRSYNTAX => Loaded::Syntax,
            _ => Loaded::Unread,
        }
    }

    /// Pushes what `tostring` says of the value at `n`; an error of its metamethod is the text.
    pub fn push_text(&self, n: c_int) {
        self.push_function(function(text));
        self.push_value(if n < 0 { n - 1 } else { n });
        self.protected(1, 1, 0);
    }
}

/// `tostring`, of whatever a program has put in its place.
fn text(call: &Call) -> Outcome {
    // SAFETY: one argument was given; it may raise, and nothing with a destructor is alive.
    unsafe { ffi::luaL_tolstring(call.state(), 1, ptr::null_mut()) };
    Ok(1)
}

/// # Safety
///
/// The state has room, and the path is a string.
#[cfg(any(feature = "lua51", feature = "luajit"))]
unsafe fn load(state: *mut lua_State, path: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { ffi::luaL_loadfile(state, path) }
}

/// # Safety
///
/// The state has room, and the path is a string.
#[cfg(not(any(feature = "lua51", feature = "luajit")))]
unsafe fn load(state: *mut lua_State, path: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { ffi::luaL_loadfilex(state, path, ptr::null()) }
}
