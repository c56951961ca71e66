//! What is broken while devices are at work, chosen by a seed.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use stage::proxy::Proxy;
use stage::system::{CLIENTS, System};

use crate::soak::faults;
use crate::soak::plan::{Ends, Fault, between};

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

/// The parts that are killed, servers first, because programs need them.
pub const KILLED: [&str; 3] = ["redis", "functions", "bridge-0"];

/// All troubles, in an order and of lengths that the seed decides.
pub fn plan(random: &mut StdRng) -> Vec<Trouble> {
    let mut time = |from, to| between(random, from, to);
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
        kill("bridge-0", time(0.0, 1.5)),
        kill("bridge-0", time(0.0, 1.5)),
        kill("functions", time(0.0, 1.0)),
        kill("functions", time(0.0, 1.0)),
        kill("redis", time(0.0, 1.5)),
        silence(CLIENTS, "functions", time(0.2, 1.0), true),
        silence(CLIENTS, "functions", time(0.2, 1.0), false),
        Fault::Sever {
            link: link(CLIENTS, "functions"),
        },
        silence("functions", "postgres", time(0.2, 1.5), true),
        // Longer than the gateway trusts a silent subscription.
        silence("bridge-0", "redis", time(0.5, 4.0), true),
        silence("bridge-0", "redis", time(0.2, 1.0), false),
        silence("bridge-0", "postgres", time(0.2, 1.5), true),
        Fault::Sever {
            link: link("functions", "redis"),
        },
    ];
    let live = [true, true, false].map(|closed| Trouble::Live {
        time: time(0.05, 1.0),
        closed,
    });
    let mut all: Vec<Trouble> = system
        .map(Trouble::System)
        .into_iter()
        .chain(live)
        .collect();
    all.shuffle(random);
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
            faults::silence(live, *time, *closed).await;
            Ok(())
        }
    }
}
