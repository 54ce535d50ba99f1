//! The bare echo of datagrams: one call to receive, one to send, nothing between.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

/// Serves until it is killed.
pub fn run(port: u16) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("listening {}", socket.local_addr()?.port());
    let mut buffer = vec![0; 1 << 16];
    loop {
        let (len, from) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..len], from)?;
    }
}
