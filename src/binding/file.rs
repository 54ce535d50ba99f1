//! Files that responses are made of: opened below a root, read in pieces, or sent by the kernel.
//! Not on the facade; `chuck.http` is built on it.

use std::cell::RefCell;
use std::ffi::CStr;
use std::sync::Arc;

use super::convert;
use super::held;
use super::place;
use super::raw::{Call, Class, Outcome, function};
use crate::base::error::Code;
use crate::base::limits;
use crate::net::file::{Entry, File, Kind};

/// What Lua holds, until it is closed.
pub struct FileObject {
    file: RefCell<Option<Arc<File>>>,
    /// What was found in a folder and is on its way to Lua.
    found: RefCell<Vec<Entry>>,
}

impl Class for FileObject {
    const NAME: &'static CStr = c"chuck.file";
    const INDEX: usize = place::FILE;
}

impl FileObject {
    /// The file.
    ///
    /// # Errors
    ///
    /// [`Code::BAD_FD`] once it was closed.
    pub fn file(&self) -> Result<Arc<File>, Code> {
        self.file.borrow().clone().ok_or(Code::BAD_FD)
    }
}

/// Makes the class known.
pub fn register(call: &Call) {
    call.register::<FileObject>(
        &[(c"Read", function(read)), (c"List", function(list)), (c"Close", function(close))],
        &[],
    );
}

/// `open_file(root, path)`: the file, "file", "folder" or "other", its size, the second in which it
/// was changed last, and what tells its content from any other.
pub fn open(call: &Call) -> Outcome {
    let root = if call.is_absent(1) { None } else { Some(call.bytes(1)?) };
    let file = match File::open(root, call.bytes(2)?) {
        Ok(file) => Arc::new(file),
        Err(error) => return convert::failure(call, error.into()),
    };
    call.reserve(12);
    let (kind, size, (seconds, _)) = (file.kind(), file.size(), file.modified());
    call.push_object(FileObject {
        file: RefCell::new(Some(file.clone())),
        found: RefCell::default(),
    });
    push_kind(call, kind);
    call.push_integer(size.min(i64::MAX as u64) as i64);
    call.push_integer(seconds);
    held::push(call, file.tag().into_bytes());
    Ok(5)
}

fn push_kind(call: &Call, kind: Kind) {
    call.push_bytes(match kind {
        Kind::Regular => b"file",
        Kind::Folder => b"folder",
        Kind::Other => b"other",
    });
}

/// `file:Read(at, length)`: up to so many bytes, fewer at its end.
fn read(call: &Call) -> Outcome {
    let object = call.object::<FileObject>(1)?;
    let at = call.integer_in(2, 0, i64::MAX)? as u64;
    let len = call.integer_in(3, 0, limits::FILE_PIECE as i64)? as usize;
    let mut failed = None;
    call.reserve(6);
    let is_read = call.push_filled(len, |room| match read_all(object, room, at) {
        Ok(read) => Some(read),
        Err(code) => {
            failed = Some(code);
            None
        }
    });
    match failed {
        Some(code) => convert::failure(call, code),
        None if is_read => Ok(1),
        None => convert::failure(call, Code::NO_MEMORY),
    }
}

/// Fills `room` from `at` on; less only at the end of the file.
fn read_all(object: &FileObject, room: &mut [u8], at: u64) -> Result<usize, Code> {
    let file = object.file()?;
    let mut used = 0;
    while let Some(rest) = room.get_mut(used..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at.saturating_add(used as u64))? {
            0 => break,
            read => used += read,
        }
    }
    Ok(used)
}

/// `folder:List(most)`: a list of `{ name, kind, size, seconds }`, and whether there are more.
fn list(call: &Call) -> Outcome {
    let object = call.object::<FileObject>(1)?;
    let most = call.integer_in(2, 0, limits::FOLDER as i64)? as usize;
    let listed = object.file().and_then(|file| Ok(file.entries(most)?));
    let (found, is_more) = match listed {
        Ok(listed) => listed,
        Err(code) => return convert::failure(call, code),
    };
    object.found.replace(found);
    call.reserve(8);
    call.push_table(0, 0);
    let mut at = 0;
    while let Some(entry) = next(object) {
        at += 1;
        call.push_table(4, 0);
        held::push(call, entry.name);
        call.raw_set(-2, 1);
        push_kind(call, entry.kind);
        call.raw_set(-2, 2);
        call.push_integer(entry.size.min(i64::MAX as u64) as i64);
        call.raw_set(-2, 3);
        call.push_integer(entry.modified);
        call.raw_set(-2, 4);
        call.raw_set(-2, at);
    }
    call.push_boolean(is_more);
    Ok(2)
}

fn next(object: &FileObject) -> Option<Entry> {
    object.found.borrow_mut().pop()
}

/// `file:Close()`: what is queued of it is still sent.
fn close(call: &Call) -> Outcome {
    let closed = call.object::<FileObject>(1)?.file.take();
    drop(closed);
    Ok(0)
}
