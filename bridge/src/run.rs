//! `bridge run`: starts the parts of the bridge and the periodic jobs, keeps them running, and stops them in order.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Part;
use crate::dispatch::Dispatch;
use crate::doorbell::Doorbell;
use crate::groups::GROUPS;
use crate::health::Health;
use crate::jobs::Jobs;
use crate::log::{self, Log};
use crate::metrics::Metrics;
use crate::monitor::Monitor;
use crate::policy::{self, Fate};
use crate::relay::Relay;
use crate::sweep::Sweep;
use crate::traces::Traces;
use crate::{config, gateway, redis_client, server};

/// Time for the tasks to end after the frames in flight have had theirs.
const EXIT_GRACE: Duration = Duration::from_secs(3);
/// Time for the HTTP server to finish the requests it has.
const SERVER_GRACE: Duration = Duration::from_secs(1);

/// Bounds of the pause before a part that failed for good is started again. An operator may have cured it meanwhile.
const FIRST_RESTART_MS: u64 = 2_000;
const MAX_RESTART_MS: u64 = 30_000;

/// Runs until `stop` is cancelled.
///
/// # Errors
/// When the start fails in a way that retries do not cure, such as with a missing table or a wrong password. A part that
/// fails so later does not end the others.
pub async fn run(
    settings: config::Run,
    listener: TcpListener,
    live: Option<TcpListener>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let bridge = Uuid::new_v4();
    let metrics = Metrics::new()?;
    let parts: Vec<Part> = settings
        .parts
        .iter()
        .copied()
        .filter(|part| settings.has(*part))
        .collect();
    ensure!(
        !parts.is_empty(),
        "BRIDGE_PARTS names the gateway alone, and LIVE_LISTEN does not say where it listens"
    );
    let health = Health::of(&watched(&parts), stop.clone());
    let log = log::open(&settings.log)?;
    // The exporter opens a blocking client, which an asynchronous task may not do.
    let log_name = log.name();
    let traces = tokio::task::spawn_blocking(move || Traces::from_environment(log_name)).await??;
    let doorbell = parts
        .iter()
        .any(|part| part.talks_to_agents())
        .then(|| Doorbell::open(&settings.redis, health.clone()))
        .transpose()?;
    let names: Vec<&str> = parts.iter().map(|part| part.name()).collect();
    info!(%bridge, parts = ?names, log = log.name(), listen = %listener.local_addr()?, "bridge started");

    // The server starts first and stops last, so that health and metrics can be read during start and shutdown.
    let stop_server = CancellationToken::new();
    let server = tokio::spawn(server::run(
        listener,
        health.clone(),
        metrics.clone(),
        stop_server.clone(),
    ));

    create_topics(&log, &health, &stop).await?;
    let url = settings.log.database_url.clone();
    let mut tasks = JoinSet::new();
    if parts.contains(&Part::Relay) {
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
        let start = move || relay.clone().run();
        tasks.spawn(keep(
            "relay".to_owned(),
            health.clone(),
            stop.clone(),
            start,
        ));
        let sweep = Sweep {
            url: url.clone(),
            metrics: metrics.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(sweep.run());
        let jobs = Jobs {
            url: url.clone(),
            metrics: metrics.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(jobs.run());
    }
    if let Some(doorbell) = &doorbell
        && parts.contains(&Part::Dispatch)
    {
        for group in GROUPS {
            let dispatch = Dispatch {
                bridge,
                group,
                doorbell: doorbell.clone(),
                log: log.clone(),
                metrics: metrics.clone(),
                traces: traces.clone(),
                health: health.clone(),
                stop: stop.clone(),
                stop_within: settings.stop_within(),
            };
            let name = format!("dispatch/{}", group.name);
            let start = move || dispatch.clone().run();
            tasks.spawn(keep(name, health.clone(), stop.clone(), start));
        }
    }
    if let Some(doorbell) = &doorbell
        && parts.contains(&Part::Clock)
        && needs_clock()
    {
        let clock = Clock {
            url: url.clone(),
            bridge,
            groups: GROUPS,
            doorbell: doorbell.clone(),
            metrics: metrics.clone(),
            health: health.clone(),
            stop: stop.clone(),
        };
        let start = move || clock.clone().run();
        tasks.spawn(keep(
            "clock".to_owned(),
            health.clone(),
            stop.clone(),
            start,
        ));
    }
    if let Some(listener) = live {
        let gateway = gateway::Start {
            listener: Arc::new(listener),
            url: url.clone(),
            redis: redis_client::open(&settings.redis)?,
            prefix: settings.redis.redis_prefix.clone(),
            settings: settings.live.clone(),
            metrics: metrics.clone(),
            health: health.clone(),
            stop: stop.clone(),
        };
        let start = move || gateway.clone().run();
        tasks.spawn(keep(
            "gateway".to_owned(),
            health.clone(),
            stop.clone(),
            start,
        ));
    }
    let monitor = Monitor {
        url,
        log,
        metrics,
        health,
        stop: stop.clone(),
    };
    tasks.spawn(monitor.run());

    stop.cancelled().await;
    info!("bridge stopping");
    // Dispatch applies `stop_within` to its frames in flight itself.
    if timeout(settings.stop_within() + EXIT_GRACE, tasks.join_all())
        .await
        .is_err()
    {
        warn!("some tasks did not stop in time");
    }
    traces.stop().await;
    stop_server.cancel();
    let _ = timeout(SERVER_GRACE, server).await;
    Ok(())
}

/// True if there is an agent that gets ticks.
fn needs_clock() -> bool {
    GROUPS.iter().any(|group| group.tick.is_some())
}

/// What readiness depends on, by the names that [`Health`] reports.
fn watched(parts: &[Part]) -> Vec<String> {
    let mut watched = vec!["postgres".to_owned(), "log".to_owned()];
    if parts.iter().any(|part| part.talks_to_agents()) {
        watched.push("redis".to_owned());
    }
    for part in parts {
        match part {
            Part::Clock if !needs_clock() => {}
            Part::Relay | Part::Clock | Part::Gateway => watched.push(part.name().to_owned()),
            Part::Dispatch => {
                for group in GROUPS {
                    watched.push(format!("dispatch/{}", group.name));
                    watched.push(format!("dispatch/{}/lanes", group.name));
                }
            }
        }
    }
    watched
}

/// Runs a part until `stop` is cancelled. Starts it again if it ends before, while the other parts go on.
async fn keep<F>(name: String, health: Health, stop: CancellationToken, start: impl Fn() -> F)
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut failures = 0;
    loop {
        let ended = result_of(tokio::spawn(start()).await);
        if stop.is_cancelled() {
            if let Err(failed) = ended {
                warn!(
                    part = name,
                    error = format!("{failed:#}"),
                    "a part failed while stopping"
                );
            }
            return;
        }
        let why = ended.map_or_else(|failed| format!("{failed:#}"), |()| "it ended".to_owned());
        failures += 1;
        let after = policy::backoff(FIRST_RESTART_MS, failures, MAX_RESTART_MS);
        error!(
            part = name,
            error = why,
            ?after,
            "a part of the bridge failed for good; the other parts go on, and it is started again"
        );
        health.down(&name, why);
        stop.run_until_cancelled(sleep(after)).await;
    }
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
