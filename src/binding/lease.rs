//! What a connection has that somebody counts, until it is closed.

use std::rc::{Rc, Weak};

/// Who counts.
pub trait Counter {
    /// One that was counted is no more.
    fn give_back(&self);
}

/// One that was counted; given back when it is dropped, if the counter is still there.
pub struct Lease(Weak<dyn Counter>);

impl Lease {
    /// To be taken after it was counted.
    pub fn of(counter: &Rc<dyn Counter>) -> Self {
        Lease(Rc::downgrade(counter))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(counter) = self.0.upgrade() {
            counter.give_back();
        }
    }
}
