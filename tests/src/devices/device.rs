//! A device on the real system: a person, whose engine talks to the API and to the gateway, and loses what goes wrong on the way.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::{SecondsFormat, SubsecRound, TimeDelta, Utc};
use devices::edits::Clock;
use devices::person::Person;
use devices::random::Random;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use super::calls::{self, Reply};
use super::operations::Acknowledged;
use super::steps::{Event, Step};
use crate::client::{Requests, User};
use crate::live::{Heard, Socket};
use crate::wait;

/// How often a device without a live connection asks for what is new.
const POLL: Duration = Duration::from_secs(1);
/// How long a device listens until it looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// What is seen of a device from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Status {
    /// The number up to which it is complete.
    pub seq: u64,
    /// Whether nothing is due, or under way.
    pub is_idle: bool,
    pub steps: usize,
}

/// A request that is under way.
pub(super) struct Asked {
    pub(super) number: u64,
    pub(super) call: Value,
    /// The highest number that a live message had named before.
    pub(super) told: u64,
}

/// A connection and what it began with.
pub(super) type Joined = Box<(Socket, Value)>;

/// A batch and its results.
pub(super) type Answered = (Vec<Value>, Value);

/// What has happened to a device.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub answers_lost: usize,
    pub given_up: usize,
    pub sent_twice: usize,
    pub restarts: usize,
    pub connections: usize,
    pub messages: usize,
    /// Live messages after which something was missing.
    pub gaps: usize,
}

/// One device.
pub struct Device {
    pub person: Person,
    pub acknowledged: Acknowledged,
    pub counts: Counts,
    pub(super) user: User,
    pub(super) gateway: SocketAddr,
    pub(super) random: Random,
    /// How far its clock is off.
    skew: TimeDelta,
    /// Whether it has no live connection.
    pub(super) polls: bool,
    pub(super) is_online: bool,
    pub(super) asked: Option<Asked>,
    pub(super) reply: Option<JoinHandle<Result<Reply>>>,
    /// Requests whose answers nobody waits for.
    pub(super) others: JoinSet<Result<Option<Answered>>>,
    pub(super) socket: Option<Socket>,
    pub(super) joining: Option<JoinHandle<Result<Joined>>>,
    /// The number of the last message of this connection, and the highest number of all.
    pub(super) heard: u64,
    pub(super) told: u64,
    /// Whether something was missing that no pull has brought since.
    pub(super) owes_pull: bool,
    pub(super) entity_tag: Option<(Option<String>, String)>,
    pub(super) loses_answer: bool,
    pub(super) sends_twice: bool,
    pub(super) expires: bool,
    pub(super) ask_at: Instant,
    pub(super) poll_at: Instant,
    pub(super) join_at: Instant,
    started: Instant,
    status: watch::Sender<Status>,
}

/// What a device waits for.
enum Happened {
    Nothing,
    Reply(Result<Reply>),
    Message(Result<Heard>),
    Joined(Result<Joined>),
}

impl Device {
    /// The device of this number of a user. The first one has no live connection.
    pub fn new(number: usize, world: Uuid, user: User, gateway: SocketAddr, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let minutes = i64::try_from(random.below(600)).unwrap_or_default() - 300;
        let now = Instant::now();
        Self {
            person: Person::new(number, world),
            acknowledged: Acknowledged::default(),
            counts: Counts::default(),
            user,
            gateway,
            random,
            skew: TimeDelta::minutes(minutes),
            polls: number == 0,
            is_online: true,
            asked: None,
            reply: None,
            others: JoinSet::new(),
            socket: None,
            joining: None,
            heard: 0,
            told: 0,
            owes_pull: false,
            entity_tag: None,
            loses_answer: false,
            sends_twice: false,
            expires: false,
            ask_at: now,
            poll_at: now,
            join_at: now,
            started: now,
            status: watch::Sender::default(),
        }
    }

    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Does the steps and says so in `done`. Then it goes on without trouble until `stop` is set.
    ///
    /// # Errors
    /// The server breaks a rule.
    pub async fn run(
        mut self,
        steps: Vec<Step>,
        done: watch::Sender<Vec<String>>,
        stop: watch::Receiver<bool>,
    ) -> Result<Self> {
        for step in steps {
            let at = self.started.elapsed().as_secs_f32();
            let line = format!("{at:7.3} s  device {}  {step:?}", self.person.number);
            done.send_modify(|done| done.push(line));
            self.step(&step);
            self.status.send_modify(|status| status.steps += 1);
            self.work(step.pause).await?;
        }
        self.is_online = true;
        self.loses_answer = false;
        while !*stop.borrow() {
            self.work(LOOK).await?;
        }
        Ok(self)
    }

