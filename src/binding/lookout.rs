//! Who has something for the loop that the kernel does not tell of: looked at before each wait.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::engine::key::Key;
use crate::engine::{Ready, Wake};

/// Is looked at by a loop, before and after it waits.
pub trait Lookout {
    /// The loop is about to wait for `limit`; whether there is something for it instead.
    fn look(&self, limit: Option<Duration>) -> bool;
    /// Whether the kernel was asked so short ago that it need not be asked now.
    fn is_fresh(&self) -> bool;
    /// The loop has asked the kernel, and waited for so long.
    fn slept(&self, now: Instant, time: Duration);
}

/// Where an engine has its lookout, if it has one, and the name of its registration.
pub type Place = RefCell<Option<(Key, Rc<dyn Lookout>)>>;

/// The loop is about to wait for `limit`: wakes the lookout instead if that has something. Returns
/// how long to wait; `None` not even to ask the kernel, which was asked a moment ago.
pub fn look(
    place: &Place,
    limit: Option<Duration>,
    wakes: &mut Vec<Wake>,
) -> Option<Option<Duration>> {
    let place = place.borrow();
    let Some((key, lookout)) = place.as_ref().filter(|(_, lookout)| lookout.look(limit)) else {
        return Some(limit);
    };
    wakes.push(Wake { key: *key, ready: Ready::default() });
    (!lookout.is_fresh()).then_some(Some(Duration::ZERO))
}

/// The loop has asked the kernel, and waited for so long.
pub fn slept(place: &Place, now: Instant, time: Duration) {
    if let Some((_, lookout)) = &*place.borrow() {
        lookout.slept(now, time);
    }
}
