//! Names for registered sockets: a slot that is used again, and a generation that is not.

use mio::Token;

/// Names one registration for as long as it lasts; afterwards it names nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    slot: u32,
    generation: u32,
}

const _: () = assert!(usize::BITS == 64, "a token carries slot and generation");

impl Key {
    /// Index of the slot: small, and unique among the live keys of an engine.
    pub fn slot(self) -> usize {
        self.slot as usize
    }

    pub(super) fn token(self) -> Token {
        Token((u64::from(self.generation) << 32 | u64::from(self.slot)) as usize)
    }

    pub(super) fn from_token(token: Token) -> Self {
        let bits = token.0 as u64;
        Key { slot: bits as u32, generation: (bits >> 32) as u32 }
    }
}

/// Hands out keys, each with a value of type `T`.
#[derive(Debug)]
pub struct Keys<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Keys<T> {
    fn default() -> Self {
        Keys { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Keys<T> {
    /// A new key for `value`.
    pub fn insert(&mut self, value: T) -> Key {
        if let Some(slot) = self.free.pop() {
            let entry = &mut self.slots[slot as usize];
            entry.value = Some(value);
            return Key { slot, generation: entry.generation };
        }
        let slot = u32::try_from(self.slots.len()).expect("fewer descriptors than 2^32");
        self.slots.push(Slot { generation: 0, value: Some(value) });
        Key { slot, generation: 0 }
    }

    /// Ends `key`; `None` when it had ended before.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.slots.get_mut(key.slot())?;
        if entry.generation != key.generation {
            return None;
        }
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(key.slot);
        Some(value)
    }

    /// The value of `key`, while it lives.
    pub fn get(&self, key: Key) -> Option<&T> {
        let entry = self.slots.get(key.slot())?;
        if entry.generation == key.generation { entry.value.as_ref() } else { None }
    }

    /// The value of `key`, while it lives.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.slots.get_mut(key.slot())?;
        if entry.generation == key.generation { entry.value.as_mut() } else { None }
    }

    /// The live keys.
    pub fn keys(&self) -> Vec<Key> {
        let live = self.slots.iter().enumerate().filter(|(_, entry)| entry.value.is_some());
        live.map(|(slot, entry)| Key { slot: slot as u32, generation: entry.generation }).collect()
    }

    /// Number of live keys.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether no key lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_an_earlier_owner_finds_nothing() {
        let mut keys = Keys::default();
        let first = keys.insert('a');
        assert_eq!(keys.remove(first), Some('a'));
        let second = keys.insert('b');
        assert_eq!(first.slot(), second.slot());
        assert_eq!(keys.get(first), None);
        assert_eq!(keys.remove(first), None);
        assert_eq!(keys.get(second), Some(&'b'));
    }

    #[test]
    fn a_token_carries_the_whole_key() {
        let key = Key { slot: 7, generation: u32::MAX };
        assert_eq!(Key::from_token(key.token()), key);
    }
}
