//! Watches the log for records that other bridges append, for all readers of this process.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::watch::Sender;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::config::Secret;
use crate::policy;
use crate::postgres::Session;

/// The channel on which `log_drain_batch` tells that it has appended records.
const CHANNEL: &str = "spindle_log";
/// Pause after each look, so that many small batches do not make as many looks.
const PAUSE: Duration = Duration::from_millis(8);
/// How often the watcher looks without being told. Single entries are appended without a notification.
const INTERVAL: Duration = Duration::from_secs(2);

/// Notifies `appended` of new records until nobody else holds it.
pub(super) async fn watch(url: Secret, appended: Weak<Sender<()>>) {
    let mut failures = 0;
    while appended.strong_count() > 0 {
        if let Err(error) = look(&url, &appended, &mut failures).await {
            failures += 1;
            debug!(
                error = format!("{error:#}"),
                "watching the log failed and is retried"
            );
            sleep(policy::backoff(100, failures, 2_000)).await;
        }
    }
}

async fn look(url: &Secret, appended: &Weak<Sender<()>>, failures: &mut u32) -> anyhow::Result<()> {
    let told = Arc::new(Notify::new());
    let session = {
        let told = told.clone();
        Session::listen(url, "bridge watch", CHANNEL, move || told.notify_one()).await?
    };
    let mut records = -1;
    while appended.strong_count() > 0 {
        let row = session.query_one(include_str!("watch.sql"), &[]).await?;
        *failures = 0;
        let now: i64 = row.get(0);
        if std::mem::replace(&mut records, now) != now
            && let Some(appended) = appended.upgrade()
        {
            appended.send_replace(());
        }
        sleep(PAUSE).await;
        // Either way, it is time to look.
        let _ = timeout(INTERVAL, told.notified()).await;
    }
    Ok(())
}
