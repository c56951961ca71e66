//! A bridge with few rights in Kafka.

use std::time::{Duration, Instant};

use bridge::config::kafka::{KafkaAccess, Protocol};
use bridge::config::{LogSettings, Secret};
use bridge::log;
use stage::scratch::Scratch;
use stage::services::Kafka;
use stage::services::kafka::KafkaOptions;
use stage::services::kafka_acl::{Operation, Resource, Right};
use uuid::Uuid;

use crate::log::reader::Reader;
use crate::support::wait::eventually;
use crate::support::{LogFixture, TIMEOUT, release};

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_without_the_right_to_create_topics_works_with_existing_ones() {
    let dir = Scratch::new("kafka").unwrap();
    let options = KafkaOptions {
        restricted: true,
        ..KafkaOptions::default()
    };
    let kafka = Kafka::start_with(dir.path(), &options).await.unwrap();
    let fixture = LogFixture::on(Some(kafka.brokers())).await;
    let prefix = fixture.settings.kafka_prefix.as_str();
    let grant = async |kind, name: &str, operation| {
        let name = format!("{prefix}{name}");
        let right = Right::new(kind, &name, operation);
        right.add(&kafka.brokers()).await.unwrap();
    };
    grant(Resource::Topic, "", Operation::Read).await;
    grant(Resource::Topic, "", Operation::Describe).await;
    grant(Resource::Topic, "task-events", Operation::Write).await;
    grant(Resource::Group, "", Operation::Read).await;

    let restricted = log::open(&LogSettings {
        kafka_brokers: kafka.restricted(),
        kafka_access: KafkaAccess {
            kafka_security_protocol: Protocol::SaslPlaintext,
            kafka_sasl_username: Some("bridge".to_owned()),
            kafka_sasl_password: Some(Secret::new("bridge")),
            ..KafkaAccess::default()
        },
        ..fixture.settings.clone()
    })
    .unwrap();
    eventually(TIMEOUT, "the topics are found", async || {
        restricted.create_topics().await.is_ok()
    })
    .await;

    let user = Uuid::new_v4();
    let (mut relay, mut shards) = (fixture.relay(), None);
    relay.log = restricted.clone();
    fixture.emit("reminders", user, 0, 2).await;
    let events = fixture.emit("task-events", user, 2, 5).await;
    eventually(TIMEOUT, "the other topic is relayed", async || {
        // A broker may take a moment to know a right that was granted; the relay starts again then, as it does here.
        if relay.step(&mut shards).await.is_err() {
            shards = None;
        }
        fixture.outbox_rows().await == 2
    })
    .await;
    assert_eq!(fixture.in_log("task-events").await, events);
    let mut reader = Reader::start_on(&*restricted);
    assert_eq!(reader.read(5).await.len(), 5);
    reader.stop().await;

    grant(Resource::Topic, "reminders", Operation::Write).await;
    let until = Instant::now() + Duration::from_secs(60);
    while fixture.outbox_rows().await > 0 {
        assert!(Instant::now() < until, "the rows wait for ever");
        relay.step(&mut shards).await.unwrap();
    }
    release(shards).await;
}
