//! The program `spindle`, run as a person runs it: each of these is a device with a home folder of its own.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use stage::components::{Profile, program};
use stage::proxy::Proxy;
use stage::scratch::Scratch;
use stage::system::workspace;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use crate::client::{PASSWORD, User};
use crate::fixture::Fixture;

/// The time limit of what takes a moment when nothing is broken.
const LIMIT: Duration = Duration::from_secs(20);

/// A device of a user. It reaches the API through a proxy of its own, which can break.
pub struct Spindle {
    home: Scratch,
    /// `None` while the server is away.
    proxy: Option<Proxy>,
    target: String,
    server: String,
    live: String,
}

/// What a command has done.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Spindle {
    /// A device that nobody has signed in at.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn new(fixture: &Fixture) -> Result<Self> {
        let target = fixture.api.base().trim_start_matches("http://");
        let proxy = Proxy::start(target).await?;
        Ok(Self {
            home: Scratch::new("spindle")?,
            server: format!("http://{}", proxy.address()),
            live: format!("http://{}", fixture.system.live_address(0)?),
            target: target.to_owned(),
            proxy: Some(proxy),
        })
    }

    /// Lets the server be away from now on: connections are refused.
    pub fn cut_off(&mut self) {
        self.proxy = None;
    }

    /// Lets the server come back.
    ///
    /// # Errors
    /// Its port is taken.
    pub async fn come_back(&mut self) -> Result<()> {
        let port = self.server.rsplit_once(':').context("no port")?.1;
        self.proxy = Some(Proxy::start_on(port.parse()?, &self.target).await?);
        Ok(())
    }

    /// The connection to the server.
    ///
    /// # Errors
    /// The server is away.
    pub fn proxy(&self) -> Result<&Proxy> {
        self.proxy.as_ref().context("the server is away")
    }

    /// A device at which this user has signed in.
    ///
    /// # Errors
    /// The command fails.
    pub async fn of(fixture: &Fixture, user: &User) -> Result<Self> {
        let device = Self::new(fixture).await?;
        let ran = device.login(&user.email, PASSWORD).await?;
        ensure!(ran.code == 0, "login: {ran:?}");
        Ok(device)
    }

    /// Signs in, with the password on standard input.
    ///
    /// # Errors
    /// The program does not run.
    pub async fn login(&self, email: &str, password: &str) -> Result<Ran> {
        let arguments = [
            "login",
            &self.server,
            "--live",
            &self.live,
            "--email",
            email,
        ];
        let mut child = self.command(&arguments).stdin(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        stdin.write_all(format!("{password}\n").as_bytes()).await?;
        drop(stdin);
        Ran::of(child.wait_with_output().await?)
    }

    /// A command that is not started yet. It ends with its owner.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program(&workspace(), Profile::Gate, "spindle"));
        command
            .args(arguments)
            .env("SPINDLE_HOME", self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end, whatever its exit code is.
    ///
    /// # Errors
    /// The program does not run.
    pub async fn run(&self, arguments: &[&str]) -> Result<Ran> {
        Ran::of(self.command(arguments).output().await?)
    }

    /// Runs a command with `--json` and returns what it prints.
    ///
    /// # Errors
    /// It fails, or prints no JSON.
    pub async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let ran = self.run(&[arguments, &["--json"]].concat()).await?;
        ensure!(ran.code == 0, "spindle {arguments:?}: {ran:?}");
        serde_json::from_str(&ran.stdout).with_context(|| format!("spindle {arguments:?}: {ran:?}"))
    }

    /// The titles that `list` prints, with these arguments.
    ///
    /// # Errors
    /// The command fails.
    pub async fn titles(&self, arguments: &[&str]) -> Result<Vec<String>> {
        let listed = self.json(&[&["list"], arguments].concat()).await?;
        let tasks = listed.as_array().context("no list")?;
        let titles = tasks.iter().map(|task| task["title"].as_str());
        Ok(titles.flatten().map(str::to_owned).collect())
    }

    /// The number of a task with this title in `list --all`.
    ///
    /// # Errors
    /// There is none.
    pub async fn number(&self, title: &str) -> Result<String> {
        let listed = self.json(&["list", "--all"]).await?;
        let tasks = listed.as_array().context("no list")?;
        let task = tasks.iter().find(|task| task["title"] == title);
        let task = task.with_context(|| format!("no task {title}: {listed}"))?;
        Ok(task["number"].to_string())
    }

    /// A file of the home folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The session.
    ///
    /// # Errors
    /// There is none.
    pub fn session(&self) -> Result<Value> {
        let text = std::fs::read(self.file("session.json"))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Replaces the session.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn set_session(&self, session: &Value) -> Result<()> {
        Ok(std::fs::write(
            self.file("session.json"),
            session.to_string(),
        )?)
    }
}

impl Ran {
    /// The result of a process that has ended.
    ///
    /// # Errors
    /// It was killed, or prints what is not UTF-8.
    pub fn of(output: Output) -> Result<Self> {
        Ok(Self {
            code: output.status.code().context("the program was killed")?,
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// Checks the exit code, and that standard error contains this.
    ///
    /// # Errors
    /// It is another one.
    pub fn expect(self, code: i32, said: &str) -> Result<Self> {
        ensure!(self.code == code, "expected exit code {code}: {self:?}");
        ensure!(self.stderr.contains(said), "no {said:?}: {self:?}");
        Ok(self)
    }
}

/// A running `spindle watch --json`.
pub struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    /// Starts it, and waits until it is connected.
    ///
    /// # Errors
    /// It does not connect.
    pub async fn start(device: &Spindle) -> Result<Self> {
        let mut watching = Self::spawn(device)?;
        watching.says("connected").await?;
        Ok(watching)
    }

    /// Starts it.
    ///
    /// # Errors
    /// The program does not run.
    pub fn spawn(device: &Spindle) -> Result<Self> {
        let mut child = device.command(&["watch", "--json"]).spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let stderr = child.stderr.take().context("no standard error")?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout).lines(),
            said: BufReader::new(stderr).lines(),
        })
    }

    /// Waits until its connection is in this state, `connected` or `interrupted`.
    ///
    /// # Errors
    /// It ends, or takes too long.
    pub async fn says(&mut self, state: &str) -> Result<()> {
        let wanted = format!("\"event\":\"{state}\"");
        let said = async {
            while let Some(line) = self.said.next_line().await? {
                if line.contains(&wanted) {
                    return Ok(());
                }
            }
            bail!("spindle watch has ended")
        };
        let said = timeout(LIMIT, said).await;
        said.with_context(|| format!("not {state}"))?
    }

    /// Reads nothing more.
    #[must_use]
    pub fn unread(self) -> Child {
        self.child
    }

    /// The next event.
    ///
    /// # Errors
    /// None comes in time.
    pub async fn event(&mut self) -> Result<Value> {
        let line = timeout(LIMIT, self.lines.next_line());
        let line = line.await.context("no event came")??;
        Ok(serde_json::from_str(
            &line.context("spindle watch has ended")?,
        )?)
    }
}
