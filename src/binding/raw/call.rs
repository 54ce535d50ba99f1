//! One call from Lua: its arguments, its results, and the stack between.

use std::ffi::{CStr, c_int, c_void};
use std::panic::resume_unwind;
use std::ptr;

use mlua::ffi::{self, lua_State};

use super::{Fail, Function, TRACEBACK};

/// The type of a Lua value, as far as we tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    None,
    Nil,
    Boolean,
    Number,
    String,
    Table,
    Function,
    Other,
}

/// A call from Lua. Indices are Lua's: arguments count from 1, the top is -1.
pub struct Call {
    state: *mut lua_State,
}

impl Call {
    /// As a number of results of [`Self::protected`]: as many as there are.
    pub const ALL: c_int = ffi::LUA_MULTRET;

    /// # Safety
    ///
    /// `state` is the state that Lua has called us with, and the call lasts longer than this.
    pub(super) unsafe fn new(state: *mut lua_State) -> Self {
        Call { state }
    }

    #[inline]
    pub(super) fn state(&self) -> *mut lua_State {
        self.state
    }

    /// Makes sure that `slots` more values fit the stack, or raises.
    #[inline]
    pub fn reserve(&self, slots: c_int) {
        if !self.has_room(slots) {
            // Not a panic of ours, so without a word on standard error.
            resume_unwind(Box::new("stack overflow"));
        }
    }

    /// Whether `slots` more values fit the stack. LuaJIT raises when they do not.
    #[inline]
    pub fn has_room(&self, slots: c_int) -> bool {
        // So many any function has, on top of its arguments.
        self.top() + slots <= ffi::LUA_MINSTACK
            // SAFETY: the state is ours to grow.
            || unsafe { ffi::lua_checkstack(self.state, slots) != 0 }
    }

    /// Number of values on the stack: at first, the arguments.
    pub fn top(&self) -> c_int {
        // SAFETY: asks only.
        unsafe { ffi::lua_gettop(self.state) }
    }

    /// Cuts or fills the stack to `top` values.
    pub fn set_top(&self, top: c_int) {
        // SAFETY: callers fill up to a few values only, for which there is room.
        unsafe { ffi::lua_settop(self.state, top) }
    }

    /// Removes the topmost `n` values.
    pub fn pop(&self, n: c_int) {
        self.set_top(-n - 1);
    }

    /// The type of the value at `n`.
    #[inline]
    pub fn kind(&self, n: c_int) -> Kind {
        // SAFETY: any index within the stack's room is acceptable.
        match unsafe { ffi::lua_type(self.state, n) } {
            ffi::LUA_TNONE => Kind::None,
            ffi::LUA_TNIL => Kind::Nil,
            ffi::LUA_TBOOLEAN => Kind::Boolean,
            ffi::LUA_TNUMBER => Kind::Number,
            ffi::LUA_TSTRING => Kind::String,
            ffi::LUA_TTABLE => Kind::Table,
            ffi::LUA_TFUNCTION => Kind::Function,
            _ => Kind::Other,
        }
    }

    /// Whether argument `n` was left out.
    pub fn is_absent(&self, n: c_int) -> bool {
        matches!(self.kind(n), Kind::None | Kind::Nil)
    }

    /// The complaint that argument `n` should have been something else.
    pub fn expected(&self, n: c_int, what: &str) -> Fail {
        // SAFETY: the name of a type is a static string.
        let got = unsafe {
            let kind = ffi::lua_type(self.state, n);
            match kind {
                ffi::LUA_TNONE => "no value".into(),
                kind => CStr::from_ptr(ffi::lua_typename(self.state, kind)).to_string_lossy(),
            }
        };
        Fail::argument(n, format!("{what} expected, got {got}"))
    }

    /// Argument `n`, a number.
    ///
    /// # Errors
    ///
    /// It is something else; a numeric string is.
    #[inline]
    pub fn number(&self, n: c_int) -> Result<f64, Fail> {
        self.to_number(n).ok_or_else(|| self.expected(n, "number"))
    }

