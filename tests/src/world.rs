//! One running system with a database connection beside it, and the judgement that ends every test on it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use stage::scratch::Scratch;
use stage::supervise::Supervised;
use stage::system::{System, SystemOptions};
use tokio_postgres::{Client, NoTls};

use crate::client::{Api, Calls, Person};
use crate::contract::Contract;
use crate::{tokens, wait};

/// How long what a test left on its way may take to arrive.
const QUIET: Duration = Duration::from_secs(30);

pub use stage::system::Log;

/// What a test gets.
pub struct World {
    pub system: System,
    pub api: Api,
    /// As the owner of the database: the checker reads what no role of Spindle may.
    pub database: Client,
    log: Log,
    allowed: Vec<String>,
    _folder: Scratch,
    /// How long each log file was when the test began.
    marks: BTreeMap<PathBuf, u64>,
}

impl World {
    /// # Errors
    /// Where a part does not start.
    pub async fn start(log: Log) -> Result<Self> {
        let folder = Scratch::new("system")?;
        let mut options = SystemOptions::new(folder.path(), log);
        options.bridges = 2;
        options.bridge_env = vec![("LOG_FORMAT".to_owned(), "json".to_owned())];
        let system = System::start(options).await?;
        // Most tests have one bridge, so that nothing hides behind the other's help.
        system.bridge(1)?.terminate().await;
        let api = Api::new(&system.api_url())?;
        let api = api.under(Contract::of(&system.api_url()).await?);
        let database = connect(&system.database_url()).await?;
        Ok(Self {
            system,
            api,
            database,
            log,
            _folder: folder,
            allowed: Vec::new(),
            marks: BTreeMap::new(),
        })
    }

    /// Forgets what the test before was allowed.
    ///
    /// # Errors
    /// Where a log cannot be read.
    pub async fn begin(&mut self) -> Result<()> {
        self.allowed.clear();
        self.marks.clear();
        self.api.contract()?.broken();
        // Servers' logs speak of their own troubles; ours must be free of errors.
        for part in [self.system.host()?]
            .into_iter()
            .chain(self.system.bridges())
        {
            let length = std::fs::metadata(part.log()).map_or(0, |file| file.len());
            self.marks.insert(part.log().to_owned(), length);
        }
        Ok(())
    }

    /// Lines at the level ERROR that contain this are expected in this test.
    pub fn allow(&mut self, text: &str) {
        self.allowed.push(text.to_owned());
    }

    /// # Errors
    /// Where Postgres is not back.
    pub async fn reconnect(&mut self) -> Result<()> {
        self.database = connect(&self.system.database_url()).await?;
        Ok(())
    }

    #[must_use]
    pub fn log(&self) -> Log {
        self.log
    }

    /// The bridge that every test has.
    ///
    /// # Errors
    /// Never, as long as a system has one.
    pub fn bridge(&self) -> Result<&Supervised> {
        self.system.bridge(0)
    }

    /// Waits until nothing is on its way to the log.
    ///
    /// # Errors
    /// Where something still is at the limit.
    pub async fn quiet(&self) -> Result<()> {
        wait::until("the outbox is empty", QUIET, async || {
            let row = self
                .database
                .query_one(include_str!("outbox.sql"), &[])
                .await?;
            let (waiting, first): (i64, Option<String>) = (row.get(0), row.get(1));
            ensure!(
                waiting == 0,
                "{waiting} rows wait, the first is {}",
                first.unwrap_or_default()
            );
            Ok(Some(()))
        })
        .await
    }

    /// What must hold at the end of every test: nothing left on its way, no dead letter, no error that a person must see to.
    ///
    /// # Errors
    /// Names what does not hold.
    pub async fn judge(&self) -> Result<()> {
        let broken = self.api.contract()?.broken();
        ensure!(
            broken.is_empty(),
            "{} answers are not as described:\n  {}",
            broken.len(),
            first(&broken, 10)
        );
        self.quiet().await?;
        let letters = self.open_dead_letters().await?;
        ensure!(letters.is_empty(), "unexpected dead letters: {letters:?}");
        let errors: Vec<_> = self
            .errors()
            .into_iter()
            .filter(|line| !self.allowed.iter().any(|text| line.contains(text)))
            .collect();
        ensure!(
            errors.is_empty(),
            "{} unexpected errors in the logs:\n  {}",
            errors.len(),
            first(&errors, 10)
        );
        Ok(())
    }

    /// Ids of the events that were given up and not dealt with since.
    ///
    /// # Errors
    /// Where the bridge's command fails.
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
                    .context("a dead letter has an id")?
                    .to_owned())
            })
            .collect()
    }

    /// How many events the bridge has given up since it started.
    ///
    /// # Errors
    /// Where its metrics cannot be read.
    pub async fn given_up(&self) -> Result<u64> {
        let bridge = Api::new(&self.system.bridge_url(0)?)?;
        let metrics = bridge.get("/metrics").send().await?.expect(200)?;
        let metrics = String::from_utf8(metrics.body)?;
        let counters = metrics
            .lines()
            .filter(|line| line.contains("dead_letters_total{"));
        let counts = counters.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
        Ok(counts.sum())
    }

    /// Runs `bridge dead-letters …` as an operator would.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn dead_letters(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.system.bridge_command()?;
        command.arg("dead-letters").args(arguments);
        printed(command).await
    }

    /// Access tokens for `person` that must not be accepted, by what is wrong with them.
    ///
    /// # Errors
    /// Where the system's keys cannot be read.
    pub fn forge(&self, person: &Person) -> Result<Vec<(&'static str, String)>> {
        tokens::forged(person, self.system.token_keys())
    }

    /// The ends of the logs, for somebody who wonders why a test failed.
    #[must_use]
    pub fn last_words(&self) -> String {
        let mut words = format!(
            "on the {:?} log; the system's own logs said since the test began:",
            self.log
        );
        for (log, mark) in &self.marks {
            let lines: Vec<_> = since(log, *mark).lines().map(str::to_owned).collect();
            let end = lines
                .get(lines.len().saturating_sub(12)..)
                .unwrap_or_default();
            words.push_str(&format!("\n{}\n  {}", log.display(), end.join("\n  ")));
        }
        words
    }

    fn errors(&self) -> Vec<String> {
        let mut errors = Vec::new();
        for (log, mark) in &self.marks {
            let name = log.file_name().unwrap_or_default().to_string_lossy();
            let text = since(log, *mark);
            let wrong = text.lines().filter(|line| is_error(line));
            errors.extend(wrong.map(|line| format!("{name}: {line}")));
        }
        errors
    }
}

/// Runs a command to its end and answers with what it printed.
///
/// # Errors
/// Where it fails, with what it said.
pub async fn printed(command: std::process::Command) -> Result<String> {
    let shown = format!("{:?}", command.get_args().collect::<Vec<_>>());
    let output = tokio::process::Command::from(command).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "bridge {shown} failed: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Lines of functions and of the bridge, as JSON or as text for a terminal.
fn is_error(line: &str) -> bool {
    [
        r#""level":"ERROR""#,
        r#""level":"error""#,
        " ERROR ",
        "panicked at",
    ]
    .iter()
    .any(|sign| line.contains(sign))
}

fn first(lines: &[String], most: usize) -> String {
    lines
        .iter()
        .take(most)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n  ")
}

fn since(log: &Path, mark: u64) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let _ = file.seek(SeekFrom::Start(mark));
        let _ = file.read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // It ends with the client or with Postgres; whoever asks next is told.
    tokio::spawn(connection);
    Ok(client)
}
