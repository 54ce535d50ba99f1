//! Lua values to bytes that another state of this process reads, and back.
//!
//! ```text
//! value := 00 nil | 01 false | 02 true | 03 i64 | 04 f64 | 05 length: u8, bytes | 06 length: u64, bytes
//!        | 07 list: u32, others: u32, { key value } * (list + others)         both are hints and a count
//!        | 08 an object, which travels beside the bytes
//! ```
//!
//! The bytes never leave the process, so numbers are in the machine's own order and what is read
//! was written by us.

use std::ffi::{c_int, c_void};
use std::fmt::Write;
use std::ptr;

use mlua::ffi::{self, lua_State};

use super::call::Call;
use crate::base::limits::{MAIL_BYTES, MAIL_DEPTH};

/// Stack slots that one level of nesting takes.
const PER_LEVEL: c_int = 4;

const NIL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const FLOAT: u8 = 4;
const SHORT: u8 = 5;
const LONG: u8 = 6;
const TABLE: u8 = 7;
const OBJECT: u8 = 8;

/// Takes note of the object at a stack index, which will travel beside the bytes. `Err`: why it
/// cannot.
pub type Load<'a> = &'a mut dyn FnMut(&Call, c_int) -> Result<(), &'static str>;

/// Why a value cannot travel, and where in it the trouble is.
#[derive(Debug)]
pub struct Unfit {
    why: String,
    /// From the inside out: ".name", "[3]".
    path: Vec<String>,
}

impl Unfit {
    fn new(why: impl Into<String>) -> Self {
        Unfit { why: why.into(), path: Vec::new() }
    }

    /// "mail.users[3].callback: a function cannot be sent"
    pub fn message(&self, root: &str) -> String {
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        format!("{root}{path}: {}", self.why)
    }
}

impl Call {
    /// Appends the value at `n` to `out`. Metatables are not looked at.
    ///
    /// # Errors
    ///
    /// Something in it cannot travel; `out` has a part of it then.
    pub fn pack(&self, n: c_int, out: &mut Vec<u8>, load: Load<'_>) -> Result<(), Unfit> {
        let top = self.top();
        self.reserve(1);
        self.push_value(n);
        let above = [ptr::null(); MAIL_DEPTH];
        let mut packer = Packer { call: self, out, load, above, root: top + 1, is_over: false };
        // SAFETY: the value is at the top.
        let result = unsafe { packer.value(0) }.and_then(|()| packer.check_size());
        self.set_top(top);
        result
    }

    /// Pushes the value at the front of `bytes`, and `unload` the objects in it; returns what
    /// is left.
    pub fn unpack<'a>(&self, bytes: &'a [u8], unload: &mut dyn FnMut(&Call)) -> &'a [u8] {
        self.reserve(1);
        let mut unpacker = Unpacker { call: self, rest: bytes, unload };
        // A cut in the middle cannot be: `pack` has written it. Were it so, nil would do.
        if unpacker.value().is_none() {
            self.push_nil();
        }
        unpacker.rest
    }
}

struct Packer<'a, 'b> {
    call: &'a Call,
    out: &'a mut Vec<u8>,
    load: Load<'b>,
    /// The tables around the one at hand.
    above: [*const c_void; MAIL_DEPTH],
    /// Where the outermost value stands; the table at depth `d` is `2 * d` above it.
    root: c_int,
    /// A string was left out, which alone is too large.
    is_over: bool,
}

impl Packer<'_, '_> {
    /// Appends the value at the top, which stays.
    ///
    /// # Safety
    ///
    /// The stack has that value.
    #[inline]
    unsafe fn value(&mut self, depth: usize) -> Result<(), Unfit> {
        let state = self.call.state();
        // SAFETY: a valid index, and its type is known before it is read.
        unsafe {
            match ffi::lua_type(state, -1) {
                ffi::LUA_TTABLE => self.table(depth),
                ffi::LUA_TNIL => {
                    self.out.push(NIL);
                    Ok(())
                }
                ffi::LUA_TUSERDATA => {
                    self.out.push(OBJECT);
                    (self.load)(self.call, -1).map_err(Unfit::new)
                }
                _ if self.scalar(-1) => Ok(()),
                kind => Err(Unfit::new(unfit(kind))),
            }
        }
    }

