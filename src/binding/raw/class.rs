//! Userdata of our own classes, and what every native function knows about its state.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::mem::size_of;
use std::ptr;

use mlua::ffi::{self, lua_State};

use super::call::Call;
use super::{Fail, Function, Outcome, function};
use crate::base::limits;

/// A Rust type whose values Lua can hold.
pub trait Class: Sized + 'static {
    /// What Lua's error messages call it.
    const NAME: &'static CStr;
    /// Its place in [`Home`]; each class has its own.
    const INDEX: usize;
    /// Values of its own that Lua can attach to it: 0 or 1. Only Lua 5.4 saves by 0.
    const USER_VALUES: c_int = 0;

    /// Whether the value may be forgotten without being dropped. Objects without a finalizer
    /// cost Lua's collector a third.
    fn is_plain(&mut self) -> bool {
        false
    }

    /// Bytes it holds that Lua's collector does not see.
    fn outside(&mut self) -> usize {
        0
    }
}

/// Number of places in [`Home`].
const CLASSES: usize = 32;

/// Where the registry keeps the metatables of one class.
#[derive(Clone, Copy, Default)]
struct Metatables {
    /// With a finalizer.
    full: c_int,
    /// Without.
    plain: c_int,
}

/// What a userdata of ours holds. Of another library's, size and tag do not both agree.
#[repr(C)]
struct Object<T> {
    /// The address of the class's name.
    tag: usize,
    /// `None` once finalized.
    value: Option<T>,
}

fn tag_of<T: Class>() -> usize {
    T::NAME.as_ptr() as usize
}

/// What a state's native functions share: it is their first upvalue.
#[derive(Default)]
pub struct Home {
    classes: [Cell<Metatables>; CLASSES],
    /// Registry reference of the weak table: engine id -> its anchors.
    pub(super) directory: Cell<c_int>,
    /// Registry reference of the message handler.
    pub(super) handler: Cell<c_int>,
    /// Registry reference of the function behind [`Call::protected_each`].
    pub(super) each: Cell<c_int>,
    /// Registry reference of what stands for nothing in replies of Redis.
    pub(super) null: Cell<c_int>,
    /// Registry reference of the metatable of errors in such replies.
    pub(super) error: Cell<c_int>,
    /// Registry reference of what stands for nothing in JSON.
    pub(super) json_null: Cell<c_int>,
    /// Registry reference of the metatable of lists in JSON.
    pub(super) json_list: Cell<c_int>,
    /// Registry reference of what [`Call::keep_resident`] keeps; 0 before.
    resident: Cell<c_int>,
    /// The latest id handed out.
    pub(super) ids: Cell<u32>,
    /// Bytes allocated outside since the collector was told.
    outside: Cell<usize>,
}

/// Leaves a new home on the stack.
///
/// # Safety
///
/// `state` is the state that Lua has called us with.
pub(super) unsafe fn push_home(state: *mut lua_State) {
    // SAFETY: the userdata has room for a `Home`, which needs no drop, and lives as long as
    // any function that has it as an upvalue.
    unsafe {
        let home = ffi::lua_newuserdata(state, size_of::<Home>()).cast::<Home>();
        ptr::write(home, Home::default());
        ffi::lua_createtable(state, 0, 0);
        ffi::lua_createtable(state, 0, 1);
        ffi::lua_pushstring(state, c"v".as_ptr());
        ffi::lua_setfield(state, -2, c"__mode".as_ptr());
        ffi::lua_setmetatable(state, -2);
        (*home).directory.set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
        ffi::lua_pushcclosure(state, super::note_traceback, 0);
        (*home).handler.set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
        ffi::lua_pushvalue(state, -1);
        ffi::lua_pushcclosure(state, super::each::run, 1);
        (*home).each.set(ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX));
    }
}

