//! The soak: a whole system under load while its parts and connections are broken at random, judged by the checker alone.
//!
//! A run is a sequence of rounds. Each round has users of its own, who write while a [`plan`] of [`faults`] is carried out. Then
//! everything is repaired, and the checker compares what the users were told with what was delivered. Live clients follow each user; they must
//! have been told of every change.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stage::scratch::Scratch;
use stage::system::{LogKind, Runtime, System, SystemOptions};

use crate::load::Load;
use crate::wait;
use crate::watched::{Report, Watched};

pub mod faults;
pub mod plan;

/// How long the faults of a round last at most. Access tokens live longer than a round with its check.
const ROUND: Duration = Duration::from_secs(150);
/// Writes that must succeed after the repair.
const WRITES_AFTER: u64 = 100;
/// The time limit for a repaired system to be ready.
const READY_LIMIT: Duration = Duration::from_secs(90);
const PROGRESS_INTERVAL: Duration = Duration::from_secs(15);

/// What a run does. The same options lead to the same faults at the same times.
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    pub length: Duration,
    pub log: LogKind,
    pub runtime: Runtime,
}

/// Runs a soak on a system of its own.
///
/// # Errors
/// The verdict, if something was lost, duplicated or reordered; or a part of the system does not start.
pub async fn run(options: Options) -> Result<()> {
    let folder = Scratch::new("soak")?;
    let system = System::start(SystemOptions {
        bridges: 2,
        hosts: 2,
        links: true,
        // Processes are killed, never the machine, so nothing needs to survive a power failure.
        fsync: false,
        built: true,
        runtime: options.runtime.clone(),
        ..SystemOptions::new(folder.path(), options.log)
    })
    .await?;
    let mut run = Run {
        random: StdRng::seed_from_u64(options.seed),
        options,
        system,
        report: Report::begin(),
    };
    let verdict = run.rounds().await;
    let logs = format!("soak/{}", run.options.seed);
    run.report.end(&run.system, verdict, &logs).await
}

struct Run {
    options: Options,
    system: System,
    random: StdRng,
    report: Report,
}

impl Run {
    async fn rounds(&mut self) -> Result<()> {
        // `as` is exact for the number of rounds of any run that a person waits for.
        let rounds = self.options.length.as_secs_f64() / ROUND.as_secs_f64();
        let rounds = rounds.ceil().max(1.0) as u32;
        for round in 1..=rounds {
            self.report.say(format_args!("round {round} of {rounds}"));
            self.round(self.options.length / rounds).await?;
        }
        Ok(())
    }

    async fn round(&mut self, length: Duration) -> Result<()> {
        let mut watched = Watched::start(&self.system).await?;
        let plan = plan::make(&mut self.random, &self.system, length);
        self.carry_out(&plan, length, &watched.load).await?;
        self.report.say("everything is repaired");
        // Servers first, because programs need them.
        let mut parts: Vec<&str> = self.system.parts().map(|part| part.name()).collect();
        parts.reverse();
        faults::repair(&self.system, &parts, READY_LIMIT).await?;
        self.report.say("everything is ready");
        watched.load.more(WRITES_AFTER).await?;
        let verdict = watched.finish(&self.system).await?;
        self.report.say(verdict);
        Ok(())
    }

    /// Carries the plan out, and returns when its last fault has ended.
    async fn carry_out(&self, plan: &[plan::Step], length: Duration, load: &Load) -> Result<()> {
        let start = Instant::now();
        let mut steps = plan.iter().peekable();
        let mut under_way = FuturesUnordered::new();
        let mut report = PROGRESS_INTERVAL;
        while start.elapsed() < length || !under_way.is_empty() {
            let next = steps.peek().map_or(length, |step| step.at);
            let now = start.elapsed();
            let wake = if now < length {
                next.min(report)
            } else {
                report
            };
            tokio::select! {
                Some(ended) = under_way.next() => {
                    // What does not start now is started again by the repair.
                    if let Err(error) = ended {
                        self.report.say(format_args!("{error:#}"));
                    }
                }
                () = wait::during(wake.saturating_sub(now)) => {
                    if wake == report {
                        report += PROGRESS_INTERVAL;
                        self.report.say(format_args!("{} writes are acknowledged", load.count()));
                    }
                    if let Some(step) = steps.next_if(|step| step.at <= wake) {
                        self.report.say(&step.fault);
                        under_way.push(faults::inflict(&self.system, &step.fault));
                    }
                }
            }
        }
        Ok(())
    }
}
