//! The faults of a round and their times, chosen by a seeded generator.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use stage::system::{CLIENTS, Link, System};

/// The most faults at one time.
const AT_ONCE: usize = 4;

/// A fault and when it begins, counted from the start of the round.
#[derive(Debug)]
pub struct Step {
    pub at: Duration,
    pub fault: Fault,
}

/// One thing that is broken for a while.
#[derive(Clone, Debug)]
pub enum Fault {
    /// SIGKILL, and a new start after `down`.
    Kill { part: String, down: Duration },
    /// A stop in order, as a deployment does it, and a new start.
    Restart { part: String },
    /// SIGSTOP, and SIGCONT after `time`.
    Pause { part: String, time: Duration },
    /// The connections between two parts carry nothing. Afterwards they go on, or they are closed and what was sent is lost.
    Silence {
        link: Ends,
        time: Duration,
        closed: bool,
    },
    /// The connections between two parts are slow and lose packets.
    Slow { link: Ends, time: Duration },
    /// The connections between two parts are closed once.
    Sever { link: Ends },
}

/// The two parts that a link connects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ends {
    pub from: String,
    pub to: String,
}

impl Ends {
    fn of(link: &Link) -> Self {
        Self {
            from: link.from().to_owned(),
            to: link.to().to_owned(),
        }
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}–{}", self.from, self.to)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = |time: &Duration| format!("{:.1} s", time.as_secs_f64());
        match self {
            Self::Kill { part, down } => write!(f, "kill {part} for {}", after(down)),
            Self::Restart { part } => write!(f, "restart {part}"),
            Self::Pause { part, time } => write!(f, "pause {part} for {}", after(time)),
            Self::Silence { link, time, closed } => {
                let end = if *closed { ", then close it" } else { "" };
                write!(f, "silence {link} for {}{end}", after(time))
            }
            Self::Slow { link, time } => write!(f, "slow down {link} for {}", after(time)),
            Self::Sever { link } => write!(f, "close {link}"),
        }
    }
}

/// Plans the faults of a round. All of them end within `length`, apart from the start of what was killed last.
#[must_use]
pub fn make(random: &mut StdRng, system: &System, length: Duration) -> Vec<Step> {
    let parts: Vec<&str> = system.parts().map(|part| part.name()).collect();
    let links: Vec<Ends> = system.links().iter().map(Ends::of).collect();
    let mut steps = Vec::new();
    // Until when each part and each link is broken. Only one fault at a time breaks it, so that no fault ends another one.
    let mut busy: BTreeMap<String, Duration> = BTreeMap::new();
    let mut at = between(random, 1.0, 3.0);
    while at < length {
        let (name, fault, time) = if random.random_bool(0.4) {
            let part = parts.choose(random).copied().unwrap_or_default();
            let (fault, time) = part_fault(random, part);
            (part.to_owned(), fault, time)
        } else {
            let Some(link) = links.choose(random) else {
                break;
            };
            let (fault, time) = link_fault(random, link);
            (link.to_string(), fault, time)
        };
        busy.retain(|_, until| *until > at);
        if at + time <= length && busy.len() < AT_ONCE && !busy.contains_key(&name) {
            busy.insert(name, at + time);
            steps.push(Step { at, fault });
        }
        at += between(random, 0.2, 3.0);
    }
    steps
}

/// A fault of a part, and the time after which another fault may begin.
fn part_fault(random: &mut StdRng, part: &str) -> (Fault, Duration) {
    // Kafka takes long to start.
    let start = Duration::from_secs(if part == "kafka" { 15 } else { 4 });
    let part = part.to_owned();
    match random.random_range(0..7) {
        0..3 => {
            let down = between(random, 0.0, 4.0);
            (Fault::Kill { part, down }, down + start)
        }
        3 => (Fault::Restart { part }, start),
        _ => {
            let time = length_of_fault(random);
            (Fault::Pause { part, time }, time)
        }
    }
}

/// A fault of a link, and the time after which another fault may begin.
fn link_fault(random: &mut StdRng, link: &Ends) -> (Fault, Duration) {
    let link = link.clone();
    // While the clients reach nothing, nothing is written that could be lost.
    let short = link.from == CLIENTS;
    let time = length_of_fault(random);
    let time = if short { time / 5 } else { time };
    match random.random_range(0..7) {
        0..4 => {
            let closed = random.random_bool(0.6);
            (Fault::Silence { link, time, closed }, time)
        }
        4..6 => (Fault::Slow { link, time }, time),
        _ => (Fault::Sever { link }, Duration::ZERO),
    }
}

/// Mostly short, and often longer than the limits of the system: connections are given up after 5 s, a bridge is dead after 6 s, a
/// lane is deaf after 12 s.
fn length_of_fault(random: &mut StdRng) -> Duration {
    match random.random_range(0..10) {
        0..5 => between(random, 0.2, 3.0),
        5..8 => between(random, 3.0, 10.0),
        8 => between(random, 10.0, 16.0),
        _ => between(random, 16.0, 30.0),
    }
}

/// A time between these many seconds.
pub fn between(random: &mut StdRng, from: f64, to: f64) -> Duration {
    Duration::from_secs_f64(random.random_range(from..to))
}
