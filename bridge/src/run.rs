//! `bridge run`: puts the parts together and keeps them going until it is told to stop.

use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::dispatch::Dispatch;
use crate::health::Health;
use crate::log::{self, Log};
use crate::metrics::Metrics;
use crate::policy::{self, Fate};
use crate::relay::Relay;
use crate::sweep::Sweep;
use crate::watch::Watch;
use crate::{config, server, topics};

/// Runs until `stop`, or until a part finds that nothing can work.
pub async fn run(
    settings: config::Run,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let bridge = Uuid::new_v4();
    let metrics = Metrics::new()?;
    let health = Health::of(&["postgres", "log", "redis", "lanes", "relay"]);
    let log = log::open(&settings.log)?;
    info!(%bridge, log = log.name(), listen = %listener.local_addr()?, "the bridge starts");

    // Health is shown first and last: what waits for it may also wait for the end.
    let serving = CancellationToken::new();
    let server = tokio::spawn(server::run(
        listener,
        health.clone(),
        metrics.clone(),
        serving.clone(),
    ));

    let mut parts = JoinSet::new();
    create_topics(&log, &health, &stop).await?;
    let url = settings.log.database_url.clone();
    let relay = Relay {
        url: url.clone(),
        bridge,
        batch: settings.relay_batch,
        log: log.clone(),
        metrics: metrics.clone(),
        health: health.clone(),
        stop: stop.clone(),
    };
    parts.spawn(relay.run());
    for group in topics::GROUPS {
        let dispatch = Dispatch {
            bridge,
            group,
            redis_url: settings.redis_url.clone(),
            frames: settings.frames.clone(),
            log: log.clone(),
            metrics: metrics.clone(),
            health: health.clone(),
            stop: stop.clone(),
            stop_within: settings.stop_within(),
        };
        parts.spawn(dispatch.run());
    }
    let watch = Watch {
        url: url.clone(),
        log,
        metrics: metrics.clone(),
        health,
        stop: stop.clone(),
    };
    parts.spawn(async move {
        watch.run().await;
        Ok(())
    });
    let sweep = Sweep {
        url,
        metrics,
        stop: stop.clone(),
    };
    parts.spawn(async move {
        sweep.run().await;
        Ok(())
    });

    let mut outcome = Ok(());
    while let Some(ended) = tokio::select! {
        ended = parts.join_next() => ended,
        () = stop.cancelled() => None,
    } {
        let ended = ended.context("a part of the bridge broke").flatten();
        if let Err(failed) = ended {
            error!(error = format!("{failed:#}"), "the bridge cannot go on");
            outcome = Err(failed);
            break;
        }
    }
    info!("the bridge stops");
    stop.cancel();
    let settle = async {
        while let Some(ended) = parts.join_next().await {
            if let Err(error) = ended.context("a part of the bridge broke").flatten() {
                warn!(error = format!("{error:#}"), "a part ended badly");
            }
        }
    };
    // What is in flight has its time inside; the rest is for saying good-bye.
    if timeout(
        settings.stop_within() + std::time::Duration::from_secs(3),
        settle,
    )
    .await
    .is_err()
    {
        warn!("some parts did not stop in time");
    }
    serving.cancel();
    let _ = timeout(std::time::Duration::from_secs(1), server).await;
    outcome
}

/// Waits for a log that is away.
async fn create_topics(
    log: &Arc<dyn Log>,
    health: &Health,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut failures = 0;
    while let Err(failed) = log.create_topics().await {
        failures += 1;
        match policy::decide(&policy::classify(&failed, failures)) {
            Fate::Retry { after, .. } => {
                health.down("log", format!("{failed:#}"));
                warn!(
                    error = format!("{failed:#}"),
                    "the topics cannot be created yet"
                );
                if stop
                    .run_until_cancelled(tokio::time::sleep(after))
                    .await
                    .is_none()
                {
                    return Ok(());
                }
            }
            Fate::DeadLetter { .. } | Fate::Halt => return Err(failed).context("creating topics"),
        }
    }
    Ok(())
}
