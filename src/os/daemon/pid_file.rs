//! The pid file: a lock that lives as long as the process, and a number for people.
//!
//! The lock is what counts. A file without one was left by a process that was killed, and is
//! taken over.
#![allow(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{Failure, failed};
use crate::base::error::Code;
use crate::os::process;

/// Removed when the process ends in good order, by the process that has signed it.
static SIGNED: Mutex<Option<(i32, PathBuf)>> = Mutex::new(None);

/// A pid file that is ours.
pub(super) struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Takes the file, and writes our number into it.
    pub(super) fn lock(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| failed("lock", path, &error);
        // The daemon works elsewhere when it removes the file.
        let path = std::path::absolute(path).map_err(failed)?;
        loop {
            let mut how = OpenOptions::new();
            how.read(true).write(true).create(true).truncate(false).mode(0o644);
            let mut file = how.open(&path).map_err(failed)?;
            if !file.metadata().map_err(failed)?.is_file() {
                // What is removed at the end must not be a device.
                let words = format!("cannot lock \"{}\": it is no plain file", path.display());
                return Err(Failure { words, code: Code::INVALID });
            }
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(taken(&path, &mut file)),
                Err(error) => return Err(failed(error.into())),
            }
            if is_same(&path, &file).map_err(failed)? {
                let mut taken = PidFile { path: path.clone(), file };
                taken.write().map_err(failed)?;
                return Ok(taken);
            }
            // Who had it has removed it meanwhile: what we have locked has no name any more.
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the number of this process, which removes the file when it ends.
    pub(super) fn sign(&mut self) -> io::Result<()> {
        self.write()?;
        let mut signed = SIGNED.lock().unwrap_or_else(PoisonError::into_inner);
        *signed = Some((process::pids().0, self.path.clone()));
        // SAFETY: a function without arguments, in code that is never unloaded.
        match unsafe { libc::atexit(remove) } {
            0 => Ok(()),
            _ => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        writeln!(self.file, "{}", process::pids().0)
    }
}

impl Drop for PidFile {
    /// No daemon came of it: one that lives never drops its own.
    fn drop(&mut self) {
        // Who cannot be removed has no lock, and so is taken over.
        let _ = fs::remove_file(&self.path);
    }
}

/// Runs when the process ends in good order. Children that end so have another number.
extern "C" fn remove() {
    if let Ok(signed) = SIGNED.try_lock()
        && let Some((pid, path)) = &*signed
        && *pid == process::pids().0
    {
        // Whoever has removed it before us has done no harm.
        let _ = fs::remove_file(path);
    }
}

/// Whether the file at `path` is the one we have open.
fn is_same(path: &Path, file: &File) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok(there.ino() == ours.ino() && there.dev() == ours.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn taken(path: &Path, file: &mut File) -> Failure {
    let mut text = String::new();
    let pid = match file.take(32).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "?".to_owned(),
    };
    let words = format!("pid file \"{}\" is locked by process {pid}", path.display());
    Failure { words, code: Code::EXISTS }
}