impl Call {
    /// Makes a class known to this state, with its methods and metamethods.
    pub fn register<T: Class>(
        &self,
        methods: &[(&CStr, Function)],
        metamethods: &[(&CStr, Function)],
    ) {
        const { assert!(T::INDEX < CLASSES && align_of::<T>() <= 8) };
        self.reserve(6);
        let (state, home) = (self.state(), self.home());
        self.push_functions(methods);
        // SAFETY: pushes and pops are balanced; the table of methods stays at the top.
        let metatables = unsafe {
            let make = |finalizer: bool| {
                self.push_functions(metamethods);
                ffi::lua_pushvalue(state, -2);
                ffi::lua_setfield(state, -2, c"__index".as_ptr());
                ffi::lua_pushstring(state, T::NAME.as_ptr());
                ffi::lua_setfield(state, -2, c"__name".as_ptr());
                ffi::lua_pushstring(state, T::NAME.as_ptr());
                ffi::lua_setfield(state, -2, c"__metatable".as_ptr());
                if finalizer {
                    self.push_function(function(collect::<T>));
                    ffi::lua_setfield(state, -2, c"__gc".as_ptr());
                }
                ffi::luaL_ref(state, ffi::LUA_REGISTRYINDEX)
            };
            Metatables { full: make(true), plain: make(false) }
        };
        home.classes[T::INDEX].set(metatables);
        self.pop(1);
    }

    /// Pushes a new object; needs two free slots.
    pub fn push_object<T: Class>(&self, value: T) {
        self.push_made(|| Some(value));
    }

    /// Pushes the object that `make` makes, right where Lua keeps it; false, and nothing
    /// pushed, when it makes none. Finalizers may have run before it is asked.
    #[inline]
    pub fn push_made<T: Class>(&self, make: impl FnOnce() -> Option<T>) -> bool {
        // SAFETY: the userdata has room for the value, and is no object of ours while its tag
        // is 0; from the moment it has its metatable Lua owns it. Nothing between can fail.
        unsafe {
            let place = new_userdata(self.state(), size_of::<Object<T>>(), T::USER_VALUES)
                .cast::<Object<T>>();
            (&raw mut (*place).tag).write(0);
            (&raw mut (*place).value).write(make());
            let Some(value) = &mut (*place).value else {
                self.pop(1);
                return false;
            };
            (*place).tag = tag_of::<T>();
            let (is_plain, outside) = (value.is_plain(), value.outside());
            let metatables = self.home().classes[T::INDEX].get();
            let reference = if is_plain { metatables.plain } else { metatables.full };
            ffi::lua_rawgeti(self.state(), ffi::LUA_REGISTRYINDEX, reference.into());
            ffi::lua_setmetatable(self.state(), -2);
            if outside > 0 {
                self.account(outside);
            }
        }
        true
    }

    /// Tells the collector, now and then, of bytes that are held outside: it would let
    /// hundreds of megabytes pile up behind a few small objects.
    #[inline]
    pub fn account(&self, bytes: usize) {
        let outside = &self.home().outside;
        outside.set(outside.get() + bytes);
        if outside.get() >= limits::COLLECT_STEP {
            let kilobytes = outside.replace(0) / 1024;
            // SAFETY: no borrow is alive, as wherever Lua values are made.
            unsafe {
                if is_collecting(self.state()) {
                    // Lua 5.5 counts in bytes, all others in units of 1024.
                    #[cfg(feature = "lua55")]
                    ffi::lua_gc(self.state(), ffi::LUA_GCSTEP, kilobytes * 1024);
                    #[cfg(not(feature = "lua55"))]
                    ffi::lua_gc(self.state(), ffi::LUA_GCSTEP, kilobytes as c_int);
                }
            }
        }
    }

    /// The object at stack index `n`, if it is of the class and alive.
    #[inline]
    pub fn try_object<T: Class>(&self, n: c_int) -> Option<&T> {
        // SAFETY: a valid index. A light userdata has no length, and a full one is as large as
        // its length says, so the tag may be looked at. Who has the tag is ours, and stays in
        // place while it is on the stack, which is longer than `self` is used.
        unsafe {
            let place = ffi::lua_touserdata(self.state(), n).cast::<Object<T>>();
            if place.is_null()
                || ffi::lua_rawlen(self.state(), n) as usize != size_of::<Object<T>>()
                || (*place).tag != tag_of::<T>()
            {
                return None;
            }
            (*place).value.as_ref()
        }
    }

