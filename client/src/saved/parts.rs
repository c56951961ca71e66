//! The state of a device in two parts, for a store that several processes of a device share. What a person does changes the small part alone.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{FORMAT, LoadError};
use crate::changes::Changes;
use crate::engine::Engine;
use crate::queue::Queue;
use crate::store::Store;
use crate::undo::History;

/// A part, with the version of its form.
#[derive(Serialize, Deserialize)]
struct Part<T> {
    format: u64,
    part: T,
}

#[derive(Deserialize)]
struct Header {
    format: u64,
}

/// What the server has said. It is large.
#[derive(Deserialize)]
struct Told {
    store: Store,
    rebuilt: Option<Store>,
    paging: bool,
}

#[derive(Serialize)]
struct ToldRef<'a> {
    store: &'a Store,
    rebuilt: &'a Option<Store>,
    paging: bool,
}

/// What the person has done. It is small.
#[derive(Deserialize)]
struct Done {
    queue: Queue,
    history: History,
}

#[derive(Serialize)]
struct DoneRef<'a> {
    queue: &'a Queue,
    history: &'a History,
}

impl Engine {
    /// What the server has said, as JSON.
    ///
    /// # Errors
    /// None that is known: all of it is JSON.
    pub fn save_told(&self) -> Result<String, serde_json::Error> {
        write(ToldRef {
            store: &self.store,
            rebuilt: &self.rebuilt,
            paging: self.paging,
        })
    }

    /// What the person has done, as JSON.
    ///
    /// # Errors
    /// None that is known: all of it is JSON.
    pub fn save_done(&self) -> Result<String, serde_json::Error> {
        write(DoneRef {
            queue: &self.queue,
            history: &self.history,
        })
    }

    /// The device whose parts were saved.
    ///
    /// # Errors
    /// They are not parts that this version can read.
    pub fn load_parts(told: Option<&str>, done: Option<&str>) -> Result<Self, LoadError> {
        let mut engine = Self::new();
        engine.take_over(Parts::read(told, done)?);
        Ok(engine)
    }

    /// Takes over the parts that another process of this device has saved since. A request of this process stays on its way: others change
    /// neither the batch nor the cursor meanwhile, if only one process sends at a time.
    ///
    /// # Errors
    /// They are not parts that this version can read. Nothing has changed.
    pub fn reload(&mut self, told: Option<&str>, done: Option<&str>) -> Result<Changes, LoadError> {
        let parts = Parts::read(told, done)?;
        let mut ids = self.queue.tasks();
        if let Some(done) = &parts.done {
            ids.extend(done.queue.tasks());
        }
        if let Some(told) = &parts.told {
            let entries = self.store.entries().chain(told.store.entries());
            ids.extend(entries.map(|entry| entry.task.id));
        }
        Ok(self.observe(ids.into_iter().collect(), |engine, changes| {
            if let Some(told) = &parts.told {
                changes.replaced(&engine.store, &told.store);
            }
            engine.take_over(parts);
        }))
    }

    fn take_over(&mut self, parts: Parts) {
        if let Some(told) = parts.told {
            self.store = told.store;
            self.rebuilt = told.rebuilt;
            self.paging = told.paging;
        }
        if let Some(done) = parts.done {
            self.queue = done.queue;
            self.history = done.history;
        }
    }
}

/// What was saved; `None` is a part that stays as it is.
struct Parts {
    told: Option<Told>,
    done: Option<Done>,
}

impl Parts {
    fn read(told: Option<&str>, done: Option<&str>) -> Result<Self, LoadError> {
        Ok(Self {
            told: told.map(read).transpose()?,
            done: done.map(read).transpose()?,
        })
    }
}

fn write(part: impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Part {
        format: FORMAT,
        part,
    })
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, LoadError> {
    let newer = |format: u64| Err(LoadError::Format(format));
    match serde_json::from_str::<Part<T>>(text) {
        Ok(part) if part.format > FORMAT => newer(part.format),
        Ok(part) => Ok(part.part),
        // What cannot be read may have been saved in a newer form.
        Err(error) => match serde_json::from_str::<Header>(text) {
            Ok(header) if header.format > FORMAT => newer(header.format),
            _ => Err(LoadError::Json(error)),
        },
    }
}
