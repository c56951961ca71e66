//! A simulated device: the engine, its connections, and a screen that shows what the engine says has changed.

use std::collections::{BTreeMap, VecDeque};

use client::answer::{Answer, Verdict};
use client::changes::{Changes, Remark};
use client::engine::Engine;
use client::task::{Item, Task};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::edits::{Done, Intent};
use crate::server::Server;

/// One device of a user.
pub struct Device {
    pub number: usize,
    pub engine: Engine,
    pub screen: Screen,
    /// The request that is on its way, and its answer once the server has it.
    pub request: Option<(u64, Value, Option<Value>)>,
    /// Requests that arrive although they were given up, and answers that come although nobody waits for them.
    pub late_requests: Vec<Value>,
    pub late_answers: Vec<(u64, Value)>,
    /// Messages of the live connection that have not arrived yet.
    pub socket: Option<VecDeque<Value>>,
    /// Whether a message of this connection was lost, so that it may be incomplete without knowing it.
    pub is_leaky: bool,
    pub intents: Vec<Intent>,
    pub undoable: Vec<Done>,
    pub asked_to_delete: Vec<(Uuid, Task, bool)>,
    pub rejected: Vec<Remark>,
    pub made: u128,
}

/// What a person sees. It is updated only where the engine says that something has changed.
#[derive(Debug, Default, PartialEq)]
pub struct Screen {
    pub tasks: BTreeMap<Uuid, Task>,
    series: BTreeMap<Uuid, Item>,
    reminders: BTreeMap<Uuid, Item>,
    notifications: BTreeMap<Uuid, Item>,
    account: Option<Value>,
}

impl Screen {
    /// All that the engine has.
    pub fn of(engine: &Engine) -> Self {
        let store = engine.store();
        Self {
            tasks: engine.tasks().map(|task| (task.id, task)).collect(),
            series: store.series().clone(),
            reminders: store.reminders().clone(),
            notifications: store.notifications().clone(),
            account: store.account().cloned(),
        }
    }

    fn follow(&mut self, engine: &Engine, changes: &Changes) {
        fn copy<T: Clone>(screen: &mut BTreeMap<Uuid, T>, id: &Uuid, now: Option<T>) {
            match now {
                Some(now) => screen.insert(*id, now),
                None => screen.remove(id),
            };
        }
        let store = engine.store();
        for id in &changes.tasks {
            copy(&mut self.tasks, id, engine.task(*id));
        }
        for id in &changes.series {
            copy(&mut self.series, id, store.series().get(id).cloned());
        }
        for id in &changes.reminders {
            copy(&mut self.reminders, id, store.reminders().get(id).cloned());
        }
        for id in &changes.notifications {
            copy(
                &mut self.notifications,
                id,
                store.notifications().get(id).cloned(),
            );
        }
        if changes.account {
            self.account = store.account().cloned();
        }
    }
}

impl Device {
    pub fn new(number: usize) -> Self {
        Self {
            number,
            engine: Engine::new(),
            screen: Screen::default(),
            request: None,
            late_requests: Vec::new(),
            late_answers: Vec::new(),
            socket: None,
            is_leaky: false,
            intents: Vec::new(),
            undoable: Vec::new(),
            asked_to_delete: Vec::new(),
            rejected: Vec::new(),
            made: 0,
        }
    }

    /// A new id.
    pub fn id(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(((self.number as u128 + 1) << 64) + self.made)
    }

    pub fn saw(&mut self, changes: Changes) {
        self.screen.follow(&self.engine, &changes);
        let rejected = changes
            .remarks
            .into_iter()
            .filter(|remark| remark.result == Verdict::Rejected);
        self.rejected.extend(rejected);
    }

    /// Sends the next request, if there is one. It has not arrived yet.
    pub fn ask(&mut self) {
        if self.request.is_none()
            && let Some(request) = self.engine.next_request()
        {
            let call = serde_json::to_value(&request.call).unwrap();
            self.request = Some((request.number, call, None));
        }
    }

    /// The request arrives.
    pub fn serve(&mut self, server: &mut Server) {
        if let Some((_, call, answer @ None)) = &mut self.request {
            *answer = Some(serve(self.number, server, call));
        }
    }

    /// The answer arrives.
    pub fn receive(&mut self) {
        match self.request.take() {
            Some((number, _, Some(answer))) => {
                self.answer(number, &answer);
                self.late_answers.push((number, answer));
            }
            waiting => self.request = waiting,
        }
    }

    /// The device gives up waiting. Request or answer may come later.
    pub fn lose(&mut self) {
        if let Some((number, call, answer)) = self.request.take() {
            match answer {
                Some(answer) => self.late_answers.push((number, answer)),
                None => self.late_requests.push(call),
            }
            self.answer(number, &json!("failed"));
        }
    }

    /// Something that was given up comes.
    pub fn late(&mut self, server: &mut Server, choice: usize) {
        if !self.late_requests.is_empty() {
            let call = self.late_requests.remove(choice % self.late_requests.len());
            serve(self.number, server, &call);
        } else if !self.late_answers.is_empty() {
            let (number, answer) = self.late_answers[choice % self.late_answers.len()].clone();
            self.answer(number, &answer);
        }
    }

    fn answer(&mut self, number: u64, answer: &Value) {
        let answer: Answer = serde_json::from_value(answer.clone()).unwrap();
        let changes = self.engine.answer(number, answer).unwrap();
        self.saw(changes);
    }

    pub fn connect(&mut self, server: &Server) {
        let messages = server.connect(self.engine.store().seq);
        self.socket = Some(messages.into());
        self.is_leaky = false;
    }

    pub fn disconnect(&mut self) {
        if self.socket.take().is_some() {
            self.engine.unplugged();
        }
    }

    /// The next live message arrives.
    pub fn hear(&mut self) -> bool {
        let Some(message) = self.socket.as_mut().and_then(VecDeque::pop_front) else {
            return false;
        };
        let changes = self.engine.hear(serde_json::from_value(message).unwrap());
        self.saw(changes);
        true
    }

    /// The next live message is lost.
    pub fn miss(&mut self) {
        let lost = self.socket.as_mut().and_then(VecDeque::pop_front);
        self.is_leaky |= lost.is_some();
    }

    /// The program is killed and started again.
    pub fn restart(&mut self) {
        self.disconnect();
        if let Some((_, call, None)) = self.request.take() {
            self.late_requests.push(call);
        }
        // The numbers of requests begin anew.
        self.late_answers.clear();
        let saved = self.engine.save().unwrap();
        self.engine = Engine::load(&saved).unwrap();
        assert_eq!(
            self.engine.save().unwrap(),
            saved,
            "what was loaded is what was saved"
        );
    }
}

fn serve(device: usize, server: &mut Server, call: &Value) -> Value {
    if let Some(operations) = call["push"]["operations"].as_array() {
        return json!({"results": server.push(device, operations)});
    }
    server.pull(call["pull"]["cursor"].as_str())
}
