//! Replies of Redis to Lua values, straight on the stack.

use std::ffi::c_int;
use std::ptr;
use std::slice;

use mlua::ffi;

use super::call::Call;
use crate::codec::redis::{self, Build, Chunks, Kind, Place, Value};

/// Stack slots that one level of nesting takes: a table, a key, and what it takes to make a
/// value of it.
const PER_LEVEL: c_int = 8;

/// Largest number that is exact in a Lua that knows doubles only.
const EXACT: u64 = 1 << 53;

impl Call {
    /// Pops two values: what stands for nothing in replies, and the metatable of errors.
    pub fn keep_reply_values(&self) {
        let state = self.state();
        // SAFETY: two values are at the top.
        unsafe {
            self.home().error.set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
            self.home().null.set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
        }
    }

    /// Pushes what stands for nothing in replies.
    #[inline]
    pub fn push_null(&self) {
        // SAFETY: a reference that was made when the module was opened; room was reserved.
        unsafe {
            let null = self.home().null.get();
            ffi::lua_rawgeti(self.state(), ffi::LUA_REGISTRYINDEX, null.into());
        }
    }

    /// Pushes the metatable of errors in replies.
    pub fn push_error_class(&self) {
        // SAFETY: see `push_null`.
        unsafe {
            let error = self.home().error.get();
            ffi::lua_rawgeti(self.state(), ffi::LUA_REGISTRYINDEX, error.into());
        }
    }

    /// Pushes a string of `len` bytes, which `fill` writes; false when it has not, and something
    /// else is pushed.
    pub fn push_built(&self, len: usize, fill: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let state = self.state();
        // SAFETY: room is reserved; the userdata has `len` bytes, which are written before they
        // are read, and stays on the stack until they were copied.
        unsafe {
            let start = ffi::lua_newuserdata(state, len.max(1)).cast::<u8>();
            ptr::write_bytes(start, 0, len);
            if !fill(slice::from_raw_parts_mut(start, len)) {
                return false;
            }
            ffi::lua_pushlstring(state, start.cast(), len);
            ffi::lua_remove(state, -2);
        }
        true
    }

    /// Pushes a whole reply as one value; whether nobody has asked for it. `None`, and whatever
    /// pushed, when it is no reply after all.
    #[inline]
    pub fn push_reply(&self, reply: &[u8]) -> Option<bool> {
        self.reserve(PER_LEVEL);
        let mut values = Values { call: self, is_push: false };
        redis::walk(reply, &mut values)?;
        Some(values.is_push)
    }
}

/// Makes values on the stack: each level is its table, and the key it has last.
struct Values<'a> {
    call: &'a Call,
    is_push: bool,
}

impl Build for Values<'_> {
    #[inline]
    fn value(&mut self, value: Value<'_>, place: Place) {
        match value {
            Value::Text(text) => self.call.push_bytes(text),
            Value::Integer(value) => self.push_integer(value),
            Value::Null => self.call.push_null(),
            Value::Error(text) => self.push_error(text),
            Value::Boolean(value) => self.call.push_boolean(value),
            // No table has it as a key.
            Value::Double(value) if value.is_nan() && place == Place::Key => {
                self.call.push_bytes(b"nan");
            }
            Value::Double(value) => self.call.push_number(value),
            Value::Pieces(chunks) => self.push_pieces(chunks),
        }
        self.put(place);
    }

    fn open(&mut self, kind: Kind, count: Option<u64>) {
        self.call.reserve(PER_LEVEL);
        self.is_push |= kind == Kind::Push;
        // All of them have arrived: each has taken bytes, so the number is no empty promise.
        let count = usize::try_from(count.unwrap_or(0)).unwrap_or(0);
        match kind {
            Kind::Map => self.call.push_table(0, count / 2),
            _ => self.call.push_table(count, 0),
        }
    }

    fn close(&mut self, place: Place) {
        self.put(place);
    }
}

impl Values<'_> {
    /// Puts the value at the top where it belongs.
    #[inline]
    fn put(&mut self, place: Place) {
        match place {
            Place::Top | Place::Key => {}
            Place::Item(at) => self.call.raw_set(-2, at as i64),
            Place::Field => self.call.raw_set_pair(-3),
        }
    }

    #[inline]
    fn push_integer(&self, value: i64) {
        let has_integers = cfg!(any(feature = "lua53", feature = "lua54", feature = "lua55"));
        if has_integers || value.unsigned_abs() <= EXACT {
            self.call.push_integer(value);
        } else {
            let mut room = [0; 20];
            self.call.push_bytes(redis::decimal(value.unsigned_abs(), value < 0, &mut room));
        }
    }

    /// A table with a message and a code.
    fn push_error(&self, text: &[u8]) {
        let call = self.call;
        call.push_table(0, 2);
        call.push_bytes(text);
        call.set_field(-2, c"message");
        call.push_bytes(redis::code_of(text));
        call.set_field(-2, c"code");
        call.push_error_class();
        call.set_metatable(-2);
    }

    /// The pieces as one string. They meet in memory of Lua's, which is left to its collector.
    fn push_pieces(&self, chunks: Chunks<'_>) {
        self.call.push_built(chunks.len(), |mut room| {
            for chunk in chunks {
                let (front, rest) = room.split_at_mut(chunk.len());
                front.copy_from_slice(chunk);
                room = rest;
            }
            true
        });
    }
}