    /// Appends the table at the top.
    ///
    /// # Safety
    ///
    /// The value at the top is a table.
    unsafe fn table(&mut self, depth: usize) -> Result<(), Unfit> {
        let state = self.call.state();
        // SAFETY: the value is a table; room is reserved; the table is not changed on the way;
        // keys are not converted, so `lua_next` finds its place again.
        unsafe {
            let this = ffi::lua_topointer(state, -1);
            if self.above.iter().take(depth).any(|above| *above == this) {
                return Err(Unfit::new("a table that contains itself cannot be sent"));
            }
            let Some(place) = self.above.get_mut(depth) else {
                let why = format!("a table nested deeper than {MAIL_DEPTH} levels cannot be sent");
                return Err(Unfit::new(why));
            };
            *place = this;
            if !self.call.has_room(PER_LEVEL) {
                return Err(Unfit::new("stack overflow"));
            }
            self.out.push(TABLE);
            let head = self.out.len();
            let list = ffi::lua_rawlen(state, -1) as u32;
            self.out.extend_from_slice(&[0; 8]);
            let mut pairs = 0u32;
            ffi::lua_pushnil(state);
            while ffi::lua_next(state, -2) != 0 {
                if !self.scalar(-2) {
                    let kind = ffi::lua_type(state, -2);
                    let name = name_of(kind);
                    return Err(Unfit::new(format!("a key that is a {name} cannot be sent")));
                }
                self.value(depth + 1).map_err(|unfit| self.locate(unfit, depth))?;
                pairs += 1;
                self.check_size()?;
                ffi::lua_settop(state, -2);
            }
            let list = list.min(pairs);
            self.out[head..head + 4].copy_from_slice(&list.to_ne_bytes());
            self.out[head + 4..head + 8].copy_from_slice(&(pairs - list).to_ne_bytes());
        }
        Ok(())
    }

    #[inline]
    fn check_size(&self) -> Result<(), Unfit> {
        if self.is_over || self.out.len() > MAIL_BYTES {
            return Err(too_large());
        }
        Ok(())
    }

    /// Appends a boolean, a number or a string; false, and nothing appended, when it is none.
    ///
    /// # Safety
    ///
    /// The index is valid.
    #[inline]
    unsafe fn scalar(&mut self, n: c_int) -> bool {
        let state = self.call.state();
        // SAFETY: its type is known before it is read, so nothing is converted.
        unsafe {
            match ffi::lua_type(state, n) {
                ffi::LUA_TSTRING => {
                    let mut len = 0;
                    let start = ffi::lua_tolstring(state, n, &raw mut len);
                    self.string(std::slice::from_raw_parts(start.cast(), len));
                }
                ffi::LUA_TNUMBER => self.number(n),
                ffi::LUA_TBOOLEAN if ffi::lua_toboolean(state, n) != 0 => self.out.push(TRUE),
                ffi::LUA_TBOOLEAN => self.out.push(FALSE),
                _ => return false,
            }
        }
        true
    }

    #[inline]
    fn string(&mut self, text: &[u8]) {
        if text.len() > MAIL_BYTES {
            self.is_over = true;
            return;
        }
        match u8::try_from(text.len()) {
            Ok(len) => self.out.extend_from_slice(&[SHORT, len]),
            Err(_) => self.tagged(LONG, (text.len() as u64).to_ne_bytes()),
        }
        self.out.extend_from_slice(text);
    }

    /// # Safety
    ///
    /// There is a number at the index.
    #[inline]
    unsafe fn number(&mut self, n: c_int) {
        let state = self.call.state();
        #[cfg(any(feature = "lua53", feature = "lua54", feature = "lua55"))]
        // SAFETY: the value is a number.
        if unsafe { ffi::lua_isinteger(state, n) } != 0 {
            // SAFETY: and a whole one.
            let value = unsafe { ffi::lua_tointegerx(state, n, ptr::null_mut()) };
            return self.tagged(INTEGER, value.to_ne_bytes());
        }
        // SAFETY: the value is a number.
        let value = unsafe { ffi::lua_tonumberx(state, n, ptr::null_mut()) };
        self.tagged(FLOAT, value.to_ne_bytes());
    }

