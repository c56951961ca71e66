//! How often the relay looks into the outbox, and where each look starts.
//!
//! While a transaction anywhere in the database is long, for example a backup, vacuum cannot remove the rows that have
//! left the outbox, and each look from the beginning reads all of them again. So most looks start at a hint: an id below
//! which nothing was left a second ago. The hint is no high-water mark. Rows that commit late have smaller ids, and a full
//! look finds them about every second.

use std::time::Duration;

use tokio::time::Instant;

/// Pause before the next look into an empty outbox.
const IDLE_PAUSE: Duration = Duration::from_millis(5);
/// An idle relay pauses for this many times what its last look cost.
const PAUSE_FACTOR: u32 = 4;
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// How often a full look is due, and how often the hint moves.
const FULL_INTERVAL: Duration = Duration::from_secs(1);
/// A full look is due after this many times what the last one cost, if that is longer.
const FULL_FACTOR: u32 = 20;
const MAX_FULL_INTERVAL: Duration = Duration::from_secs(10);

/// Where the next look starts, and the pause before it.
#[derive(Debug)]
pub struct Pace {
    /// Looks start here, unless a full one is due.
    hint: i64,
    /// The next hint: the id after the last one that was claimed when the hint moved the last time.
    next_hint: i64,
    hint_moves_at: Option<Instant>,
    /// The id after the last one that was claimed.
    after_last: i64,
    full_due_at: Option<Instant>,
    pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            hint: 0,
            next_hint: 0,
            hint_moves_at: None,
            after_last: 0,
            full_due_at: None,
            pause: IDLE_PAUSE,
        }
    }
}

impl Pace {
    /// Smallest id that the next look considers.
    pub fn first(&self, now: Instant) -> i64 {
        if self.full_due_at.is_none_or(|due| now >= due) {
            0
        } else {
            self.hint
        }
    }

    /// Notes a look that began at `began` with the id `first`, and whether it was cut off at its limit.
    pub fn looked(
        &mut self,
        first: i64,
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
        self.pause = (cost * PAUSE_FACTOR).clamp(IDLE_PAUSE, MAX_PAUSE);
        // A full look that was cut off may have left rows below the hint, so the next one is full, too.
        if first == 0 && (!cut_off || last.is_some_and(|last| last >= self.hint)) {
            let interval = (cost * FULL_FACTOR).clamp(FULL_INTERVAL, MAX_FULL_INTERVAL);
            self.full_due_at = Some(now + interval);
        }
        self.after_last = self.after_last.max(last.map_or(0, |last| last + 1));
        if self.hint_moves_at.is_none_or(|at| now >= at) {
            self.hint = self.next_hint;
            self.next_hint = self.after_last;
            self.hint_moves_at = Some(now + FULL_INTERVAL);
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

    #[test]
    fn looks_start_at_the_hint_and_a_full_one_is_due_each_second() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.first(start), 0);
        pace.looked(0, Some(500), false, start, start + MS);
        let later = start + FULL_INTERVAL + 2 * MS;
        assert_eq!(pace.first(later), 0, "a full look is due");
        pace.looked(0, None, false, later, later + MS);
        assert_eq!(pace.first(later + 2 * MS), 501);
        assert_eq!(pace.first(later + FULL_INTERVAL + 2 * MS), 0);
    }

    #[test]
    fn a_row_that_commits_up_to_a_second_late_is_above_the_hint() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let mut claimed: Vec<(Instant, i64)> = Vec::new();
        for last in 1..5_000 {
            let first = pace.first(now);
            let a_second_ago = claimed
                .iter()
                .rev()
                .find(|(at, _)| now - *at >= FULL_INTERVAL);
            assert!(first <= a_second_ago.map_or(0, |(_, last)| last + 1));
            pace.looked(first, Some(last), false, now, now + MS);
            claimed.push((now, last));
            now += 3 * MS;
        }
    }

    #[test]
    fn a_full_look_that_was_cut_off_below_the_hint_is_followed_by_another() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.looked(0, Some(900), false, start, start);
        let later = start + FULL_INTERVAL;
        pace.looked(0, None, false, later, later);
        let due = later + FULL_INTERVAL;
        pace.looked(0, Some(500), true, due, due);
        assert_eq!(pace.first(due), 0);
        pace.looked(0, Some(950), true, due, due);
        assert!(pace.first(due) > 0);
    }

    #[test]
    fn costly_looks_are_rare() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let cost = 80 * MS;
        pace.looked(0, None, false, start, start + cost);
        assert!(pace.pause() >= 4 * cost);
        pace.looked(0, Some(7), false, start, start + cost);
        pace.looked(0, None, false, start + FULL_INTERVAL, start + FULL_INTERVAL);
        pace.looked(
            1,
            None,
            false,
            start + 2 * FULL_INTERVAL,
            start + 2 * FULL_INTERVAL + MS,
        );
        assert_eq!(pace.pause(), IDLE_PAUSE);
    }
}
