//! A person at a device: the engine, the screen in front of it, and what they have done.

use std::collections::BTreeMap;

use client::answer::{Answer, Verdict};
use client::changes::{Changes, Remark};
use client::engine::Engine;
use client::operation::Scope;
use client::task::Task;
use serde_json::Value;
use uuid::Uuid;

use crate::edits::{Done, Intent};
use crate::screen::Screen;

/// One person at one device.
#[derive(Debug)]
pub struct Person {
    /// The number of the device.
    pub number: usize,
    pub engine: Engine,
    pub screen: Screen,
    pub intents: Vec<Intent>,
    pub undoable: Vec<Done>,
    /// The deletions that the person has asked for: the operation, the task as it was seen, and whether it had unconfirmed operations.
    pub asked_to_delete: Vec<(Uuid, Task, bool)>,
    pub rejected: Vec<Remark>,
    /// Which occurrences of a series each operation was for.
    pub scopes: BTreeMap<Uuid, Option<Scope>>,
    /// What all ids of this world begin with.
    world: u128,
    pub(crate) made: u128,
}

impl Person {
    /// A person at a new device. Worlds that share a server have different beginnings of their ids, of which the upper half counts.
    pub fn new(number: usize, world: Uuid) -> Self {
        Self {
            number,
            engine: Engine::new(),
            screen: Screen::default(),
            intents: Vec::new(),
            undoable: Vec::new(),
            asked_to_delete: Vec::new(),
            rejected: Vec::new(),
            scopes: BTreeMap::new(),
            world: world.as_u128() >> 64 << 64,
            made: 0,
        }
    }

    /// A new id.
    pub fn id(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(self.world | ((self.number as u128 + 1) << 40) | self.made)
    }

    /// The engine has changed something.
    pub fn saw(&mut self, changes: Changes) {
        self.screen.follow(&self.engine, &changes);
        let rejected = changes
            .remarks
            .into_iter()
            .filter(|remark| remark.result == Verdict::Rejected);
        self.rejected.extend(rejected);
    }

    /// The answer to a request comes, as JSON.
    pub fn answer(&mut self, number: u64, answer: &Value) {
        let answer: Answer = serde_json::from_value(answer.clone()).unwrap();
        let changes = self.engine.answer(number, answer).unwrap();
        self.saw(changes);
    }

    /// A live message comes.
    pub fn hear(&mut self, message: Value) {
        let changes = self.engine.hear(serde_json::from_value(message).unwrap());
        self.saw(changes);
    }

    /// The program is killed and started again.
    pub fn restart(&mut self) {
        let saved = self.engine.save().unwrap();
        self.engine = Engine::load(&saved).unwrap();
        assert_eq!(
            self.engine.save().unwrap(),
            saved,
            "what was loaded is what was saved"
        );
    }

    pub(crate) fn has_pending(&self, task: Uuid) -> bool {
        let mut pending = self.engine.pending().iter();
        pending.any(|operation| operation.task_id == task)
    }
}
