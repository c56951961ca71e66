//! Carries out one fault of a plan, and repairs what all of them have left broken.

use std::time::Duration;

use anyhow::Result;
use stage::proxy::{Proxy, Slow};
use stage::system::System;

use super::plan::Fault;
use crate::wait;

/// A link to another continent on a bad day.
pub const SLOW: Slow = Slow {
    delay: Duration::from_millis(100),
    loss: 0.05,
};

/// Breaks something and repairs it.
///
/// # Errors
/// A part does not start again.
pub async fn inflict(system: &System, fault: &Fault) -> Result<()> {
    match fault {
        Fault::Kill { part, down } => {
            let part = system.part(part)?;
            part.kill9().await;
            wait::during(*down).await;
            part.launch().await
        }
        Fault::Restart { part } => {
            let part = system.part(part)?;
            part.terminate().await;
            part.launch().await
        }
        Fault::Pause { part, time } => {
            let paused = system.part(part)?.pause();
            wait::during(*time).await;
            drop(paused);
            Ok(())
        }
        Fault::Silence { link, time, closed } => {
            silence(system.link(&link.from, &link.to)?, *time, *closed).await;
            Ok(())
        }
        Fault::Slow { link, time } => {
            let proxy = system.link(&link.from, &link.to)?;
            proxy.slow_down(SLOW);
            wait::during(*time).await;
            proxy.resume();
            Ok(())
        }
        Fault::Sever { link } => {
            system.link(&link.from, &link.to)?.sever();
            Ok(())
        }
    }
}

/// Lets connections carry nothing for a while. Afterwards they go on, or they are closed and what was sent is lost.
pub async fn silence(proxy: &Proxy, time: Duration, closed: bool) {
    proxy.fall_silent();
    wait::during(time).await;
    if closed {
        proxy.recover();
    } else {
        proxy.resume();
    }
}

/// Lets every connection work, and starts those of these parts that are down, in this order. Waits until all of them are ready.
///
/// # Errors
/// A part is not ready at the limit.
pub async fn repair(system: &System, parts: &[&str], limit: Duration) -> Result<()> {
    for link in system.links() {
        link.proxy().resume();
    }
    for name in parts {
        let (what, part) = (format!("{name} is ready"), system.part(name)?);
        wait::until(&what, limit, async || part.start().await.map(Some)).await?;
    }
    Ok(())
}
