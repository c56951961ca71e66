//! Watches the log for records that other bridges append, for all readers of this process.

use std::sync::Weak;
use std::time::Duration;

use tokio::sync::watch::Sender;
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::config::Secret;
use crate::policy;
use crate::postgres::Session;

/// Bounds of the pause between two looks. It grows with the time since the last record, so that an idle system costs little.
const SHORTEST: Duration = Duration::from_millis(8);
const LONGEST: Duration = Duration::from_millis(250);
/// The pause is this part of the time since the last record.
const FACTOR: u32 = 100;

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
    let session = Session::open(url, "bridge watch").await?;
    let (mut records, mut changed_at) = (-1, Instant::now());
    while appended.strong_count() > 0 {
        let row = session.query_one(include_str!("watch.sql"), &[]).await?;
        *failures = 0;
        let now: i64 = row.get(0);
        if std::mem::replace(&mut records, now) != now {
            changed_at = Instant::now();
            if let Some(appended) = appended.upgrade() {
                appended.send_replace(());
            }
        }
        sleep((changed_at.elapsed() / FACTOR).clamp(SHORTEST, LONGEST)).await;
    }
    Ok(())
}
