//! The doorbell: the bridge's one connection to Redis. It publishes messages to lanes, receives answers, and finds lanes.
//! Reconnects for as long as it runs.
//!
//! Each part of the bridge that talks to an agent has a [`Line`].

pub mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

use crate::config::RedisSettings;
use crate::health::Health;
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
#[derive(Clone, Debug)]
pub enum Signal {
    /// Answers are received from now on.
    Subscribed,
    /// Answers may have been missed.
    SubscriptionLost,
    /// An agent of the line answered a frame, of this line or of another.
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

/// A message, and who waits for the report of its publication.
type Posted = (Message, mpsc::UnboundedSender<Signal>);

/// The connection. Clones share it; it is closed with the last one.
#[derive(Clone)]
pub struct Doorbell {
    shared: Arc<Shared>,
    to_publish: mpsc::UnboundedSender<Posted>,
    _stop: Arc<DropGuard>,
}

struct Shared {
    client: Client,
    /// Prefix of all channels.
    prefix: String,
    /// The channel that agents answer on.
    reply_to: String,
    health: Health,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    subscribed: bool,
    ends: Vec<End>,
}

/// The doorbell's end of a [`Line`].
struct End {
    /// What the channels of the agent's lanes begin with.
    lanes: String,
    signals: mpsc::UnboundedSender<Signal>,
}

/// Both directions between one part of the bridge and the agents of one kind.
pub struct Line {
    pub signals: mpsc::UnboundedReceiver<Signal>,
    reply_to: String,
    to_publish: mpsc::UnboundedSender<Posted>,
    report: mpsc::UnboundedSender<Signal>,
}

impl Line {
    /// Publishes the message. [`Signal::Published`] follows.
    pub fn publish(&self, message: Message) {
        // The receiver lives as long as the doorbell. After that, nobody waits for the report.
        let _ = self.to_publish.send((message, self.report.clone()));
    }

    /// The channel that agents answer on.
    pub fn reply_to(&self) -> &str {
        &self.reply_to
    }
}

impl Doorbell {
    /// Connects in the background. Reports the state of the connection as the part `redis` of `health`.
    ///
    /// # Errors
    /// If the settings are not valid.
    pub fn open(settings: &RedisSettings, health: Health) -> anyhow::Result<Self> {
        // A new channel for each start: answers to frames of an earlier start must not arrive here.
        let prefix = settings.redis_prefix.clone();
        let shared = Arc::new(Shared {
            client: redis_client::open(settings)?,
            reply_to: format!("{prefix}.ack.{}", Uuid::new_v4()),
            prefix,
            health,
            lines: Mutex::default(),
        });
        let (to_publish, messages) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        tokio::spawn(
            stop.clone()
                .run_until_cancelled_owned(receive(shared.clone())),
        );
        tokio::spawn(
            stop.clone()
                .run_until_cancelled_owned(publish(shared.clone(), messages)),
        );
        Ok(Self {
            shared,
            to_publish,
            _stop: Arc::new(stop.drop_guard()),
        })
    }

    /// A line to the lanes of this agent. It ends when the [`Line`] is dropped.
    pub fn line(&self, agent: &str) -> Line {
        let (report, signals) = mpsc::unbounded_channel();
        let mut lines = self.shared.lines();
        if lines.subscribed {
            let _ = report.send(Signal::Subscribed);
        }
        lines.ends.push(End {
            lanes: format!("{}.{agent}.", self.shared.prefix),
            signals: report.clone(),
        });
        Line {
            signals,
            reply_to: self.shared.reply_to.clone(),
            to_publish: self.to_publish.clone(),
            report,
        }
    }
}

impl Shared {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_subscribed(&self, subscribed: bool) {
        let mut lines = self.lines();
        lines.subscribed = subscribed;
        lines.report(|_| {
            Some(if subscribed {
                Signal::Subscribed
            } else {
                Signal::SubscriptionLost
            })
        });
    }

    fn report_answer(&self, ack: &Ack) {
        self.lines().report(|lanes| {
            let is_one = ack.lane.starts_with(lanes);
            is_one.then(|| Signal::Answer(ack.clone()))
        });
    }

    fn report_lanes(&self, channels: &[String]) {
        self.lines().report(|lanes| {
            let found = channels
                .iter()
                .filter(|channel| channel.starts_with(lanes))
                .cloned();
            Some(Signal::Lanes(found.collect()))
        });
    }
}

impl Lines {
    /// Sends each line its signal, if there is one, and forgets the lines that have ended.
    fn report(&mut self, signal: impl Fn(&str) -> Option<Signal>) {
        self.ends.retain(|end| match signal(&end.lanes) {
            Some(signal) => end.signals.send(signal).is_ok(),
            None => true,
        });
    }
}

/// Keeps the subscription for answers.
async fn receive(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        let error = match subscription(&shared, &mut failures).await {
            Ok(()) => "Redis closed the subscription".to_owned(),
            Err(error) => error.to_string(),
        };
        failures += 1;
        shared.health.down("redis", error);
        shared.set_subscribed(false);
        sleep(backoff(100, failures, 2_000)).await;
    }
}

/// Reports answers until the connection ends or is found dead.
async fn subscription(shared: &Shared, failures: &mut u32) -> anyhow::Result<()> {
    let mut subscription = timeout(REDIS_TIMEOUT, shared.client.get_async_pubsub()).await??;
    timeout(REDIS_TIMEOUT, subscription.subscribe(&shared.reply_to)).await??;
    *failures = 0;
    shared.health.up("redis");
    shared.set_subscribed(true);
    let (mut sink, mut stream) = subscription.split();
    let mut check = interval(CHECK_INTERVAL);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = stream.next() => {
                let Some(message) = message else { return Ok(()) };
                match serde_json::from_slice::<Ack>(message.get_payload_bytes()) {
                    Ok(ack) => shared.report_answer(&ack),
                    Err(error) => warn!(%error, "ignored a message on the answer channel that is not an answer"),
                }
            }
            // A half-open connection is silent for ever. Only a request shows that it is dead.
            _ = check.tick() => timeout(REDIS_TIMEOUT, sink.ping::<redis::Value>()).await.map(drop)?,
        }
    }
}

/// Publishes messages and looks for lanes.
async fn publish(shared: Arc<Shared>, mut messages: mpsc::UnboundedReceiver<Posted>) {
    let pattern = format!("{}.*", shared.prefix);
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
                for (index, (message, report)) in batch.drain(..).enumerate() {
                    let receivers = receivers.get(index).copied();
                    let Message { frame, lane, .. } = message;
                    // A line that has ended waits for no report.
                    let _ = report.send(Signal::Published { frame, lane, receivers });
                }
            }
            _ = check.tick() => {
                if connection.is_none() {
                    connection = connect(&shared.client).await;
                }
                let channels = match &mut connection {
                    Some(connection) => find_channels(connection, &pattern).await,
                    None => None,
                };
                if channels.is_none() {
                    connection = None;
                }
                shared.report_lanes(&channels.unwrap_or_default());
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
    messages: &[Posted],
) -> Result<Vec<u64>, String> {
    let mut pipeline = redis::pipe();
    for (message, _) in messages {
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

/// The channels that match the pattern and have a subscriber.
async fn find_channels(
    connection: &mut MultiplexedConnection,
    pattern: &str,
) -> Option<Vec<String>> {
    redis::cmd("PUBSUB")
        .arg("CHANNELS")
        .arg(pattern)
        .query_async(connection)
        .await
        .ok()
}
