//! What is broken while devices are at work, chosen by a seed.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use devices::random::Random;
use stage::proxy::Proxy;
use stage::system::{CLIENTS, System};

use crate::soak::faults;
use crate::soak::plan::{Ends, Fault};
use crate::wait;

/// One thing that is broken for a while.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// A part of the system, or a connection between two.
    System(Fault),
    /// The live connections carry nothing for a while. Afterwards they go on, or they are closed and what was sent is lost.
    Live { time: Duration, closed: bool },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(fault) => fault.fmt(f),
            Self::Live { time, closed } => {
                let end = if *closed { ", then close them" } else { "" };
                write!(
                    f,
                    "silence live connections for {:.1} s{end}",
                    time.as_secs_f64()
                )
            }
        }
    }
}

/// All troubles, in an order and of lengths that the seed decides.
pub fn plan(random: &mut Random) -> Vec<Trouble> {
    let mut time = |from: u64, to: u64| Duration::from_millis(from + random.below(to - from));
    let link = |from: &str, to: &str| Ends {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    let silence = |from, to, time, closed| Fault::Silence {
        link: link(from, to),
        time,
        closed,
    };
    let kill = |part: &str, down| Fault::Kill {
        part: part.to_owned(),
        down,
    };
    let system = [
        kill("bridge-0", time(0, 1_500)),
        kill("bridge-0", time(0, 1_500)),
        kill("functions", time(0, 1_000)),
        kill("functions", time(0, 1_000)),
        kill("redis", time(0, 1_500)),
        silence(CLIENTS, "functions", time(200, 1_000), true),
        silence(CLIENTS, "functions", time(200, 1_000), false),
        Fault::Sever {
            link: link(CLIENTS, "functions"),
        },
        silence("functions", "postgres", time(200, 1_500), true),
        // Longer than the gateway trusts a silent subscription.
        silence("bridge-0", "redis", time(500, 4_000), true),
        silence("bridge-0", "redis", time(200, 1_000), false),
        silence("bridge-0", "postgres", time(200, 1_500), true),
        Fault::Sever {
            link: link("functions", "redis"),
        },
    ];
    let live = [true, true, false].map(|closed| Trouble::Live {
        time: time(50, 1_000),
        closed,
    });
    let mut all: Vec<Trouble> = system
        .map(Trouble::System)
        .into_iter()
        .chain(live)
        .collect();
    random.shuffle(&mut all);
    all
}

/// Breaks something and repairs it.
///
/// # Errors
/// A part does not start again.
pub async fn inflict(system: &System, live: &Proxy, trouble: &Trouble) -> Result<()> {
    match trouble {
        Trouble::System(fault) => faults::inflict(system, fault).await,
        Trouble::Live { time, closed } => {
            live.fall_silent();
            wait::during(*time).await;
            if *closed {
                live.recover();
            } else {
                live.resume();
            }
            Ok(())
        }
    }
}

/// Starts what is down, and waits until all that was broken is ready.
///
/// # Errors
/// A part is not ready at the limit.
pub async fn repair(system: &System, troubles: &[Trouble], limit: Duration) -> Result<()> {
    for link in system.links() {
        link.proxy().resume();
    }
    for name in ["redis", "functions", "bridge-0"] {
        let was_killed = troubles.iter().any(
            |trouble| matches!(trouble, Trouble::System(Fault::Kill { part, .. }) if part == name),
        );
        if was_killed {
            let what = format!("{name} is ready");
            let part = system.part(name)?;
            wait::until(&what, limit, async || part.start().await.map(Some)).await?;
        }
    }
    Ok(())
}
