//! The newest messages of each user, in memory, with which a client resumes that was away for a moment. All rings together are bounded in
//! bytes: the oldest message of all goes first.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use axum::extract::ws::Utf8Bytes;
use uuid::Uuid;

use super::outlet::{Item, MOST_BYTES, MOST_MESSAGES};

/// What an entry costs beside its text.
const OVERHEAD: usize = 160;

/// The rings of all users.
#[derive(Debug)]
pub struct Rings {
    users: HashMap<Uuid, Ring>,
    /// The entries in the order in which they came. An entry that its ring has dropped is passed over.
    order: VecDeque<(Uuid, i64)>,
    bytes: usize,
    most: usize,
    /// Until when something may have come that no ring remembers: a user without a ring may have had newer messages before.
    forgotten: Instant,
}

/// Messages whose numbers follow each other without a gap, and the time at which the newest came. It has at least one.
#[derive(Debug, Default)]
struct Ring {
    messages: VecDeque<(i64, Utf8Bytes)>,
    newest: Option<Instant>,
}

impl Ring {
    fn last(&self) -> Option<i64> {
        self.messages.back().map(|(seq, _)| *seq)
    }
}

impl Rings {
    /// Empty rings of up to `most` bytes, which know of nothing that came until `now`.
    pub fn new(most: usize, now: Instant) -> Self {
        Self {
            users: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            most,
            forgotten: now,
        }
    }

    /// Forgets everything: messages may have been missed until `now`.
    pub fn clear(&mut self, now: Instant) {
        *self = Self::new(self.most, now);
    }

    /// Forgets a user.
    pub fn remove(&mut self, user: Uuid, now: Instant) {
        if let Some(ring) = self.users.remove(&user) {
            self.drop_texts(&ring);
            self.forgotten = now;
        }
    }

    /// Adds a message. One that is not newer than the newest is a repeat. After a gap, what is older cannot be resumed from.
    pub fn push(&mut self, user: Uuid, seq: i64, text: &Utf8Bytes, now: Instant) {
        let mut ring = self.users.remove(&user).unwrap_or_default();
        match ring.last() {
            Some(last) if seq <= last => {
                self.users.insert(user, ring);
                return;
            }
            Some(last) if seq > last.saturating_add(1) => {
                self.drop_texts(&ring);
                ring.messages.clear();
            }
            _ => {}
        }
        ring.messages.push_back((seq, text.clone()));
        ring.newest = Some(now);
        self.users.insert(user, ring);
        self.order.push_back((user, seq));
        self.bytes += text.len() + OVERHEAD;
        self.shrink();
    }

    fn drop_texts(&mut self, ring: &Ring) {
        let texts: usize = ring.messages.iter().map(|(_, text)| text.len()).sum();
        self.bytes = self.bytes.saturating_sub(texts);
    }

    fn shrink(&mut self) {
        while self.bytes > self.most {
            let Some((user, seq)) = self.order.pop_front() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(OVERHEAD);
            let Some(ring) = self.users.get_mut(&user) else {
                continue;
            };
            if ring.messages.front().is_none_or(|(first, _)| *first != seq) {
                continue;
            }
            if let Some((_, text)) = ring.messages.pop_front() {
                self.bytes = self.bytes.saturating_sub(text.len());
            }
            if ring.messages.is_empty() {
                self.forgotten = self.forgotten.max(ring.newest.unwrap_or(self.forgotten));
                self.users.remove(&user);
            }
        }
    }

    /// The newest number that came for a user.
    ///
    /// # Errors
    /// There is no ring, and something may have come since `since` that is forgotten.
    pub fn last(&self, user: Uuid, since: Instant) -> Result<Option<i64>, Forgotten> {
        match self.users.get(&user).and_then(Ring::last) {
            Some(last) => Ok(Some(last)),
            None if since <= self.forgotten => Err(Forgotten),
            None => Ok(None),
        }
    }

    /// All messages after this number, if the ring has every one of them and they fit into the queue of a connection.
    pub fn after(&self, user: Uuid, seq: i64) -> Option<Vec<Item>> {
        let messages = &self.users.get(&user)?.messages;
        let (first, _) = messages.front()?;
        let skip = usize::try_from(seq.checked_add(1)?.checked_sub(*first)?).ok()?;
        let items: Vec<Item> = messages
            .iter()
            .skip(skip)
            .map(|(seq, text)| Item {
                change: Some(*seq),
                text: text.clone(),
            })
            .collect();
        let bytes: usize = items.iter().map(|item| item.text.len()).sum();
        (items.len() <= MOST_MESSAGES && bytes <= MOST_BYTES).then_some(items)
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What came for a user may be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgotten;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ADA: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);