    fn clock(&self) -> Clock {
        let time = |time: chrono::DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        Clock {
            now: time(Utc::now() + self.skew),
            // As the server writes it: a whole second has no fraction.
            soon: (Utc::now() + TimeDelta::seconds(2))
                .trunc_subsecs(3)
                .to_rfc3339_opts(SecondsFormat::AutoSi, true),
        }
    }

    fn step(&mut self, step: &Step) {
        match step.event {
            Event::Act(act) => self.person.act(act, step.choice, &self.clock()),
            Event::Undo => self.person.undo(&self.clock()),
            Event::Other => self.change_something_else(step.choice),
            Event::Offline => {
                self.is_online = false;
                self.give_up();
                self.unplug();
            }
            Event::Online => self.is_online = true,
            Event::LoseAnswer => self.loses_answer = true,
            Event::GiveUp => self.give_up(),
            Event::Twice => self.sends_twice = true,
            Event::Restart => {
                self.counts.restarts += 1;
                self.give_up();
                self.unplug();
                self.person.restart();
                // The new process knows nothing of what the old one has heard.
                self.owes_pull = false;
                self.entity_tag = None;
            }
            Event::Unplug => self.unplug(),
            Event::Expire => self.expires = true,
            Event::Refresh => self.person.engine.refresh(),
        }
    }

    /// A request of another program of the same user. It may fail.
    fn change_something_else(&mut self, choice: usize) {
        if !self.is_online {
            return;
        }
        let user = self.user.clone();
        self.others.spawn(async move {
            let request = match choice % 2 {
                0 => user
                    .patch("/api/auth/me")
                    .json(&json!({"name": format!("Name {choice}")})),
                _ => user
                    .post("/api/notifications/read")
                    .json(&json!({"ids": null})),
            };
            // What has come of it comes to all devices.
            let _ = request.send().await;
            Ok(None)
        });
    }

    /// Sends and receives for this long.
    async fn work(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        loop {
            while let Some(late) = self.others.try_join_next() {
                if let Some((batch, answer)) = late?? {
                    self.acknowledged
                        .note(self.person.number, &batch, &answer)?;
                }
            }
            let is_idle = self.begin();
            self.status.send_modify(|status| {
                status.seq = self.person.engine.store().seq;
                status.is_idle = is_idle;
            });
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            let wake = until.min(now + LOOK);
            let happened = tokio::select! {
                reply = ended(&mut self.reply) => Happened::Reply(reply),
                message = heard(&mut self.socket) => Happened::Message(message),
                joined = ended(&mut self.joining) => Happened::Joined(joined),
                () = wait::during(wake - now) => Happened::Nothing,
            };
            match happened {
                Happened::Nothing => {}
                Happened::Reply(reply) => self.replied(reply?)?,
                Happened::Message(message) => self.heard(message)?,
                Happened::Joined(joined) => self.joined(joined)?,
            }
        }
    }

    /// Begins what is due. Says whether nothing is due, or under way.
    fn begin(&mut self) -> bool {
        if !self.is_online {
            return false;
        }
        let now = Instant::now();
        if self.polls && now >= self.poll_at {
            self.poll_at = now + POLL;
            self.person.engine.refresh();
        }
        let mut is_idle = self.asked.is_none() && now >= self.ask_at;
        if is_idle && let Some(request) = self.person.engine.next_request() {
            is_idle = false;
            self.ask(request.number, json!(request.call));
        }
        if !self.polls && self.socket.is_none() {
            is_idle = false;
            if self.joining.is_none() && now >= self.join_at {
                self.join();
            }
        }
        is_idle && self.others.is_empty()
    }
}

/// The result of a task, when it has ended.
async fn ended<T>(task: &mut Option<JoinHandle<Result<T>>>) -> Result<T> {
    let Some(running) = task else {
        return std::future::pending().await;
    };
    let result = running.await;
    *task = None;
    result?
}

/// The next message of a live connection.
async fn heard(socket: &mut Option<Socket>) -> Result<Heard> {
    match socket {
        // Pings come all the time, so a connection that is silent for so long is dead.
        Some(socket) => socket.next(Duration::from_secs(60)).await,
        None => std::future::pending().await,
    }
}

/// What a device asks for in an `If-None-Match`.
pub(super) fn cursor(call: &Value) -> Option<Option<String>> {
    if calls::operations(call).is_some() {
        return None;
    }
    Some(call["pull"]["cursor"].as_str().map(str::to_owned))
}
