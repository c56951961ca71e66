//! What operators and retention do in Kafka, and a cluster of a test's own that is reached through proxies.

use bridge::log::Log;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use stage::proxy::Proxy;
use stage::scratch::Scratch;
use stage::services::Kafka;
use stage::services::kafka::KafkaOptions;

use super::{LogFixture, TIMEOUT, wait};

/// A cluster of a test's own. The fixture reaches it directly, `proxy` stands before another listener.
pub struct Proxied {
    pub fixture: LogFixture,
    pub proxy: Proxy,
    _kafka: Kafka,
    _dir: Scratch,
}

impl Proxied {
    pub async fn start() -> Self {
        let dir = Scratch::new("kafka").unwrap();
        let port = stage::ports::free().unwrap();
        let options = KafkaOptions {
            advertised: vec![port],
            ..KafkaOptions::default()
        };
        let kafka = Kafka::start_with(dir.path(), &options).await.unwrap();
        let proxy = Proxy::start_before_kafka(port, &kafka.behind()[0])
            .await
            .unwrap();
        Self {
            fixture: LogFixture::on(Some(kafka.brokers())).await,
            proxy,
            _kafka: kafka,
            _dir: dir,
        }
    }

    /// The log as a bridge has it that reaches Kafka only through the proxy.
    pub async fn log(&self) -> std::sync::Arc<dyn Log> {
        let log = self.fixture.log_through(&self.proxy.address());
        wait::eventually(TIMEOUT, "Kafka answers through the proxy", async || {
            log.ready().await.is_ok()
        })
        .await;
        log
    }
}

fn admin(fixture: &LogFixture) -> AdminClient<DefaultClientContext> {
    let brokers = fixture.settings.kafka_brokers.as_deref().unwrap();
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap()
}

/// Name of a topic in Kafka.
fn full_name(fixture: &LogFixture, topic: &str) -> String {
    format!("{}{topic}", fixture.settings.kafka_prefix)
}

/// Removes the records of a partition below an offset, as retention does.
pub async fn drop_records(fixture: &LogFixture, topic: &str, partition: i32, below: i64) {
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&full_name(fixture, topic), partition, Offset::Offset(below))
        .unwrap();
    admin(fixture)
        .delete_records(&offsets, &AdminOptions::new())
        .await
        .unwrap();
}

/// Changes the size of the largest batch of records that a topic accepts.
pub async fn limit_batches(fixture: &LogFixture, topic: &str, bytes: usize) {
    let (name, bytes) = (full_name(fixture, topic), bytes.to_string());
    let change = AlterConfig::new(ResourceSpecifier::Topic(&name)).set("max.message.bytes", &bytes);
    for altered in admin(fixture)
        .alter_configs(&[change], &AdminOptions::new())
        .await
        .unwrap()
    {
        altered.unwrap();
    }
}

/// Creates a topic that accepts batches of records up to a size.
pub async fn create_topic(fixture: &LogFixture, topic: &str, max_batch: usize) {
    let (name, max_batch) = (full_name(fixture, topic), max_batch.to_string());
    let topic =
        NewTopic::new(&name, 3, TopicReplication::Fixed(1)).set("max.message.bytes", &max_batch);
    for created in admin(fixture)
        .create_topics(&[topic], &AdminOptions::new())
        .await
        .unwrap()
    {
        created.unwrap();
    }
}
