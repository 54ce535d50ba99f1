//! How other threads wake an engine.
//!
//! ```text
//! any thread:   bell.ring(key) --> the engine's wait ends, and key is woken
//! ```

use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::{Registry, Token, Waker};

use crate::engine::key::Key;
use crate::engine::{Ready, Wake};

/// Wakes registrations of one engine, from any thread. It does nothing once the engine is gone.
#[derive(Clone, Debug)]
pub struct Bell(Arc<Rope>);

#[derive(Debug)]
struct Rope {
    waker: Waker,
    /// Whom the engine has not woken yet.
    rung: Mutex<Vec<Key>>,
}

impl Bell {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Bell(Arc::new(Rope { waker: Waker::new(registry, token)?, rung: Mutex::default() })))
    }

    /// Has `key` woken; nothing happens when it has ended.
    pub fn ring(&self, key: Key) {
        let mut rung = lock(&self.0.rung);
        rung.push(key);
        let is_first = rung.len() == 1;
        drop(rung);
        if is_first {
            // It cannot fail but for an engine that is gone.
            let _ = self.0.waker.wake();
        }
    }

    /// Ends the engine's wait, for nobody in particular.
    pub fn nudge(&self) {
        // It cannot fail but for an engine that is gone.
        let _ = self.0.waker.wake();
    }

    /// Reports who was rung for since the last time.
    pub(super) fn answer(&self, wakes: &mut Vec<Wake>) {
        let rung = mem::take(&mut *lock(&self.0.rung));
        wakes.extend(rung.into_iter().map(|key| Wake { key, ready: Ready::default() }));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
