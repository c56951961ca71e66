//! The fixture of a system test: a running system, a client of its API, a database connection, and the checks that end every
//! test.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use stage::scratch::Scratch;
use stage::supervise::Supervised;
pub use stage::system::LogKind;
use stage::system::{Runtime, System, SystemOptions};
use tokio_postgres::{Client, NoTls};

use crate::checker::outbox_is_empty;
use crate::client::{Api, Requests, User};
use crate::contract::Contract;
use crate::{live, tokens};

/// The time limit for an acknowledged write to reach the audit trail while nothing is broken.
pub const DELIVERY_LIMIT: Duration = Duration::from_secs(60);
/// The time limit for the outbox to become empty after a test has stopped writing.
const DRAIN_LIMIT: Duration = Duration::from_secs(60);

/// A running system and what a test needs to use it.
pub struct Fixture {
    pub system: System,
    /// An anonymous client, which checks every response against the OpenAPI document.
    pub api: Api,
    /// A connection as the owner of the database, because the checks read more than the roles of Spindle may.
    pub database: Client,
    log: LogKind,
    /// Texts of log lines at level ERROR that the current test expects.
    expected_errors: Vec<String>,
    _folder: Scratch,
    /// The length of each log file when the current test began.
    log_starts: BTreeMap<PathBuf, u64>,
}

