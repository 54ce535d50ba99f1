//! The files of Unix sockets: made by a bind, in nobody's way when they are stale, and removed
//! with the socket that they belong to.
//!
//! ```text
//! bind -> address in use? -> a socket that nobody serves? -> removed, bound again
//!                                 `- served, or no socket: refused, and left alone
//! ```

use std::collections::HashMap;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{self, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::Mode;
use socket2::{Domain, SockRef, Socket};

use crate::base::error::Code;
use crate::net::addr::{self, Address};

/// The files that this process has made, by the descriptor of their sockets.
static FILES: Mutex<Option<HashMap<RawFd, File>>> = Mutex::new(None);

/// The file of a socket.
struct File {
    /// As it was bound.
    name: PathBuf,
    /// From the root: the working folder may change.
    place: PathBuf,
    identity: Identity,
    /// What every descriptor of the socket stands for.
    socket: Identity,
}

type Identity = (u64, u64);

/// Binds a socket to a path. A stale file is removed first; `mode` are the permissions of the
/// new one, from the start.
///
/// # Errors
///
/// `EADDRINUSE` when somebody serves the path or it is no socket, or what the kernel says.
pub fn bind(fd: &impl AsFd, path: &Path, mode: Option<u32>) -> Result<(), Code> {
    let address = Address::Path(path.to_owned()).to_kernel()?;
    let socket = SockRef::from(fd);
    if let Some(mode) = mode {
        // The file takes its permissions from its socket, on Linux. Elsewhere this fails.
        let _ = rustix::fs::fchmod(fd, Mode::from_bits_truncate(mode as _));
    }
    if let Err(error) = socket.bind(&address) {
        if error.kind() != io::ErrorKind::AddrInUse || !is_stale(fd, path) {
            return Err(error.into());
        }
        // Who was faster than we are has removed it already.
        let _ = fs::remove_file(path);
        socket.bind(&address)?;
    }
    let metadata = fs::symlink_metadata(path)?;
    let name = path.to_owned();
    let (place, socket) = (path::absolute(path)?, self::socket(fd)?);
    let file = File { name, place, identity: identity(&metadata), socket };
    files().get_or_insert_default().insert(fd.as_fd().as_raw_fd(), file);
    match mode {
        // What the process masks is added only now: nobody could connect who may not.
        Some(mode) if metadata.mode() & 0o777 != mode => {
            Ok(fs::set_permissions(path, Permissions::from_mode(mode))?)
        }
        _ => Ok(()),
    }
}

/// Makes sure, after a listen, that the path still leads to this socket: who bound it at the
/// same time may have taken ours for stale.
///
/// # Errors
///
/// `EADDRINUSE`
pub fn confirm(fd: &impl AsFd) -> Result<(), Code> {
    let number = fd.as_fd().as_raw_fd();
    let mut files = files();
    let Some(file) = files.as_ref().and_then(|files| files.get(&number)) else {
        return Ok(());
    };
    if is_at(&file.place, file.identity) {
        return Ok(());
    }
    files.get_or_insert_default().remove(&number);
    Err(Code::ADDRESS_IN_USE)
}

/// The socket is about to be closed: removes its file, if it still is.
pub fn remove(fd: &impl AsFd) {
    let Some(file) = forget(fd) else {
        return;
    };
    // Another descriptor may have the number by now.
    let is_ours = addr::local(fd).is_ok_and(|local| local == Address::Path(file.name));
    if is_ours && is_at(&file.place, file.identity) {
        // If it fails, a stale file stays behind, which the next bind knows about.
        let _ = fs::remove_file(&file.place);
    }
}

/// The socket has gone to another process as well: its file is not ours to remove any more.
/// Any descriptor of the socket will do.
pub fn disown(fd: &impl AsFd) {
    if let (Ok(socket), Some(files)) = (socket(fd), files().as_mut()) {
        files.retain(|_, file| file.socket != socket);
    }
}

fn forget(fd: &impl AsFd) -> Option<File> {
    files().as_mut()?.remove(&fd.as_fd().as_raw_fd())
}

/// Whether a path is a socket that nobody serves.
fn is_stale(fd: &impl AsFd, path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    let refused = || {
        let kind = SockRef::from(fd).r#type()?;
        let probe = Socket::new(Domain::UNIX, kind, None)?;
        probe.set_nonblocking(true)?;
        probe.connect(&socket2::SockAddr::unix(path)?)
    };
    // Whatever else is said, a full backlog or another type of socket: somebody is there.
    is_socket && refused().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn is_at(place: &Path, expected: Identity) -> bool {
    fs::symlink_metadata(place).is_ok_and(|metadata| identity(&metadata) == expected)
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

fn socket(fd: &impl AsFd) -> io::Result<Identity> {
    let stat = rustix::fs::fstat(fd)?;
    Ok((stat.st_dev as _, stat.st_ino as _))
}

fn files() -> MutexGuard<'static, Option<HashMap<RawFd, File>>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}
