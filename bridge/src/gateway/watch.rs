//! Checks the accounts of all connected users every two seconds, and whenever the subscription begins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::accounts::Accounts;
use super::hub::Hub;

/// A change of the role or the password ends connections within 5 s.
const INTERVAL: Duration = Duration::from_secs(2);

/// Checks for ever. A check that fails is logged, and the next one tries again.
pub async fn run(hub: Arc<Hub>, accounts: Arc<Accounts>, begun: Arc<Notify>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = begun.notified() => {}
        }
        let asked = hub.ask();
        if asked.is_empty() {
            continue;
        }
        match accounts.read(&asked.users()).await {
            Ok(found) => hub.compare(&asked, &found, Instant::now()),
            Err(error) => warn!(
                error = format!("{error:#}"),
                "the accounts of live connections could not be checked"
            ),
        }
    }
}
