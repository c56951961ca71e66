//! Owns the events of paused partitions. A partition is paused while one of its dead letters cannot be written: its mark
//! cannot move past that event, so whatever is done beyond would be repeated after a restart.

use std::collections::{BTreeMap, HashMap};

use super::event::{Event, EventKey};
use crate::log::Partition;

#[derive(Debug, Default)]
pub struct Paused {
    /// The events of each paused partition that wait for its end, by offset.
    partitions: HashMap<Partition, BTreeMap<i64, Event>>,
}

impl Paused {
    pub fn contains(&self, partition: &Partition) -> bool {
        self.partitions.contains_key(partition)
    }

    /// The paused partitions.
    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.keys()
    }

    /// Events that wait.
    pub fn events(&self) -> usize {
        self.partitions.values().map(BTreeMap::len).sum()
    }

    /// Pauses a partition. Returns false if it was paused before.
    pub fn pause(&mut self, partition: &Partition) -> bool {
        let new = !self.contains(partition);
        if new {
            self.partitions.insert(partition.clone(), BTreeMap::new());
        }
        new
    }

    /// Keeps an event if its partition is paused; otherwise returns it.
    pub fn hold(&mut self, event: Event) -> Option<Event> {
        match self.partitions.get_mut(&event.record().partition) {
            Some(events) => {
                events.insert(event.record().offset, event);
                None
            }
            None => Some(event),
        }
    }

    /// Ends the pause of a partition, and returns its events in order of offset; `None` if it was not paused.
    pub fn resume(&mut self, partition: &Partition) -> Option<Vec<Event>> {
        let events = self.partitions.remove(partition)?;
        Some(events.into_values().collect())
    }

    /// Removes an event. Returns false if it does not wait here.
    pub fn remove(&mut self, key: &EventKey) -> bool {
        let Some(events) = self.partitions.get_mut(&key.partition) else {
            return false;
        };
        let is_it = events
            .get(&key.offset)
            .is_some_and(|event| event.has_key(key));
        is_it && events.remove(&key.offset).is_some()
    }

    /// Forgets partitions that are read elsewhere, or anew, from now on.
    pub fn forget(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
    }
}
