//! Users who write to a system, live clients that follow each of them, and the check of what both were told; and how such a run is
//! reported and ended.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use stage::components;
use stage::system::{CLIENTS, System, workspace};
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::checker::Checker;
use crate::client::{Api, User};
use crate::live::follow::{Following, Told, committed, follow};
use crate::load::{Load, Pace};

const USERS: usize = 6;
/// About a hundred writes a second in all, which leaves a small machine time for what is done to the system.
const PACE: Pace = Pace {
    pause: Duration::from_millis(100),
    max_writes: u64::MAX,
    max_duration: Duration::MAX,
};
/// The time limit for the live clients to have been told of everything.
const TOLD_LIMIT: Duration = Duration::from_secs(90);

/// The users and the live clients of a system whose clients go through a proxy.
pub struct Watched {
    pub load: Load,
    followers: Vec<(Uuid, Following)>,
}

/// What was found to be right.
pub struct Verdict {
    writes: usize,
    told: Told,
}

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} acknowledged writes are on the trail once and in order; live clients missed nothing: {} changes told, \
             {} connections, {} pulls",
            self.writes, self.told.changes, self.told.connections, self.told.resyncs
        )
    }
}

impl Watched {
    /// Registers users who write from now on, and connects a live client of each at each gateway.
    ///
    /// # Errors
    /// A user cannot register.
    pub async fn start(system: &System) -> Result<Self> {
        let api = system.link(CLIENTS, "functions")?.address();
        let load = Load::with_pace(&Api::new(&format!("http://{api}"))?, USERS, PACE).await?;
        let database = system.database_url();
        let mut followers = Vec::new();
        for number in 0..system.bridges().len() {
            let gateway = system.live_address(number)?;
            let follow = |user: &User| (user.id, follow(user, gateway, database.clone()));
            followers.extend(load.users().iter().map(follow));
        }
        Ok(Self { load, followers })
    }

    /// Ends the writes, and compares what the users were told with what was delivered.
    ///
    /// # Errors
    /// Something was lost, duplicated or reordered.
    pub async fn finish(self, system: &System) -> Result<Verdict> {
        let (users, acknowledged) = self.load.finish(0).await?;
        let (database, connection) = tokio_postgres::connect(&system.database_url(), NoTls).await?;
        tokio::spawn(connection);
        let checker = Checker::new(&database, &users);
        checker.check_delivery(&acknowledged).await?;
        checker.check_sequence_numbers().await?;
        let mut told = Told::default();
        for (user, follower) in self.followers {
            let goal = committed(&database, user).await?;
            told.add(&follower.reach(goal, TOLD_LIMIT).await?);
        }
        Ok(Verdict {
            writes: acknowledged.len(),
            told,
        })
    }
}

/// Prints what a run does.
pub struct Report {
    start: Instant,
}

impl Report {
    pub fn begin() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Prints a line, with the seconds since the beginning.
    pub fn say(&self, what: impl Display) {
        println!("{:7.1} s  {what}", self.start.elapsed().as_secs_f64());
    }

    /// Stops the system, and returns the verdict of the run. After a failure it first copies the logs to `target/<name>`.
    ///
    /// # Errors
    /// The verdict, or a log cannot be copied.
    pub async fn end(&self, system: &System, verdict: Result<()>, name: &str) -> Result<()> {
        if verdict.is_err() {
            let kept = keep_logs(system, name)?;
            self.say(format_args!("the logs are in {}", kept.display()));
        }
        system.stop().await;
        verdict
    }
}

/// Copies the logs out of the folder of a system, which is removed.
fn keep_logs(system: &System, name: &str) -> Result<PathBuf> {
    let folder = components::target(&workspace()).join(name);
    std::fs::create_dir_all(&folder)?;
    for (name, log) in system.logs() {
        std::fs::copy(&log, folder.join(format!("{name}.log")))
            .with_context(|| format!("keeping {}", log.display()))?;
    }
    Ok(folder)
}
