//! Signals to stop: SIGINT (Ctrl-C), SIGTERM, and SIGHUP (the terminal was closed).

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Receives signals from the moment it is created, so no signal is lost between two waits.
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Stop {
    pub fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal to stop.
    pub async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
