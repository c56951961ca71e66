//! The state of a device as JSON, for its file or its browser.

mod parts;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::Engine;
use crate::link::Link;
use crate::queue::Queue;
use crate::store::Store;
use crate::undo::History;

/// The version of the form below. It grows when an older engine could not read the form any more.
const FORMAT: u64 = 1;

#[derive(Serialize)]
struct Saved<'a> {
    format: u64,
    store: &'a Store,
    rebuilt: &'a Option<Store>,
    paging: bool,
    queue: &'a Queue,
    history: &'a History,
}

#[derive(Deserialize)]
struct Loaded {
    store: Store,
    rebuilt: Option<Store>,
    paging: bool,
    queue: Queue,
    history: History,
}

/// Why a saved state was not loaded.
#[derive(Debug)]
pub enum LoadError {
    /// A newer engine has saved it.
    Format(u64),
    Json(serde_json::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(format) => write!(f, "a newer version has saved it (format {format})"),
            Self::Json(error) => write!(f, "it is not a saved state: {error}"),
        }
    }
}

impl std::error::Error for LoadError {}

impl Engine {
    /// The whole state as a JSON object with the member `format`.
    ///
    /// # Errors
    /// None that is known: all of the state is JSON.
    pub fn save(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Saved {
            format: FORMAT,
            store: &self.store,
            rebuilt: &self.rebuilt,
            paging: self.paging,
            queue: &self.queue,
            history: &self.history,
        })
    }

    /// The device whose state was saved. A request that was on its way then counts as failed.
    ///
    /// # Errors
    /// It is not a state that this version can read.
    pub fn load(saved: &str) -> Result<Self, LoadError> {
        Self::loaded(serde_json::from_str(saved).map_err(LoadError::Json)?)
    }

    /// The same for a state that was parsed.
    pub(crate) fn loaded(saved: Value) -> Result<Self, LoadError> {
        let format = saved.get("format").and_then(Value::as_u64);
        if let Some(format) = format.filter(|format| *format > FORMAT) {
            return Err(LoadError::Format(format));
        }
        let loaded: Loaded = serde_json::from_value(saved).map_err(LoadError::Json)?;
        Ok(Self {
            store: loaded.store,
            rebuilt: loaded.rebuilt,
            paging: loaded.paging,
            queue: loaded.queue,
            history: loaded.history,
            link: Link::new(),
        })
    }
}
