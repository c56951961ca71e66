//! The Redis trigger: one SUBSCRIBE connection per server address, on which messages are handled one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use futures::future::join_all;
use redis::Client;

use crate::function::{Function, Functions};
use crate::manifest::Manifest;
use crate::variables::Variables;
use crate::wit::redis_handler::RedisHandlerIndices;

/// The channels of one server address, each with the handlers of its messages.
pub type Channels = BTreeMap<String, Vec<Handler>>;

pub struct Handler {
    function: Arc<Function>,
    export: RedisHandlerIndices,
}

/// Groups the manifest's Redis triggers by server address.
///
/// Addresses that differ in the database number alone are separate groups, so their messages are handled in parallel.
/// Redis itself ignores the number for SUBSCRIBE.
///
/// # Errors
/// When a trigger has no address, uses an undeclared variable, or invokes a component without a Redis handler.
pub fn group_by_address(
    manifest: &Manifest,
    variables: &Variables,
    functions: &Functions,
) -> Result<BTreeMap<String, Channels>> {
    let mut addresses: BTreeMap<String, Channels> = BTreeMap::new();
    for trigger in &manifest.trigger.redis {
        let address = trigger
            .address
            .as_deref()
            .or(manifest.default_redis_address())
            .context(
                "a [[trigger.redis]] has no `address`, and there is no [application.trigger.redis]",
            )?;
        let function = functions.get(&trigger.component)?;
        let export = RedisHandlerIndices::new(function.pre())
            .map_err(anyhow::Error::from)
            .with_context(|| format!("component `{}` is not a Redis handler", trigger.component))?;
        addresses
            .entry(variables.expand(address)?)
            .or_default()
            .entry(variables.expand(&trigger.channel)?)
            .or_default()
            .push(Handler { function, export });
    }
    Ok(addresses)
}

/// Handles the messages of one server address, one at a time. Messages that arrive meanwhile are queued in memory
/// without a limit, as on Spin.
///
/// # Errors
/// When the connection cannot be opened, or is lost. This function returns in no other case.
pub async fn listen(address: String, channels: Channels) -> Result<()> {
    let client = Client::open(address.as_str())
        .context("a [[trigger.redis]] has an `address` that is not a Redis URL")?;
    let server = client.get_connection_info().addr().to_string();
    let mut subscription = client
        .get_async_pubsub()
        .await
        .with_context(|| format!("the Redis trigger cannot connect to {server}"))?;
    for (channel, handlers) in &channels {
        subscription.subscribe(channel).await.with_context(|| {
            format!("the Redis trigger cannot subscribe to {channel} on {server}")
        })?;
        for handler in handlers {
            let name = handler.function.name();
            println!("Listening on {server} to {channel} for {name}");
        }
    }
    let mut messages = subscription.on_message();
    while let Some(message) = messages.next().await {
        let handlers = channels
            .get(message.get_channel_name())
            .map(Vec::as_slice)
            .unwrap_or_default();
        let payload = message.get_payload_bytes();
        join_all(handlers.iter().map(|handler| handle(handler, payload))).await;
    }
    bail!("lost the connection to Redis at {server}")
}

/// Invokes one handler. A failure is only logged, because pub/sub cannot report it to the publisher. The level is
/// that of Spin.
async fn handle(handler: &Handler, payload: &[u8]) {
    if let Err(error) = invoke(handler, payload).await {
        tracing::info!(component = %handler.function.name(), "the handler of a Redis message failed: {error:#}");
    }
}

async fn invoke(handler: &Handler, payload: &[u8]) -> Result<()> {
    let (mut store, instance) = handler.function.instantiate().await?;
    let export = handler.export.load(&mut store, &instance)?;
    let handled = export
        .fermyon_spin_inbound_redis()
        .call_handle_message(&mut store, &payload.to_vec())
        .await?;
    handled.context("the function returned an error")
}
