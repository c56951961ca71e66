//! A PostgreSQL server for one system: its data in a directory of its own, reachable on the loopback interface only.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, User};
use tokio::time::Instant;
use tokio_postgres::NoTls;

use super::install;
use crate::child::{Child, Process};
use crate::{ports, progress};

const OLDEST: u32 = 15;
const ADVICE: &str = "PostgreSQL 15 or newer is missing: `apt-get install postgresql`, `brew install postgresql@17`, or `docker run -p 5432:5432 -e POSTGRES_PASSWORD=postgres postgres:17` and set DATABASE_URL";
/// The server prints this when it starts while backends of a killed predecessor are still running.
const STILL_IN_USE: &str = "still in use";

/// A server that keeps its port and its data when it is restarted. The superuser is `postgres`; connections need no password.
pub struct Postgres {
    port: u16,
    process: Process,
}

impl Postgres {
    /// Starts a server with its data in `dir`. Without `fsync`, commits survive the death of the server's processes but not a
    /// power failure.
    pub async fn start(dir: impl AsRef<Path>, fsync: bool) -> Result<Self> {
        Self::start_with(dir, fsync, Vec::new()).await
    }

    /// As [`Self::start`], with additional environment variables of the server.
    pub async fn start_with(
        dir: impl AsRef<Path>,
        fsync: bool,
        env: Vec<(String, String)>,
    ) -> Result<Self> {
        let dir = dir.as_ref();
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let bin = install::ensure(binaries, &["postgresql"], ADVICE)?;
        let user = server_user()?;
        let data = data_dir(&dir)?;
        initialise(&bin, &data, user)?;
        let port = ports::remembered(&dir.join("port"))?;
        let process = Process::new("postgres", dir.join("postgres.log"), move || {
            let mut command = as_user(bin.join("postgres"), user);
            command.arg("-D").arg(&data).current_dir(&data);
            command.envs(env.iter().cloned());
            for setting in settings(port, fsync) {
                command.arg("-c").arg(setting);
            }
            command
        });
        let postgres = Self { port, process };
        postgres.launch().await?;
        Ok(postgres)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@{}/{database}", self.address())
    }

    pub fn admin_url(&self, database: &str) -> String {
        self.url("postgres", database)
    }

    /// Creates the database if it does not exist.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        create_database(&self.admin_url("postgres"), name).await
    }

    pub fn process(&self) -> &Process {
        &self.process
    }

    pub fn child(&self) -> Option<Arc<Child>> {
        self.process.child()
    }

    /// Starts it again with the same port and data, after `kill` or `stop`.
    pub async fn launch(&self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let child = self.process.launch()?;
            let url = self.admin_url("postgres");
            let ready = child.ready(Duration::from_secs(60), || answers(&url)).await;
            let leftovers = ready.is_err() && child.output().contains(STILL_IN_USE);
            if !leftovers || Instant::now() > until {
                return ready;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends SIGKILL to the server and all its backends.
    pub async fn kill(&self) {
        let Some(child) = self.child() else { return };
        child.signal_all(Signal::SIGKILL);
        child.exited().await;
    }

    /// A fast shutdown: rolls back open transactions and keeps what was committed.
    pub async fn stop(&self) {
        self.process
            .stop(Signal::SIGINT, Duration::from_secs(30))
            .await;
    }

    pub async fn restart(&self) -> Result<()> {
        self.stop().await;
        self.launch().await
    }
}

/// Creates the database if it does not exist.
pub async fn create_database(admin_url: &str, name: &str) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(admin_url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let exists = client
        .query_opt("select from pg_database where datname = $1", &[&name])
        .await?;
    if exists.is_none() {
        let quoted = name.replace('"', "\"\"");
        client
            .batch_execute(&format!("create database \"{quoted}\""))
            .await
            .with_context(|| format!("creating the database {name}"))?;
    }
    drop(client);
    connection.await??;
    Ok(())
}

/// Whether a server answers a query at this URL.
pub async fn answers(url: &str) -> bool {
    let Ok((client, connection)) = tokio_postgres::connect(url, NoTls).await else {
        return false;
    };
    let connection = tokio::spawn(connection);
    let answer = client.batch_execute("select 1").await;
    drop(client);
    let _ = connection.await;
    answer.is_ok()
}

/// Removes the data directory that `start` would use for this directory.
pub fn wipe(dir: &Path) -> Result<()> {
    if let Ok(dir) = dir.canonicalize() {
        let data = data_dir(&dir)?;
        if data.exists() {
            std::fs::remove_dir_all(&data)
                .with_context(|| format!("removing {}", data.display()))?;
        }
    }
    Ok(())
}

/// The folder with the programs of the newest installed PostgreSQL.
pub fn binaries() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> =
        ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]
            .iter()
            .filter_map(|dir| std::fs::read_dir(dir).ok())
            .flat_map(|entries| entries.flatten())
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let version = name.trim_start_matches("postgresql@").parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .filter(|(version, bin)| *version >= OLDEST && bin.join("initdb").is_file())
            .collect();
    if let Some(bin) = install::find("initdb", &[]).and_then(|path| Some(path.parent()?.to_owned()))
    {
        found.extend(
            version_of(&bin)
                .filter(|version| *version >= OLDEST)
                .map(|version| (version, bin)),
        );
    }
    found.into_iter().max().map(|(_, bin)| bin)
}

