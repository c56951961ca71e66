//! How far groups are behind, in time. Computed when asked, so that it grows even while nothing happens.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The log is asked every few seconds. If it has not answered for longer than this, nobody knows what it holds.
const BLIND_AFTER: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub struct Lags(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// For each group that is dispatched here: when the oldest record that is read and not settled was appended.
    oldest: BTreeMap<&'static str, Option<SystemTime>>,
    /// When the log last answered.
    log_answered: Option<Instant>,
}

impl Lags {
    /// Notes when the oldest record that a group has read and not settled was appended, if there is one.
    pub fn set_oldest(&self, group: &'static str, oldest: Option<SystemTime>) {
        self.lock().oldest.insert(group, oldest);
    }

    /// Notes that the log answers.
    pub fn log_answered(&self) {
        self.lock().log_answered = Some(Instant::now());
    }

    /// For each group: the age of its oldest record that is not settled; 0 if all are. While the log does not answer, the
    /// time since its last answer counts as well, because records that nobody can read may be that old.
    pub fn seconds(&self, now: SystemTime) -> Vec<(&'static str, f64)> {
        let state = self.lock();
        let blind = state
            .log_answered
            .map(|at| at.elapsed())
            .filter(|blind| *blind > BLIND_AFTER);
        let lag = |oldest: &Option<SystemTime>| {
            let age = oldest.and_then(|oldest| now.duration_since(oldest).ok());
            age.max(blind).unwrap_or_default().as_secs_f64()
        };
        let groups = state.oldest.iter();
        groups
            .map(|(group, oldest)| (*group, lag(oldest)))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_grows_until_the_record_is_settled() {
        let (lags, start) = (Lags::default(), SystemTime::now());
        lags.set_oldest("audit", Some(start));
        assert_eq!(
            lags.seconds(start + Duration::from_secs(5)),
            [("audit", 5.0)]
        );
        assert_eq!(
            lags.seconds(start + Duration::from_secs(9)),
            [("audit", 9.0)]
        );
        lags.set_oldest("audit", None);
        assert_eq!(
            lags.seconds(start + Duration::from_secs(9)),
            [("audit", 0.0)]
        );
    }

    #[test]
    fn lag_is_not_zero_while_the_log_does_not_answer() {
        let lags = Lags::default();
        lags.set_oldest("audit", None);
        lags.0.lock().unwrap().log_answered = Instant::now().checked_sub(Duration::from_secs(60));
        let lag = lags.seconds(SystemTime::now());
        assert!(lag.iter().all(|(_, seconds)| *seconds >= 60.0), "{lag:?}");
        lags.log_answered();
        assert_eq!(lags.seconds(SystemTime::now()), [("audit", 0.0)]);
    }
}
