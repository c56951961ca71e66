//! What all commands need: the device, the connection to the server, and the tasks that arguments mean.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use client::answer::Verdict;
use client::changes::Remark;
use client::task::Task;
use client_native::api::Api;
use client_native::device::Device;
use client_native::error::{Error, describe};
use client_native::home::Home;
use client_native::http::Patience;
use client_native::session::Session;
use client_native::sync::{SYNCED_AT, exchange};
use domain::zone::Tz;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::arguments::{Arguments, Tasks};
use crate::failure::Failure;
use crate::output::{DIM, Output, YELLOW, styled};
use crate::times;

/// How long an exchange waits for the one of another process.
const EXCHANGE_PATIENCE: Duration = Duration::from_secs(10);
/// After a server could not be reached, commands that only read do not try again for as long.
const REST: TimeDelta = TimeDelta::seconds(20);
/// The note that says when the server could not be reached.
const FAILED_AT: &str = "failed at";

pub struct App<'a> {
    pub device: Device,
    pub output: &'a Output,
    offline: bool,
}

/// The folder that the arguments name.
pub fn home(arguments: &Arguments) -> Result<Home, Failure> {
    let folder = match &arguments.home {
        Some(folder) => folder.clone(),
        None => state_folder()?,
    };
    Ok(Home::open(folder)?)
}

/// Refuses a command that needs the server and must not talk to it.
pub fn needs_server(offline: bool) -> Result<(), Failure> {
    match offline {
        true => Err(Failure::usage(
            "this command needs the server, so it cannot be used with --offline",
        )),
        false => Ok(()),
    }
}

/// As the XDG Base Directory Specification has it; on Windows, the folder for data of this machine in the user's profile.
fn state_folder() -> Result<PathBuf, Failure> {
    let of = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = if cfg!(windows) {
        of("LOCALAPPDATA")
    } else {
        of("XDG_STATE_HOME").or_else(|| Some(of("HOME")?.join(".local/state")))
    };
    let state =
        state.ok_or_else(|| Failure::usage("HOME is not set").hint("name a folder with --home"))?;
    Ok(state.join("spindle"))
}

impl<'a> App<'a> {
    /// The device of whoever has signed in, also if the session has ended since.
    pub fn open(arguments: &Arguments, output: &'a Output) -> Result<Self, Failure> {
        let home = home(arguments)?;
        Session::signed_in(&home)?;
        Ok(Self {
            device: Device::open(home)?,
            output,
            offline: arguments.offline,
        })
    }

    /// The timezone of the account, or before the first sync that of this machine.
    pub fn zone(&self) -> Tz {
        let account = self.device.engine().store().account();
        let name = account
            .and_then(|account| account.get("timezone"))
            .and_then(Value::as_str);
        let own = || iana_time_zone::get_timezone().ok()?.parse().ok();
        name.and_then(|name| name.parse().ok())
            .or_else(own)
            .unwrap_or(Tz::UTC)
    }

    /// The API, for a command that needs the server.
    pub fn api(&self) -> Result<Api, Failure> {
        needs_server(self.offline)?;
        Ok(Api::open(self.device.home(), Patience::LONG)?)
    }

    /// Sends what waits and fetches what is new, for a command that needs the server. Returns whether the server has rejected something.
    pub async fn sync(&mut self, api: &Api) -> Result<bool, Failure> {
        exchange(&mut self.device, api, EXCHANGE_PATIENCE).await?;
        self.reached()?;
        Ok(self.remark())
    }

    /// Notes that the server can be reached again.
    fn reached(&mut self) -> Result<(), Failure> {
        if self
            .device
            .note(FAILED_AT)?
            .is_some_and(|at| !at.is_empty())
        {
            self.device.write_note(FAILED_AT, "")?;
        }
        Ok(())
    }

    /// Fetches what is new before something is shown, if the server can be reached.
    pub async fn freshen(&mut self) -> Result<(), Failure> {
        let failed_at = self.device.note(FAILED_AT)?.unwrap_or_default();
        let rests =
            DateTime::parse_from_rfc3339(&failed_at).is_ok_and(|at| times::now() < at + REST);
        if self.offline || rests {
            return Ok(());
        }
        if let Some(reason) = self.attempt().await? {
            let synced_at = self.device.note(SYNCED_AT)?;
            let since = synced_at.map(|at| times::show_written(&json!(at), self.zone()));
            let since = since.map_or("nothing was fetched yet".to_owned(), |at| {
                format!("this is what was here {at}")
            });
            self.output
                .note(styled(YELLOW, format!("{reason}; {since}")));
        }
        Ok(())
    }

    /// Sends what a command has changed, if the server can be reached. It is saved in any case. Returns whether the server has rejected
    /// something.
    pub async fn deliver(&mut self) -> Result<bool, Failure> {
        let reason = match self.offline {
            true => Some("--offline".to_owned()),
            false => self.attempt().await?,
        };
        let waiting = self.device.engine().pending().len();
        if let Some(reason) = reason.filter(|_| waiting > 0) {
            let text =
                format!("saved here; will be sent at the next sync, {waiting} waiting ({reason})");
            self.output.note(styled(YELLOW, text));
        }
        Ok(self.remark())
    }

