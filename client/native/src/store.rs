//! The file store: the two parts of the saved engine, and a few notes, in SQLite.
//!
//! SQLite orders the transactions of several processes and survives a crash at any moment; a commit is on the disk when it returns.
//! Each part has a version, so a process notices what others have saved.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::error::Error;
use crate::private;

/// How long a transaction waits for the one of another process.
const PATIENCE: Duration = Duration::from_secs(20);

/// The tables. Version 1 of them is the first; a later one would change what it finds.
const TABLES: &str = "
    create table if not exists parts (name text primary key, version integer not null, value text not null);
    create table if not exists notes (name text primary key, value text not null);
    create table if not exists rejected (op_id text primary key, value text not null);
    create table if not exists numbers (number integer primary key, task_id text not null unique);
";

/// The part that the server has said, and the part that the person has done.
pub const TOLD: &str = "told";
pub const DONE: &str = "done";

/// The versions of the parts. 0 is that of a part that was never saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    pub told: i64,
    pub done: i64,
}

impl Versions {
    /// Those of no part.
    pub const UNREAD: Self = Self { told: -1, done: -1 };
}

pub struct Store(Connection);

/// A transaction. Others that write wait until one that writes has ended; without [`Transaction::commit`] it has changed nothing.
pub struct Transaction<'a>(rusqlite::Transaction<'a>);

impl Store {
    /// Opens the store, and creates it if there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // SQLite would create it with the rights that the umask leaves. The files beside it get the rights of this one.
        private::open_file(path, false).map_err(Error::file("opening", path))?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(TABLES)?;
        Ok(Self(connection))
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// Another process does not end its own in time.
    pub fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        let behavior = TransactionBehavior::Immediate;
        Ok(Transaction(self.0.transaction_with_behavior(behavior)?))
    }

    /// Begins a transaction that reads one state of the store. It waits for nobody.
    ///
    /// # Errors
    /// The file fails.
    pub fn read(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction(self.0.transaction()?))
    }
}

impl Transaction<'_> {
    /// The versions that are saved now.
    ///
    /// # Errors
    /// The file fails.
    pub fn versions(&self) -> Result<Versions, Error> {
        let mut versions = Versions::default();
        let mut statement = self.0.prepare("select name, version from parts")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match row.get_ref(0)?.as_str().unwrap_or_default() {
                TOLD => versions.told = row.get(1)?,
                DONE => versions.done = row.get(1)?,
                _ => {}
            }
        }
        Ok(versions)
    }

    /// A part as it was saved.
    ///
    /// # Errors
    /// The file fails.
    pub fn part(&self, name: &str) -> Result<Option<String>, Error> {
        let mut statement = self.0.prepare("select value from parts where name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Saves a part and returns its new version.
    ///
    /// # Errors
    /// The file fails.
    pub fn save(&self, name: &str, value: &str) -> Result<i64, Error> {
        let statement = "insert into parts values (?1, 1, ?2)
            on conflict do update set version = version + 1, value = excluded.value returning version";
        Ok(self
            .0
            .query_row(statement, [name, value], |row| row.get(0))?)
    }

    /// A note; none if it was never written.
    ///
    /// # Errors
    /// The file fails.
    pub fn note(&self, name: &str) -> Result<Option<String>, Error> {
        let mut statement = self.0.prepare("select value from notes where name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Writes a note.
    ///
    /// # Errors
    /// The file fails.
    pub fn write_note(&self, name: &str, value: &str) -> Result<(), Error> {
        self.0.execute(
            "insert or replace into notes values (?1, ?2)",
            [name, value],
        )?;
        Ok(())
    }

    /// Keeps an operation that the server has rejected, as JSON.
    ///
    /// # Errors
    /// The file fails.
    pub fn keep_rejected(&self, op_id: &str, value: &str) -> Result<(), Error> {
        self.0.execute(
            "insert or replace into rejected values (?1, ?2)",
            [op_id, value],
        )?;
        Ok(())
    }

    /// What the server has rejected, in the order in which it did.
    ///
    /// # Errors
    /// The file fails.
    pub fn rejected(&self) -> Result<Vec<String>, Error> {
        let mut statement = self
            .0
            .prepare("select value from rejected order by rowid")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets what the server has rejected.
    ///
    /// # Errors
    /// The file fails.
    pub fn forget_rejected(&self) -> Result<(), Error> {
        self.0.execute("delete from rejected", [])?;
        Ok(())
    }

    /// The short numbers of tasks.
    ///
    /// # Errors
    /// The file fails.
    pub fn numbers(&self) -> Result<Vec<(u32, String)>, Error> {
        let mut statement = self
            .0
            .prepare("select number, task_id from numbers order by number")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Replaces the short numbers.
    ///
    /// # Errors
    /// The file fails.
    pub fn set_numbers(&self, numbers: &[(u32, String)]) -> Result<(), Error> {
        self.0.execute("delete from numbers", [])?;
        let mut insert = self.0.prepare("insert into numbers values (?1, ?2)")?;
        for (number, task) in numbers {
            insert.execute(params![number, task])?;
        }
        Ok(())
    }

    /// Ends the transaction; what it has written is on the disk.
    ///
    /// # Errors
    /// The file fails. Nothing has changed then.
    pub fn commit(self) -> Result<(), Error> {
        Ok(self.0.commit()?)
    }
}
