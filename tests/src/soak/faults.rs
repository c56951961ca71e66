//! Carries out one fault of a plan.

use std::time::Duration;

use anyhow::Result;
use stage::proxy::Slow;
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
            let proxy = system.link(&link.from, &link.to)?;
            proxy.fall_silent();
            wait::during(*time).await;
            if *closed {
                proxy.recover();
            } else {
                proxy.resume();
            }
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
