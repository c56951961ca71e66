//! Short numbers of tasks, for people to type. A task keeps its number while it is open; after that, the next list may give it to another.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::Device;
use crate::error::Error;

impl Device {
    /// The numbers that tasks have.
    ///
    /// # Errors
    /// The store fails.
    pub fn numbers(&mut self) -> Result<BTreeMap<Uuid, u32>, Error> {
        Ok(parse(self.store.read()?.numbers()?))
    }

    /// Gives a number to each of these tasks that has none, the smallest that is free. With `renew`, numbers of tasks that are neither open
    /// nor among these become free.
    ///
    /// # Errors
    /// The store fails.
    pub fn number(&mut self, tasks: &[Uuid], renew: bool) -> Result<BTreeMap<Uuid, u32>, Error> {
        let transaction = self.store.begin()?;
        let before = parse(transaction.numbers()?);
        let mut numbers = before.clone();
        if renew {
            numbers.retain(|id, _| {
                let task = self.known.engine.task(*id);
                task.is_some_and(|task| task.is_open()) || tasks.contains(id)
            });
        }
        let mut used: BTreeSet<u32> = numbers.values().copied().collect();
        let mut free = 1..;
        for task in tasks {
            if numbers.contains_key(task) {
                continue;
            }
            let number = free.by_ref().find(|number| !used.contains(number));
            let number = number.unwrap_or(u32::MAX);
            used.insert(number);
            numbers.insert(*task, number);
        }
        if numbers != before {
            let rows = numbers.iter().map(|(id, number)| (*number, id.to_string()));
            transaction.set_numbers(&rows.collect::<Vec<_>>())?;
            transaction.commit()?;
        }
        Ok(numbers)
    }
}

fn parse(rows: Vec<(u32, String)>) -> BTreeMap<Uuid, u32> {
    let rows = rows.into_iter();
    rows.filter_map(|(number, id)| Some((Uuid::parse_str(&id).ok()?, number)))
        .collect()
}
