//! Files that are sent: opened below a folder that no path leads out of, and read by place.
//!
//! ```text
//!  root: /srv/www     path: a/b.html       open: /srv/www/a/b.html
//!                     ../etc/passwd        refused, and so is a link to it
//! ```

use std::ffi::CStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use crate::base::limits;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Bytes, and as many as are said.
    Regular,
    /// Names.
    Folder,
    /// Neither: a device, a pipe, a link.
    Other,
}

impl Kind {
    fn of(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Kind::Regular,
            FileType::Directory => Kind::Folder,
            _ => Kind::Other,
        }
    }
}

/// An open file, and what it was when it was opened.
#[derive(Debug)]
pub struct File {
    file: fs::File,
    state: Metadata,
    kind: Kind,
    /// The kernel has refused to send it by itself.
    is_copied: AtomicBool,
}

/// What a folder has.
pub struct Entry {
    /// Its name, without the folder.
    pub name: Vec<u8>,
    /// A link is [`Kind::Other`], wherever it leads.
    pub kind: Kind,
    /// In bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub modified: i64,
}

impl File {
    /// Opens a path to be read; with a `root`, a folder, only what is in it. Links are followed
    /// as long as they stay there, or not at all where the kernel cannot tell.
    ///
    /// # Errors
    ///
    /// `EXDEV` for what leads out of the root; or what the kernel says.
    pub fn open(root: Option<&[u8]>, path: &[u8]) -> io::Result<File> {
        let fd = match root {
            None => rustix::fs::open(path, flags(), Mode::empty())?,
            Some(root) => {
                let root = rustix::fs::open(root, folder(), Mode::empty())?;
                beneath(&root, if path.is_empty() { b"." } else { path })?
            }
        };
        let file = fs::File::from(fd);
        let state = file.metadata()?;
        let kind = Kind::of(FileType::from_raw_mode(state.mode() as _));
        Ok(File { file, state, kind, is_copied: AtomicBool::new(false) })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its size when it was opened, in bytes.
    pub fn size(&self) -> u64 {
        self.state.size()
    }

    /// When it was changed last: seconds since 1970, and nanoseconds.
    pub fn modified(&self) -> (i64, i64) {
        (self.state.mtime(), self.state.mtime_nsec())
    }

    /// What tells its content from any other that the name ever stood for: inode, size, time.
    pub fn tag(&self) -> String {
        let (seconds, nanos) = self.modified();
        format!("{:x}-{:x}-{:x}{:08x}", self.state.ino(), self.size(), seconds, nanos)
    }

    /// Reads what stands at `at`; 0 is the end.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        loop {
            match self.file.read_at(bytes, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// What a folder has, in no order; of more than `most` names the first, and whether there
    /// are more.
    ///
    /// # Errors
    ///
    /// What the kernel says, also that it is no folder.
    pub fn entries(&self, most: usize) -> io::Result<(Vec<Entry>, bool)> {
        let mut entries = Vec::new();
        for item in Dir::read_from(&self.file)? {
            let item = item?;
            let name = item.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if entries.len() >= most.min(limits::FOLDER) {
                return Ok((entries, true));
            }
            // What was removed meanwhile is not there.
            entries.extend(self.entry(name).ok());
        }
        Ok((entries, false))
    }

    fn entry(&self, name: &CStr) -> io::Result<Entry> {
        let at = rustix::fs::openat(&self.file, name, peek(), Mode::empty());
        let (kind, size, modified) = match at {
            Ok(fd) => {
                let state = fs::File::from(fd).metadata()?;
                let kind = Kind::of(FileType::from_raw_mode(state.mode() as _));
                (kind, state.size(), state.mtime())
            }
            // No permission, or a link: that it is there may be told.
            Err(_) => {
                rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW)?;
                (Kind::Other, 0, 0)
            }
        };
        Ok(Entry { name: name.to_bytes().to_owned(), kind, size, modified })
    }

    /// Whether its bytes have to be read before they are sent.
    pub fn is_copied(&self) -> bool {
        self.is_copied.load(Ordering::Relaxed)
    }

    /// The kernel refuses to send it by itself.
    pub fn set_copied(&self) {
        self.is_copied.store(true, Ordering::Relaxed);
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// A pipe is opened without a peer, and nothing becomes our terminal.
fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC
}

/// A folder, to go on from.
fn folder() -> OFlags {
    peek_flag() | OFlags::DIRECTORY | OFlags::CLOEXEC
}

/// Something to look at, and no link.
fn peek() -> OFlags {
    peek_flag() | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn peek_flag() -> OFlags {
    OFlags::PATH
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn peek_flag() -> OFlags {
    OFlags::RDONLY
}

/// Opens `path` below `root` by one call.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn beneath(root: &OwnedFd, path: &[u8]) -> io::Result<OwnedFd> {
    use rustix::fs::ResolveFlags;
    use rustix::io::Errno;
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..limits::OPEN_TRIES {
        match rustix::fs::openat2(root, path, flags(), Mode::empty(), how) {
            // A name was moved while it was looked at.
            Err(Errno::AGAIN | Errno::INTR) => {}
            // Before Linux 5.6, or where a filter of system calls is older than that.
            Err(Errno::NOSYS | Errno::PERM) => return walk(root, path),
            result => return Ok(result?),
        }
    }
    Err(Errno::AGAIN.into())
}

/// See [`walk`].
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn beneath(root: &OwnedFd, path: &[u8]) -> io::Result<OwnedFd> {
    walk(root, path)
}

/// Opens `path` below `root` name by name. No link is followed.
fn walk(root: &OwnedFd, path: &[u8]) -> io::Result<OwnedFd> {
    let is_name = |name: &&[u8]| !name.is_empty() && *name != b".";
    let names = || path.split(|byte| *byte == b'/').filter(is_name);
    if path.starts_with(b"/") || names().any(|name| name == b"..") {
        return Err(rustix::io::Errno::XDEV.into());
    }
    let count = names().count();
    let is_folder = path.ends_with(b"/");
    let mut at: Option<OwnedFd> = None;
    for (n, name) in (1..).zip(names()) {
        let from = at.as_ref().unwrap_or(root);
        let how = match n == count {
            false => folder(),
            true if is_folder => flags() | OFlags::DIRECTORY,
            true => flags(),
        };
        at = Some(rustix::fs::openat(from, name, how | OFlags::NOFOLLOW, Mode::empty())?);
    }
    match at {
        Some(fd) => Ok(fd),
        None => Ok(rustix::fs::openat(root, c".", flags(), Mode::empty())?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    /// A folder with a file, a folder, and links of all kinds; beside it is a secret.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let place = std::env::temp_dir().join(format!("chuck-{name}-{}", std::process::id()));
            let root = place.join("root");
            fs::create_dir_all(root.join("inner")).unwrap();
            fs::write(place.join("secret"), "secret").unwrap();
            fs::write(root.join("a.txt"), "hello").unwrap();
            fs::write(root.join("inner/b.txt"), "inside").unwrap();
            symlink("../secret", root.join("out")).unwrap();
            symlink("/etc/passwd", root.join("absolute")).unwrap();
            symlink("a.txt", root.join("in")).unwrap();
            symlink("..", root.join("inner/up")).unwrap();
            Place(place)
        }

        fn root(&self) -> Vec<u8> {
            self.0.join("root").as_os_str().as_bytes().to_owned()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const OUTSIDE: &[&[u8]] = &[
        b"../secret",
        b"inner/../../secret",
        b"out",
        b"absolute",
        b"/etc/passwd",
        b"inner/up/../secret",
        b"..",
    ];

    #[test]
    fn no_path_and_no_link_leads_out_of_the_root() {
        let place = Place::new("beneath");
        for path in OUTSIDE {
            let opened = File::open(Some(&place.root()), path);
            assert!(opened.is_err(), "{}", String::from_utf8_lossy(path));
            let root = rustix::fs::open(&*place.root(), folder(), Mode::empty()).unwrap();
            assert!(walk(&root, path).is_err(), "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn what_is_inside_is_opened_as_what_it_is() {
        let place = Place::new("inside");
        let root = place.root();
        let kind = |path: &[u8]| File::open(Some(&root), path).map(|file| file.kind());
        assert_eq!(kind(b"a.txt").unwrap(), Kind::Regular);
        assert_eq!(kind(b"inner/b.txt").unwrap(), Kind::Regular);
        assert_eq!(kind(b"inner").unwrap(), Kind::Folder);
        assert_eq!(kind(b"").unwrap(), Kind::Folder);
        assert!(kind(b"a.txt/").is_err() && kind(b"a\0.txt").is_err() && kind(b"none").is_err());
        let folder = rustix::fs::open(&*root, folder(), Mode::empty()).unwrap();
        for path in [&b"a.txt"[..], b"./inner//b.txt", b"inner/", b"."] {
            assert!(walk(&folder, path).is_ok(), "{}", String::from_utf8_lossy(path));
        }
        assert!(walk(&folder, b"a.txt/").is_err() && walk(&folder, b"in").is_err());
    }

    #[test]
    fn a_file_is_read_by_place_and_has_a_tag_of_its_own() {
        let place = Place::new("read");
        let root = place.root();
        let file = File::open(Some(&root), b"a.txt").unwrap();
        let mut bytes = [0; 8];
        assert_eq!(file.read_at(&mut bytes, 3).unwrap(), 2);
        assert_eq!((&bytes[..2], file.size()), (&b"lo"[..], 5));
        assert_eq!(file.read_at(&mut bytes, 5).unwrap(), 0);
        let other = File::open(Some(&root), b"inner/b.txt").unwrap();
        assert_ne!(file.tag(), other.tag());
    }

    #[test]
    fn a_folder_lists_what_it_has_up_to_a_limit() {
        let place = Place::new("list");
        let folder = File::open(Some(&place.root()), b"").unwrap();
        let (mut entries, is_more) = folder.entries(100).unwrap();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let found: Vec<_> = entries.iter().map(|entry| (&*entry.name, entry.kind)).collect();
        assert_eq!(
            found,
            [
                (&b"a.txt"[..], Kind::Regular),
                (b"absolute", Kind::Other),
                (b"in", Kind::Other),
                (b"inner", Kind::Folder),
                (b"out", Kind::Other),
            ]
        );
        assert!(!is_more && entries[0].size == 5);
        let (entries, is_more) = folder.entries(2).unwrap();
        assert!(is_more && entries.len() == 2);
    }
}
