//! The Redis side of dispatch: publishes messages to lanes, receives answers, and finds lanes. Reconnects for as long as
//! it runs.

use std::time::Duration;

use domain::frame::Ack;
use futures::StreamExt;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};
use uuid::Uuid;

use crate::config::Secret;
use crate::policy::backoff;
use crate::redis_client;

/// How often lanes are looked for, and the subscription is pinged.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long one operation of Redis may take.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);
/// Messages published in one pipeline.
const PIPELINE: usize = 64;

/// A frame to publish.
#[derive(Debug)]
pub struct Message {
    pub frame: Uuid,
    /// The lane's channel.
    pub lane: String,
    pub body: Vec<u8>,
}

/// What happened in Redis.
#[derive(Debug)]
pub enum Signal {
    /// Answers are received from now on.
    Subscribed,
    /// Answers may have been missed, for this reason.
    SubscriptionLost(String),
    Answer(Ack),
    /// Every channel of the agent that has a subscriber; none if Redis cannot be reached.
    Lanes(Vec<String>),
    /// How many subscribers of the lane the frame reached, or `None` if Redis cannot be reached.
    Published {
        frame: Uuid,
        lane: String,
        receivers: Option<u64>,
    },
}

/// Both directions of the connection to Redis. Dropping it closes the connection.
pub struct Doorbell {
    pub messages: mpsc::UnboundedSender<Message>,
    pub signals: mpsc::UnboundedReceiver<Signal>,
    _stop: DropGuard,
}

/// Connects in the background. Answers come on the channel `reply_to`; lanes are the channels that match `pattern`.
///
/// # Errors
/// If `url` is not a Redis URL.
pub fn open(url: &Secret, reply_to: String, pattern: String) -> anyhow::Result<Doorbell> {
    let client = redis_client::open(url)?;
    let (messages, to_publish) = mpsc::unbounded_channel();
    let (report, signals) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    tokio::spawn(stop.clone().run_until_cancelled_owned(receive(
        client.clone(),
        reply_to,
        report.clone(),
    )));
    tokio::spawn(
        stop.clone()
            .run_until_cancelled_owned(publish(client, pattern, to_publish, report)),
    );
    Ok(Doorbell {
        messages,
        signals,
        _stop: stop.drop_guard(),
    })
}

/// Keeps the subscription for answers.
async fn receive(client: Client, reply_to: String, report: mpsc::UnboundedSender<Signal>) {
    let mut failures = 0;
    loop {
        let error = match subscription(&client, &reply_to, &report, &mut failures).await {
            Ok(()) => "Redis closed the subscription".to_owned(),
            Err(error) => error.to_string(),
        };
        failures += 1;
        if report.send(Signal::SubscriptionLost(error)).is_err() {
            return;
        }
        sleep(backoff(100, failures, 2_000)).await;
    }
}

/// Reports answers until the connection ends or is found dead.
async fn subscription(
    client: &Client,
    reply_to: &str,
    report: &mpsc::UnboundedSender<Signal>,
    failures: &mut u32,
) -> anyhow::Result<()> {
    let mut subscription = timeout(REDIS_TIMEOUT, client.get_async_pubsub()).await??;
    timeout(REDIS_TIMEOUT, subscription.subscribe(reply_to)).await??;
    *failures = 0;
    report.send(Signal::Subscribed)?;
    let (mut sink, mut stream) = subscription.split();
    let mut check = interval(CHECK_INTERVAL);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = stream.next() => {
                let Some(message) = message else { return Ok(()) };
                match serde_json::from_slice::<Ack>(message.get_payload_bytes()) {
                    Ok(ack) => report.send(Signal::Answer(ack))?,
                    Err(error) => warn!(%error, "ignored a message on the answer channel that is not an answer"),
                }
            }
            // A half-open connection is silent for ever. Only a request shows that it is dead.
            _ = check.tick() => timeout(REDIS_TIMEOUT, sink.ping::<redis::Value>()).await.map(drop)?,
        }
    }
}

/// Publishes messages and looks for lanes.
async fn publish(
    client: Client,
    pattern: String,
    mut messages: mpsc::UnboundedReceiver<Message>,
    report: mpsc::UnboundedSender<Signal>,
) {
    let mut connection: Option<MultiplexedConnection> = None;
    let mut check = interval(CHECK_INTERVAL);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(PIPELINE);
    loop {
        tokio::select! {
            taken = messages.recv_many(&mut batch, PIPELINE) => {
                if taken == 0 {
                    return;
                }
                let receivers = match &mut connection {
                    Some(connection) => publish_all(connection, &batch).await,
                    None => Err("not connected to Redis".to_owned()),
                };
                if let Err(error) = &receivers {
                    debug!(%error, "messages could not be published");
                    connection = None;
                }
                let receivers = receivers.unwrap_or_default();
                for (index, message) in batch.drain(..).enumerate() {
                    let receivers = receivers.get(index).copied();
                    let Message { frame, lane, .. } = message;
                    let _ = report.send(Signal::Published { frame, lane, receivers });
                }
            }
            _ = check.tick() => {
                if connection.is_none() {
                    connection = connect(&client).await;
                }
                let lanes = match &mut connection {
                    Some(connection) => find_lanes(connection, &pattern).await,
                    None => None,
                };
                if lanes.is_none() {
                    connection = None;
                }
                if report.send(Signal::Lanes(lanes.unwrap_or_default())).is_err() {
                    return;
                }
            }
        }
    }
}

async fn connect(client: &Client) -> Option<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(REDIS_TIMEOUT))
        .set_response_timeout(Some(REDIS_TIMEOUT));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .ok()
}

/// How many subscribers each message reached.
async fn publish_all(
    connection: &mut MultiplexedConnection,
    messages: &[Message],
) -> Result<Vec<u64>, String> {
    let mut pipeline = redis::pipe();
    for message in messages {
        pipeline
            .cmd("PUBLISH")
            .arg(&message.lane)
            .arg(&message.body);
    }
    pipeline
        .query_async(connection)
        .await
        .map_err(|error| error.to_string())
}

async fn find_lanes(connection: &mut MultiplexedConnection, pattern: &str) -> Option<Vec<String>> {
    redis::cmd("PUBSUB")
        .arg("CHANNELS")
        .arg(pattern)
        .query_async(connection)
        .await
        .ok()
}
