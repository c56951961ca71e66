//! Owns the events of paused partitions. A partition is paused while one of its dead letters cannot be written: its mark
//! cannot move past that event, so whatever is done beyond would be repeated after a restart.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::event::{Event, EventKey, Size};
use crate::log::Partition;

#[derive(Debug, Default)]
pub struct Paused {
    /// The events of each paused partition that wait for its end, by offset.
    partitions: HashMap<Partition, BTreeMap<i64, Event>>,
    events: Size,
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
    pub fn events(&self) -> Size {
        self.events
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
                self.events.add(&event);
                events.insert(event.record().offset, event);
                None
            }
            None => Some(event),
        }
    }

    /// Ends the pause of a partition, and returns its events in order of offset; `None` if it was not paused.
    pub fn resume(&mut self, partition: &Partition) -> Option<Vec<Event>> {
        let events: Vec<Event> = self.partitions.remove(partition)?.into_values().collect();
        for event in &events {
            self.events.remove(event);
        }
        Some(events)
    }

    /// Removes an event. Returns false if it does not wait here.
    pub fn remove(&mut self, key: &EventKey) -> bool {
        let Some(events) = self.partitions.get_mut(&key.partition) else {
            return false;
        };
        let Entry::Occupied(found) = events.entry(key.offset) else {
            return false;
        };
        let is_it = found.get().has_key(key);
        if is_it {
            self.events.remove(&found.remove());
        }
        is_it
    }

    /// Forgets partitions that are read elsewhere, or anew, from now on.
    pub fn forget(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.resume(partition);
        }
    }
}
