//! Word to the service manager: datagrams to the socket that NOTIFY_SOCKET names.

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;

use crate::base::error::Code;

/// Sends `state`, lines of `NAME=value`, without waiting.
///
/// # Errors
///
/// [`Code::NO_DESTINATION`] when nobody asked to be told, or what the kernel says.
pub fn notify(state: &[u8]) -> Result<(), Code> {
    let address = env::var_os("NOTIFY_SOCKET").ok_or(Code::NO_DESTINATION)?;
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match address.as_bytes() {
        [b'/', ..] => socket.send_to(state, &address)?,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(state, &address)?
        }
        _ => return Err(Code::NO_SUCH_FAMILY),
    };
    Ok(())
}
