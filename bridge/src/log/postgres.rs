//! The log in Postgres: `log_records` with contiguous offsets, for machines without Kafka.

mod reader;

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::{Consumer, Entry, Headers, Log, Partition, Pause, Reading, Record, TopicState};
use crate::config::{LogSettings, Secret};
use crate::postgres;
use crate::topics::{self, Group};

/// The log in Postgres.
pub struct PostgresLog {
    url: Secret,
    partitions: i32,
    /// Wakes this process's readers when its relay has moved something; other bridges' readers poll.
    moved: Arc<Notify>,
    session: Mutex<Option<Arc<Client>>>,
}

impl PostgresLog {
    pub fn open(settings: &LogSettings) -> Self {
        Self {
            url: settings.database_url.clone(),
            partitions: settings.topic_partitions,
            moved: Arc::new(Notify::new()),
            session: Mutex::new(None),
        }
    }

    /// A connection for what is neither relayed nor read: kept, and made anew once it is lost.
    async fn session(&self) -> anyhow::Result<Arc<Client>> {
        let mut session = self.session.lock().await;
        if let Some(client) = session.as_ref().filter(|client| !client.is_closed()) {
            return Ok(client.clone());
        }
        let client = Arc::new(postgres::connect(&self.url, "bridge log").await?);
        *session = Some(client.clone());
        Ok(client)
    }
}

#[async_trait]
impl Log for PostgresLog {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn create_topics(&self) -> anyhow::Result<()> {
        let (names, days): (Vec<String>, Vec<u32>) = topics::all().into_iter().unzip();
        let partitions = vec![self.partitions; names.len()];
        let seconds: Vec<i64> = days.iter().map(|days| i64::from(*days) * 86_400).collect();
        let client = self.session().await?;
        client
            .execute(
                include_str!("postgres/create_topics.sql"),
                &[&names, &partitions, &seconds],
            )
            .await
            .context("creating topics")?;
        Ok(())
    }

    async fn topics(&self) -> anyhow::Result<Vec<TopicState>> {
        let rows = self
            .session()
            .await?
            .query(include_str!("postgres/topics.sql"), &[])
            .await?;
        let state = |row: &Row| TopicState {
            name: row.get(0),
            partitions: row.get(1),
            records: row.get(2),
        };
        Ok(rows.iter().map(state).collect())
    }

    async fn drain(&self, session: &Client, shards: &[i16], most: i32) -> anyhow::Result<usize> {
        let row = session
            .query_one(include_str!("postgres/drain.sql"), &[&shards, &most])
            .await
            .context("draining")?;
        let moved = usize::try_from(row.get::<_, i32>(0))?;
        if moved > 0 {
            self.moved.notify_waiters();
        }
        Ok(moved)
    }

    async fn append(&self, topic: &str, entry: &Entry) -> anyhow::Result<()> {
        let event = std::str::from_utf8(&entry.event).context("an event is not UTF-8")?;
        let headers = (!entry.headers.is_empty())
            .then(|| serde_json::to_string(&entry.headers))
            .transpose()?;
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&topic, &entry.user, &entry.event_id, &event, &headers];
        let client = self.session().await?;
        let appended = client
            .execute(include_str!("postgres/append.sql"), &parameters)
            .await
            .context("appending")?;
        ensure!(appended == 1, "the log has no topic {topic}");
        self.moved.notify_waiters();
        Ok(())
    }

    fn consume(&self, reading: Reading) -> Consumer {
        let (deliver, deliveries) = mpsc::channel(4);
        let (marks, marked) = mpsc::unbounded_channel();
        let pause = Pause::default();
        let reader = reader::Reader {
            url: self.url.clone(),
            moved: self.moved.clone(),
            pause: pause.clone(),
            reading,
            deliver,
            marked,
        };
        tokio::spawn(reader.run());
        Consumer {
            deliveries,
            marks,
            pause,
        }
    }

    async fn lag(&self, group: &Group) -> anyhow::Result<Vec<(Partition, i64)>> {
        let client = self.session().await?;
        let rows = client
            .query(
                include_str!("postgres/lag.sql"),
                &[&group.name, &group.topics],
            )
            .await?;
        let lag = |row: &Row| {
            let partition = Partition {
                topic: row.get::<_, &str>(0).into(),
                number: row.get(1),
            };
            (partition, row.get(2))
        };
        Ok(rows.iter().map(lag).collect())
    }

    async fn scan(&self, topic: &str) -> anyhow::Result<Vec<Record>> {
        let client = self.session().await?;
        let mut records: Vec<Record> = Vec::new();
        loop {
            let (partition, offset) = records
                .last()
                .map_or((-1, -1), |last| (last.partition.number, last.offset));
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&topic, &partition, &offset, &1000_i64];
            let rows = client
                .query(include_str!("postgres/scan.sql"), &parameters)
                .await?;
            if rows.is_empty() {
                records.sort_by_key(|record| record.appended_at);
                return Ok(records);
            }
            let name: Arc<str> = topic.into();
            for row in rows {
                records.push(record_of(&row, name.clone())?);
            }
        }
    }

    async fn ready(&self) -> anyhow::Result<()> {
        self.session().await?.simple_query("select 1").await?;
        Ok(())
    }
}

fn record_of(row: &Row, topic: Arc<str>) -> anyhow::Result<Record> {
    let headers: Option<&str> = row.try_get(6)?;
    let headers: Headers = headers
        .map(serde_json::from_str)
        .transpose()?
        .unwrap_or_default();
    let entry = Entry {
        user: row.try_get::<_, Uuid>(3)?,
        event_id: row.try_get::<_, Uuid>(4)?,
        event: Bytes::from(row.try_get::<_, String>(5)?),
        headers,
    };
    Ok(Record {
        partition: Partition {
            topic,
            number: row.try_get(1)?,
        },
        offset: row.try_get(2)?,
        appended_at: row.try_get::<_, SystemTime>(7)?,
        entry,
    })
}
