//! `bridge run`: starts the relay, one dispatch per group and the periodic jobs, and stops them in order.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::dispatch::Dispatch;
use crate::health::Health;
use crate::log::{self, Log};
use crate::metrics::Metrics;
use crate::monitor::Monitor;
use crate::policy::{self, Fate};
use crate::relay::Relay;
use crate::sweep::Sweep;
use crate::{config, server, topics};

/// Time for the tasks to end after the frames in flight have had theirs.
const EXIT_GRACE: Duration = Duration::from_secs(3);
/// Time for the HTTP server to finish the requests it has.
const SERVER_GRACE: Duration = Duration::from_secs(1);

/// Runs until `stop` is cancelled.
///
/// # Errors
/// When a task fails in a way that retries do not cure, such as a missing table or a wrong password.
pub async fn run(
    settings: config::Run,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let bridge = Uuid::new_v4();
    let metrics = Metrics::new()?;
    let health = Health::of(&["postgres", "log", "redis", "lanes", "relay"]);
    let log = log::open(&settings.log)?;
    info!(%bridge, log = log.name(), listen = %listener.local_addr()?, "bridge started");

    // The server starts first and stops last, so that health and metrics can be read during start and shutdown.
    let stop_server = CancellationToken::new();
    let server = tokio::spawn(server::run(
        listener,
        health.clone(),
        metrics.clone(),
        stop_server.clone(),
    ));

    let mut tasks = JoinSet::new();
    create_topics(&log, &health, &stop).await?;
    let url = settings.log.database_url.clone();
    let relay = Relay {
        url: url.clone(),
        bridge,
        batch: settings.relay_batch,
        quarantine_after: settings.quarantine_after(),
        log: log.clone(),
        metrics: metrics.clone(),
        health: health.clone(),
        stop: stop.clone(),
    };
    tasks.spawn(relay.run());
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
        tasks.spawn(dispatch.run());
    }
    let monitor = Monitor {
        url: url.clone(),
        log,
        metrics: metrics.clone(),
        health,
        stop: stop.clone(),
    };
    tasks.spawn(async move {
        monitor.run().await;
        Ok(())
    });
    let sweep = Sweep {
        url,
        metrics,
        stop: stop.clone(),
    };
    tasks.spawn(async move {
        sweep.run().await;
        Ok(())
    });

    let mut outcome = Ok(());
    while let Some(ended) = tokio::select! {
        ended = tasks.join_next() => ended,
        () = stop.cancelled() => None,
    } {
        if let Err(failed) = result_of(ended) {
            error!(
                error = format!("{failed:#}"),
                "bridge stops: a task failed for good"
            );
            outcome = Err(failed);
            break;
        }
    }
    info!("bridge stopping");
    stop.cancel();
    let join_all = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = result_of(ended) {
                warn!(error = format!("{error:#}"), "a task failed while stopping");
            }
        }
    };
    // Dispatch applies `stop_within` to its frames in flight itself.
    if timeout(settings.stop_within() + EXIT_GRACE, join_all)
        .await
        .is_err()
    {
        warn!("some tasks did not stop in time");
    }
    stop_server.cancel();
    let _ = timeout(SERVER_GRACE, server).await;
    outcome
}

/// The task's own result; a panic counts as an error.
fn result_of(ended: Result<anyhow::Result<()>, JoinError>) -> anyhow::Result<()> {
    ended.context("a task panicked").flatten()
}

/// Creates missing topics. Retries while the log cannot be reached.
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
                    ?after,
                    "creating topics failed and is retried"
                );
                if stop.run_until_cancelled(sleep(after)).await.is_none() {
                    return Ok(());
                }
            }
            Fate::DeadLetter { .. } | Fate::Halt => return Err(failed).context("creating topics"),
        }
    }
    Ok(())
}
