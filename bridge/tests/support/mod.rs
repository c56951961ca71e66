//! What the bridge's tests stand on: a migrated database, a log, an outbox to fill, and conditions to wait for.

#![allow(dead_code, reason = "each test program uses its own part of this")]

pub mod agent;

pub mod wait;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bridge::config::{Frames, LogSettings, Migrate, Secret};
use bridge::health::Health;
use bridge::log::{self, Log};
use bridge::metrics::Metrics;
use bridge::relay::{Relay, Shards};
use bridge::{migrate, postgres};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    Kafka,
}

/// A migrated database of its own, with a log on it or beside it.
pub struct Ground {
    pub admin_url: String,
    pub admin: Client,
    pub settings: LogSettings,
    pub log: Arc<dyn Log>,
    pub metrics: Metrics,
}

pub async fn database() -> (String, String) {
    let admin_url = stage::services::shared::database("bridge").await.unwrap();
    let settings = Migrate {
        database_url: Secret::new(&admin_url),
        api_database_password: None,
        agent_database_password: None,
        bridge_database_password: Some(Secret::new("bridge")),
    };
    migrate::run(&settings).await.unwrap();
    let bridge_url = admin_url.replace("postgres://postgres@", "postgres://spindle_bridge:bridge@");
    assert_ne!(admin_url, bridge_url);
    (admin_url, bridge_url)
}

impl Ground {
    pub async fn new(kind: Kind) -> Self {
        let (admin_url, bridge_url) = database().await;
        let kafka_brokers = match kind {
            Kind::Postgres => None,
            Kind::Kafka => Some(stage::services::shared::kafka().await.unwrap()),
        };
        let settings = LogSettings {
            database_url: Secret::new(bridge_url),
            kafka_brokers,
            kafka_prefix: format!("{}.", Uuid::new_v4().simple()),
            topic_partitions: 3,
            topic_replicas: 1,
        };
        let log = log::open(&settings).unwrap();
        log.create_topics().await.unwrap();
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

    pub fn relay(&self) -> Relay {
        Relay {
            url: self.settings.database_url.clone(),
            bridge: Uuid::new_v4(),
            batch: 100,
            log: self.log.clone(),
            metrics: self.metrics.clone(),
            health: Health::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Steps a relay of its own until the outbox is empty.
    pub async fn relay_all(&self) {
        let (relay, mut shards) = (self.relay(), None);
        let until = Instant::now() + Duration::from_secs(30);
        while self.outbox_rows().await > 0 {
            assert!(Instant::now() < until, "the outbox did not drain");
            relay.step(&mut shards).await.unwrap();
        }
        leave(shards).await;
    }

    pub async fn outbox_rows(&self) -> i64 {
        self.admin
            .query_one("select count(*) from outbox", &[])
            .await
            .unwrap()
            .get(0)
    }

    /// Puts `count` events of a user into the outbox; their numbers go on from `first`.
    pub async fn emit(&self, topic: &str, user: Uuid, first: usize, count: usize) -> Vec<Uuid> {
        emit(&self.admin, topic, user, first, count).await
    }
}

/// Gives the shards back, so that the next relay finds them free.
pub async fn leave(shards: Option<Shards>) {
    if let Some(shards) = shards {
        shards.leave().await.unwrap();
    }
}

pub async fn emit(
    client: &Client,
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
            "insert into outbox (topic, user_id, event_id, event)
             select $1, $2, e.id, e.event from unnest($3::uuid[], $4::text[]) with ordinality e (id, event, n) order by n",
            &[&topic, &user, &ids, &events],
        )
        .await
        .unwrap();
    ids
}

pub fn event(id: Uuid, user: Uuid, n: usize) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/spindle/api","type":"task.updated","subject":"{id}","time":"2026-03-01T09:00:00.123456Z","datacontenttype":"application/json","userid":"{user}","seq":{n},"data":{{"n":{n}}}}}"#
    )
}

pub fn frames() -> Frames {
    Frames {
        frame_events: 64,
        frame_bytes: 256 * 1024,
        frame_wait_ms: 2,
        buffered_events: 4096,
    }
}

pub const SOON: Duration = Duration::from_secs(20);
