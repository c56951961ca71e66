//! Lists, replays and discards dead letters. The letters lie in the log; Postgres records which of them were handled.

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

/// A dead letter as `bridge dead-letters` shows it.
#[derive(Debug, Serialize)]
pub struct DeadLetter {
    /// The event's id.
    pub id: String,
    pub user: Uuid,
    /// The topic that the event was read from.
    pub topic: String,
    /// The group that could not process the event.
    pub group: String,
    /// The event's type; empty where the event is not readable.
    #[serde(rename = "type")]
    pub kind: String,
    /// Frames with the event that reached an agent.
    pub attempts: String,
    pub error: String,
    /// When the event first failed, in RFC 3339.
    pub first_at: String,
    /// When the event was given up, in RFC 3339.
    pub last_at: String,
    /// `replayed` or `discarded`, once an operator has done that.
    pub handled: Option<String>,
    /// The record in the dead-letter topic.
    #[serde(skip)]
    record: Record,
}

/// Selects dead letters; a filter that is not set selects all of them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The topic that the event was read from.
    pub topic: Option<String>,
    pub group: Option<String>,
    /// The event's type.
    pub kind: Option<String>,
    /// The event's id.
    pub id: Option<String>,
    /// Only dead letters written at least this long ago.
    pub older_than: Option<Duration>,
    /// Only dead letters written less than this long ago.
    pub newer_than: Option<Duration>,
    /// Also select dead letters that were replayed or discarded.
    pub handled: bool,
}

/// What an operator does with a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Append the event to its topic again, for the group that could not process it.
    Replay,
    /// Give the event up for good.
    Discard,
}

/// The dead letters of all topics.
pub struct Store {
    pub log: Arc<dyn Log>,
    pub client: Client,
    /// The operator, as the audit trail names them.
    pub actor: String,
}

impl Store {
    /// The dead letters that the filter selects, oldest first.
    ///
    /// # Errors
    /// When Postgres or the log fails.
    pub async fn list(&self, filter: &Filter) -> anyhow::Result<Vec<DeadLetter>> {
        let topics: Vec<String> = TOPICS
            .iter()
            .filter(|topic| matches(&filter.topic, topic.name))
            .map(|topic| dead_letters_of(topic.name))
            .collect();
        let mut handled = HashMap::new();
        for row in self
            .client
            .query(include_str!("list_handled.sql"), &[&topics])
            .await
            .context("reading which dead letters were handled")?
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
                let place = (
                    topic.clone(),
                    record.partition.number,
                    record.offset,
                    record.entry.event_id.to_string(),
                );
                let letter = DeadLetter::read(record, handled.get(&place).cloned());
                if filter.selects(&letter) {
                    letters.push(letter);
                }
            }
        }
        letters.sort_by_key(|letter| letter.record.appended_at);
        Ok(letters)
    }

    /// Replays or discards a dead letter and records that on the audit trail.
    ///
    /// # Errors
    /// When the log or Postgres fails. A replay that fails after the append to the log may be repeated: agents ignore
    /// an event that they have processed already.
    pub async fn handle(&self, letter: &DeadLetter, action: Action) -> anyhow::Result<()> {
        if action == Action::Replay {
            // Append first: a failure in between leaves the letter open, so at worst the event is replayed twice.
            let headers = Headers::from([(FOR_GROUP.to_owned(), letter.group.clone())]);
            let entry = Entry {
                headers,
                ..letter.record.entry.clone()
            };
            self.log
                .append(&letter.topic, &entry)
                .await
                .context("appending the event to its topic")?;
        }
        let (kind, done) = match action {
            Action::Replay => (EventType::DeadLetterReplayed, "replayed"),
            Action::Discard => (EventType::DeadLetterDiscarded, "discarded"),
        };
        let event = self.audit_event(letter, kind).await?;
        let partition = &letter.record.partition;
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
            &&*partition.topic,
            &partition.number,
            &letter.record.offset,
            &letter.id,
            &letter.group,
            &done,
            &self.actor,
            &letter.user,
            &event.id,
            &serde_json::to_string(&event)?,
        ];
        self.client
            .execute(include_str!("record_handling.sql"), &parameters)
            .await
            .with_context(|| format!("recording that {} was {done}", letter.id))?;
        Ok(())
    }

    /// The event that tells the audit trail what the operator did.
    async fn audit_event(&self, letter: &DeadLetter, kind: EventType) -> anyhow::Result<Event> {
        let seq: i64 = self
            .client
            .query_one(include_str!("last_seq.sql"), &[&letter.user])
            .await?
            .get(0);
        Ok(Event {
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
        })
    }
}

impl DeadLetter {
    fn read(record: Record, handled: Option<String>) -> Self {
        #[derive(Default, serde::Deserialize)]
        struct Attributes {
            #[serde(rename = "type")]
            kind: Option<String>,
        }
        // The event may be a dead letter because it is not readable; everything else is in the record and its headers.
        let attributes: Attributes =
            serde_json::from_slice(&record.entry.event).unwrap_or_default();
        let header = |name: &str| record.entry.headers.get(name).cloned().unwrap_or_default();
        Self {
            id: record.entry.event_id.to_string(),
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

    /// The event, unchanged: as JSON if it is JSON, otherwise as a string.
    pub fn event(&self) -> serde_json::Value {
        let text = String::from_utf8_lossy(&self.record.entry.event);
        let json = serde_json::from_str::<&RawValue>(&text)
            .ok()
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        json.unwrap_or_else(|| text.into_owned().into())
    }
}

impl Filter {
    /// True if every filter that is set matches; the topic was compared when the topics to read were chosen.
    fn selects(&self, letter: &DeadLetter) -> bool {
        let age = SystemTime::now()
            .duration_since(letter.record.appended_at)
            .unwrap_or_default();
        matches(&self.group, &letter.group)
            && matches(&self.kind, &letter.kind)
            && matches(&self.id, &letter.id)
            && self.older_than.is_none_or(|limit| age >= limit)
            && self.newer_than.is_none_or(|limit| age < limit)
            && (self.handled || letter.handled.is_none())
    }
}

fn matches(wanted: &Option<String>, value: &str) -> bool {
    wanted.as_deref().is_none_or(|wanted| wanted == value)
}
