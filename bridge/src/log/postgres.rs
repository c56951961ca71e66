//! The event log in Postgres, for installations without Kafka: the table `log_records`, with contiguous offsets.

mod reader;
mod session;
mod watcher;

use std::ops::Range;
use std::sync::{Arc, Once};
use std::time::SystemTime;

use anyhow::{Context, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    CLAIM_BYTES, Claim, Consumer, DELIVERIES, Entry, Headers, Log, Moved, Partition, Pause,
    Reading, Record, Rows, TopicState,
};
use crate::config::{LogSettings, Secret};
use crate::groups::Group;
use crate::postgres::Session;
use crate::topics;

/// Maximum number of records that one statement of a scan reads.
const SCAN_LIMIT: i64 = 1_000;

/// The event log in Postgres.
pub struct PostgresLog {
    url: Secret,
    partitions: i32,
    /// Wakes the readers of this process when there are new records.
    appended: Arc<watch::Sender<()>>,
    /// Starts the watcher for records of other bridges with the first reader.
    watch: Once,
    /// Connection for everything but relaying and reading.
    session: Mutex<Option<Arc<Session>>>,
}

impl PostgresLog {
    /// Connects to nothing yet.
    pub fn open(settings: &LogSettings) -> Self {
        Self {
            url: settings.database_url.clone(),
            partitions: settings.topic_partitions,
            appended: Arc::new(watch::Sender::new(())),
            watch: Once::new(),
            session: Mutex::new(None),
        }
    }

    /// The shared connection; reconnects if it is lost.
    async fn session(&self) -> anyhow::Result<Arc<Session>> {
        let mut session = self.session.lock().await;
        if let Some(client) = session.as_ref().filter(|client| !client.is_closed()) {
            return Ok(client.clone());
        }
        let client = Arc::new(Session::open(&self.url, "bridge log").await?);
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

    async fn drain(&self, session: &Session, claim: Claim<'_>) -> anyhow::Result<Moved> {
        // One statement moves the rows, so they are either in the outbox or in the log, and nothing is refused.
        let (first, limit) = match claim.rows {
            Rows::From { first, limit } => (first, limit),
            Rows::Only(id) => (id, 1),
        };
        let row = session
            .query_one(
                include_str!("postgres/drain.sql"),
                &[&claim.shards, &claim.topics, &first, &limit, &CLAIM_BYTES],
            )
            .await
            .context("moving outbox rows into the log")?;
        let rows = usize::try_from(row.get::<_, i32>(0))?;
        if rows > 0 {
            self.appended.send_replace(());
        }
        Ok(Moved {
            rows,
            cut_off: row.get(2),
            last: row.get(1),
            refused: Vec::new(),
        })
    }

    async fn append(&self, topic: &str, entry: &Entry) -> anyhow::Result<()> {
        let event = std::str::from_utf8(&entry.event).context("the event is not UTF-8")?;
        let headers = (!entry.headers.is_empty())
            .then(|| serde_json::to_string(&entry.headers))
            .transpose()?;
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&topic, &entry.user, &entry.event_id, &event, &headers];
        let client = self.session().await?;
        let appended = client
            .execute(include_str!("postgres/append.sql"), &parameters)
            .await
            .with_context(|| format!("appending to {topic}"))?;
        ensure!(appended == 1, "the log has no topic {topic}");
        self.appended.send_replace(());
        Ok(())
    }

    fn consume(&self, reading: Reading) -> Consumer {
        let (deliver, deliveries) = mpsc::channel(DELIVERIES);
        let (marks, received_marks) = mpsc::unbounded_channel();
        let pause = Pause::default();
        let reader = reader::Reader {
            url: self.url.clone(),
            appended: self.appended.subscribe(),
            pause: pause.clone(),
            reading,
            deliveries: deliver,
            marks: received_marks,
        };
        self.watch.call_once(|| {
            let appended = Arc::downgrade(&self.appended);
            tokio::spawn(watcher::watch(self.url.clone(), appended));
        });
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

    async fn extents(&self, topics: &[String]) -> anyhow::Result<Vec<(Partition, Range<i64>)>> {
        let client = self.session().await?;
        let rows = client
            .query(include_str!("postgres/extents.sql"), &[&topics])
            .await?;
        let extent = |row: &Row| {
            let partition = Partition {
                topic: row.get::<_, &str>(0).into(),
                number: row.get(1),
            };
            (partition, row.get(2)..row.get(3))
        };
        Ok(rows.iter().map(extent).collect())
    }

    async fn scan(&self, topic: &str) -> anyhow::Result<Vec<Record>> {
        let client = self.session().await?;
        let mut records: Vec<Record> = Vec::new();
        loop {
            let (partition, offset) = records
                .last()
                .map_or((-1, -1), |last| (last.partition.number, last.offset));
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&topic, &partition, &offset, &SCAN_LIMIT];
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
        self.session().await?.execute("select 1", &[]).await?;
        Ok(())
    }
}

/// Reads a row of `fetch.sql` or `scan.sql`.
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
