//! Users with several devices on a real system, from seeds: the devices edit the same tasks, go off and on, lose answers and are killed,
//! while the bridge, the functions, Redis and the connections between them are broken. In the end all devices have what the server
//! has, every acknowledged operation has had the result that the model of the server has, and what was lost is in the conflict log.
//!
//! The persons, the model and much of the verdict are those of the simulation in `client/tests/devices`. A seed decides what a user's
//! devices do and when; threads and processes still run as they like.

mod calls;
pub mod device;
mod faults;
mod history;
mod link;
mod operations;
mod replay;
mod series;
mod steps;
mod verdict;

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow, bail, ensure};
use devices::random::Random;
use devices::verdict::message;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stage::proxy::Proxy;
use stage::system::{CLIENTS, System};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_postgres::Client;
use uuid::Uuid;

use self::device::{Counts, Device, Status};
use self::verdict::Figures;
use crate::checker::Checker;
use crate::client::{Api, User};
use crate::live::follow::committed;
use crate::soak::faults::repair;
use crate::soak::plan::between;
use crate::wait;

/// How many seeds run at once, each with a user of its own, on one system.
pub const AT_ONCE: u64 = 20;
/// Devices of a user.
const DEVICES: usize = 3;
/// Steps of a device, unless the caller says otherwise.
pub const STEPS: usize = 110;
/// The time limit for what was broken to be ready, and for all devices to be complete after that.
const READY_LIMIT: Duration = Duration::from_secs(60);
const SETTLE_LIMIT: Duration = Duration::from_secs(90);
/// How many lost values of a user are given back in the end.
const GIVEN_BACK: usize = 3;

/// The system that devices talk to. Its parts are connected by proxies.
pub struct Stage<'a> {
    pub system: &'a System,
    /// A client of its API.
    pub api: &'a Api,
    pub database: &'a Client,
    /// How many steps each device does.
    pub steps: usize,
}

/// A user, their devices, and how to end them.
struct Household {
    seed: u64,
    user: User,
    status: Vec<watch::Receiver<Status>>,
    /// The steps that its devices have done, and when. A device that fails leaves them behind.
    done: watch::Receiver<Vec<String>>,
    running: JoinSet<Result<Device>>,
}

impl Stage<'_> {
    /// Runs these seeds at once, and says what it does.
    ///
    /// # Errors
    /// The verdict on the first seed that fails, with the steps of its devices.
    pub async fn run(
        &self,
        seeds: std::ops::Range<u64>,
        say: &dyn Fn(&dyn fmt::Display),
    ) -> Result<()> {
        let start = Instant::now();
        let (stop, stops) = watch::channel(false);
        let live = Proxy::start(&self.system.live_address(0)?.to_string()).await?;
        let mut households = Vec::new();
        for seed in seeds.clone() {
            households.push(self.begin(seed, &live, &stops).await?);
        }
        let mut random = StdRng::seed_from_u64(seeds.start);
        let troubles = faults::plan(&mut random);
        for trouble in &troubles {
            let seconds = start.elapsed().as_secs_f32();
            let steps: usize = households
                .iter()
                .flat_map(Household::status)
                .map(|s| s.steps)
                .sum();
            say(&format_args!("{seconds:6.1} s  {steps} steps; {trouble}"));
            // What does not start now is started again by the repair.
            let inflicted = faults::inflict(self.system, &live, trouble).await;
            if let Err(error) = inflicted {
                say(&format_args!("{error:#}"));
            }
            wait::during(between(&mut random, 0.0, 1.2)).await;
        }
        repair(self.system, &faults::KILLED, READY_LIMIT).await?;
        say(&format_args!(
            "{:6.1} s  everything is ready",
            start.elapsed().as_secs_f32()
        ));
        let users: Vec<User> = households
            .iter()
            .map(|household| household.user.clone())
            .collect();
        let checker = Checker::new(self.database, &users);
        self.settle(&mut households).await?;
        checker.wait_for_delivery().await?;
        checker.check_reminders().await?;
        say(&format_args!(
            "{:6.1} s  all devices are complete",
            start.elapsed().as_secs_f32()
        ));
        stop.send_replace(true);
        for household in households {
            let seed = household.seed;
            let line = household.end().await?;
            say(&format_args!(
                "{:6.1} s  seed {seed}: {line}",
                start.elapsed().as_secs_f32()
            ));
        }
        checker.check_sequence_numbers().await
    }

    async fn begin(
        &self,
        seed: u64,
        live: &Proxy,
        stops: &watch::Receiver<bool>,
    ) -> Result<Household> {
        let proxy = self.system.link(CLIENTS, "functions")?.address();
        let user = self.api.new_user("UTC").await?;
        let far = User {
            api: user.api.at(&format!("http://{proxy}")),
            ..user.clone()
        };
        let gateway = live.address().parse()?;
        let (world, mut random) = (Uuid::new_v4(), Random::new(seed));
        let (mut status, mut running) = (Vec::new(), JoinSet::new());
        let (doing, done) = watch::channel(Vec::new());
        for number in 0..DEVICES {
            let device = Device::new(number, world, far.clone(), gateway, random.below(u64::MAX));
            let steps = steps::steps(&mut random, self.steps);
            status.push(device.status());
            running.spawn(device.run(steps, doing.clone(), stops.clone()));
        }
        Ok(Household {
            seed,
            user,
            status,
            done,
            running,
        })
    }

    /// Waits until nothing changes any more and all devices are complete.
    async fn settle(&self, households: &mut [Household]) -> Result<()> {
        let users: Vec<Uuid> = households
            .iter()
            .map(|household| household.user.id)
            .collect();
        wait::until("all devices are complete", SETTLE_LIMIT, async || {
            // A device that has failed is waited for no longer.
            if let Err(failure) = households.iter_mut().try_for_each(Household::none_failed) {
                return Ok(Some(Err(failure)));
            }
            let unsettled = include_str!("../sql/unsettled_devices.sql");
            let unsettled = self.database.query(unsettled, &[&users]).await?;
            if let Some(row) = unsettled.first() {
                let (count, first) = (unsettled.len(), row.get::<_, &str>(0));
                bail!("{count} things are still to happen, such as with {first}");
            }
            for household in households.iter() {
                let goal = committed(self.database, household.user.id).await?;
                household.is_at(self.steps, u64::try_from(goal)?)?;
            }
            Ok(Some(Ok(())))
        })
        .await?
    }
}

