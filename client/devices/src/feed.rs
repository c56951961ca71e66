//! What devices get from the server: pages of `GET /api/sync`, and live messages from a ring that remembers few.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::server::{Server, tombstone};

/// Tasks and other items of a page. Few, so that most answers need several.
const PAGE: usize = 4;
/// Messages that the gateway remembers.
const RING: usize = 6;

/// The gateway's memory, and that of the cursors.
#[derive(Default)]
pub struct Feed {
    ring: VecDeque<(u64, Value)>,
    /// Messages for the sockets that are open.
    pub fresh: Vec<Value>,
    /// Cursors from before this number are refused.
    oldest: u64,
    /// The pages of first syncs: all that there was when they began.
    snapshots: Vec<(u64, Vec<(String, Value)>)>,
}

impl Feed {
    pub fn publish(&mut self, seq: u64, message: Value) {
        self.ring.push_back((seq, message.clone()));
        if self.ring.len() > RING {
            self.ring.pop_front();
        }
        self.fresh.push(message);
    }
}

impl Server {
    /// The answer to a pull, as the engine takes it.
    pub fn pull(&mut self, cursor: Option<&str>) -> Value {
        let Some(cursor) = cursor else {
            let items = self.items(0, false);
            self.feed.snapshots.push((self.seq, items));
            return self.snapshot(self.feed.snapshots.len() - 1, 0);
        };
        let number = |text: &str| text.parse::<u64>().unwrap();
        if let Some((snapshot, offset)) = cursor.split_once(':') {
            return self.snapshot(number(snapshot) as usize, number(offset) as usize);
        }
        let from = number(cursor);
        if from < self.feed.oldest {
            return json!("resync");
        }
        if from == self.seq {
            return json!("unchanged");
        }
        let mut items = self.items(from, true);
        items.sort_by_key(|(_, item)| item["seq"].as_u64());
        // What has one number is on one page.
        let seq = |at: usize| items.get(at).and_then(|(_, item)| item["seq"].as_u64());
        let mut end = items.len().min(PAGE);
        while end < items.len() && seq(end) == seq(end - 1) {
            end += 1;
        }
        let more = end < items.len();
        let next = if more {
            seq(end - 1).unwrap()
        } else {
            self.seq
        };
        items.truncate(end);
        page(items, self.seq, next.to_string(), more)
    }

    /// A page of a first sync.
    fn snapshot(&self, number: usize, offset: usize) -> Value {
        let (seq, items) = &self.feed.snapshots[number];
        if *seq < self.feed.oldest {
            return json!("resync");
        }
        let rest = items.len().saturating_sub(offset);
        let part = items.iter().skip(offset).take(PAGE).cloned().collect();
        let more = rest > PAGE;
        let next = if more {
            format!("{number}:{}", offset + PAGE)
        } else {
            seq.to_string()
        };
        page(part, *seq, next, more)
    }

    /// All items after a number, with the name of their list.
    fn items(&self, from: u64, tombstones: bool) -> Vec<(String, Value)> {
        let tasks = self
            .tasks
            .values()
            .filter(|record| tombstones || record.is_alive());
        let tasks = tasks.map(|record| match record.is_alive() {
            true => ("changes".to_owned(), Value::from(record.task.clone())),
            false => ("changes".to_owned(), tombstone(record)),
        });
        let lists = [
            ("series", &self.series),
            ("reminders", &self.reminders),
            ("notifications", &self.notifications),
        ];
        let others = lists.into_iter().flat_map(|(name, list)| {
            list.values()
                .map(move |item| (name.to_owned(), item.clone()))
        });
        let account =
            (!self.account.is_null()).then(|| ("account".to_owned(), self.account.clone()));
        let all = tasks.chain(others).chain(account);
        all.filter(|(_, item)| item["seq"].as_u64().unwrap() > from)
            .collect()
    }

    /// The messages with which a live connection begins, for a client that is complete up to `seq`.
    pub fn connect(&self, seq: u64) -> Vec<Value> {
        let mut messages = vec![json!({"type": "hello", "seq": self.seq, "cursor": null})];
        let first = self
            .feed
            .ring
            .front()
            .map_or(self.seq + 1, |(first, _)| *first);
        if seq + 1 < first {
            messages.push(json!({"type": "resync", "seq": self.seq}));
        } else {
            let missed = self.feed.ring.iter().filter(|(number, _)| *number > seq);
            messages.extend(missed.map(|(_, message)| message.clone()));
        }
        messages
    }

    /// Cursors expire, and with them the tombstones.
    pub fn expire(&mut self) {
        self.feed.oldest = self.seq;
        self.tasks.retain(|_, record| record.is_alive());
    }
}

fn page(items: Vec<(String, Value)>, seq: u64, cursor: String, more: bool) -> Value {
    let mut page = json!({"changes": [], "series": [], "reminders": [], "notifications": [], "account": null,
        "seq": seq, "cursor": cursor, "more": more});
    for (list, item) in items {
        match page[&list].as_array_mut() {
            Some(list) => list.push(item),
            None => page[&list] = item,
        }
    }
    json!({"page": page})
}
