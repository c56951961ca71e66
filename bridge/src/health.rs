//! The readiness of each part of the bridge, as `/readyz` reports it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The parts by name, each with the reason why it is not ready, or none if it is. Clones share the same state.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, Option<String>>>>);

impl Health {
    /// Starts with every part not ready, until something reports that it works.
    pub fn of(parts: &[&'static str]) -> Self {
        let unknown = parts
            .iter()
            .map(|part| (*part, Some("not checked yet".to_owned())))
            .collect();
        Self(Arc::new(Mutex::new(unknown)))
    }

    /// Reports that a part is ready.
    pub fn up(&self, part: &'static str) {
        self.lock().insert(part, None);
    }

    /// Reports that a part is not ready, and why.
    pub fn down(&self, part: &'static str, why: impl Into<String>) {
        self.lock().insert(part, Some(why.into()));
    }

    /// True if every part is ready; and the state of each part: `ok`, or the reason why it is not ready.
    pub fn report(&self) -> (bool, BTreeMap<&'static str, String>) {
        let parts = self.lock();
        let ready = parts.values().all(Option::is_none);
        let states = parts.iter();
        (
            ready,
            states
                .map(|(part, why)| (*part, why.clone().unwrap_or_else(|| "ok".to_owned())))
                .collect(),
        )
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