    /// The number at `n`, if it is one.
    #[inline]
    pub fn to_number(&self, n: c_int) -> Option<f64> {
        // SAFETY: the value is a number, so nothing is converted.
        (self.kind(n) == Kind::Number)
            .then(|| unsafe { ffi::lua_tonumberx(self.state, n, ptr::null_mut()) })
    }

    /// Argument `n`, a whole number.
    ///
    /// # Errors
    ///
    /// It is something else, has a fraction, or is out of range.
    #[inline]
    pub fn integer(&self, n: c_int) -> Result<i64, Fail> {
        self.number(n)?;
        self.to_integer(n).ok_or_else(|| Fail::argument(n, "number has no integer representation"))
    }

    /// Argument `n`, a whole number from `low` to `high`.
    ///
    /// # Errors
    ///
    /// It is something else, or out of range.
    pub fn integer_in(&self, n: c_int, low: i64, high: i64) -> Result<i64, Fail> {
        let value = self.integer(n)?;
        if (low..=high).contains(&value) {
            return Ok(value);
        }
        Err(Fail::argument(n, format!("{value} is not between {low} and {high}")))
    }

    /// The whole number at `n`, if it is one.
    #[inline]
    pub fn to_integer(&self, n: c_int) -> Option<i64> {
        if cfg!(any(feature = "lua53", feature = "lua54", feature = "lua55")) {
            let mut exact = 0;
            // SAFETY: a valid index; a number is not changed by this.
            let value = unsafe { ffi::lua_tointegerx(self.state, n, &raw mut exact) };
            return (self.kind(n) == Kind::Number && exact != 0).then_some(value as i64);
        }
        const BOUND: f64 = 9_223_372_036_854_775_808.0; // 2^63
        let value = self.to_number(n)?;
        ((-BOUND..BOUND).contains(&value) && value.trunc() == value).then_some(value as i64)
    }

    /// Argument `n`, a string.
    ///
    /// # Errors
    ///
    /// It is something else; a number is.
    #[inline]
    pub fn bytes(&self, n: c_int) -> Result<&[u8], Fail> {
        self.to_bytes(n).ok_or_else(|| self.expected(n, "string"))
    }

    /// The string at `n`, if it is one; good for as long as it stays there.
    #[inline]
    pub fn to_bytes(&self, n: c_int) -> Option<&[u8]> {
        if self.kind(n) != Kind::String {
            return None;
        }
        let mut len = 0;
        // SAFETY: the value is a string, so nothing is converted; Lua's strings do not move,
        // and this one is on the stack for as long as our caller looks at it.
        unsafe {
            let start = ffi::lua_tolstring(self.state, n, &raw mut len);
            Some(std::slice::from_raw_parts(start.cast(), len))
        }
    }