fn version_of(bin: &Path) -> Option<u32> {
    let output = Command::new(bin.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace()
        .nth(2)?
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn settings(port: u16, fsync: bool) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "max_connections=400".to_owned(),
        "shared_buffers=256MB".to_owned(),
        "max_wal_size=2GB".to_owned(),
        "log_min_messages=warning".to_owned(),
    ];
    if !fsync {
        settings.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
    }
    settings
}

/// PostgreSQL refuses to run as root. As root, we run it as the user `postgres` that Debian creates, or as nobody.
fn server_user() -> Result<Option<(Uid, Gid)>> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some((user.uid, user.gid)));
        }
    }
    bail!("PostgreSQL does not run as root and there is neither a user postgres nor nobody")
}

fn as_user(program: PathBuf, user: Option<(Uid, Gid)>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = user {
        command.uid(uid.as_raw()).gid(gid.as_raw());
    }
    command
}

/// A folder inside `dir`, or one in /var/tmp if the server's user cannot reach `dir`.
fn data_dir(dir: &Path) -> Result<PathBuf> {
    let reachable = |path: &Path| {
        path.metadata()
            .is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0)
    };
    if server_user()?.is_none() || dir.ancestors().all(reachable) {
        return Ok(dir.join("data"));
    }
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    Ok(PathBuf::from(format!(
        "/var/tmp/spindle-{:016x}",
        hasher.finish()
    )))
}

fn initialise(bin: &Path, data: &Path, user: Option<(Uid, Gid)>) -> Result<()> {
    if data.join("PG_VERSION").is_file() {
        return Ok(());
    }
    std::fs::create_dir_all(data).with_context(|| format!("creating {}", data.display()))?;
    if let Some((uid, gid)) = user {
        // Anybody may create a directory in /var/tmp, and the owner of this one could change the data.
        if data.metadata()?.uid() != 0 && data.metadata()?.uid() != uid.as_raw() {
            bail!("{} belongs to somebody else", data.display());
        }
        std::os::unix::fs::chown(data, Some(uid.as_raw()), Some(gid.as_raw()))?;
    }
    progress::step("creating a PostgreSQL cluster");
    let locale = if cfg!(target_os = "macos") {
        "en_US.UTF-8"
    } else {
        "C.UTF-8"
    };
    let output = as_user(bin.join("initdb"), user)
        .arg("-D")
        .arg(data)
        .args(["-U", "postgres", "--auth=trust", "--encoding=UTF8"])
        .arg(format!("--locale={locale}"))
        .args(["--no-sync", "--no-instructions"])
        .current_dir(data)
        .output()
        .context("running initdb")?;
    if !output.status.success() {
        let _ = std::fs::remove_dir_all(data);
        bail!(
            "initdb failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
