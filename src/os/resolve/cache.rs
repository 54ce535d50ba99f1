//! What the resolver has answered, for a while. It never looks at a clock.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::{Answer, Question};
use crate::base::error::Code;
use crate::base::limits;

/// How long what is remembered, and how much of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Addresses. Zero: not at all.
    pub known: Duration,
    /// That a host is not known. Zero: not at all.
    pub unknown: Duration,
    /// Answers of both kinds; beyond it the oldest is forgotten.
    pub capacity: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            known: limits::RESOLVE_KNOWN,
            unknown: limits::RESOLVE_UNKNOWN,
            capacity: limits::RESOLVE_CACHE,
        }
    }
}

/// Answers by question.
#[derive(Debug, Default)]
pub struct Cache {
    bounds: Bounds,
    entries: HashMap<Question, Entry>,
    /// The same questions by age: every entry is here once, under its `age`.
    order: BTreeMap<u64, Question>,
    /// Answers that were put in so far.
    puts: u64,
}

#[derive(Debug)]
struct Entry {
    answer: Answer,
    until: Instant,
    age: u64,
}

impl Cache {
    /// Changes the bounds. What is remembered already keeps its time.
    pub fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
        self.shrink();
    }

    /// The bounds.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// What was answered to `question`, if that is still good.
    pub fn get(&mut self, question: &Question, now: Instant) -> Option<Answer> {
        let entry = self.entries.get(question)?;
        if now < entry.until {
            return Some(entry.answer.clone());
        }
        self.remove(&question.clone());
        None
    }

    /// Remembers an answer. A failure that may be over soon is not remembered.
    pub fn put(&mut self, question: &Question, answer: &Answer, now: Instant) {
        let time = match answer {
            Ok(_) => self.bounds.known,
            Err(failure) if failure.code == Code::NOT_FOUND => self.bounds.unknown,
            Err(_) => return,
        };
        self.remove(question);
        if time.is_zero() || self.bounds.capacity == 0 {
            return;
        }
        self.puts += 1;
        let entry = Entry { answer: answer.clone(), until: now + time, age: self.puts };
        self.order.insert(self.puts, question.clone());
        self.entries.insert(question.clone(), entry);
        self.shrink();
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    /// Number of answers that take room.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn remove(&mut self, question: &Question) {
        if let Some(entry) = self.entries.remove(question) {
            self.order.remove(&entry.age);
        }
    }

    fn shrink(&mut self) {
        while self.entries.len() > self.bounds.capacity
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::resolve::{Failure, Family};

    const SECOND: Duration = Duration::from_secs(1);

    fn question(n: usize) -> Question {
        Question::new(format!("host{n}").as_bytes(), Family::Any).unwrap()
    }

    fn found() -> Answer {
        Ok([([127, 0, 0, 1], 0).into()].into())
    }

    fn failed(code: Code) -> Answer {
        Err(Failure::new(code, "no"))
    }

    fn cache(capacity: usize) -> Cache {
        let mut cache = Cache::default();
        cache.set_bounds(Bounds { known: 30 * SECOND, unknown: 3 * SECOND, capacity });
        cache
    }

    #[test]
    fn an_answer_is_good_until_its_time_has_passed() {
        let (mut cache, now) = (cache(8), Instant::now());
        cache.put(&question(1), &found(), now);
        cache.put(&question(2), &failed(Code::NOT_FOUND), now);
        assert_eq!(cache.get(&question(1), now), Some(found()));
        assert!(cache.get(&question(2), now + 2 * SECOND).is_some());
        assert_eq!(cache.get(&question(2), now + 3 * SECOND), None);
        assert!(cache.get(&question(1), now + 29 * SECOND).is_some());
        assert_eq!(cache.get(&question(1), now + 30 * SECOND), None);
        assert!(cache.is_empty());
    }

    #[test]
    fn a_failure_that_may_be_over_soon_is_not_remembered() {
        let (mut cache, now) = (cache(8), Instant::now());
        cache.put(&question(1), &found(), now);
        cache.put(&question(1), &failed(Code(libc::EAGAIN)), now);
        assert_eq!(cache.get(&question(1), now), Some(found()));
    }

    #[test]
    fn beyond_the_capacity_the_oldest_is_forgotten() {
        let (mut cache, now) = (cache(3), Instant::now());
        for n in 0..3 {
            cache.put(&question(n), &found(), now);
        }
        cache.put(&question(0), &found(), now); // young again
        cache.put(&question(3), &found(), now);
        let known = |n| cache.entries.contains_key(&question(n));
        assert_eq!([0, 1, 2, 3].map(known), [true, false, true, true]);
        assert_eq!(cache.order.len(), 3);
    }

    #[test]
    fn lower_bounds_hold_at_once() {
        let (mut cache, now) = (cache(100), Instant::now());
        for n in 0..100 {
            cache.put(&question(n), &found(), now);
        }
        cache.set_bounds(Bounds { capacity: 10, ..cache.bounds() });
        assert_eq!((cache.len(), cache.order.len()), (10, 10));
        cache.set_bounds(Bounds { capacity: 0, ..cache.bounds() });
        cache.put(&question(1), &found(), now);
        assert!(cache.is_empty() && cache.order.is_empty());
    }

    #[test]
    fn no_time_is_no_memory() {
        let (mut cache, now) = (cache(8), Instant::now());
        cache.put(&question(1), &found(), now);
        cache.set_bounds(Bounds { known: Duration::ZERO, ..cache.bounds() });
        cache.put(&question(1), &found(), now);
        assert_eq!(cache.get(&question(1), now), None);
    }

    #[test]
    fn thousands_of_answers_leave_as_many_as_fit() {
        let (mut cache, now) = (cache(16), Instant::now());
        for n in 0..10_000 {
            cache.put(&question(n % 40), &found(), now + SECOND * n as u32);
            assert!(cache.len() <= 16 && cache.order.len() == cache.len());
        }
    }
}
