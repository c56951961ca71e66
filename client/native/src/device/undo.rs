//! Steps of undo: what a person did with one command is taken back with one command, although it may be several operations.

use std::collections::BTreeSet;

use client::changes::Changes;
use client::engine::Refusal;
use uuid::Uuid;

use super::{Device, Touches, now};
use crate::error::Error;
use crate::store::Transaction;

const STEPS: &str = "undo steps";
/// The engine can take back as many operations.
const KEPT: usize = 100;

/// Notes that a command was so many operations.
pub fn note(transaction: &Transaction<'_>, operations: usize) -> Result<(), Error> {
    if operations == 0 {
        return Ok(());
    }
    let mut steps = read(transaction)?;
    steps.push(operations);
    let extra = steps.len().saturating_sub(KEPT);
    steps.drain(..extra);
    write(transaction, &steps)
}

fn read(transaction: &Transaction<'_>) -> Result<Vec<usize>, Error> {
    let steps = transaction.note(STEPS)?;
    Ok(steps.map_or(Ok(Vec::new()), |steps| serde_json::from_str(&steps))?)
}

fn write(transaction: &Transaction<'_>, steps: &[usize]) -> Result<(), Error> {
    transaction.write_note(STEPS, &serde_json::to_string(steps)?)
}

impl Device {
    /// Takes back the newest command that was not taken back yet, and returns its tasks. There are none if nothing of it is left to take
    /// back, because all was changed since; the next call takes back the one before it.
    ///
    /// # Errors
    /// There is no such command, or the store fails.
    pub fn undo(&mut self) -> Result<BTreeSet<Uuid>, Error> {
        self.transact(Touches::Done, |engine, transaction| {
            let mut steps = read(transaction)?;
            let operations = steps.pop().ok_or(Refusal::NothingToUndo)?;
            write(transaction, &steps)?;
            let mut all = Changes::default();
            for _ in 0..operations {
                // An operation of which nothing is left is skipped.
                if let Ok(changes) = engine.undo(Uuid::now_v7(), now()) {
                    all.tasks.extend(changes.tasks);
                }
            }
            Ok((all.tasks.clone(), all))
        })
    }
}
