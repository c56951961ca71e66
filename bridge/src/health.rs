//! The readiness of each part of the bridge, as `/readyz` reports it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// The parts by name, each with the reason why it is not ready, or none if it is. When the bridge is told to stop, no part is ready.
/// Clones share the same state.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<String, Option<String>>>>,
    stop: CancellationToken,
}

impl Health {
    /// Starts with every part not ready, until something reports that it works.
    pub fn of(parts: &[String], stop: CancellationToken) -> Self {
        let unknown = parts
            .iter()
            .map(|part| (part.clone(), Some("not checked yet".to_owned())))
            .collect();
        Self {
            parts: Arc::new(Mutex::new(unknown)),
            stop,
        }
    }

    /// Reports that a part is ready.
    pub fn up(&self, part: &str) {
        self.lock().insert(part.to_owned(), None);
    }

    /// Reports that a part is not ready, and why.
    pub fn down(&self, part: &str, why: impl Into<String>) {
        self.lock().insert(part.to_owned(), Some(why.into()));
    }

    /// True if every part is ready; and the state of each part: `ok`, or the reason why it is not ready.
    pub fn report(&self) -> (bool, BTreeMap<String, String>) {
        let stopping = self.stop.is_cancelled();
        let parts = self.lock();
        let ready = !stopping && parts.values().all(Option::is_none);
        let state = |why: &Option<String>| match why {
            Some(why) => why.clone(),
            None if stopping => "the bridge is stopping".to_owned(),
            None => "ok".to_owned(),
        };
        let states = parts.iter();
        (
            ready,
            states
                .map(|(part, why)| (part.clone(), state(why)))
                .collect(),
        )
    }

    /// As [`Health::report`], without the lanes: whether agents listen, which may be deployed after the bridge.
    pub fn report_without_lanes(&self) -> (bool, BTreeMap<String, String>) {
        self.report_where(|name| name.rsplit('/').next() != Some("lanes"))
    }

    /// As [`Health::report`], for one part and what belongs to it: `dispatch` covers `dispatch/audit`. `None` if there is no
    /// such part.
    pub fn report_of(&self, part: &str) -> Option<(bool, BTreeMap<String, String>)> {
        let (ready, states) = self.report_where(|name| {
            let rest = name.strip_prefix(part);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        (!states.is_empty()).then_some((ready, states))
    }

    fn report_where(&self, kept: impl Fn(&str) -> bool) -> (bool, BTreeMap<String, String>) {
        let (_, mut states) = self.report();
        states.retain(|name, _| kept(name));
        (states.values().all(|state| state == "ok"), states)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
