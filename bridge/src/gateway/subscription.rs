//! The gateway's connection to Redis: it subscribes to all channels of live updates, and passes what comes to the hub.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::live::{self, Batch, SHARDS};
use futures::StreamExt;
use redis::Client;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::{info, warn};

use super::hub::Hub;
use crate::health::Health;
use crate::policy::backoff;

/// How often the subscription is pinged.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
/// How long one operation of Redis may take.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

/// Keeps the subscription.
pub struct Subscription {
    pub client: Client,
    /// Prefix of all channels.
    pub prefix: String,
    pub hub: Arc<Hub>,
    /// Told when the subscription has begun.
    pub begun: Arc<Notify>,
    pub health: Health,
}

impl Subscription {
    /// Subscribes again and again.
    pub async fn run(self) {
        let mut failures = 0;
        loop {
            let error = match self.hold(&mut failures).await {
                Ok(()) => "Redis closed the subscription".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            failures += 1;
            if failures == 1 {
                warn!(
                    error,
                    "the gateway lost Redis; clients are told when it is back"
                );
            }
            self.health.down("gateway", error);
            sleep(backoff(100, failures, 2_000)).await;
        }
    }

    /// Passes messages on until the connection ends or is found dead.
    async fn hold(&self, failures: &mut u32) -> anyhow::Result<()> {
        let mut subscription = timeout(REDIS_TIMEOUT, self.client.get_async_pubsub()).await??;
        let channels: Vec<String> = (0..SHARDS)
            .map(|shard| live::channel(&self.prefix, shard))
            .collect();
        timeout(REDIS_TIMEOUT, subscription.subscribe(channels)).await??;
        // All channels are subscribed to. What is published from now on comes.
        self.hub.subscribed(Instant::now());
        self.begun.notify_one();
        if *failures > 0 {
            info!("the gateway has Redis again");
        }
        *failures = 0;
        self.health.up("gateway");
        let (mut sink, mut stream) = subscription.split();
        let mut check = interval(CHECK_INTERVAL);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = stream.next() => {
                    let Some(message) = message else { return Ok(()) };
                    self.deliver(message.get_payload_bytes());
                }
                // A half-open connection is silent for ever. Only a request shows that it is dead.
                _ = check.tick() => timeout(REDIS_TIMEOUT, sink.ping::<redis::Value>()).await.map(drop)?,
            }
        }
    }

    fn deliver(&self, batch: &[u8]) {
        let now = Instant::now();
        match serde_json::from_slice::<Batch>(batch) {
            Ok(batch) => {
                for message in batch.messages {
                    self.hub.deliver(message, now);
                }
            }
            // The users' next numbers, or the check, show that something is missing.
            Err(error) => warn!(%error, "ignored a message on a live channel that is no batch"),
        }
    }
}
