//! Word to the service manager: datagrams to the socket that NOTIFY_SOCKET names.

use std::env;
use std::ffi::OsStr;
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
    send(&address, state)
}

fn send(address: &OsStr, state: &[u8]) -> Result<(), Code> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match address.as_bytes() {
        [b'/', ..] => socket.send_to(state, address)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(socket: &UnixDatagram) -> Vec<u8> {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).unwrap();
        bytes[..length].to_vec()
    }

    #[test]
    fn word_reaches_a_socket_in_the_file_system() {
        let path = env::temp_dir().join(format!("chuck-notify-{}", std::process::id()));
        let socket = UnixDatagram::bind(&path).unwrap();
        assert_eq!(send(path.as_os_str(), b"READY=1"), Ok(()));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(receive(&socket), b"READY=1");
        assert_eq!(send(path.as_os_str(), b"READY=1"), Err(Code::NOT_FOUND));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn word_reaches_a_socket_with_an_abstract_name() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("chuck-notify-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        assert_eq!(send(OsStr::new(&format!("@{name}")), b"STATUS=fine"), Ok(()));
        assert_eq!(receive(&socket), b"STATUS=fine");
    }

    #[test]
    fn an_address_of_another_kind_is_refused() {
        assert_eq!(send(OsStr::new("vsock:1:2"), b""), Err(Code::NO_SUCH_FAMILY));
        assert_eq!(send(OsStr::new(""), b""), Err(Code::NO_SUCH_FAMILY));
    }
}
