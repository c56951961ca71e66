//! The session: the server, the account and the tokens, in a file that only its owner can read.
//!
//! A keyring would need system libraries and a desktop session that is unlocked; a file works on servers and over ssh, too.

use std::io::{ErrorKind, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::error::Error;
use crate::home::Home;
use crate::private;

const FILE: &str = "session.json";
/// An access token that ends within as many seconds is not used any more.
const MARGIN: u64 = 30;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The address of the API.
    pub server: Url,
    /// The address of the gateway for live connections.
    pub live: Url,
    pub user: Uuid,
    pub email: String,
    /// `None` when the session has ended. The local copy stays.
    pub tokens: Option<Tokens>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
    /// In seconds since 1970, by this machine's clock.
    pub ends_at: u64,
}

/// What the API answers to a sign-in and to a refresh.
#[derive(Deserialize)]
pub struct Issued {
    access_token: String,
    refresh_token: String,
    expires_in: u64,
}

impl From<Issued> for Tokens {
    fn from(issued: Issued) -> Self {
        Self {
            access_token: issued.access_token,
            refresh_token: issued.refresh_token,
            ends_at: seconds().saturating_add(issued.expires_in),
        }
    }
}

impl Tokens {
    /// Whether the access token has ended, or is about to.
    pub fn is_stale(&self) -> bool {
        seconds().saturating_add(MARGIN) >= self.ends_at
    }
}

impl Session {
    /// The session of this home folder; `None` if nobody has signed in.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(home: &Home) -> Result<Option<Self>, Error> {
        let path = home.file(FILE);
        match std::fs::read(&path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("reading", &path)(error)),
        }
    }

    /// The session of whoever has signed in, also if it has ended since.
    ///
    /// # Errors
    /// Nobody has, or the file cannot be read.
    pub fn signed_in(home: &Home) -> Result<Self, Error> {
        Self::read(home)?.ok_or(Error::NotSignedIn)
    }

    /// Writes the file as a whole: after a crash it is the old one or the new one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, home: &Home) -> Result<(), Error> {
        let path = home.file(FILE);
        let text = serde_json::to_vec_pretty(self)?;
        let write = || {
            let new = home.file("session.json.new");
            let mut file = private::open_file(&new, true)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            private::sync_folder(home.folder())
        };
        write().map_err(Error::file("writing", &path))
    }

    /// Removes the session and the local copy.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove(home: &Home) -> Result<(), Error> {
        for name in [FILE, "tasks.db", "tasks.db-wal", "tasks.db-shm"] {
            let path = home.file(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Error::file("removing", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
