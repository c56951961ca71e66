//! What several tests share: a migrated database, an event log on it or beside it, and an outbox to fill.

pub mod agent;
pub mod kafka;
pub mod program;
pub mod wait;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bridge::config::kafka::KafkaAccess;
use bridge::config::{LogSettings, RedisSettings, Secret};
use bridge::health::Health;
use bridge::log::{self, Log};
use bridge::metrics::Metrics;
use bridge::postgres;
use bridge::relay::{Relay, Shards};
use stage::services::Redis;
use tokio::sync::Mutex;
use tokio_postgres::{Client, GenericClient};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a test waits for something that should happen within a few seconds.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Held by tests that keep a transaction open, or that need that no other test does: transactions of one server delay each
/// other's horizon, also in different databases.
pub static OPEN_TRANSACTIONS: Mutex<()> = Mutex::const_new(());

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    Postgres,
    Kafka,
}

/// A migrated database and an event log, used by one test alone.
pub struct LogFixture {
    /// URL of the database as its superuser.
    pub admin_url: String,
    pub admin: Client,
    pub settings: LogSettings,
    pub log: Arc<dyn Log>,
    pub metrics: Metrics,
}

/// A migrated database for one test: its URL as the superuser, and as the role `spindle_bridge`.
pub async fn database() -> (String, String) {
    let admin_url = stage::services::shared::migrated("bridge").await.unwrap();
    let bridge_url = admin_url.replace(
        "postgres://postgres@",
        "postgres://spindle_bridge:spindle_bridge@",
    );
    assert_ne!(admin_url, bridge_url);
    (admin_url, bridge_url)
}

impl LogFixture {
    /// Creates the database, and the topics of a log that no other test uses.
    pub async fn new(kind: LogKind) -> Self {
        Self::on(match kind {
            LogKind::Postgres => None,
            LogKind::Kafka => Some(stage::services::shared::kafka().await.unwrap()),
        })
        .await
    }

    /// As `new`, with these Kafka brokers, or with the log in Postgres.
    pub async fn on(kafka_brokers: Option<String>) -> Self {
        let fixture = Self::without_topics(kafka_brokers).await;
        fixture.log.create_topics().await.unwrap();
        fixture
    }

    /// As `on`, without the topics.
    pub async fn without_topics(kafka_brokers: Option<String>) -> Self {
        let (admin_url, bridge_url) = database().await;
        let settings = LogSettings {
            database_url: Secret::new(bridge_url),
            kafka_brokers,
            kafka_prefix: format!("{}.", Uuid::new_v4().simple()),
            kafka_access: KafkaAccess::default(),
            topic_partitions: 3,
            topic_replicas: 1,
        };
        let log = log::open(&settings).unwrap();
        let admin = postgres::connect(&Secret::new(&admin_url), "test")
            .await
            .unwrap();
        Self {
            admin_url,
            admin,
            settings,
            log,
            metrics: Metrics::new().unwrap(),
        }
    }

    /// A relay as another bridge would run it.
    pub fn relay(&self) -> Relay {
        Relay {
            url: self.settings.database_url.clone(),
            bridge: Uuid::new_v4(),
            batch: 100,
            quarantine_after: Duration::from_secs(60),
            log: self.log.clone(),
            metrics: self.metrics.clone(),
            health: Health::default(),
            stop: CancellationToken::new(),
        }
    }

    /// The same log, reached through other brokers.
    pub fn log_through(&self, brokers: &str) -> Arc<dyn Log> {
        let settings = LogSettings {
            kafka_brokers: Some(brokers.to_owned()),
            ..self.settings.clone()
        };
        log::open(&settings).unwrap()
    }

    /// URL of the database as `spindle_bridge`, through a proxy at this address.
    pub fn url_through(&self, address: &str) -> Secret {
        let url = self.settings.database_url.expose();
        let (login, rest) = url.split_once('@').unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        Secret::new(format!("{login}@{address}/{database}"))
    }

    /// `host:port` of Postgres.
    pub fn postgres_address(&self) -> String {
        let (_, rest) = self.admin_url.split_once('@').unwrap();
        rest.split_once('/').unwrap().0.to_owned()
    }

    /// The event ids of a topic's records in the log, oldest first.
    pub async fn in_log(&self, topic: &str) -> Vec<Uuid> {
        let records = self.log.scan(topic).await.unwrap();
        records.iter().map(|record| record.entry.event_id).collect()
    }

    /// Puts one event with `padding` bytes of text that does not compress into the outbox.
    pub async fn emit_large(&self, topic: &str, user: Uuid, padding: usize) -> Uuid {
        let id = Uuid::now_v7();
        let mut text = String::with_capacity(padding + 32);
        while text.len() < padding {
            text.push_str(&Uuid::new_v4().simple().to_string());
        }
        let event =
            event(id, user, 0).replace("\"data\":{", &format!("\"data\":{{\"text\":\"{text}\","));
        self.admin
            .execute(
                include_str!("sql/emit.sql"),
                &[&topic, &user, &vec![id], &vec![event]],
            )
            .await
            .unwrap();
        id
    }

    /// Runs a new relay until the outbox is empty.
    pub async fn relay_all(&self) {
        let (relay, mut shards) = (self.relay(), None);
        let until = Instant::now() + Duration::from_secs(60);
        while self.outbox_rows().await > 0 {
            assert!(Instant::now() < until, "the outbox did not drain");
            relay.step(&mut shards).await.unwrap();
        }
        release(shards).await;
    }

    pub async fn outbox_rows(&self) -> i64 {
        self.admin
            .query_one(include_str!("sql/outbox_rows.sql"), &[])
            .await
            .unwrap()
            .get(0)
    }

    /// Puts `count` events of a user into the outbox, with the sequence numbers `first`, `first + 1`, …; returns their
    /// ids.
    pub async fn emit(&self, topic: &str, user: Uuid, first: usize, count: usize) -> Vec<Uuid> {
        emit(&self.admin, topic, user, first, count).await
    }
}

/// Releases a relay's shards, so that the next relay can take them at once.
pub async fn release(shards: Option<Shards>) {
    if let Some(shards) = shards {
        shards.leave().await.unwrap();
    }
}

/// Like [`LogFixture::emit`], on a connection or in a transaction of the caller's.
pub async fn emit(
    client: &impl GenericClient,
    topic: &str,
    user: Uuid,
    first: usize,
    count: usize,
) -> Vec<Uuid> {
    let ids: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
    let events: Vec<String> = ids
        .iter()
        .zip(first..)
        .map(|(id, n)| event(*id, user, n))
        .collect();
    client
        .execute(
            include_str!("sql/emit.sql"),
            &[&topic, &user, &ids, &events],
        )
        .await
        .unwrap();
    ids
}

/// An event as JSON text; `n` is its sequence number.
pub fn event(id: Uuid, user: Uuid, n: usize) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/spindle/api","type":"task.updated","subject":"{id}","time":"2026-03-01T09:00:00.123456Z","datacontenttype":"application/json","userid":"{user}","seq":{n},"data":{{"n":{n}}}}}"#
    )
}

/// The settings for this Redis.
pub fn redis_settings(redis: &Redis) -> RedisSettings {
    RedisSettings {
        redis_url: Secret::new(redis.url()),
        redis_prefix: "spindle".to_owned(),
        redis_ca_file: None,
        redis_certificate_file: None,
        redis_key_file: None,
    }
}
