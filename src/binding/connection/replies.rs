//! Replies of Redis, from a connection to its callback.

use super::Handle;
use crate::base::error::Code;
use crate::base::limits;
use crate::binding::redis;
use crate::binding::stage::Stage;
use crate::conn::stream::Lent;
use crate::engine::key::Key;

impl Handle {
    /// Tells the object of replies. What they are made of is out of the stream meanwhile: no
    /// borrow is alive where Lua makes values. It is held here, where no error of Lua passes.
    pub(super) fn deliver_replies(&self, key: Key, stage: &Stage<'_>) {
        let (mut lent, mut tries) = (Lent::default(), 0);
        stage.invoke_each(key, |call| {
            if lent.is_out() {
                // An error in between has ended the making of this reply: it is made anew.
                tries += 1;
                self.give_back(&mut lent, tries);
            }
            if !self.is_told(key, stage) || !self.stream.borrow_mut().lend(&mut lent) {
                return None;
            }
            let top = call.top();
            let more = redis::push_event(call, lent.bytes());
            self.stream.borrow_mut().give_back(&mut lent, true);
            tries = 0;
            // A finalizer may have closed it.
            if more.is_none() || !self.is_told(key, stage) {
                call.set_top(top);
                return None;
            }
            more
        });
    }

    /// Takes back what was lent for a reply that could not be made, for the so many-th time.
    #[cold]
    fn give_back(&self, lent: &mut Lent, tries: u32) {
        let mut stream = self.stream.borrow_mut();
        stream.give_back(lent, false);
        if tries >= limits::REDIS_TRIES {
            stream.break_off(Code::NO_MEMORY);
        }
    }
}
