//! How often the relay looks into the outbox, and where each look starts.
//!
//! While a transaction anywhere in the database is long, for example a backup, vacuum cannot remove the rows that have
//! left the outbox, and each look from the beginning reads all of them again. So most looks start at a hint.
//!
//! No row below the hint may appear later, because a later event of the same user could overtake it. Ids are drawn in
//! order, but transactions commit in any order. So the hint moves to an id only once every transaction that was running
//! when that id had been passed has ended, and a full look after that has found what they left. A backup does not delay
//! this: a transaction that only reads has no transaction id.

use std::time::Duration;

use tokio::time::Instant;

/// Bounds of the pause before the next look into an empty outbox. The pause grows with the time since the last event, so that
/// an idle system costs little.
const IDLE_PAUSE: Duration = Duration::from_millis(5);
const MAX_IDLE_PAUSE: Duration = Duration::from_millis(250);
/// The pause is this part of the time since the last event.
const IDLE_FACTOR: u32 = 100;
/// An idle relay pauses for this many times what its last look cost.
const PAUSE_FACTOR: u32 = 4;
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// How often a full look is due.
const FULL_INTERVAL: Duration = Duration::from_secs(1);
/// A full look is due after this many times what the last one cost, if that is longer.
const FULL_FACTOR: u32 = 10;
/// While no event comes, the interval is the time since the last event divided by this, if that is longer. A full look is what moves the
/// hint, and without new events the hint need not move.
const FULL_IDLE_FACTOR: u32 = 10;
const MAX_FULL_INTERVAL: Duration = Duration::from_secs(5);

/// The transactions that run at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// Every transaction with a smaller id has ended.
    pub oldest: i64,
    /// Every transaction with this id or a larger one has not begun to write.
    pub next: i64,
}

/// Where the next look starts, and the pause before it.
#[derive(Debug)]
pub struct Pace {
    /// Looks start here, unless a full one is due.
    hint: i64,
    /// The id after the last one that was claimed.
    after_last: i64,
    /// The hint after the next, and the transaction id below which all must end before.
    waiting: Option<(i64, i64)>,
    /// The next hint, once a full look has ended.
    cleared: Option<i64>,
    full_due_at: Option<Instant>,
    /// When a look last found a row, or else when the first look was.
    found_at: Option<Instant>,
    pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            hint: 0,
            after_last: 0,
            waiting: None,
            cleared: None,
            full_due_at: None,
            found_at: None,
            pause: IDLE_PAUSE,
        }
    }
}

impl Pace {
    /// True if the next look is a full one. Call [`Pace::note_horizon`] before it.
    pub fn is_full_due(&self, now: Instant) -> bool {
        self.full_due_at.is_none_or(|due| now >= due)
    }

    /// Notes the transactions that run before a full look begins.
    pub fn note_horizon(&mut self, horizon: Horizon) {
        if let Some((id, next)) = self.waiting {
            if horizon.oldest < next {
                return;
            }
            self.cleared = Some(id);
        }
        self.waiting = Some((self.after_last, horizon.next));
    }

    /// Smallest id that a look considers.
    pub fn first(&self, full: bool) -> i64 {
        if full { 0 } else { self.hint }
    }

    /// Notes a look that began at `began`, and whether it was a full one and was cut off at its limit.
    pub fn looked(
        &mut self,
        full: bool,
        last: Option<i64>,
        cut_off: bool,
        began: Instant,
        now: Instant,
    ) {
        // A look that found rows took most of its time to append them.
        let cost = if last.is_none() {
            now - began
        } else {
            Duration::ZERO
        };
        if last.is_some() {
            self.found_at = Some(now);
        }
        let idle = now - *self.found_at.get_or_insert(now);
        let idle_pause = (idle / IDLE_FACTOR).clamp(IDLE_PAUSE, MAX_IDLE_PAUSE);
        self.pause = (cost * PAUSE_FACTOR).clamp(idle_pause, MAX_PAUSE);
        self.after_last = self.after_last.max(last.map_or(0, |last| last + 1));
        // A full look that was cut off may have left rows below the hint, so the next one is full, too.
        let hint = self.cleared.unwrap_or(self.hint).max(self.hint);
        if full && (!cut_off || last.is_some_and(|last| last >= hint)) {
            self.hint = hint;
            self.cleared = None;
            // Without a hint every look costs as much, and full ones are what moves it.
            let costly = if hint == 0 {
                Duration::ZERO
            } else {
                cost * FULL_FACTOR
            };
            let interval = costly.max(idle / FULL_IDLE_FACTOR);
            self.full_due_at = Some(now + interval.clamp(FULL_INTERVAL, MAX_FULL_INTERVAL));
        }
    }