    /// The object at argument `n`.
    ///
    /// # Errors
    ///
    /// It is something else, or was finalized.
    #[inline]
    pub fn object<T: Class>(&self, n: c_int) -> Result<&T, Fail> {
        self.try_object(n).ok_or_else(|| self.expected(n, &T::NAME.to_string_lossy()))
    }

    /// Gives the object at index `n` a finalizer, after it got something to drop.
    pub fn promote<T: Class>(&self, n: c_int) {
        self.reserve(1);
        let reference = self.home().classes[T::INDEX].get().full;
        // SAFETY: the caller has the object from `object::<T>(n)`.
        unsafe {
            ffi::lua_rawgeti(self.state(), ffi::LUA_REGISTRYINDEX, reference.into());
            ffi::lua_setmetatable(self.state(), if n < 0 { n - 1 } else { n });
        }
    }

    /// Pops an object that lives as long as the state, of which there is one.
    pub fn keep_resident(&self) {
        // SAFETY: a value is at the top.
        let reference = unsafe { ffi::luaL_ref(self.state(), ffi::LUA_REGISTRYINDEX) };
        self.home().resident.set(reference);
    }

    /// Whether there is such an object.
    pub fn has_resident(&self) -> bool {
        self.home().resident.get() != 0
    }

    /// Pushes that object; nil before there is one.
    #[inline]
    pub fn push_resident(&self) {
        match self.home().resident.get() {
            0 => self.push_nil(),
            // SAFETY: a reference that was made when the object was kept.
            reference => unsafe {
                ffi::lua_rawgeti(self.state(), ffi::LUA_REGISTRYINDEX, reference.into());
            },
        }
    }

    #[inline]
    pub(super) fn home(&self) -> &Home {
        // SAFETY: every native function of ours has the home as its first upvalue.
        unsafe { &*ffi::lua_touserdata(self.state(), ffi::lua_upvalueindex(1)).cast::<Home>() }
    }
}

/// The finalizer: drops the value and leaves nothing behind.
fn collect<T: Class>(call: &Call) -> Outcome {
    if call.try_object::<T>(1).is_some() {
        // SAFETY: it is a userdata of the class, and no reference into it is alive.
        let value =
            unsafe { (*ffi::lua_touserdata(call.state(), 1).cast::<Object<T>>()).value.take() };
        drop(value);
    }
    Ok(0)
}

/// Whether the collector runs; Lua 5.1 does not say.
///
/// # Safety
///
/// `state` is the state that Lua has called us with.
unsafe fn is_collecting(state: *mut lua_State) -> bool {
    #[cfg(not(any(feature = "lua51", feature = "luajit")))]
    // SAFETY: asks only.
    return unsafe { ffi::lua_gc(state, ffi::LUA_GCISRUNNING, 0) != 0 };
    #[cfg(any(feature = "lua51", feature = "luajit"))]
    {
        let _ = state;
        true
    }
}

/// Pushes a userdata with room for `size` bytes.
///
/// # Safety
///
/// `state` is the state that Lua has called us with, and has a free slot.
#[cfg(any(feature = "lua54", feature = "lua55"))]
unsafe fn new_userdata(state: *mut lua_State, size: usize, values: c_int) -> *mut c_void {
    // SAFETY: the caller has a free stack slot.
    unsafe { ffi::lua_newuserdatauv(state, size, values) }
}

/// Pushes a userdata with room for `size` bytes.
///
/// # Safety
///
/// `state` is the state that Lua has called us with, and has a free slot.
#[cfg(not(any(feature = "lua54", feature = "lua55")))]
unsafe fn new_userdata(state: *mut lua_State, size: usize, _values: c_int) -> *mut c_void {
    // SAFETY: the caller has a free stack slot.
    unsafe { ffi::lua_newuserdata(state, size) }
}
