//! The folder of a device, and the locks in it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::private;

/// The pause between two attempts at a lock.
const PAUSE: Duration = Duration::from_millis(20);

/// The files that a folder may have.
const FILES: [&str; 7] = [
    "session.json",
    "session.json.new",
    "session.lock",
    "exchange.lock",
    "tasks.db",
    "tasks.db-wal",
    "tasks.db-shm",
];

/// The folder that has the local copy and the tokens. Only its owner can read it.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

/// A lock that is held until this value is dropped, or the process ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Home {
    /// Creates the folder if there is none, and lets nobody else read it, whatever rights it had.
    ///
    /// # Errors
    /// It cannot be created, or is somebody else's.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = folder.into();
        let open = || {
            private::create_folder(&folder)?;
            private::restrict(&folder)?;
            let mut files = FILES.iter().map(|name| folder.join(name));
            files.try_for_each(|file| private::restrict(&file))
        };
        open().map_err(Error::file("opening", &folder))?;
        Ok(Self(folder))
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// A file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The lock of the process that sends and fetches.
    ///
    /// # Errors
    /// Another process has it for longer than `patience`.
    pub async fn lock_exchange(&self, patience: Duration) -> Result<Lock, Error> {
        self.lock("exchange.lock", "the connection to the server", patience)
            .await
    }

    /// The lock of the process that changes the tokens.
    ///
    /// # Errors
    /// Another process has it for longer than `patience`.
    pub async fn lock_session(&self, patience: Duration) -> Result<Lock, Error> {
        self.lock("session.lock", "the session", patience).await
    }

    async fn lock(
        &self,
        name: &str,
        what: &'static str,
        patience: Duration,
    ) -> Result<Lock, Error> {
        let path = self.file(name);
        let failed = Error::file("locking", &path);
        let file = private::open_file(&path, false).map_err(&failed)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) if start.elapsed() < patience => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => return Err(Error::Locked { what }),
                Err(TryLockError::Error(cause)) => return Err(failed(cause)),
            }
        }
    }
}
