//! What `/readyz` tells: which of the parts the bridge stands on can be reached.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The parts, each with the reason it is not ready, or none.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, Option<String>>>>);

impl Health {
    /// Starts with every part unknown, which is not ready.
    pub fn of(parts: &[&'static str]) -> Self {
        let unknown = parts
            .iter()
            .map(|part| (*part, Some("not seen yet".to_owned())))
            .collect();
        Self(Arc::new(Mutex::new(unknown)))
    }

    pub fn up(&self, part: &'static str) {
        self.lock().insert(part, None);
    }

    pub fn down(&self, part: &'static str, why: impl Into<String>) {
        self.lock().insert(part, Some(why.into()));
    }

    /// True if every part is ready, and each part's state as `ok` or the reason.
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
