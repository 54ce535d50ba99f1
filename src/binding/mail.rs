//! Mail: Lua values on their way from one state to another.
//!
//! ```text
//! sender     value --pack--> Outgoing: bytes + items (packets, handles, claims)
//!            once there is room in the inbox: claims are taken, all is appended to
//! inbox      Batch: bytes of all mails | goods of all mails | a letter for each
//! receiver   --unpack--> value
//! ```
//!
//! A batch is appended to and read in place, so a mail costs no memory of its own. Packets share
//! their bytes. Connections, acceptors and datagram sockets are taken from the sender only when
//! nothing can fail any more.

use std::ffi::c_int;
use std::mem;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use super::acceptor::Acceptor;
use super::cargo::{Claim, Moved};
use super::connection::Connection;
use super::datagram::DatagramObject;
use super::httppacket::HttpPacket;
use super::packet::{RPacket, RawPacket, WPacket};
use super::raw::{Call, Unfit};
use super::thread::{Handle, Member};
use crate::base::buf::Buf;
use crate::base::limits;
use crate::codec::frame::Width;
use crate::codec::http1::Message;
use crate::codec::packet::Reader;

/// What a mail without anything weighs: what the inbox itself needs for it.
const OVERHEAD: usize = 64;

/// What travels beside the bytes.
enum Good {
    Framed(Buf, Width),
    Read(Reader),
    Raw(Buf),
    Message(Box<Message>),
    Thread(Arc<Member>),
    /// The thread that has the parcel which this is in.
    Holder(Weak<Member>),
    Moved(Box<dyn Moved>),
}

/// The same, before it is certain that it leaves.
enum Item {
    Good(Good),
    Claim(Rc<dyn Claim>),
}

/// A mail that is being packed. Its memory is used again.
#[derive(Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    items: Vec<Item>,
    /// Values that were packed.
    count: u32,
    /// What the items take, with the bytes of packets.
    shared: usize,
}

impl Outgoing {
    /// Appends the value at `n`.
    ///
    /// # Errors
    ///
    /// Something in it cannot travel. Nothing was taken.
    pub fn pack(&mut self, call: &Call, n: c_int) -> Result<(), Unfit> {
        let Outgoing { bytes, items, shared, .. } = self;
        let mut load = |call: &Call, n: c_int| {
            let item = item(call, n)?;
            if let Item::Claim(claim) = &item {
                let same =
                    |item: &Item| matches!(item, Item::Claim(other) if Rc::ptr_eq(claim, other));
                if items.iter().any(same) {
                    return Err("an object that is there twice cannot be sent");
                }
                claim.check()?;
            }
            *shared += size_of::<Item>() + item.shared();
            items.push(item);
            Ok(())
        };
        call.pack(n, bytes, &mut load)?;
        self.count += 1;
        Ok(())
    }

    /// What it counts for in an inbox, in bytes.
    pub fn weight(&self) -> usize {
        OVERHEAD + self.bytes.len() + self.shared
    }

    /// Whether an object would leave its sender with it.
    pub fn has_claims(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Claim(_)))
    }

    /// Appends it to an inbox, and takes what it claims.
    pub fn deliver(&mut self, sender: &Arc<Member>, batch: &mut Batch) {
        let goods = self.items.drain(..).map(Item::into_good);
        batch.add(sender, &self.bytes, goods);
    }

    /// Appends a copy of it; what it claims is left out.
    pub fn deliver_copy(&self, sender: &Arc<Member>, batch: &mut Batch) {
        let goods = self.items.iter().filter_map(Item::copy);
        batch.add(sender, &self.bytes, goods);
    }

    /// Makes a parcel of it, and takes what it claims.
    pub fn into_parcel(mut self) -> Parcel {
        let goods = self.items.drain(..).map(|item| Some(item.into_good())).collect();
        Parcel { bytes: mem::take(&mut self.bytes), goods, count: self.count }
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        clear(&mut self.bytes);
        clear(&mut self.items);
        self.count = 0;
        self.shared = 0;
    }
}

impl Item {
    fn into_good(self) -> Good {
        match self {
            Item::Good(good) => good,
            Item::Claim(claim) => Good::Moved(claim.take()),
        }
    }

    fn copy(&self) -> Option<Good> {
        Some(match self {
            Item::Good(Good::Framed(body, width)) => Good::Framed(body.clone(), *width),
            Item::Good(Good::Read(reader)) => Good::Read(reader.clone()),
            Item::Good(Good::Raw(bytes)) => Good::Raw(bytes.clone()),
            Item::Good(Good::Message(message)) => Good::Message(message.clone()),
            Item::Good(Good::Thread(member)) => Good::Thread(member.clone()),
            Item::Good(Good::Holder(_) | Good::Moved(_)) | Item::Claim(_) => return None,
        })
    }

    /// Bytes of a packet.
    fn shared(&self) -> usize {
        match self {
            Item::Good(Good::Framed(body, _) | Good::Raw(body)) => body.len(),
            Item::Good(Good::Read(reader)) => reader.body().len(),
            Item::Good(Good::Message(message)) => message.bytes().len() + message.trailers().len(),
            _ => 0,
        }
    }
}