impl Household {
    fn status(&self) -> impl Iterator<Item = Status> {
        self.status.iter().map(|status| *status.borrow())
    }

    /// Fails if a device has failed. Otherwise they end only when they are told to.
    fn none_failed(&mut self) -> Result<()> {
        match self.running.try_join_next().map(ended) {
            Some(Err(error)) => Err(self.failure(&error)),
            _ => Ok(()),
        }
    }

    /// The steps before a failure, and then the failure. It comes last, so that it is still there if only the end of the output is kept.
    fn failure(&self, error: &Error) -> Error {
        let (seed, done) = (self.seed, self.done.borrow().join("\n"));
        anyhow!("the steps of seed {seed}:\n{done}\nseed {seed}: {error:#}")
    }

    /// Fails unless all devices have done their steps and are complete up to this number.
    fn is_at(&self, steps: usize, goal: u64) -> Result<()> {
        for (number, status) in self.status().enumerate() {
            ensure!(
                status.steps == steps && status.is_idle && status.seq == goal,
                "device {number} of seed {} is at {status:?}, and the server at {goal}",
                self.seed
            );
        }
        Ok(())
    }

    /// Judges the devices, gives back what has lost, and describes what has happened.
    async fn end(mut self) -> Result<String> {
        self.verdict().await.map_err(|error| self.failure(&error))
    }

    async fn verdict(&mut self) -> Result<String> {
        let mut devices = Vec::new();
        while let Some(result) = self.running.join_next().await {
            devices.push(ended(result)?);
        }
        let figures = verdict::judge(&self.user, &devices).await?;
        verdict::restore_conflicts(&self.user, GIVEN_BACK).await?;
        Ok(line(&figures, &devices))
    }
}

fn ended(result: Result<Result<Device>, JoinError>) -> Result<Device> {
    match result {
        Ok(device) => device,
        Err(error) if error.is_panic() => bail!(message(&*error.into_panic())),
        Err(error) => bail!(error),
    }
}

fn line(figures: &Figures, devices: &[Device]) -> String {
    let sum = |count: fn(&Counts) -> usize| {
        devices
            .iter()
            .map(|device| count(&device.counts))
            .sum::<usize>()
    };
    format!(
        "ok, {} operations, {} merged, {} in conflict, {} rejected; {} answers lost, {} requests given up, {} sent twice, {} restarts, {} live messages over {} connections with {} gaps",
        figures.operations,
        figures.merged,
        figures.conflicts,
        figures.rejected,
        sum(|counts| counts.answers_lost),
        sum(|counts| counts.given_up),
        sum(|counts| counts.sent_twice),
        sum(|counts| counts.restarts),
        sum(|counts| counts.messages),
        sum(|counts| counts.connections),
        sum(|counts| counts.gaps),
    )
}