    fn numbers(rings: &Rings, user: Uuid, after: i64) -> Option<Vec<i64>> {
        let items = rings.after(user, after)?;
        Some(items.iter().filter_map(|item| item.change).collect())
    }

    fn push(rings: &mut Rings, user: Uuid, seq: i64, now: Instant) {
        rings.push(user, seq, &format!("{seq:08}").into(), now);
    }

    #[test]
    fn a_client_resumes_from_what_the_ring_has() {
        let now = Instant::now();
        let mut rings = Rings::new(1 << 20, now);
        for seq in [5, 6, 7, 6, 5, 8] {
            push(&mut rings, ADA, seq, now);
        }
        assert_eq!(numbers(&rings, ADA, 4), Some(vec![5, 6, 7, 8]));
        assert_eq!(numbers(&rings, ADA, 6), Some(vec![7, 8]));
        assert_eq!(numbers(&rings, ADA, 8), Some(vec![]));
        // The ring does not know what came before 5.
        assert_eq!(numbers(&rings, ADA, 3), None);
        assert_eq!(numbers(&rings, BOB, 3), None);
    }

    #[test]
    fn after_a_gap_nobody_resumes_from_before() {
        let now = Instant::now();
        let mut rings = Rings::new(1 << 20, now);
        for seq in [1, 2, 4, 5] {
            push(&mut rings, ADA, seq, now);
        }
        assert_eq!(numbers(&rings, ADA, 1), None);
        assert_eq!(numbers(&rings, ADA, 2), None);
        assert_eq!(numbers(&rings, ADA, 3), Some(vec![4, 5]));
        assert_eq!(rings.bytes(), 4 * OVERHEAD + 2 * 8);
    }

    #[test]
    fn the_oldest_message_of_all_goes_first() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rings = Rings::new(3 * (OVERHEAD + 8), start);
        push(&mut rings, ADA, 1, at(1));
        push(&mut rings, BOB, 1, at(2));
        push(&mut rings, ADA, 2, at(3));
        assert_eq!(rings.last(BOB, at(0)), Ok(Some(1)));
        push(&mut rings, ADA, 3, at(4));
        assert_eq!(numbers(&rings, ADA, 1), Some(vec![2, 3]));
        assert_eq!(numbers(&rings, ADA, 0), None);
        push(&mut rings, ADA, 4, at(5));
        assert_eq!(numbers(&rings, ADA, 1), Some(vec![2, 3, 4]));
        // Whoever asks for what came since Bob's message was there must not take the silence for the truth.
        assert_eq!(rings.last(BOB, at(2)), Err(Forgotten));
        assert_eq!(rings.last(BOB, at(3)), Ok(None));
        assert!(rings.bytes() <= 3 * (OVERHEAD + 8));
    }

    #[test]
    fn nothing_is_known_of_what_came_before_the_subscription() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut rings = Rings::new(1 << 20, start);
        assert_eq!(rings.last(ADA, start), Err(Forgotten));
        push(&mut rings, ADA, 1, start);
        rings.clear(later);
        assert_eq!(rings.last(ADA, later), Err(Forgotten));
        assert_eq!(rings.bytes(), 0);
        push(&mut rings, ADA, 9, later);
        assert_eq!(rings.last(ADA, start), Ok(Some(9)));
        rings.remove(ADA, later);
        assert_eq!(numbers(&rings, ADA, 8), None);
        assert_eq!(rings.last(ADA, later), Err(Forgotten));
    }

    #[test]
    fn a_ring_that_is_longer_than_a_queue_is_not_sent() {
        let now = Instant::now();
        let mut rings = Rings::new(1 << 20, now);
        for seq in 1..=300 {
            push(&mut rings, ADA, seq, now);
        }
        assert_eq!(numbers(&rings, ADA, 0), None);
        assert_eq!(
            numbers(&rings, ADA, 100).map(|found| found.len()),
            Some(200)
        );
    }
}
