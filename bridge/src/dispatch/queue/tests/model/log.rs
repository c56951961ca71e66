//! The log of the model: its records, which partitions are read here, and the marks that were saved.

use std::collections::{BTreeMap, HashMap, HashSet};

use rand::Rng;
use rand::rngs::StdRng;
use tokio::sync::oneshot;

use crate::dispatch::queue::tests::harness::{Body, record};
use crate::log::{FOR_GROUP, Mark, Partition, Record};

const USERS: u64 = 6;
/// Of every user's events, some are in one topic and some in the other, as in the real log.
const TOPICS: [&str; 2] = ["t", "u"];
const NUMBERS: u64 = 2;

/// Whether and how a partition is read.
#[derive(Debug)]
pub enum Reading {
    No,
    /// The next offset to read.
    From(i64),
    HandingOver(oneshot::Receiver<()>),
}

#[derive(Debug)]
pub struct Stored {
    pub body: Body,
    pub for_other_group: bool,
}

#[derive(Debug)]
pub struct Log {
    pub records: BTreeMap<Partition, Vec<Stored>>,
    pub reading: BTreeMap<Partition, Reading>,
    pub saved: HashMap<Partition, i64>,
    /// Marks that the reader has got and not saved. They are lost with the reader's session.
    unsaved: HashMap<Partition, i64>,
    /// Events whose dead letter the log has.
    pub dead_letters: HashSet<Body>,
    next_seq: HashMap<u64, u64>,
}

impl Log {
    pub fn new() -> Self {
        let topics = TOPICS.iter();
        let partitions = topics.flat_map(|topic| {
            (0..NUMBERS).map(|number| Partition {
                topic: (*topic).into(),
                number: i32::try_from(number).unwrap(),
            })
        });
        let partitions: Vec<Partition> = partitions.collect();
        Self {
            records: partitions.iter().map(|p| (p.clone(), Vec::new())).collect(),
            reading: partitions.into_iter().map(|p| (p, Reading::No)).collect(),
            saved: HashMap::new(),
            unsaved: HashMap::new(),
            dead_letters: HashSet::new(),
            next_seq: HashMap::new(),
        }
    }

    /// Appends an event of a random user.
    pub fn append(&mut self, rng: &mut StdRng) {
        let user = rng.random_range(0..USERS);
        let topic = TOPICS[rng.random_range(0..TOPICS.len())];
        let partition = Partition {
            topic: topic.into(),
            number: i32::try_from(user % NUMBERS).unwrap(),
        };
        let seq = self.next_seq.entry(user).or_default();
        let body = Body { user, seq: *seq };
        *seq += 1;
        let for_other_group = rng.random_ratio(1, 30);
        let stored = Stored {
            body,
            for_other_group,
        };
        self.records.get_mut(&partition).unwrap().push(stored);
    }

    pub fn pick(&self, rng: &mut StdRng) -> Partition {
        let index = rng.random_range(0..self.reading.len());
        self.reading.keys().nth(index).unwrap().clone()
    }

    /// The next records of a partition that is read here.
    pub fn fetch(&mut self, partition: &Partition, most: usize) -> Vec<Record> {
        let Some(Reading::From(next)) = self.reading.get_mut(partition) else {
            return Vec::new();
        };
        let stored = self.records[partition].iter().enumerate();
        let stored = stored.skip(usize::try_from(*next).unwrap()).take(most);
        let records = stored.map(|(offset, stored)| {
            let offset = i64::try_from(offset).unwrap();
            let mut record = record(partition.clone(), offset, stored.body, 0);
            if stored.for_other_group {
                let headers = &mut record.entry.headers;
                headers.insert(FOR_GROUP.to_owned(), "other".to_owned());
            }
            record
        });
        let records: Vec<Record> = records.collect();
        *next += i64::try_from(records.len()).unwrap();
        records
    }

    /// Starts to read a partition from its saved mark, which is returned; `None` if it is read already.
    pub fn assign(&mut self, partition: &Partition) -> Option<i64> {
        let saved = self.saved.get(partition).copied().unwrap_or(0);
        let reading = self.reading.get_mut(partition).unwrap();
        if !matches!(reading, Reading::No) {
            return None;
        }
        *reading = Reading::From(saved);
        self.unsaved.remove(partition);
        Some(saved)
    }

    pub fn take_dead_letter(&mut self, record: &Record) {
        let body = serde_json::from_slice(&record.entry.event).unwrap();
        self.dead_letters.insert(body);
    }

    /// Starts to hand a partition over. Returns the signal for its end, or `None` if the partition is not read here.
    pub fn hand_over(&mut self, partition: &Partition) -> Option<oneshot::Sender<()>> {
        let reading = self.reading.get_mut(partition).unwrap();
        let Reading::From(_) = reading else {
            return None;
        };
        let (settled, done) = oneshot::channel();
        *reading = Reading::HandingOver(done);
        Some(settled)
    }

    /// Loses a partition at once, with the marks that were not saved. Returns false if it is not read here.
    pub fn lose(&mut self, partition: &Partition) -> bool {
        let reading = self.reading.get_mut(partition).unwrap();
        let was_read = matches!(reading, Reading::From(_));
        if was_read {
            *reading = Reading::No;
            self.unsaved.remove(partition);
        }
        was_read
    }

    /// Loses the session while partitions are being handed over: nobody waits for the end of the hand-overs any more. Returns
    /// how many there were.
    pub fn lose_hand_overs(&mut self) -> usize {
        let mut lost = 0;
        for reading in self.reading.values_mut() {
            if matches!(reading, Reading::HandingOver(_)) {
                *reading = Reading::No;
                lost += 1;
            }
        }
        lost
    }

    /// The process ends: every partition is free, and only the saved marks remain.
    pub fn restart(&mut self) {
        for reading in self.reading.values_mut() {
            *reading = Reading::No;
        }
        self.unsaved.clear();
    }

    pub fn take_marks(&mut self, marks: Vec<Mark>) {
        for mark in marks {
            let before = self.unsaved.insert(mark.partition, mark.next);
            assert!(
                before.is_none_or(|before| before < mark.next),
                "a mark moved back"
            );
        }
    }

    pub fn save_marks(&mut self) {
        for (partition, next) in self.unsaved.drain() {
            let saved = self.saved.entry(partition).or_default();
            assert!(*saved <= next, "a saved mark moved back");
            *saved = next;
        }
    }

    /// Frees the partitions whose hand-over is over. The reader saves the marks first.
    pub fn finish_hand_overs(&mut self) {
        let mut finished = Vec::new();
        for (partition, reading) in &mut self.reading {
            if let Reading::HandingOver(done) = reading
                && done.try_recv().is_ok()
            {
                finished.push(partition.clone());
            }
        }
        if !finished.is_empty() {
            self.save_marks();
        }
        for partition in finished {
            self.reading.insert(partition, Reading::No);
        }
    }

    pub fn all_saved(&self) -> bool {
        let mut records = self.records.iter();
        records.all(|(partition, records)| {
            let saved = self.saved.get(partition).copied().unwrap_or(0);
            saved == i64::try_from(records.len()).unwrap()
        })
    }
}
