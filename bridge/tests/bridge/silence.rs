//! Servers that vanish without a word: connections stay open, and nothing comes back.

use std::time::{Duration, Instant};

use bridge::config::{RedisSettings, Secret};
use bridge::doorbell::{Doorbell, Signal};
use bridge::health::Health;
use bridge::log;
use stage::proxy::Proxy;
use stage::scratch::Scratch;
use stage::services::Redis;
use tokio::time::timeout;
use uuid::Uuid;

use crate::log::reader::Reader;
use crate::support::wait::eventually;
use crate::support::{LogFixture, LogKind, TIMEOUT, redis_settings, release};

/// What a silent server may cost.
const LIMIT: Duration = Duration::from_secs(10);

async fn postgres_falls_silent_for_a_relay(kind: LogKind) {
    let fixture = LogFixture::new(kind).await;
    let proxy = Proxy::start(&fixture.postgres_address()).await.unwrap();
    let (mut cut, mut held) = (fixture.relay(), None);
    cut.url = fixture.url_through(&proxy.address());
    eventually(TIMEOUT, "the relay holds all shards", async || {
        cut.step(&mut held).await.unwrap();
        held.as_ref()
            .is_some_and(|shards| shards.numbers().len() == 12)
    })
    .await;
    let emitted = fixture.emit("task-events", Uuid::new_v4(), 0, 5).await;
    proxy.fall_silent();
    let began = Instant::now();
    timeout(LIMIT, cut.step(&mut held))
        .await
        .expect("the relay waits for a server that is gone")
        .unwrap_err();
    drop(held);
    let (other, mut shards) = (fixture.relay(), None);
    eventually(LIMIT, "another bridge takes over", async || {
        other.step(&mut shards).await.unwrap();
        fixture.outbox_rows().await == 0
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(15));
    release(shards).await;
    assert_eq!(fixture.in_log("task-events").await, emitted);
    proxy.recover();
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_falls_silent_for_a_relay_to_postgres() {
    postgres_falls_silent_for_a_relay(LogKind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_falls_silent_for_a_relay_to_kafka() {
    postgres_falls_silent_for_a_relay(LogKind::Kafka).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_falls_silent_for_a_reader_of_its_log() {
    let fixture = LogFixture::new(LogKind::Postgres).await;
    let proxy = Proxy::start(&fixture.postgres_address()).await.unwrap();
    let mut settings = fixture.settings.clone();
    settings.database_url = fixture.url_through(&proxy.address());
    let log = log::open(&settings).unwrap();
    let mut reader = Reader::start_on(&*log);
    eventually(TIMEOUT, "the reader holds all partitions", async || {
        reader.step(Duration::from_millis(10)).await;
        reader.held.len() == 6
    })
    .await;
    assert!(log.ready().await.is_ok());
    proxy.fall_silent();
    let began = Instant::now();
    let (ready, ()) = tokio::join!(timeout(LIMIT, log.ready()), async {
        eventually(LIMIT, "the reader gives its partitions up", async || {
            reader.step(Duration::from_millis(10)).await;
            reader.held.is_empty()
        })
        .await;
    });
    ready.expect("a request waits for ever").unwrap_err();
    assert!(began.elapsed() < LIMIT);
    proxy.recover();
    fixture.emit("task-events", Uuid::new_v4(), 0, 3).await;
    fixture.relay_all().await;
    assert_eq!(reader.read(3).await.len(), 3);
    reader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_falls_silent_for_the_doorbell() {
    let dir = Scratch::new("redis").unwrap();
    let redis = Redis::start(dir.path()).await.unwrap();
    let proxy = Proxy::start(&redis.address()).await.unwrap();
    let settings = RedisSettings {
        redis_url: Secret::new(format!("redis://{}", proxy.address())),
        ..redis_settings(&redis)
    };
    let doorbell = Doorbell::open(&settings, Health::default()).unwrap();
    let mut line = doorbell.line("test");
    let mut signal = async |limit: Duration, wanted: fn(&Signal) -> bool| {
        let found = async { while !wanted(&line.signals.recv().await.unwrap()) {} };
        timeout(limit, found).await.is_ok()
    };
    assert!(signal(TIMEOUT, |signal| matches!(signal, Signal::Subscribed)).await);
    proxy.fall_silent();
    assert!(signal(LIMIT, |signal| matches!(signal, Signal::SubscriptionLost)).await);
    proxy.recover();
    assert!(signal(TIMEOUT, |signal| matches!(signal, Signal::Subscribed)).await);
}