impl Fixture {
    /// Starts a system with two bridges and stops the second, which few tests use. Its parts reach each other through proxies.
    ///
    /// # Errors
    /// A part of the system does not start.
    pub async fn start(log: LogKind) -> Result<Self> {
        let folder = Scratch::new("system")?;
        let mut options = SystemOptions::new(folder.path(), log);
        options.runtime = Runtime::from_environment()?;
        // One of the systems has another prefix than the default.
        if log == LogKind::Kafka {
            options.external.redis_prefix = Some("on-kafka".to_owned());
        }
        options.bridges = 2;
        options.links = true;
        // Tests kill processes, never the machine, so nothing needs to survive a power failure.
        options.fsync = false;
        let ping = live::PING.as_secs().to_string();
        options.bridge_env = [
            ("LOG_FORMAT", "json"),
            ("LIVE_ORIGINS", live::ORIGIN),
            ("LIVE_PING_SECONDS", &ping),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let system = System::start(options).await?;
        // With a second bridge, most faults of the first would have no effect that a test could see.
        system.bridge(1)?.terminate().await;
        let api = Api::new(&system.api_url())?;
        let api = api.checked_against(Contract::fetch(&system.api_url()).await?);
        let database = connect(&system.database_url()).await?;
        Ok(Self {
            system,
            api,
            database,
            log,
            _folder: folder,
            expected_errors: Vec::new(),
            log_starts: BTreeMap::new(),
        })
    }

    /// Forgets what the previous test expected, and marks where each log file ends.
    ///
    /// # Errors
    /// The API has no OpenAPI document to check against.
    pub fn begin_test(&mut self) -> Result<()> {
        self.expected_errors.clear();
        self.log_starts.clear();
        self.api.contract()?.take_violations();
        // Only the logs of our own programs must be free of errors; servers report outages that a test causes.
        for part in [self.system.host()?]
            .into_iter()
            .chain(self.system.bridges())
        {
            let length = std::fs::metadata(part.log()).map_or(0, |file| file.len());
            self.log_starts.insert(part.log().to_owned(), length);
        }
        Ok(())
    }

    /// Lets this test log lines at level ERROR that contain `text`.
    pub fn expect_error(&mut self, text: &str) {
        self.expected_errors.push(text.to_owned());
    }

    /// Lets this test break connections of the functions to Redis. A trigger ends with its connection, and all functions with it. The spin CLI
    /// logs that, and the requests that it cuts off, as errors.
    pub fn expect_end_of_functions(&mut self) {
        self.expect_error("Trigger executor failed");
        self.expect_error("guest invocation panicked");
    }

    /// Replaces the database connection, for instance after Postgres was restarted.
    ///
    /// # Errors
    /// Postgres does not accept connections.
    pub async fn reconnect(&mut self) -> Result<()> {
        self.database = connect(&self.system.database_url()).await?;
        Ok(())
    }

    /// Another connection as the owner of the database, for a transaction that stays open.
    ///
    /// # Errors
    /// Postgres does not accept connections.
    pub async fn connect(&self) -> Result<Client> {
        connect(&self.system.database_url()).await
    }

    /// Where the system's event log is stored.
    #[must_use]
    pub fn log(&self) -> LogKind {
        self.log
    }

    /// The bridge that runs in every test.
    ///
    /// # Errors
    /// The system has no bridge.
    pub fn bridge(&self) -> Result<&Supervised> {
        self.system.bridge(0)
    }

    /// Checks what must hold at the end of every test: every response matched the OpenAPI document, the outbox drains, no
    /// dead letter is open, and our programs logged no unexpected error.
    ///
    /// # Errors
    /// Names what does not hold.
    pub async fn end_test(&self) -> Result<()> {
        let violations = self.api.contract()?.take_violations();
        ensure!(
            violations.is_empty(),
            "{} responses do not match the OpenAPI document:\n  {}",
            violations.len(),
            first(&violations, 10)
        );
        outbox_is_empty(&self.database, DRAIN_LIMIT).await?;
        let letters = self.open_dead_letters().await?;
        ensure!(letters.is_empty(), "unexpected dead letters: {letters:?}");
        let errors: Vec<_> = self
            .errors()
            .into_iter()
            .filter(|line| !self.expected_errors.iter().any(|text| line.contains(text)))
            .collect();
        ensure!(
            errors.is_empty(),
            "{} unexpected errors in the logs:\n  {}",
            errors.len(),
            first(&errors, 10)
        );
        Ok(())
    }

    /// The ids of the dead letters that nobody has replayed or discarded.
    ///
    /// # Errors
    /// The bridge's command fails.
    pub async fn open_dead_letters(&self) -> Result<Vec<String>> {
        let listed = self.dead_letters(&["list", "--json"]).await?;
        let letters = listed
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(serde_json::from_str::<serde_json::Value>);
        letters
            .map(|letter| {
                Ok(letter?["id"]
                    .as_str()
                    .context("a dead letter has no id")?
                    .to_owned())
            })
            .collect()
    }

    /// How many events the bridge has put into a dead-letter topic since it started, from its metrics.
    ///
    /// # Errors
    /// The metrics cannot be read.
    pub async fn dead_letters_total(&self) -> Result<u64> {
        let bridge = Api::new(&self.system.bridge_url(0)?)?;
        let metrics = bridge.get("/metrics").send().await?.expect(200)?;
        let metrics = String::from_utf8(metrics.body)?;
        let counters = metrics
            .lines()
            .filter(|line| line.contains("dead_letters_total{"));
        let counts = counters.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
        Ok(counts.sum())
    }

    /// Runs `bridge dead-letters …`, as an operator does, and returns its standard output.
    ///
    /// # Errors
    /// The command fails; the error contains its standard error.
    pub async fn dead_letters(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.system.bridge_command()?;
        command.arg("dead-letters").args(arguments);
        output_of(command).await
    }

    /// Access tokens for `user` that the API must reject, each with its fault.
    ///
    /// # Errors
    /// The system's signing keys cannot be read.
    pub fn forged_tokens(&self, user: &User) -> Result<Vec<(&'static str, String)>> {
        tokens::forged(user, self.system.token_keys())
    }

    /// The last lines that our programs logged since the test began, to show beside a failure.
    #[must_use]
    pub fn log_tails(&self) -> String {
        let mut tails = format!(
            "event log: {:?}; the last lines that our programs logged since the test began:",
            self.log
        );
        for (log, start) in &self.log_starts {
            let lines: Vec<_> = text_from(log, *start).lines().map(str::to_owned).collect();
            let end = lines
                .get(lines.len().saturating_sub(12)..)
                .unwrap_or_default();
            tails.push_str(&format!("\n{}\n  {}", log.display(), end.join("\n  ")));
        }
        tails
    }

    /// Every error that our programs logged since the test began.
    fn errors(&self) -> Vec<String> {
        let mut errors = Vec::new();
        for (log, start) in &self.log_starts {
            let name = log.file_name().unwrap_or_default().to_string_lossy();
            let text = text_from(log, *start);
            let found = text.lines().filter(|line| is_error(line));
            errors.extend(found.map(|line| format!("{name}: {line}")));
        }
        errors
    }
}

/// Runs a command of the bridge to its end and returns its standard output.
///
/// # Errors
/// The command fails; the error contains its standard error.
pub async fn output_of(command: std::process::Command) -> Result<String> {
    let arguments = format!("{:?}", command.get_args().collect::<Vec<_>>());
    let output = tokio::process::Command::from(command).output().await?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "bridge {arguments} failed: {stderr}"
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a line is logged at level ERROR, as JSON or as text, or is a panic.
fn is_error(line: &str) -> bool {
    [
        r#""level":"ERROR""#,
        r#""level":"error""#,
        " ERROR ",
        "panicked at",
    ]
    .iter()
    .any(|mark| line.contains(mark))
}

fn first(lines: &[String], most: usize) -> String {
    lines
        .iter()
        .take(most)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n  ")
}

/// The text of a file after its first `start` bytes.
fn text_from(log: &Path, start: u64) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let _ = file.seek(SeekFrom::Start(start));
        let _ = file.read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Connects to a database.
///
/// # Errors
/// Postgres does not accept connections.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // The task ends with the client or with Postgres; the next query then returns the error.
    tokio::spawn(connection);
    Ok(client)
}
