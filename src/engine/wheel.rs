//! A hierarchical timing wheel: insert, move and cancel in constant time.
//!
//! ```text
//! level 0   64 slots of 1 tick        a timer stands in the lowest level whose slot
//! level 1   64 slots of 64 ticks      differs from the current time; when time enters
//! level 2   64 slots of 4096 ticks    a slot of a higher level, its timers move down
//! ...
//! ```
//!
//! Time is a count of ticks (milliseconds) given by the caller and never goes back here.

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
/// `2^48` milliseconds are 8,900 years.
const LEVELS: usize = 8;
const FARTHEST: u64 = (1 << (BITS as usize * LEVELS)) - 1;
const NONE: u32 = u32::MAX;
/// The list of timers whose time has come.
const DUE: u16 = (LEVELS * SLOTS) as u16;
/// Not in any list: fired, and neither moved nor removed yet.
const IDLE: u16 = DUE + 1;

/// Names a timer until it is removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerId {
    /// Index of the timer: small, and unique among live timers.
    pub slot: u32,
    /// Tells the owners of one slot apart.
    pub generation: u32,
}

#[derive(Debug)]
struct Timer<T> {
    at: u64,
    generation: u32,
    prev: u32,
    next: u32,
    list: u16,
    item: Option<T>,
}

#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    /// At most the time of the earliest timer in it.
    earliest: u64,
}

/// Timers carrying a `T` each.
#[derive(Debug)]
pub struct Wheel<T> {
    timers: Vec<Timer<T>>,
    free: Vec<u32>,
    lists: Box<[List; LEVELS * SLOTS + 1]>,
    /// Bit `s` of `occupied[l]`: slot `s` of level `l` is not empty.
    occupied: [u64; LEVELS],
    /// Everything up to here has been moved to the due list.
    now: u64,
}

impl<T: Copy> Default for Wheel<T> {
    fn default() -> Self {
        Wheel {
            timers: Vec::new(),
            free: Vec::new(),
            lists: Box::new([List { head: NONE, earliest: u64::MAX }; LEVELS * SLOTS + 1]),
            occupied: [0; LEVELS],
            now: 0,
        }
    }
}

impl<T: Copy> Wheel<T> {
    /// Adds a timer for the tick `at`.
    pub fn insert(&mut self, at: u64, item: T) -> TimerId {
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        let timer = &mut self.timers[slot as usize];
        timer.item = Some(item);
        let generation = timer.generation;
        self.place(slot, at);
        TimerId { slot, generation }
    }

    /// Moves a timer to the tick `at`, with a new item; false when it was removed.
    pub fn rearm(&mut self, id: TimerId, at: u64, item: T) -> bool {
        if self.find(id).is_none() {
            return false;
        }
        self.unlink(id.slot);
        self.timers[id.slot as usize].item = Some(item);
        self.place(id.slot, at);
        true
    }

    /// Removes a timer, fired or not; `None` when it was removed before.
    pub fn remove(&mut self, id: TimerId) -> Option<T> {
        self.find(id)?;
        self.unlink(id.slot);
        let timer = &mut self.timers[id.slot as usize];
        timer.generation = timer.generation.wrapping_add(1);
        self.free.push(id.slot);
        timer.item.take()
    }

    /// Takes the next timer whose time has come by `now`, in order of time.
    ///
    /// It stays alive: call [`Self::rearm`] or [`Self::remove`] with its name.
    pub fn fire(&mut self, now: u64) -> Option<(TimerId, T)> {
        if self.lists[usize::from(DUE)].head == NONE {
            self.advance(now);
        }
        let slot = self.lists[usize::from(DUE)].head;
        if slot == NONE {
            return None;
        }
        self.unlink(slot);
        let timer = &self.timers[slot as usize];
        let id = TimerId { slot, generation: timer.generation };
        Some((id, timer.item?))
    }

    /// The tick at which [`Self::fire`] may have something; never later than the truth.
    pub fn next_at(&self) -> Option<u64> {
        if self.lists[usize::from(DUE)].head != NONE {
            return Some(self.now);
        }
        self.first().map(|list| self.lists[list].earliest.max(self.now))
    }

    /// Number of timers that were added and not removed.
    pub fn len(&self) -> usize {
        self.timers.len() - self.free.len()
    }

