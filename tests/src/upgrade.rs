//! A rolling update of a whole system under load: from the programs of one release to those of another, and back.
//!
//! The order is that of docs/releases.md: the schema, the bridges, the functions; and on the way back the functions, then the bridges, on
//! the schema as it is.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use stage::scratch::Scratch;
use stage::system::{CLIENTS, LogKind, System, SystemOptions};

use crate::client::{Api, Requests};
use crate::wait;
use crate::watched::{Report, Watched};

/// Writes that must succeed after each step.
const WRITES: u64 = 100;
/// The time limit for a bridge with a new program to be ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// The programs of a release.
#[derive(Clone, Debug)]
pub struct Release {
    pub bridge: PathBuf,
    /// The application in Spin's locked form.
    pub application: PathBuf,
}

/// What to update.
#[derive(Clone, Debug)]
pub struct Options {
    pub from: Release,
    pub to: Release,
}

/// Runs a system of its own with the programs of `from`, updates it to `to`, and takes it back.
///
/// # Errors
/// The verdict, if something was lost, duplicated or reordered; or a program does not start or does not become ready.
pub async fn run(options: Options) -> Result<()> {
    let folder = Scratch::new("upgrade")?;
    let installed = Installed {
        bridge: folder.path().join("bridge"),
        application: folder.path().join("application.lock"),
    };
    installed.put_bridge(&options.from)?;
    installed.put_application(&options.from)?;
    let system = System::start(SystemOptions {
        bridges: 2,
        hosts: 2,
        links: true,
        // Processes are replaced, never the machine, so nothing needs to survive a power failure.
        fsync: false,
        built: true,
        bridge: Some(installed.bridge.clone()),
        application: Some(installed.application.clone()),
        ..SystemOptions::new(folder.path().join("system"), LogKind::Kafka)
    })
    .await?;
    let update = Update {
        options,
        installed,
        system,
        report: Report::begin(),
    };
    let verdict = update.there_and_back().await;
    update.report.end(&update.system, verdict, "upgrade").await
}

/// Where a system finds its programs, so that its next start takes others.
struct Installed {
    bridge: PathBuf,
    application: PathBuf,
}

impl Installed {
    fn put_bridge(&self, release: &Release) -> Result<()> {
        replace(&self.bridge, &release.bridge)
    }

    fn put_application(&self, release: &Release) -> Result<()> {
        replace(&self.application, &release.application)
    }
}

/// Makes `link` lead to `target`.
fn replace(link: &Path, target: &Path) -> Result<()> {
    let target = target
        .canonicalize()
        .with_context(|| format!("finding {}", target.display()))?;
    if link.is_symlink() {
        std::fs::remove_file(link)?;
    }
    symlink(target, link).with_context(|| format!("making {}", link.display()))
}

struct Update {
    options: Options,
    installed: Installed,
    system: System,
    report: Report,
}

impl Update {
    async fn there_and_back(&self) -> Result<()> {
        let (from, to) = (&self.options.from, &self.options.to);
        let mut watched = Watched::start(&self.system).await?;
        watched.load.more(WRITES).await?;
        self.report.say("the old programs work");
        self.installed.put_bridge(to)?;
        self.system.migrate().await?;
        watched.load.more(WRITES).await?;
        self.report.say("the old programs work on the new schema");
        self.restart_bridges(&mut watched).await?;
        self.report
            .say("the old functions work with the new bridges");
        self.installed.put_application(to)?;
        self.restart_functions(&mut watched).await?;
        self.report.say("the new programs work");
        self.installed.put_application(from)?;
        self.restart_functions(&mut watched).await?;
        self.report.say("the old functions work again");
        self.installed.put_bridge(from)?;
        self.restart_bridges(&mut watched).await?;
        self.report.say("the old programs work again");
        let verdict = watched.finish(&self.system).await?;
        self.report.say(verdict);
        Ok(())
    }

    async fn restart_bridges(&self, watched: &mut Watched) -> Result<()> {
        for (number, bridge) in self.system.bridges().iter().enumerate() {
            bridge.terminate().await;
            bridge.launch().await?;
            self.bridge_ready(number).await?;
            watched.load.more(WRITES).await?;
        }
        Ok(())
    }

    /// Waits until a bridge is ready as k8s/base/bridge.yaml asks for it. An agent that is new does not listen yet.
    async fn bridge_ready(&self, number: usize) -> Result<()> {
        let bridge = Api::new(&self.system.bridge_url(number)?)?;
        wait::until("the bridge is ready", READY_LIMIT, async || {
            let answer = bridge.get("/readyz?exclude=lanes").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status.is_success())
                .then_some(()))
        })
        .await
    }

    /// Restarts the programs that run the functions, one after the other. Clients use the other one meanwhile.
    async fn restart_functions(&self, watched: &mut Watched) -> Result<()> {
        let clients = self.system.link(CLIENTS, "functions")?;
        let hosts: Vec<_> = self.system.hosts().collect();
        let [first, second] = hosts.as_slice() else {
            bail!("the system has not two hosts");
        };
        for ((host, _), (_, other)) in [(first, second), (second, first)] {
            clients.redirect(&other.to_string());
            watched.load.more(WRITES).await?;
            host.terminate().await;
            let started = host.start().await;
            started.with_context(|| format!("{} does not start", host.name()))?;
        }
        watched.load.more(WRITES).await
    }
}