    /// An exchange that may fail: returns why.
    async fn attempt(&mut self) -> Result<Option<String>, Failure> {
        let api = Api::open(self.device.home(), Patience::BRIEF)?;
        match exchange(&mut self.device, &api, EXCHANGE_PATIENCE).await {
            Ok(()) => {
                self.reached()?;
                Ok(None)
            }
            Err(error @ (Error::Store(_) | Error::Saved(_) | Error::File { .. })) => {
                Err(error.into())
            }
            Err(Error::SessionEnded | Error::NotSignedIn) => {
                Ok(Some("the session has ended: `spindle login`".to_owned()))
            }
            Err(error) => {
                if matches!(error, Error::Unreachable { .. }) {
                    self.device
                        .write_note(FAILED_AT, &times::rfc3339(times::now()))?;
                }
                Ok(Some(error.to_string()))
            }
        }
    }

    /// Says what the server has merged, found in conflict or rejected. Returns whether it has rejected something.
    pub fn remark(&mut self) -> bool {
        let mut rejected = false;
        for remark in self.device.take_remarks() {
            rejected |= remark.result == Verdict::Rejected;
            if let Some(text) = describe_remark(&self.device, &remark) {
                self.output.note(styled(YELLOW, text));
            }
        }
        rejected
    }

    /// The task that an argument means: a number, or an id or its beginning.
    pub fn task(&mut self, written: &str) -> Result<Task, Failure> {
        let numbers = self.device.numbers()?;
        let by_number = written.parse::<u32>().ok().and_then(|number| {
            let mut found = numbers.iter().filter(|(_, given)| **given == number);
            found.next().map(|(id, _)| *id)
        });
        let engine = self.device.engine();
        if let Some(task) = by_number.and_then(|id| engine.task(id)) {
            return Ok(task);
        }
        let beginning = written.to_lowercase();
        let is_id =
            beginning.len() >= 4 && beginning.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let mut found: Vec<Task> = Vec::new();
        if is_id {
            found.extend(
                engine
                    .tasks()
                    .filter(|task| task.id.to_string().starts_with(&beginning)),
            );
        }
        match (found.pop(), found.is_empty()) {
            (Some(task), true) => Ok(task),
            (Some(_), false) => {
                let several = found.len() + 1;
                Err(Failure::refused(format!(
                    "{several} tasks have ids that begin with {written}"
                ))
                .hint("give more of the id"))
            }
            (None, _) => Err(Failure::refused(format!("there is no task {written}"))
                .hint("`spindle list` prints the numbers of tasks")),
        }
    }

    /// The tasks that arguments mean, each once.
    pub fn tasks(&mut self, written: &Tasks) -> Result<Vec<Task>, Failure> {
        let mut found: Vec<Task> = Vec::new();
        for written in &written.tasks {
            let task = self.task(written)?;
            if found.iter().all(|known| known.id != task.id) {
                found.push(task);
            }
        }
        Ok(found)
    }

    /// Tasks with their short numbers. `renew` is for lists: numbers of closed tasks become free.
    pub fn numbered(&mut self, tasks: Vec<Task>, renew: bool) -> Result<Vec<Numbered>, Failure> {
        let ids: Vec<Uuid> = tasks.iter().map(|task| task.id).collect();
        let numbers: BTreeMap<Uuid, u32> = self.device.number(&ids, renew)?;
        let pending = self.device.engine().pending();
        let waits: std::collections::BTreeSet<Uuid> =
            pending.iter().map(|operation| operation.task_id).collect();
        let numbered = tasks.into_iter().map(|task| Numbered {
            number: numbers.get(&task.id).copied().unwrap_or_default(),
            pending: waits.contains(&task.id),
            task,
        });
        Ok(numbered.collect())
    }
}

/// A task with its short number.
#[derive(serde::Serialize)]
pub struct Numbered {
    pub number: u32,
    /// Whether a change of it waits to be sent.
    pub pending: bool,
    #[serde(flatten)]
    pub task: Task,
}

impl Numbered {
    pub fn title(&self) -> &str {
        self.task.text("title")
    }

    /// One line, as `spindle add` prints it.
    pub fn line(&self) -> String {
        format!("{}  {}", styled(DIM, self.number), self.title())
    }
}

/// What a person is told about an operation that was not simply applied; `None` if it is nothing.
pub fn describe_remark(device: &Device, remark: &Remark) -> Option<String> {
    let task = device.engine().task(remark.operation.task_id);
    let sets = remark.operation.change.sets().unwrap_or_default();
    let title = match &task {
        Some(task) => task.text("title"),
        None => sets
            .get("title")
            .and_then(Value::as_str)
            .unwrap_or("a task"),
    };
    match remark.result {
        Verdict::Rejected => {
            let problem = remark.problem.clone().unwrap_or_default();
            let why = describe(0, &problem);
            Some(format!(
                "rejected: {title}: {why} (`spindle conflicts` keeps what you wrote)"
            ))
        }
        Verdict::Conflict => {
            let fields = remark
                .conflicts
                .iter()
                .filter_map(|conflict| conflict.get("field")?.as_str());
            let fields: Vec<_> = fields.collect();
            Some(format!(
                "conflict: {title}: somebody else had changed {} too; yours holds, and `spindle conflicts` has theirs",
                fields.join(", ")
            ))
        }
        Verdict::Merged if remark.restored => Some(format!(
            "{title}: somebody else had deleted it; your edit has brought it back"
        )),
        Verdict::Merged | Verdict::Applied => None,
    }
}
