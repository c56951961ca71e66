//! The readiness of each part of the bridge, as `/readyz` reports it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The parts by name, each with the reason why it is not ready, or none if it is. Clones share the same state.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, Option<String>>>>);

impl Health {
    /// Starts with every part not ready, until something reports that it works.
    pub fn of(parts: &[String]) -> Self {
        let unknown = parts
            .iter()
            .map(|part| (part.clone(), Some("not checked yet".to_owned())))
            .collect();
        Self(Arc::new(Mutex::new(unknown)))
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
        let parts = self.lock();
        let ready = parts.values().all(Option::is_none);
        let states = parts.iter();
        (
            ready,
            states
                .map(|(part, why)| (part.clone(), why.clone().unwrap_or_else(|| "ok".to_owned())))
                .collect(),
        )
    }

    /// As [`Health::report`], for one part and what belongs to it: `dispatch` covers `dispatch/audit`. `None` if there is no
    /// such part.
    pub fn report_of(&self, part: &str) -> Option<(bool, BTreeMap<String, String>)> {
        let (_, mut states) = self.report();
        states.retain(|name, _| {
            let rest = name.strip_prefix(part);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let ready = states.values().all(|state| state == "ok");
        (!states.is_empty()).then_some((ready, states))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