    /// Forgets the hint: rows that were claimed before are still in the outbox, or the shards have changed.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    /// Pause before the next look, after one that found nothing.
    pub fn pause(&self) -> Duration {
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A full look that is due now and finds rows up to `last`.
    fn full_look(pace: &mut Pace, oldest: i64, next: i64, last: Option<i64>, now: Instant) {
        assert!(pace.is_full_due(now));
        pace.note_horizon(Horizon { oldest, next });
        pace.looked(true, last, false, now, now);
        // Other looks do not put the next full one off.
        for n in 1..900 {
            let now = now + n * MS;
            assert!(!pace.is_full_due(now));
            pace.looked(false, None, false, now, now);
        }
    }

    #[test]
    fn looks_start_at_the_hint_and_a_full_one_is_due_each_second() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        full_look(&mut pace, 10, 10, Some(500), start);
        full_look(&mut pace, 20, 20, None, start + FULL_INTERVAL);
        full_look(&mut pace, 30, 30, None, start + 2 * FULL_INTERVAL);
        assert_eq!(pace.first(false), 501);
        assert_eq!(pace.first(true), 0);
    }

    #[test]
    fn the_hint_stays_below_what_a_running_transaction_may_still_commit() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        full_look(&mut pace, 10, 10, Some(500), now);
        // Transaction 15 has drawn the id 499 and runs for a minute.
        for n in 0..60 {
            now += FULL_INTERVAL;
            full_look(&mut pace, 15, 20 + n, Some(600 + n), now);
            assert_eq!(pace.first(false), 0);
        }
        now += FULL_INTERVAL;
        // It has ended: this look finds its row, and then the hint moves.
        full_look(&mut pace, 80, 80, Some(499), now);
        assert!(pace.first(false) > 0);
    }

    #[test]
    fn a_full_look_that_was_cut_off_below_the_hint_is_followed_by_another() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        full_look(&mut pace, 1, 1, Some(900), start);
        full_look(&mut pace, 2, 2, None, start + FULL_INTERVAL);
        let due = start + 2 * FULL_INTERVAL;
        pace.note_horizon(Horizon { oldest: 3, next: 3 });
        pace.looked(true, Some(500), true, due, due);
        assert!(pace.is_full_due(due));
        pace.looked(true, Some(950), true, due, due);
        assert!(!pace.is_full_due(due));
        assert_eq!(pace.first(false), 901);
    }

    #[test]
    fn looks_become_rarer_while_no_event_comes() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let mut look = |last, at| {
            pace.looked(false, last, false, at, at);
            pace.pause()
        };
        look(Some(1), start);
        assert_eq!(look(None, start + 100 * MS), IDLE_PAUSE);
        assert_eq!(look(None, start + 2_000 * MS), 20 * MS);
        assert_eq!(look(None, start + 60_000 * MS), MAX_IDLE_PAUSE);
        look(Some(2), start + 60_001 * MS);
        assert_eq!(look(None, start + 60_010 * MS), IDLE_PAUSE);
    }

    #[test]
    fn full_looks_become_rarer_while_no_event_comes() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.looked(true, Some(1), false, start, start);
        assert!(pace.is_full_due(start + FULL_INTERVAL));
        let later = start + 60_000 * MS;
        pace.looked(true, None, false, later, later);
        assert!(!pace.is_full_due(later + MAX_FULL_INTERVAL - MS));
        assert!(pace.is_full_due(later + MAX_FULL_INTERVAL));
    }

    #[test]
    fn costly_looks_are_rare() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        full_look(&mut pace, 1, 1, Some(900), start);
        full_look(&mut pace, 2, 2, None, start + FULL_INTERVAL);
        let (cost, start) = (200 * MS, start + 2 * FULL_INTERVAL);
        pace.looked(true, None, false, start, start + cost);
        assert!(pace.pause() >= 4 * cost);
        pace.note_horizon(Horizon { oldest: 3, next: 3 });
        pace.looked(true, None, false, start, start + cost);
        assert!(!pace.is_full_due(start + 10 * cost));
        pace.looked(false, None, false, start, start + MS);
        assert!(pace.pause() < cost);
    }
}