    /// Whether there is no timer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&self, id: TimerId) -> Option<&Timer<T>> {
        let timer = self.timers.get(id.slot as usize)?;
        (timer.generation == id.generation && timer.item.is_some()).then_some(timer)
    }

    fn grow(&mut self) -> u32 {
        let slot = u32::try_from(self.timers.len()).expect("fewer timers than 2^32");
        let timer = Timer { at: 0, generation: 0, prev: NONE, next: NONE, list: IDLE, item: None };
        self.timers.push(timer);
        slot
    }

    /// The occupied slot whose time comes first.
    fn first(&self) -> Option<usize> {
        let level = self.occupied.iter().position(|bits| *bits != 0)?;
        Some(level * SLOTS + self.occupied[level].trailing_zeros() as usize)
    }

    /// Moves every timer up to `now` to the due list.
    fn advance(&mut self, now: u64) {
        while let Some(list) = self.first() {
            let start = self.start_of(list);
            if start > now {
                break;
            }
            self.now = self.now.max(start);
            self.spill(list);
        }
        self.now = self.now.max(now);
    }

    /// The tick at which the time of a slot begins.
    fn start_of(&self, list: usize) -> u64 {
        let (level, slot) = (list / SLOTS, (list % SLOTS) as u64);
        let shift = BITS as usize * level;
        let above = shift + BITS as usize;
        (self.now >> above << above) | slot << shift
    }

    /// Puts the timers of a slot where they belong now.
    fn spill(&mut self, list: usize) {
        while self.lists[list].head != NONE {
            let slot = self.lists[list].head;
            self.unlink(slot);
            self.place(slot, self.timers[slot as usize].at);
        }
    }

    fn place(&mut self, slot: u32, at: u64) {
        let at = at.min(FARTHEST);
        self.timers[slot as usize].at = at;
        let list = self.list_for(at);
        self.link(slot, list);
        if list != DUE {
            let list = usize::from(list);
            self.occupied[list / SLOTS] |= 1 << (list % SLOTS);
            let earliest = &mut self.lists[list].earliest;
            *earliest = at.min(*earliest);
        }
    }

    fn list_for(&self, at: u64) -> u16 {
        if at <= self.now {
            return DUE;
        }
        let level = (63 - (at ^ self.now).leading_zeros()) / BITS;
        let slot = (at >> (level * BITS)) as usize % SLOTS;
        (level as usize * SLOTS + slot) as u16
    }

    /// Appends to a list; the head's `prev` is the tail.
    fn link(&mut self, slot: u32, list: u16) {
        let head = self.lists[usize::from(list)].head;
        let tail = if head == NONE { slot } else { self.timers[head as usize].prev };
        let timer = &mut self.timers[slot as usize];
        (timer.prev, timer.next, timer.list) = (tail, NONE, list);
        if head == NONE {
            self.lists[usize::from(list)].head = slot;
        } else {
            self.timers[tail as usize].next = slot;
            self.timers[head as usize].prev = slot;
        }
    }

    fn unlink(&mut self, slot: u32) {
        let Timer { prev, next, list, .. } = self.timers[slot as usize];
        if list == IDLE {
            return;
        }
        self.timers[slot as usize].list = IDLE;
        let at = usize::from(list);
        let head = self.lists[at].head;
        if head == slot {
            self.lists[at].head = next;
        } else {
            self.timers[prev as usize].next = next;
        }
        if next != NONE {
            self.timers[next as usize].prev = prev;
        } else if head != slot {
            self.timers[head as usize].prev = prev;
        }
        if self.lists[at].head == NONE {
            self.emptied(at);
        }
    }

    fn emptied(&mut self, list: usize) {
        self.lists[list].earliest = u64::MAX;
        if list != usize::from(DUE) {
            self.occupied[list / SLOTS] &= !(1 << (list % SLOTS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random numbers that are the same in every run.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % sides
        }
    }

    fn fired(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
        let mut items = Vec::new();
        while let Some((id, item)) = wheel.fire(now) {
            wheel.remove(id);
            items.push(item);
        }
        items
    }

    #[test]
    fn fires_like_a_sorted_list_does() {
        let mut dice = Dice(42);
        let mut wheel = Wheel::default();
        let mut model: Vec<(u64, u64, TimerId)> = Vec::new();
        let mut now = 0;
        for step in 0..20_000 {
            let reach = 1 << dice.roll(24);
            let at = now + dice.roll(reach);
            model.push((at, step, wheel.insert(at, step)));
            if dice.roll(4) == 0 {
                let (_, item, id) = model.swap_remove(dice.roll(model.len() as u64) as usize);
                assert_eq!(wheel.remove(id), Some(item));
            }
            if dice.roll(8) == 0 {
                let next = model.iter().map(|(at, ..)| *at).min();
                assert!(wheel.next_at().is_none_or(|at| at <= next.unwrap().max(now)));
                now += dice.roll(1 << 16);
                let mut got = fired(&mut wheel, now);
                let mut due: Vec<_> = model.extract_if(.., |(at, ..)| *at <= now).collect();
                due.sort_by_key(|(at, ..)| *at);
                let times = |items: &[u64]| -> Vec<u64> {
                    items.iter().map(|item| due.iter().find(|d| d.1 == *item).unwrap().0).collect()
                };
                assert!(times(&got).is_sorted(), "fired in order of time");
                got.sort_unstable();
                let mut want: Vec<u64> = due.iter().map(|(_, item, _)| *item).collect();
                want.sort_unstable();
                assert_eq!(got, want);
            }
            assert_eq!(wheel.len(), model.len());
        }
    }

    #[test]
    fn timers_of_one_tick_fire_in_the_order_they_were_added() {
        let mut wheel = Wheel::default();
        for item in 0..5 {
            wheel.insert(10, item);
        }
        assert_eq!(fired(&mut wheel, 10), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_next_tick_is_exact_while_nothing_was_removed() {
        let mut wheel = Wheel::default();
        wheel.insert(100_000, 0);
        assert_eq!(wheel.next_at(), Some(100_000));
        assert_eq!(fired(&mut wheel, 99_999), []);
        assert_eq!(wheel.next_at(), Some(100_000));
    }

    #[test]
    fn a_due_timer_that_is_removed_by_another_does_not_fire() {
        let mut wheel = Wheel::default();
        let (_first, second) = (wheel.insert(5, 1), wheel.insert(5, 2));
        assert!(wheel.fire(5).is_some_and(|(_, item)| item == 1));
        wheel.remove(second);
        assert_eq!(wheel.fire(5), None);
    }

    #[test]
    fn a_fired_timer_can_be_moved_and_a_removed_one_cannot() {
        let mut wheel = Wheel::default();
        let id = wheel.insert(1, 'x');
        assert_eq!(wheel.fire(1), Some((id, 'x')));
        assert!(wheel.rearm(id, 2, 'x'));
        assert_eq!(wheel.fire(2), Some((id, 'x')));
        assert_eq!(wheel.remove(id), Some('x'));
        assert!(!wheel.rearm(id, 3, 'x'));
        assert_eq!(wheel.remove(id), None);
    }
}
