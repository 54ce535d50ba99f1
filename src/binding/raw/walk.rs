//! Lua tables to bytes and back, straight over the stack.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{self, lua_State};

use super::Fail;
use super::call::{Call, Kind};
use crate::base::limits::{TABLE_DEPTH, VALUES};
use crate::codec::frame::Width;
use crate::codec::packet::table::{self, Build, Scalar};
use crate::codec::packet::{Reader, Refused};

/// Stack slots that one level of nesting takes.
const PER_LEVEL: c_int = 3;

impl Call {
    /// Writes the table at `n`. Pairs that the format does not know are left out.
    ///
    /// # Errors
    ///
    /// [`Refused::TooDeep`], and [`Refused::TooLarge`] as soon as it is.
    pub fn write_table(&self, n: c_int, out: &mut Vec<u8>, width: Width) -> Result<(), Refused> {
        let top = self.top();
        self.reserve(1);
        self.push_value(n);
        // SAFETY: the value at the top is a table.
        let result = unsafe { write::<false>(self, out, width, 1) };
        self.set_top(top);
        result
    }

    /// Writes the values from argument `first` on as a list: exactly as they are, or not at all.
    ///
    /// # Errors
    ///
    /// As [`Self::write_table`], and [`Refused::Unfit`], [`Refused::TooMany`].
    pub fn write_values(
        &self,
        first: c_int,
        out: &mut Vec<u8>,
        width: Width,
    ) -> Result<(), Refused> {
        let last = self.top();
        let count = (last - first + 1).max(0) as usize;
        if count > VALUES {
            return Err(Refused::TooMany { count });
        }
        table::put_count(out, count as u16);
        for n in first..=last {
            // SAFETY: the index is that of an argument.
            unsafe { write_value(self, n, out, width) }
                .map_err(|refused| refused.located((n - first + 1) as usize))?;
        }
        Ok(())
    }

    /// Pushes the number of values in the next list of `reader`, then the values; returns how
    /// much that is, 0 when there is no such list.
    pub fn read_values(&self, reader: &Reader) -> c_int {
        let Some(count) = reader.count() else {
            return 0;
        };
        let top = self.top();
        self.reserve(count as c_int + 1 + PER_LEVEL);
        self.push_integer(count as i64);
        let mut build = Tables { call: self, state: self.state(), depth: 0 };
        if reader.values(&mut build).is_none() {
            self.set_top(top);
            return 0;
        }
        count as c_int + 1
    }

    /// Shows each pair of the table at argument `n` to `look`, the key at -2 and the value at
    /// -1, which it neither changes nor converts.
    ///
    /// # Errors
    ///
    /// It is no table, or what `look` says.
    pub fn each_pair(
        &self,
        n: c_int,
        mut look: impl FnMut(&Call) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        if self.kind(n) != Kind::Table {
            return Err(self.expected(n, "table"));
        }
        self.reserve(4);
        let top = self.top();
        self.push_nil();
        // SAFETY: room is reserved; the key at the top is nil or what the last round has left,
        // so nothing can fail; `n` is an argument, which does not move.
        while unsafe { ffi::lua_next(self.state(), n) } != 0 {
            look(self)?;
            self.pop(1);
        }
        self.set_top(top);
        Ok(())
    }

    /// Pushes the next table of `reader`; false, and nothing pushed, when there is none.
    pub fn read_table(&self, reader: &Reader) -> bool {
        let top = self.top();
        let read =
            reader.table(&mut Tables { call: self, state: self.state(), depth: 0 }).is_some();
        if !read {
            self.set_top(top);
        }
        read
    }
}

/// Writes the argument at `n`.
///
/// # Safety
///
/// The index is that of an argument.
#[inline]
unsafe fn write_value(
    call: &Call,
    n: c_int,
    out: &mut Vec<u8>,
    width: Width,
) -> Result<(), Refused> {
    let state = call.state();
    // SAFETY: the caller's promise; room is reserved before anything is pushed.
    unsafe {
        match ffi::lua_type(state, n) {
            ffi::LUA_TNIL => table::put_nil(out),
            ffi::LUA_TTABLE => {
                if !call.has_room(1) {
                    return Err(Refused::NoRoom);
                }
                ffi::lua_pushvalue(state, n);
                write::<true>(call, out, width, 1)?;
                ffi::lua_settop(state, -2);
            }
            _ if write_scalar::<true>(state, n, out, width, false) => {
                if out.len() > width.body_max() {
                    return Err(Refused::TooLarge { size: out.len(), limit: width.body_max() });
                }
            }
            kind => return Err(unfit(kind, false)),
        }
    }
    Ok(())
}

/// The complaint that a value of a type cannot be sent.
fn unfit(kind: c_int, is_inside: bool) -> Refused {
    let what = match kind {
        ffi::LUA_TBOOLEAN => "boolean as a key",
        ffi::LUA_TTABLE => "table as a key",
        ffi::LUA_TFUNCTION => "function",
        ffi::LUA_TTHREAD => "coroutine",
        _ => "userdata",
    };
    Refused::Unfit { at: 0, what, is_inside }
}

