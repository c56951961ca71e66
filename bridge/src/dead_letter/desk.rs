//! The desk where people look through dead letters, send them back or put them aside.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use domain::event::{Event, EventType};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{ATTEMPTS, ERROR, FIRST_AT, GROUP, LAST_AT, TOPIC, rfc3339};
use crate::log::{Entry, FOR_GROUP, Headers, Log, Record};
use crate::topics::{TOPICS, dead_letters_of};

/// A dead letter as people see it.
#[derive(Debug, Serialize)]
pub struct Letter {
    pub id: String,
    pub user: Uuid,
    pub topic: String,
    pub group: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub attempts: String,
    pub error: String,
    pub first_at: String,
    pub last_at: String,
    /// What was done with it, if anything.
    pub handled: Option<String>,
    #[serde(skip)]
    record: Record,
}

/// Which dead letters are meant; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub topic: Option<String>,
    pub group: Option<String>,
    pub kind: Option<String>,
    pub id: Option<String>,
    pub older_than: Option<Duration>,
    pub newer_than: Option<Duration>,
    /// Also those that were replayed or discarded.
    pub handled: bool,
}

/// What people do with a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Replay,
    Discard,
}

pub struct Desk {
    pub log: Arc<dyn Log>,
    pub client: Client,
    /// Who is at it: named on the audit trail.
    pub actor: String,
}

impl Desk {
    /// The dead letters that are wanted, oldest first.
    pub async fn list(&self, wanted: &Wanted) -> anyhow::Result<Vec<Letter>> {
        let topics = TOPICS.iter().map(|topic| topic.name);
        let topics = topics.filter(|topic| {
            wanted
                .topic
                .as_deref()
                .is_none_or(|wanted| wanted == *topic)
        });
        let topics: Vec<String> = topics.map(dead_letters_of).collect();
        let mut handled = HashMap::new();
        for row in self
            .client
            .query(include_str!("handled.sql"), &[&topics])
            .await
            .context("what was handled")?
        {
            let place: (String, i32, i64, String) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            handled.insert(place, row.get::<_, String>(4));
        }
        let mut letters = Vec::new();
        for topic in topics {
            for record in self
                .log
                .scan(&topic)
                .await
                .with_context(|| format!("reading {topic}"))?
            {
                let id = event_id(&record);
                let place = (
                    topic.clone(),
                    record.partition.number,
                    record.offset,
                    id.clone(),
                );
                let letter = Letter::read(record, id, handled.get(&place).cloned());
                if wanted.wants(&letter) {
                    letters.push(letter);
                }
            }
        }
        letters.sort_by_key(|letter| letter.record.appended_at);
        Ok(letters)
    }

    /// Sends a letter back to its group or puts it aside, and says so on the audit trail.
    pub async fn handle(&self, letter: &Letter, deed: Deed) -> anyhow::Result<()> {
        if deed == Deed::Replay {
            // First the log, then the note: if this ends in between, the letter stays on the desk and is replayed twice,
            // which is harmless.
            let headers = Headers::from([(FOR_GROUP.to_owned(), letter.group.clone())]);
            let entry = Entry {
                headers,
                ..letter.record.entry.clone()
            };
            self.log
                .append(&letter.topic, &entry)
                .await
                .context("putting the event back")?;
        }
        let (kind, action) = match deed {
            Deed::Replay => (EventType::DeadLetterReplayed, "replayed"),
            Deed::Discard => (EventType::DeadLetterDiscarded, "discarded"),
        };
        let seq: i64 = self
            .client
            .query_one(include_str!("last_seq.sql"), &[&letter.user])
            .await?
            .get(0);
        let event = Event {
            specversion: "1.0".to_owned(),
            id: Uuid::now_v7(),
            source: "/spindle/bridge".to_owned(),
            kind: kind.name().to_owned(),
            subject: letter.user.to_string(),
            time: rfc3339(SystemTime::now()),
            datacontenttype: "application/json".to_owned(),
            userid: letter.user,
            seq: Some(seq),
            correlationid: Some(Uuid::now_v7().to_string()),
            causationid: Some(letter.id.clone()),
            traceparent: None,
            data: json!({
                "user": {"id": letter.user},
                "details": {
                    "event": letter.id, "type": letter.kind, "topic": letter.topic, "group": letter.group,
                    "attempts": letter.attempts, "error": letter.error,
                },
                "actor": {"type": "service", "id": self.actor},
            }),
        };
        let place = &letter.record.partition;
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
            &&*place.topic,
            &place.number,
            &letter.record.offset,
            &letter.id,
            &letter.group,
            &action,
            &self.actor,
            &letter.user,
            &event.id,
            &serde_json::to_string(&event)?,
        ];
        self.client
            .execute(include_str!("handle.sql"), &parameters)
            .await
            .context("noting what was done")?;
        Ok(())
    }
}

/// The event's own id, or what of it the log knows where the event is not readable.
fn event_id(record: &Record) -> String {
    record.entry.event_id.to_string()
}

impl Letter {
    fn read(record: Record, id: String, handled: Option<String>) -> Self {
        #[derive(Default, serde::Deserialize)]
        struct Attributes {
            #[serde(rename = "type")]
            kind: Option<String>,
        }
        let attributes: Attributes =
            serde_json::from_slice(&record.entry.event).unwrap_or_default();
        let header = |name: &str| record.entry.headers.get(name).cloned().unwrap_or_default();
        Self {
            id,
            user: record.entry.user,
            topic: header(TOPIC),
            group: header(GROUP),
            kind: attributes.kind.unwrap_or_default(),
            attempts: header(ATTEMPTS),
            error: header(ERROR),
            first_at: header(FIRST_AT),
            last_at: header(LAST_AT),
            handled,
            record,
        }
    }

    /// The event as it was: JSON where it is JSON, otherwise its text.
    pub fn event(&self) -> serde_json::Value {
        let text = String::from_utf8_lossy(&self.record.entry.event);
        let json = serde_json::from_str::<&RawValue>(&text)
            .ok()
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        json.unwrap_or_else(|| text.into_owned().into())
    }
}

impl Wanted {
    fn wants(&self, letter: &Letter) -> bool {
        let same =
            |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        let age = SystemTime::now()
            .duration_since(letter.record.appended_at)
            .unwrap_or_default();
        same(&self.group, &letter.group)
            && same(&self.kind, &letter.kind)
            && same(&self.id, &letter.id)
            && self.older_than.is_none_or(|than| age >= than)
            && self.newer_than.is_none_or(|than| age < than)
            && (self.handled || letter.handled.is_none())
    }
}
