//! What JSON needs of the stack, and strings that are made in place.

use std::ffi::c_int;
use std::{ptr, slice};

use mlua::ffi;

use super::call::{Call, Kind};

/// Strings up to so many bytes are made on our own stack.
const SMALL: usize = 256;

impl Call {
    /// Pops two values: what stands for nothing in JSON, and the metatable of lists.
    pub fn keep_json_values(&self) {
        let state = self.state();
        // SAFETY: two values are at the top.
        unsafe {
            self.home().json_list.set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
            self.home().json_null.set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
        }
    }

    /// Pushes what stands for nothing in JSON.
    pub fn push_json_null(&self) {
        self.push_reference(self.home().json_null.get());
    }

    /// Pushes the metatable of lists in JSON.
    pub fn push_json_list_class(&self) {
        self.push_reference(self.home().json_list.get());
    }

    /// Whether the table at `n` is marked as a list of JSON; needs two free slots.
    pub fn is_json_list(&self, n: c_int) -> bool {
        let state = self.state();
        // SAFETY: a valid index; what is pushed is popped.
        unsafe {
            if ffi::lua_getmetatable(state, n) == 0 {
                return false;
            }
            self.push_json_list_class();
            let is_same = ffi::lua_rawequal(state, -1, -2) != 0;
            ffi::lua_settop(state, -3);
            is_same
        }
    }

    /// Whether the table at `n` has a metatable; needs a free slot.
    pub fn has_metatable(&self, n: c_int) -> bool {
        // SAFETY: a valid index; what is pushed is popped.
        unsafe {
            let has_one = ffi::lua_getmetatable(self.state(), n) != 0;
            if has_one {
                ffi::lua_settop(self.state(), -2);
            }
            has_one
        }
    }

    /// The whole number at `n`, where Lua has such numbers and it is one: not 1.0.
    pub fn to_exact_integer(&self, n: c_int) -> Option<i64> {
        #[cfg(any(feature = "lua53", feature = "lua54", feature = "lua55"))]
        // SAFETY: a valid index.
        let is_integer = unsafe { ffi::lua_isinteger(self.state(), n) != 0 };
        #[cfg(not(any(feature = "lua53", feature = "lua54", feature = "lua55")))]
        let is_integer = {
            const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
            self.to_number(n)
                .is_some_and(|n| n.abs() <= EXACT && (n != 0.0 || n.is_sign_positive()))
        };
        (is_integer && self.kind(n) == Kind::Number).then(|| self.to_integer(n))?
    }

    /// Pushes a string of at most `most` bytes, which `fill` writes to the front of its room; how
    /// many it says. False, and nothing pushed, when it says none.
    pub fn push_filled(&self, most: usize, fill: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
        if most <= SMALL {
            let mut room = [0; SMALL];
            let used = fill(&mut room[..most]);
            if let Some(used) = used {
                self.push_bytes(&room[..used.min(most)]);
            }
            return used.is_some();
        }
        let state = self.state();
        // SAFETY: room is reserved; the userdata has `most` bytes, all of which are written before
        // any is read, and stays on the stack until they were copied.
        unsafe {
            let start = ffi::lua_newuserdata(state, most).cast::<u8>();
            ptr::write_bytes(start, 0, most);
            let Some(used) = fill(slice::from_raw_parts_mut(start, most)) else {
                ffi::lua_settop(state, -2);
                return false;
            };
            ffi::lua_pushlstring(state, start.cast(), used.min(most));
            ffi::lua_remove(state, -2);
        }
        true
    }

    fn push_reference(&self, reference: c_int) {
        // SAFETY: a reference that was made when the module was opened; room was reserved.
        unsafe {
            ffi::lua_rawgeti(self.state(), ffi::LUA_REGISTRYINDEX, reference.into());
        }
    }
}