    #[inline]
    fn tagged(&mut self, tag: u8, bytes: [u8; 8]) {
        let mut whole = [tag; 9];
        whole[1..].copy_from_slice(&bytes);
        self.out.extend_from_slice(&whole);
    }

    /// Notes the key of the pair at hand in the table at `depth`.
    #[cold]
    fn locate(&self, mut unfit: Unfit, depth: usize) -> Unfit {
        let call = self.call;
        let n = self.root + 2 * depth as c_int + 1;
        let mut name = String::new();
        if let Some(text) = call.to_bytes(n) {
            let text = String::from_utf8_lossy(text);
            let is_name = !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !text.starts_with(|c: char| c.is_ascii_digit());
            let short: String = text.chars().take(40).collect();
            name = if is_name { format!(".{short}") } else { format!("[{short:?}]") };
        } else if let Some(whole) = call.to_integer(n) {
            let _ = write!(name, "[{whole}]");
        } else if let Some(number) = call.to_number(n) {
            let _ = write!(name, "[{number}]");
        } else {
            let _ = write!(name, "[{}]", call.switch(n).unwrap_or_default());
        }
        unfit.path.push(name);
        unfit
    }
}

#[cold]
fn unfit(kind: c_int) -> String {
    format!("a {} cannot be sent", name_of(kind))
}

#[cold]
fn too_large() -> Unfit {
    Unfit::new(format!("mail of more than {MAIL_BYTES} bytes, which is the limit"))
}

fn name_of(kind: c_int) -> &'static str {
    match kind {
        ffi::LUA_TTABLE => "table",
        ffi::LUA_TFUNCTION => "function",
        ffi::LUA_TTHREAD => "coroutine",
        ffi::LUA_TUSERDATA => "userdata",
        ffi::LUA_TLIGHTUSERDATA => "light userdata",
        _ => "value of this type",
    }
}

struct Unpacker<'a, 'b> {
    call: &'a Call,
    rest: &'b [u8],
    unload: &'a mut dyn FnMut(&Call),
}

impl<'b> Unpacker<'_, 'b> {
    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (front, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(front)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*front)
    }

    /// Pushes the next value; its caller has reserved a slot.
    #[inline]
    fn value(&mut self) -> Option<()> {
        let [tag] = self.array()?;
        match tag {
            NIL => self.call.push_nil(),
            FALSE => self.call.push_boolean(false),
            TRUE => self.call.push_boolean(true),
            INTEGER => {
                let value = i64::from_ne_bytes(self.array()?);
                self.call.push_integer(value);
            }
            FLOAT => {
                let value = f64::from_ne_bytes(self.array()?);
                self.call.push_number(value);
            }
            SHORT => {
                let [len] = self.array()?;
                let text = self.take(len.into())?;
                self.call.push_bytes(text);
            }
            LONG => {
                let len = u64::from_ne_bytes(self.array()?);
                let text = self.take(usize::try_from(len).ok()?)?;
                self.call.push_bytes(text);
            }
            TABLE => return self.table(),
            _ => (self.unload)(self.call),
        }
        Some(())
    }

    fn table(&mut self) -> Option<()> {
        let list = u32::from_ne_bytes(self.array()?) as usize;
        let others = u32::from_ne_bytes(self.array()?) as usize;
        self.call.reserve(PER_LEVEL);
        self.call.push_table(list, others);
        for _ in 0..list + others {
            self.value()?;
            self.value()?;
            set_pair(self.call.state());
        }
        Some(())
    }
}

/// Pops a key and a value into the table below.
#[inline]
fn set_pair(state: *mut lua_State) {
    // SAFETY: table, key and value are the topmost three; the key is neither nil nor NaN, for it
    // was a key before.
    unsafe { ffi::lua_rawset(state, -3) }
}
