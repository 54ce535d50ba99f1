//! Who else hears a datagram: broadcast, multicast groups, and how far it goes.
//!
//! An IPv6 socket may send to IPv4 addresses as well. Its datagrams to them obey the options of
//! IPv4, so it gets both; where it cannot have those of IPv4, it needs none.

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;

use socket2::{Domain, InterfaceIndexOrAddress, SockRef};

use crate::base::error::Code;
use crate::os::descriptor;

/// Through which of the machine's interfaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interface {
    /// The one that the kernel chooses.
    Any,
    /// The one that has this address; of IPv4 groups only.
    Address(Ipv4Addr),
    /// The one with this number.
    Index(u32),
}

impl Interface {
    /// Reads an IPv4 address, or the name of an interface.
    ///
    /// # Errors
    ///
    /// `ENODEV`: there is no such interface.
    pub fn parse(text: &str) -> Result<Self, Code> {
        match text.parse() {
            Ok(address) => Ok(Interface::Address(address)),
            Err(_) => Ok(Interface::Index(descriptor::interface(text)?)),
        }
    }

    fn v4(self) -> InterfaceIndexOrAddress {
        match self {
            Interface::Any => InterfaceIndexOrAddress::Index(0),
            Interface::Address(address) => InterfaceIndexOrAddress::Address(address),
            Interface::Index(index) => InterfaceIndexOrAddress::Index(index),
        }
    }

    fn v6(self) -> Result<u32, Code> {
        match self {
            Interface::Any => Ok(0),
            Interface::Address(_) => Err(Code::INVALID),
            Interface::Index(index) => Ok(index),
        }
    }
}

/// Joins or leaves a group.
///
/// # Errors
///
/// `EINVAL` for what is no group, or what the kernel says.
pub fn join(fd: &impl AsFd, group: IpAddr, at: Interface, on: bool) -> Result<(), Code> {
    let socket = SockRef::from(fd);
    match (group, on) {
        (IpAddr::V4(group), true) => socket.join_multicast_v4_n(&group, &at.v4())?,
        (IpAddr::V4(group), false) => socket.leave_multicast_v4_n(&group, &at.v4())?,
        (IpAddr::V6(group), true) => socket.join_multicast_v6(&group, at.v6()?)?,
        (IpAddr::V6(group), false) => socket.leave_multicast_v6(&group, at.v6()?)?,
    }
    Ok(())
}

/// Through which interface datagrams to groups leave.
///
/// # Errors
///
/// As [`set_ttl`]; `EINVAL` for an IPv4 address on an IPv6 socket.
pub fn set_interface(fd: &impl AsFd, family: Domain, at: Interface) -> Result<(), Code> {
    let socket = SockRef::from(fd);
    match (family, at) {
        (Domain::IPV4, Interface::Any) => socket.set_multicast_if_v4(&Ipv4Addr::UNSPECIFIED)?,
        (Domain::IPV4, Interface::Address(address)) => socket.set_multicast_if_v4(&address)?,
        (Domain::IPV4, Interface::Index(index)) => descriptor::set_interface_v4(fd, index)?,
        (Domain::IPV6, at) => {
            let index = at.v6()?;
            socket.set_multicast_if_v6(index)?;
            let _ = descriptor::set_interface_v4(fd, index);
        }
        _ => return Err(Code::NOT_SUPPORTED),
    }
    Ok(())
}

/// Allows to send to broadcast addresses.
///
/// # Errors
///
/// What the kernel says.
pub fn set_broadcast(fd: &impl AsFd, on: bool) -> Result<(), Code> {
    Ok(SockRef::from(fd).set_broadcast(on)?)
}

/// How many routers a datagram passes.
///
/// # Errors
///
/// `EOPNOTSUPP` where there are none, or what the kernel says.
pub fn set_ttl(fd: &impl AsFd, family: Domain, hops: u32) -> Result<(), Code> {
    let socket = SockRef::from(fd);
    match family {
        Domain::IPV4 => socket.set_ttl_v4(hops)?,
        Domain::IPV6 => {
            socket.set_unicast_hops_v6(hops)?;
            let _ = socket.set_ttl_v4(hops);
        }
        _ => return Err(Code::NOT_SUPPORTED),
    }
    Ok(())
}

/// How many routers a datagram to a group passes.
///
/// # Errors
///
/// As [`set_ttl`].
pub fn set_multicast_ttl(fd: &impl AsFd, family: Domain, hops: u32) -> Result<(), Code> {
    let socket = SockRef::from(fd);
    match family {
        Domain::IPV4 => socket.set_multicast_ttl_v4(hops)?,
        Domain::IPV6 => {
            socket.set_multicast_hops_v6(hops)?;
            let _ = socket.set_multicast_ttl_v4(hops);
        }
        _ => return Err(Code::NOT_SUPPORTED),
    }
    Ok(())
}

/// Whether this machine hears what it sends to a group.
///
/// # Errors
///
/// As [`set_ttl`].
pub fn set_multicast_loop(fd: &impl AsFd, family: Domain, on: bool) -> Result<(), Code> {
    let socket = SockRef::from(fd);
    match family {
        Domain::IPV4 => socket.set_multicast_loop_v4(on)?,
        Domain::IPV6 => {
            socket.set_multicast_loop_v6(on)?;
            let _ = socket.set_multicast_loop_v4(on);
        }
        _ => return Err(Code::NOT_SUPPORTED),
    }
    Ok(())
}
