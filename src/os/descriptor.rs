//! Descriptors and interfaces that are known by number or name only.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

/// What a descriptor stands for: two that are open at a time differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Of a kind that can be handed about: what the kernel made for an engine has none.
    pub has_type: bool,
    /// Device and inode, mixed.
    pub mark: u32,
}

/// What stands behind the number of a descriptor.
///
/// # Errors
///
/// `EBADF`: it is not open.
pub fn identity(number: RawFd) -> io::Result<Identity> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel fills `stat` in when it returns 0, and looks at no more than the number.
    let stat = unsafe {
        if libc::fstat(number, stat.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        stat.assume_init()
    };
    #[allow(clippy::unnecessary_cast, reason = "the widths differ between platforms")]
    let mark = (stat.st_ino as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ stat.st_dev as u64;
    Ok(Identity {
        has_type: stat.st_mode & libc::S_IFMT != 0,
        mark: ((mark >> 32) as u32 ^ mark as u32).max(1),
    })
}

/// Takes over a descriptor that came from outside; children do not inherit it from now on.
///
/// The caller knows that nobody here owns it: closing it twice would close somebody else's.
///
/// # Errors
///
/// `EBADF`: it is not open.
pub fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: asks and sets a flag of whatever the number stands for, if anything.
    unsafe {
        let flags = libc::fcntl(number, libc::F_GETFD);
        if flags < 0 || libc::fcntl(number, libc::F_SETFD, flags | libc::FD_CLOEXEC) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(number))
    }
}

/// The number of a network interface.
///
/// # Errors
///
/// No interface has this name.
pub fn interface(name: &str) -> io::Result<u32> {
    let nobody = || io::Error::from_raw_os_error(libc::ENODEV);
    let name = CString::new(name).map_err(|_| nobody())?;
    // SAFETY: a string that ends with a zero byte.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(nobody()),
        index => Ok(index),
    }
}

/// Lets an IPv4 socket send to groups through the interface with this number.
///
/// # Errors
///
/// What the kernel says: no such interface.
pub fn set_interface_v4(fd: &impl AsFd, index: u32) -> io::Result<()> {
    // SAFETY: all zero is valid: any group, any address.
    let mut request: libc::ip_mreqn = unsafe { std::mem::zeroed() };
    request.imr_ifindex = index as _;
    // SAFETY: the kernel reads `request` only.
    let result = unsafe {
        libc::setsockopt(
            fd.as_fd().as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_MULTICAST_IF,
            (&raw const request).cast(),
            size_of::<libc::ip_mreqn>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
