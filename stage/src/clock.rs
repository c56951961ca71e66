//! A clock that a test can step, for the programs that it starts. libfaketime makes it; monotonic clocks stay as they are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::services::install;

const ADVICE: &str = "libfaketime is missing: `apt-get install libfaketime`";

/// A clock that is as far from the machine's clock as the last step has set it.
#[derive(Debug)]
pub struct Clock {
    library: PathBuf,
    offset: PathBuf,
}

impl Clock {
    /// A clock that shows the machine's time. It lies in `folder`, which the programs must be able to read.
    ///
    /// # Errors
    /// libfaketime is not installed and cannot be.
    pub fn new(folder: &Path) -> Result<Self> {
        let library = install::ensure(library, &["libfaketime"], ADVICE)?;
        let offset = folder.join("clock");
        let clock = Self { library, offset };
        clock.step(0)?;
        Ok(clock)
    }

    /// Sets the clock to this many seconds after the machine's clock, or before it.
    ///
    /// # Errors
    /// The file that says so cannot be written.
    pub fn step(&self, seconds: i64) -> Result<()> {
        // Programs read the file at any time, so it is replaced at once.
        let new = self.offset.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n"))?;
        std::fs::rename(&new, &self.offset).context("stepping a clock")
    }

    /// The environment variables of a program that uses the clock.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.offset.display().to_string()),
            // How many seconds pass at most before a program sees a step.
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut places = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    places.find(|place| place.is_file())
}