/// What becomes of the object at `n`.
fn item(call: &Call, n: c_int) -> Result<Item, &'static str> {
    if let Some(packet) = call.try_object::<WPacket>(n) {
        let (body, width) = packet.with(|writer| (writer.share(), writer.width()));
        Ok(Item::Good(Good::Framed(body, width)))
    } else if let Some(packet) = call.try_object::<RPacket>(n) {
        Ok(Item::Good(Good::Read(packet.0.clone())))
    } else if let Some(packet) = call.try_object::<RawPacket>(n) {
        Ok(Item::Good(Good::Raw(packet.0.clone())))
    } else if let Some(HttpPacket(message)) = call.try_object(n) {
        Ok(Item::Good(Good::Message(Box::new(message.clone()))))
    } else if let Some(handle) = call.try_object::<Handle>(n) {
        Ok(Item::Good(Good::Thread(handle.member().clone())))
    } else if let Some(connection) = call.try_object::<Connection>(n) {
        Ok(Item::Claim(connection.claim()))
    } else if let Some(acceptor) = call.try_object::<Acceptor>(n) {
        Ok(Item::Claim(acceptor.claim()))
    } else if let Some(datagram) = call.try_object::<DatagramObject>(n) {
        Ok(Item::Claim(datagram.claim()))
    } else {
        Err("a userdata of this kind cannot be sent")
    }
}

/// Mails in the order in which they came.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    goods: Vec<Option<Good>>,
    letters: Vec<Letter>,
    /// Each sender once, unless others came between.
    senders: Vec<Arc<Member>>,
    /// What was read of each of the lists.
    read: Read,
}

#[derive(Default)]
struct Read {
    letters: usize,
    bytes: usize,
    goods: usize,
}

/// One mail of a batch.
struct Letter {
    /// Its place among the senders.
    sender: u32,
    bytes: u32,
    goods: u32,
}

impl Batch {
    fn add(&mut self, sender: &Arc<Member>, bytes: &[u8], goods: impl Iterator<Item = Good>) {
        if !self.senders.last().is_some_and(|last| Arc::ptr_eq(last, sender)) {
            self.senders.push(sender.clone());
        }
        let before = self.goods.len();
        self.goods.extend(goods.map(Some));
        self.bytes.extend_from_slice(bytes);
        self.letters.push(Letter {
            sender: self.senders.len() as u32 - 1,
            bytes: bytes.len() as u32,
            goods: (self.goods.len() - before) as u32,
        });
    }

    /// Whether everything was read.
    pub fn is_read(&self) -> bool {
        self.read.letters == self.letters.len()
    }

    /// Pushes the sender and the value of the next mail; false, and nothing pushed, at the end.
    pub fn push_next(&mut self, call: &Call) -> bool {
        let Batch { bytes, goods, letters, senders, read } = self;
        let Some(letter) = letters.get(read.letters) else {
            return false;
        };
        // What Lua may raise on the way costs this mail, and not the next.
        let (byte, good) = (read.bytes, read.goods);
        read.letters += 1;
        read.bytes += letter.bytes as usize;
        read.goods += letter.goods as usize;
        Handle::push(call, &senders[letter.sender as usize]);
        let mut goods = goods[good..read.goods].iter_mut();
        call.unpack(&bytes[byte..read.bytes], &mut |call| push_next(call, &mut goods));
        true
    }

    /// Forgets everything but its memory.
    pub fn clear(&mut self) {
        clear(&mut self.bytes);
        clear(&mut self.goods);
        clear(&mut self.letters);
        self.senders.clear();
        self.read = Read::default();
    }
}

/// Forgets everything but the memory, and much of that too.
fn clear<T>(list: &mut Vec<T>) {
    list.clear();
    if list.capacity() * size_of::<T>() > limits::SPARE_BYTES {
        *list = Vec::new();
    }
}

/// Values on their way to a thread that begins, or from one that has ended.
pub struct Parcel {
    bytes: Vec<u8>,
    goods: Vec<Option<Good>>,
    count: u32,
}

impl Parcel {
    /// As results of `holder`, which keeps the parcel, and which this shall not keep in turn.
    pub fn kept_by(mut self, holder: &Arc<Member>) -> Self {
        for good in self.goods.iter_mut().flatten() {
            if matches!(good, Good::Thread(member) if Arc::ptr_eq(member, holder)) {
                *good = Good::Holder(Arc::downgrade(holder));
            }
        }
        self
    }

    /// Pushes all values, and returns how many.
    pub fn push(&mut self, call: &Call) -> c_int {
        let mut goods = self.goods.iter_mut();
        let mut rest = &self.bytes[..];
        call.reserve(self.count as c_int + 1);
        for _ in 0..self.count {
            rest = call.unpack(rest, &mut |call| push_next(call, &mut goods));
        }
        self.count as c_int
    }
}

/// Pushes the next of `goods`; it is taken where nothing can fail any more.
fn push_next<'a>(call: &Call, goods: &mut impl Iterator<Item = &'a mut Option<Good>>) {
    call.reserve(2);
    let Some(place) = goods.next() else {
        return call.push_nil();
    };
    match place {
        Some(Good::Framed(..)) => call.push_made(|| match place.take() {
            Some(Good::Framed(body, width)) => Some(WPacket::shared(body, width)),
            _ => None,
        }),
        Some(Good::Read(_)) => call.push_made(|| match place.take() {
            Some(Good::Read(reader)) => Some(RPacket(reader)),
            _ => None,
        }),
        Some(Good::Raw(_)) => call.push_made(|| match place.take() {
            Some(Good::Raw(bytes)) => Some(RawPacket(bytes)),
            _ => None,
        }),
        Some(Good::Message(_)) => call.push_made(|| match place.take() {
            Some(Good::Message(message)) => Some(HttpPacket(*message)),
            _ => None,
        }),
        Some(Good::Thread(member)) => {
            Handle::push(call, member);
            true
        }
        Some(Good::Holder(member)) => {
            // Who takes the parcel has it by the handle of that thread.
            match member.upgrade() {
                Some(member) => Handle::push(call, &member),
                None => call.push_nil(),
            }
            true
        }
        Some(Good::Moved(moved)) => {
            moved.arrive(call);
            true
        }
        None => {
            call.push_nil();
            true
        }
    };
}
