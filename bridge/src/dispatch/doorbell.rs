//! Redis: rings the lanes, hears the answers, finds the lanes. Whatever happens to Redis, this waits and comes back.

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

/// How often lanes are looked for, and a silent subscription is asked whether it lives.
const LOOK: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(2);
/// Frames sent in one go.
const PIPELINE: usize = 64;

/// A frame on its way to a lane.
#[derive(Debug)]
pub struct Ring {
    pub frame: Uuid,
    pub lane: String,
    pub message: Vec<u8>,
}

/// What Redis had to say.
#[derive(Debug)]
pub enum Heard {
    /// Answers can be heard from here on.
    Listening,
    /// Answers may have been missed.
    Deaf(String),
    Answer(Ack),
    /// Every channel of the agent that someone listens on.
    Lanes(Vec<String>),
    /// How many heard the frame, or none if Redis could not be asked.
    Rung {
        frame: Uuid,
        receivers: Option<u64>,
    },
}

/// The two ends of the doorbell; dropping it stops it.
pub struct Doorbell {
    pub ring: mpsc::UnboundedSender<Ring>,
    pub heard: mpsc::UnboundedReceiver<Heard>,
    _stop: DropGuard,
}

/// Starts ringing and listening; answers come on `reply_to`, lanes are those that match `pattern`.
pub fn open(url: &Secret, reply_to: String, pattern: String) -> anyhow::Result<Doorbell> {
    let client =
        Client::open(url.expose()).map_err(|_| anyhow::anyhow!("REDIS_URL is not a Redis URL"))?;
    let (ring, rings) = mpsc::unbounded_channel();
    let (hear, heard) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    tokio::spawn(stop.clone().run_until_cancelled_owned(listen(
        client.clone(),
        reply_to,
        hear.clone(),
    )));
    tokio::spawn(
        stop.clone()
            .run_until_cancelled_owned(ring_lanes(client, pattern, rings, hear)),
    );
    Ok(Doorbell {
        ring,
        heard,
        _stop: stop.drop_guard(),
    })
}

async fn listen(client: Client, reply_to: String, hear: mpsc::UnboundedSender<Heard>) {
    let mut failures = 0;
    loop {
        let error = match subscribed(&client, &reply_to, &hear, &mut failures).await {
            Ok(()) => "the subscription ended".to_owned(),
            Err(error) => error.to_string(),
        };
        failures += 1;
        if hear.send(Heard::Deaf(error)).is_err() {
            return;
        }
        sleep(backoff(100, failures, 2_000)).await;
    }
}

async fn subscribed(
    client: &Client,
    reply_to: &str,
    hear: &mpsc::UnboundedSender<Heard>,
    failures: &mut u32,
) -> anyhow::Result<()> {
    let mut subscription = timeout(PATIENCE, client.get_async_pubsub()).await??;
    timeout(PATIENCE, subscription.subscribe(reply_to)).await??;
    *failures = 0;
    hear.send(Heard::Listening)?;
    let (mut sink, mut stream) = subscription.split();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = stream.next() => {
                let Some(message) = message else { return Ok(()) };
                match serde_json::from_slice::<Ack>(message.get_payload_bytes()) {
                    Ok(ack) => hear.send(Heard::Answer(ack))?,
                    Err(error) => warn!(%error, "an answer that is none"),
                }
            }
            // A connection that is half open would stay silent for ever.
            _ = look.tick() => timeout(PATIENCE, sink.ping::<redis::Value>()).await.map(drop)?,
        }
    }
}

async fn ring_lanes(
    client: Client,
    pattern: String,
    mut rings: mpsc::UnboundedReceiver<Ring>,
    hear: mpsc::UnboundedSender<Heard>,
) {
    let mut connection: Option<MultiplexedConnection> = None;
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(PIPELINE);
    loop {
        tokio::select! {
            taken = rings.recv_many(&mut batch, PIPELINE) => {
                if taken == 0 {
                    return;
                }
                let receivers = match &mut connection {
                    Some(connection) => ring_all(connection, &batch).await,
                    None => Err("Redis is away".to_owned()),
                };
                if let Err(error) = &receivers {
                    debug!(%error, "frames could not be sent");
                    connection = None;
                }
                let receivers = receivers.unwrap_or_default();
                for (place, ring) in batch.drain(..).enumerate() {
                    let _ = hear.send(Heard::Rung { frame: ring.frame, receivers: receivers.get(place).copied() });
                }
            }
            _ = look.tick() => {
                if connection.is_none() {
                    connection = connect(&client).await;
                }
                let lanes = match &mut connection {
                    Some(connection) => find(connection, &pattern).await,
                    None => None,
                };
                if lanes.is_none() {
                    connection = None;
                }
                if hear.send(Heard::Lanes(lanes.unwrap_or_default())).is_err() {
                    return;
                }
            }
        }
    }
}

async fn connect(client: &Client) -> Option<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .ok()
}

async fn ring_all(
    connection: &mut MultiplexedConnection,
    rings: &[Ring],
) -> Result<Vec<u64>, String> {
    let mut pipeline = redis::pipe();
    for ring in rings {
        pipeline.cmd("PUBLISH").arg(&ring.lane).arg(&ring.message);
    }
    pipeline
        .query_async(connection)
        .await
        .map_err(|error| error.to_string())
}

async fn find(connection: &mut MultiplexedConnection, pattern: &str) -> Option<Vec<String>> {
    redis::cmd("PUBSUB")
        .arg("CHANNELS")
        .arg(pattern)
        .query_async(connection)
        .await
        .ok()
}
