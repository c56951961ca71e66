//! The folder in which `cargo dev up` and `cargo dev services` keep data, logs and secrets between runs.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use stage::progress;
use stage::services::postgres;

/// A folder that only this process uses.
pub struct Folder {
    path: PathBuf,
    /// The operating system releases this lock when the process ends, even after a crash.
    _lock: File,
}

impl Folder {
    /// Creates the folder if it does not exist, and locks it.
    ///
    /// # Errors
    /// When another process holds the lock.
    pub fn lock(path: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        let file = path.join("lock");
        let lock = File::create(&file).with_context(|| format!("creating {}", file.display()))?;
        if lock.try_lock().is_err() {
            bail!(
                "another `cargo dev up` or `services` runs in {}; `cargo dev status` shows its addresses",
                path.display()
            );
        }
        Ok(Self { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes everything in the folder except the lock file.
    pub fn wipe(&self) -> Result<()> {
        progress::step(format!("removing the data in {}", self.path.display()));
        postgres::wipe(&self.path.join("postgres"))?;
        for entry in std::fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else if path.ends_with("lock") {
                Ok(())
            } else {
                std::fs::remove_file(&path)
            }
            .with_context(|| format!("removing {}", path.display()))?;
        }
        Ok(())
    }
}