/// Writes the table at the top of the stack and leaves it there. `EXACT`: what cannot be written is
/// refused instead of left out, and doubles stay doubles. No more than
/// [`TABLE_DEPTH`] calls deep, which is also what ends a table that contains itself.
///
/// # Safety
///
/// The stack of `state` has room, and the value to write where it is said to be.
unsafe fn write<const EXACT: bool>(
    call: &Call,
    out: &mut Vec<u8>,
    width: Width,
    depth: usize,
) -> Result<(), Refused> {
    if depth > TABLE_DEPTH {
        return Err(Refused::TooDeep);
    }
    let count = table::begin(out);
    let mut pairs = 0;
    if !call.has_room(PER_LEVEL) {
        return Err(Refused::NoRoom);
    }
    let state = call.state();
    // SAFETY: room is reserved; the table is not changed on the way; keys are
    // not converted, so `lua_next` finds its place again.
    unsafe {
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, -2) != 0 {
            let before = out.len();
            if write_scalar::<EXACT>(state, -2, out, width, true) {
                if ffi::lua_type(state, -1) == ffi::LUA_TTABLE {
                    write::<EXACT>(call, out, width, depth + 1)?;
                    pairs += 1;
                } else if write_scalar::<EXACT>(state, -1, out, width, false) {
                    pairs += 1;
                } else if EXACT {
                    return Err(unfit(ffi::lua_type(state, -1), true));
                } else {
                    out.truncate(before);
                }
            } else if EXACT {
                return Err(unfit(ffi::lua_type(state, -2), true));
            }
            if out.len() > width.body_max() {
                return Err(Refused::TooLarge { size: out.len(), limit: width.body_max() });
            }
            ffi::lua_settop(state, -2);
        }
    }
    table::end(out, count, pairs);
    Ok(())
}

/// Writes a value that is no table; false, and nothing written, when it cannot be.
///
/// # Safety
///
/// The stack of `state` has room, and the value to write where it is said to be.
#[inline]
unsafe fn write_scalar<const EXACT: bool>(
    state: *mut lua_State,
    n: c_int,
    out: &mut Vec<u8>,
    width: Width,
    is_key: bool,
) -> bool {
    // SAFETY: a valid index, and its type is known before it is read.
    unsafe {
        match ffi::lua_type(state, n) {
            ffi::LUA_TSTRING => {
                let mut len = 0;
                let start = ffi::lua_tolstring(state, n, &raw mut len);
                table::put_str(out, std::slice::from_raw_parts(start.cast(), len), width);
            }
            ffi::LUA_TNUMBER => write_number::<EXACT>(state, n, out),
            ffi::LUA_TBOOLEAN if !is_key => {
                table::put_bool(out, ffi::lua_toboolean(state, n) != 0);
            }
            _ => return false,
        }
    }
    true
}

/// Writes a number as what it is.
///
/// # Safety
///
/// The stack of `state` has room, and the value to write where it is said to be.
#[cfg(any(feature = "lua53", feature = "lua54", feature = "lua55"))]
unsafe fn write_number<const EXACT: bool>(state: *mut lua_State, n: c_int, out: &mut Vec<u8>) {
    // SAFETY: the value is a number.
    unsafe {
        let is_integer = ffi::lua_isinteger(state, n) != 0;
        let put = if EXACT { table::put_short_int } else { table::put_int };
        if is_integer {
            put(out, ffi::lua_tointegerx(state, n, ptr::null_mut()));
        } else {
            let put = if EXACT { table::put_double } else { table::put_float };
            put(out, ffi::lua_tonumberx(state, n, ptr::null_mut()));
        }
    }
}

/// Writes a number as what it is.
///
/// # Safety
///
/// The stack of `state` has room, and the value to write where it is said to be.
#[cfg(not(any(feature = "lua53", feature = "lua54", feature = "lua55")))]
unsafe fn write_number<const EXACT: bool>(state: *mut lua_State, n: c_int, out: &mut Vec<u8>) {
    let put = if EXACT { table::put_short_float } else { table::put_float };
    // SAFETY: the value is a number.
    put(out, unsafe { ffi::lua_tonumberx(state, n, ptr::null_mut()) });
}

/// Builds tables on the stack: each level is its table, and the key it will stand at.
struct Tables<'a> {
    call: &'a Call,
    state: *mut lua_State,
    depth: usize,
}

impl Tables<'_> {
    fn push(&self, value: Scalar<'_>) {
        // SAFETY: `begin` has reserved room, `read_values` for single ones.
        unsafe {
            match value {
                Scalar::Str(text) => {
                    ffi::lua_pushlstring(self.state, text.as_ptr().cast(), text.len());
                }
                Scalar::Bool(value) => ffi::lua_pushboolean(self.state, value.into()),
                Scalar::Int(n) => ffi::lua_pushinteger(self.state, n as ffi::lua_Integer),
                Scalar::Float(n) => ffi::lua_pushnumber(self.state, n),
            }
        }
    }
}

impl Build for Tables<'_> {
    fn begin(&mut self, pairs: usize) {
        self.depth += 1;
        let pairs = c_int::try_from(pairs).unwrap_or(c_int::MAX);
        self.call.reserve(PER_LEVEL);
        // SAFETY: room is reserved; the size is a hint, bounded by the bytes that are there.
        unsafe { ffi::lua_createtable(self.state, 0, pairs) }
    }

    fn key(&mut self, key: Scalar<'_>) {
        self.push(key);
    }

    fn value(&mut self, value: Scalar<'_>) {
        self.push(value);
        // SAFETY: table, key and value are the topmost three; the key is neither nil nor NaN.
        unsafe { ffi::lua_rawset(self.state, -3) }
    }

    fn end(&mut self) {
        self.depth -= 1;
        if self.depth > 0 {
            // SAFETY: parent, key and table are the topmost three.
            unsafe { ffi::lua_rawset(self.state, -3) }
        }
    }

    fn single(&mut self, value: Option<Scalar<'_>>) {
        match value {
            Some(value) => self.push(value),
            None => self.call.push_nil(),
        }
    }
}