    /// Argument `n`, a string of UTF-8.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn text(&self, n: c_int) -> Result<&str, Fail> {
        std::str::from_utf8(self.bytes(n)?)
            .map_err(|_| Fail::argument(n, "string is not valid UTF-8"))
    }

    /// Argument `n`, a switch: a boolean, or a number where 0 is off.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn switch(&self, n: c_int) -> Result<bool, Fail> {
        match self.kind(n) {
            // SAFETY: a valid index.
            Kind::Boolean => Ok(unsafe { ffi::lua_toboolean(self.state, n) } != 0),
            Kind::Number => Ok(self.to_number(n) != Some(0.0)),
            _ => Err(self.expected(n, "boolean or number")),
        }
    }

    /// Whether argument `n` is a table, or was left out.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn optional_table(&self, n: c_int) -> Result<bool, Fail> {
        match self.kind(n) {
            Kind::Table => Ok(true),
            _ if self.is_absent(n) => Ok(false),
            _ => Err(self.expected(n, "table")),
        }
    }

    /// Checks that argument `n` is a function.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn function(&self, n: c_int) -> Result<(), Fail> {
        if self.kind(n) == Kind::Function {
            return Ok(());
        }
        Err(self.expected(n, "function"))
    }

    /// Whether argument `n` is a function, or was left out.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn optional_function(&self, n: c_int) -> Result<bool, Fail> {
        if self.is_absent(n) {
            return Ok(false);
        }
        self.function(n).map(|()| true)
    }

    /// Pushes nil.
    pub fn push_nil(&self) {
        // SAFETY: the caller has reserved room, here and in all of the pushes below.
        unsafe { ffi::lua_pushnil(self.state) }
    }

    /// Pushes a boolean.
    pub fn push_boolean(&self, value: bool) {
        // SAFETY: see `push_nil`.
        unsafe { ffi::lua_pushboolean(self.state, value.into()) }
    }

    /// Pushes a whole number.
    #[inline]
    pub fn push_integer(&self, value: i64) {
        // SAFETY: see `push_nil`.
        unsafe { ffi::lua_pushinteger(self.state, value as ffi::lua_Integer) }
    }

    /// Pushes a number.
    pub fn push_number(&self, value: f64) {
        // SAFETY: see `push_nil`.
        unsafe { ffi::lua_pushnumber(self.state, value) }
    }

    /// Pushes a string.
    #[inline]
    pub fn push_bytes(&self, value: &[u8]) {
        // SAFETY: see `push_nil`; Lua copies the bytes.
        unsafe {
            ffi::lua_pushlstring(self.state, value.as_ptr().cast(), value.len());
        }
    }

    /// Pushes a copy of the value at `n`.
    #[inline]
    pub fn push_value(&self, n: c_int) {
        // SAFETY: see `push_nil`; a valid index.
        unsafe { ffi::lua_pushvalue(self.state, n) }
    }

    /// Pushes a native function.
    pub fn push_function(&self, function: Function) {
        // SAFETY: see `push_nil`; the home goes with every function of ours.
        unsafe {
            ffi::lua_pushvalue(self.state, ffi::lua_upvalueindex(1));
            ffi::lua_pushcclosure(self.state, function.0, 1);
        }
    }

    /// Pushes an empty table.
    pub fn push_table(&self, list: usize, fields: usize) {
        let small = |n: usize| c_int::try_from(n).unwrap_or(c_int::MAX);
        // SAFETY: see `push_nil`; the sizes are hints.
        unsafe { ffi::lua_createtable(self.state, small(list), small(fields)) }
    }

    /// Pushes a table of native functions.
    pub fn push_functions(&self, functions: &[(&CStr, Function)]) {
        self.reserve(4);
        self.push_table(0, functions.len());
        for (name, function) in functions {
            self.push_function(*function);
            self.set_field(-2, name);
        }
    }

    /// Pops a value into field `name` of the table at `n`, which has no metatable.
    pub fn set_field(&self, n: c_int, name: &CStr) {
        // SAFETY: a valid index of a plain table.
        unsafe { ffi::lua_setfield(self.state, n, name.as_ptr()) }
    }

    /// Pops a value into place `at` of the table at `n`, past any metamethod.
    #[inline]
    pub fn raw_set(&self, n: c_int, at: i64) {
        // SAFETY: a valid index of a table.
        unsafe { ffi::lua_rawseti(self.state, n, at as ffi::lua_Integer) }
    }

    /// Pushes what stands in place `at` of the table at `n`, past any metamethod.
    #[inline]
    pub fn raw_get(&self, n: c_int, at: i64) {
        // SAFETY: a valid index of a table; the caller has reserved room.
        unsafe {
            ffi::lua_rawgeti(self.state, n, at as ffi::lua_Integer);
        }
    }

    /// Pushes field `name` of the table at `n`, past any metamethod.
    pub fn raw_field(&self, n: c_int, name: &CStr) {
        self.push_value(n);
        self.push_bytes(name.to_bytes());
        // SAFETY: a table with a key above it; room was reserved by the caller.
        unsafe {
            ffi::lua_rawget(self.state, -2);
        }
        self.replace_below();
    }

    /// Number of places in the list at `n`, past any metamethod.
    pub fn raw_len(&self, n: c_int) -> i64 {
        // SAFETY: a valid index of a table.
        unsafe { ffi::lua_rawlen(self.state, n) as i64 }
    }

    /// Replaces the key at the top by the next pair of the table at `n`; nil is before the first
    /// one. False, and the key popped, when there is none. The key must stay as it is.
    pub fn next(&self, n: c_int) -> bool {
        // SAFETY: a valid index of a table, and a key that came from it.
        unsafe { ffi::lua_next(self.state, n) != 0 }
    }

    /// Pops a key and a value into the table at `n`, past any metamethod.
    pub fn raw_set_pair(&self, n: c_int) {
        // SAFETY: a valid index of a table; the key is a string or a number.
        unsafe { ffi::lua_rawset(self.state, n) }
    }

    /// Moves the value at the top to `n`, below what is there.
    pub fn insert(&self, n: c_int) {
        // SAFETY: a valid index.
        unsafe { ffi::lua_insert(self.state, n) }
    }

    /// Takes the value below the top away.
    pub fn replace_below(&self) {
        // SAFETY: two values are on the stack.
        unsafe { ffi::lua_remove(self.state, -2) }
    }

    /// Pops a table and makes it the metatable of the one at `n`.
    pub fn set_metatable(&self, n: c_int) {
        // SAFETY: a valid index of a table, and a table at the top.
        unsafe {
            ffi::lua_setmetatable(self.state, n);
        }
    }

    /// Pops a table and attaches it to the object at `n`.
    pub fn set_user_value(&self, n: c_int) {
        // SAFETY: a valid index of a userdata with one user value, and a table at the top.
        unsafe {
            ffi::lua_setuservalue(self.state, n);
        }
    }

    /// Pushes the table that was attached to the object at `n`. Only asked where one was:
    /// Lua 5.1 would answer with the globals.
    pub fn user_value(&self, n: c_int) {
        // SAFETY: a valid index of a userdata; the caller has reserved room.
        unsafe {
            ffi::lua_getuservalue(self.state, n);
        }
    }

    /// A number that no other call of this has returned in this state.
    pub fn new_id(&self) -> u32 {
        let ids = &self.home().ids;
        ids.set(ids.get() + 1);
        ids.get()
    }

    /// Pushes the weak table of engines.
    #[inline]
    pub fn push_directory(&self) {
        let directory = self.home().directory.get();
        // SAFETY: a reference made when the module was opened.
        unsafe {
            ffi::lua_rawgeti(self.state, ffi::LUA_REGISTRYINDEX, directory.into());
        }
    }

    /// Pushes the message handler for [`Self::protected`].
    pub fn push_handler(&self) {
        let handler = self.home().handler.get();
        // SAFETY: a reference made when the module was opened.
        unsafe {
            ffi::lua_rawgeti(self.state, ffi::LUA_REGISTRYINDEX, handler.into());
        }
    }

    /// Calls the function below `arguments` values, with the message handler at stack index
    /// `handler` (0: none). False: the error is at the top instead of the results.
    #[inline]
    pub fn protected(&self, arguments: c_int, results: c_int, handler: c_int) -> bool {
        // SAFETY: the function and its arguments are on the stack; no borrow is alive.
        unsafe { ffi::lua_pcall(self.state, arguments, results, handler) == ffi::LUA_OK }
    }

    /// Pushes the traceback of the latest error, and forgets it.
    pub fn push_traceback(&self) {
        let key: *const c_void = (&raw const TRACEBACK).cast();
        // SAFETY: room was reserved; the registry is a table.
        unsafe {
            ffi::lua_rawgetp(self.state, ffi::LUA_REGISTRYINDEX, key);
            ffi::lua_pushnil(self.state);
            ffi::lua_rawsetp(self.state, ffi::LUA_REGISTRYINDEX, key);
        }
    }
}
