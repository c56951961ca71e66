//! The Redis trigger: one SUBSCRIBE connection per server address, whose messages are handled one after the other.
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use futures::future::join_all;
use redis::Client;

use crate::find;
use crate::guest::Function;
use crate::manifest::{Manifest, RedisTrigger};
use crate::variables::Variables;
use crate::wit::redis_function::RedisFunctionIndices;

/// The functions that listen to each channel of one server.
pub type Channels = BTreeMap<String, Vec<Listener>>;

pub struct Listener {
    function: Arc<Function>,
    export: RedisFunctionIndices,
}

/// Groups the triggers by their exact address: database numbers tell two addresses apart, although channels know none.
pub fn servers(
    manifest: &Manifest,
    triggers: Vec<RedisTrigger>,
    variables: &Variables,
    functions: &HashMap<String, Arc<Function>>,
) -> Result<BTreeMap<String, Channels>> {
    let mut servers: BTreeMap<String, Channels> = BTreeMap::new();
    for trigger in triggers {
        let address = trigger
            .address
            .as_deref()
            .or(manifest.default_redis_address());
        let address =
            variables.expand(address.context("a [[trigger.redis]] without an address")?)?;
        let channel = variables.expand(&trigger.channel)?;
        let function = find(functions, &trigger.component)?;
        let export = RedisFunctionIndices::new(function.pre())
            .map_err(anyhow::Error::from)
            .with_context(|| format!("component `{}` is no Redis handler", trigger.component))?;
        servers
            .entry(address)
            .or_default()
            .entry(channel)
            .or_default()
            .push(Listener { function, export });
    }
    Ok(servers)
}

/// Handles messages until the connection is lost. What arrives meanwhile piles up in memory, without a limit, as it does on Spin.
pub async fn listen(address: String, channels: Channels) -> Result<()> {
    let client = Client::open(address.as_str())
        .context("a [[trigger.redis]] whose address is no Redis URL")?;
    let server = client.get_connection_info().addr().to_string();
    let mut subscription = client
        .get_async_pubsub()
        .await
        .with_context(|| format!("the Redis trigger cannot connect to {server}"))?;
    for (channel, listeners) in &channels {
        subscription
            .subscribe(channel)
            .await
            .with_context(|| format!("cannot subscribe to {channel} on {server}"))?;
        for listener in listeners {
            println!(
                "Listening on {server} to {channel} for {}",
                listener.function.name
            );
        }
    }
    let mut messages = subscription.on_message();
    while let Some(message) = messages.next().await {
        let listeners = channels
            .get(message.get_channel_name())
            .map(Vec::as_slice)
            .unwrap_or_default();
        join_all(
            listeners
                .iter()
                .map(|listener| handle(listener, message.get_payload_bytes())),
        )
        .await;
    }
    bail!("lost the connection to Redis at {server}")
}

/// Nobody is told of a message that fails: the publisher left long ago, so it is only written down.
async fn handle(listener: &Listener, payload: &[u8]) {
    if let Err(error) = invoke(listener, payload).await {
        tracing::info!(component = %listener.function.name, "a Redis message was not handled: {error:#}");
    }
}

async fn invoke(listener: &Listener, payload: &[u8]) -> Result<()> {
    let (mut store, instance) = listener.function.instantiate().await?;
    let export = listener.export.load(&mut store, &instance)?;
    let handled = export
        .fermyon_spin_inbound_redis()
        .call_handle_message(&mut store, &payload.to_vec())
        .await?;
    handled.context("the function returned an error")
}
