//! Edge-triggered readiness: registered once for both directions, never changed.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};

/// Events taken from the kernel at once.
const BATCH: usize = 1024;

/// One epoll instance and room for a batch of its events.
pub struct Poll {
    epoll: OwnedFd,
    events: Vec<MaybeUninit<epoll::Event>>,
}

/// What the kernel said about one descriptor.
#[derive(Clone, Copy)]
pub struct Ready {
    /// The number it was registered with.
    pub id: usize,
    /// A read will give bytes, the end or an error.
    pub readable: bool,
    /// A write will take bytes or give an error.
    pub writable: bool,
    /// The peer has ended its side: a short read is not the last one.
    pub ended: bool,
}

impl Poll {
    /// # Errors
    ///
    /// What `epoll_create1` says.
    pub fn new() -> io::Result<Poll> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Poll { epoll, events: vec![MaybeUninit::uninit(); BATCH] })
    }

    /// Watches a stream in both directions.
    ///
    /// # Errors
    ///
    /// What `epoll_ctl` says.
    pub fn add_stream(&self, fd: impl AsFd, id: usize) -> io::Result<()> {
        use epoll::EventFlags as E;
        self.add(fd, id, E::IN | E::OUT | E::RDHUP | E::ET)
    }

    /// Watches a listener, level-triggered: accepting a few at a time loses none.
    ///
    /// # Errors
    ///
    /// What `epoll_ctl` says.
    pub fn add_listener(&self, fd: impl AsFd, id: usize) -> io::Result<()> {
        self.add(fd, id, epoll::EventFlags::IN)
    }

    fn add(&self, fd: impl AsFd, id: usize, flags: epoll::EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, epoll::EventData::new_u64(id as u64), flags)?)
    }

    /// Waits once, for ever without a `limit`, and reports what is ready.
    ///
    /// # Errors
    ///
    /// What `epoll_wait` says; an interrupted wait is an empty one.
    #[inline]
    pub fn wait(&mut self, limit: Option<Duration>) -> io::Result<impl Iterator<Item = Ready>> {
        let limit = limit.map(|limit| Timespec::try_from(limit).expect("limits are short"));
        let events = match epoll::wait(&self.epoll, &mut self.events[..], limit.as_ref()) {
            Ok((events, _)) => events,
            Err(rustix::io::Errno::INTR) => &mut [],
            Err(error) => return Err(error.into()),
        };
        Ok(events.iter().map(|event| Ready::from(*event)))
    }
}

impl From<epoll::Event> for Ready {
    #[inline]
    fn from(event: epoll::Event) -> Ready {
        use epoll::EventFlags as E;
        let flags = event.flags;
        Ready {
            id: event.data.u64() as usize,
            readable: flags.intersects(E::IN | E::RDHUP | E::HUP | E::ERR),
            writable: flags.intersects(E::OUT),
            ended: flags.intersects(E::RDHUP | E::HUP | E::ERR),
        }
    }
}
