//! One history: the queue, its log, its agents and Redis, and the random actions on them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use domain::frame::Frame;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use super::agents::{Agents, Health};
use super::checks::{Cause, Checks};
use super::counts::Counts;
use super::log::Log;
use crate::dispatch::queue::tests::harness::{MS, SECOND, Sent, group, steady};
use crate::dispatch::queue::{Action, DeadLetter, Queue, Settings};
use crate::metrics::Metrics;

const LANES: [&str; 3] = ["a", "b", "c"];
/// An event that its agent dies of needs seconds for each of its attempts.
const DRAIN_STEP: Duration = Duration::from_millis(50);
const DRAIN_STEPS: usize = 12_000;
const HAND_OVER_LIMIT: Duration = Duration::from_secs(2);

pub struct World {
    rng: StdRng,
    queue: Queue,
    metrics: Metrics,
    now: Instant,
    log: Log,
    agents: Agents,
    checks: Checks,
    /// Frames that were published, whose report has not come yet.
    reports: VecDeque<(Uuid, String, Option<u64>)>,
    /// Dead letters that are being written.
    letters: VecDeque<DeadLetter>,
    redis: bool,
    pub counts: Counts,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let metrics = Metrics::new().unwrap();
        Self {
            rng: StdRng::seed_from_u64(seed),
            queue: queue(&metrics),
            metrics,
            now: Instant::now(),
            log: Log::new(),
            agents: Agents::default(),
            checks: Checks::default(),
            reports: VecDeque::new(),
            letters: VecDeque::new(),
            redis: true,
            counts: Counts::default(),
        }
    }

    /// One random action.
    pub fn act(&mut self) {
        match self.rng.random_range(0..100) {
            0..15 => self.log.append(&mut self.rng),
            15..30 => self.read(),
            30..45 => drop(self.handle_message(Health::Flaky)),
            45..58 => self.deliver_answer(),
            58..66 => self.deliver_report(),
            66..68 => self.write_dead_letter(),
            68..70 => self.refuse_dead_letter(),
            70..82 => self.now += self.rng.random_range(1..300) * MS,
            82 => self.now += self.rng.random_range(1..15) * SECOND,
            83..86 => self.find_lanes(),
            86 => self.start_lane(),
            87 => self.kill_lane(),
            88 => self.toggle_redis(),
            89 => self.lose_answers(),
            90..93 => self.assign(),
            93 => self.hand_over(),
            94 => self.lose_partition(),
            95..97 => self.log.save_marks(),
            97 => self.restart(),
            // Redis says that it is subscribed some time after it can be reached.
            _ => self.subscribe(),
        }
        // The dispatch loop may take several messages before it gets to its work.
        if self.rng.random_ratio(4, 5) {
            self.run();
        }
        self.checks.check(&self.queue);
    }

    /// Nothing goes wrong any more, except for events that never work. Everything is settled in the end.
    pub fn drain(&mut self) {
        self.redis = true;
        for lane in LANES {
            self.agents.start(lane);
        }
        let began = self.now;
        for _ in 0..DRAIN_STEPS {
            self.subscribe();
            self.find_lanes();
            for _ in 0..8 {
                self.assign();
                self.read();
            }
            self.run();
            while self.handle_message(Health::Reliable) {}
            while !self.reports.is_empty() {
                self.deliver_report();
            }
            while !self.agents.answers.is_empty() {
                self.deliver_answer();
            }
            while !self.letters.is_empty() {
                self.write_dead_letter();
            }
            self.run();
            self.log.save_marks();
            self.checks.check(&self.queue);
            if self.log.all_saved() && self.queue.unsettled() == 0 {
                return self.finish();
            }
            self.now += DRAIN_STEP;
        }
        let unsettled = self.queue.unsettled();
        panic!(
            "{unsettled} events were not settled after {:?}",
            self.now - began
        );
    }

    fn finish(&mut self) {
        assert_eq!(self.queue.frames_in_flight(), 0);
        self.checks
            .check_everything_settled(&self.log, &self.agents);
        self.counts.effects += self.agents.effects.len();
        self.counts.unwell += self.agents.unwell;
        self.counts.later += self.agents.later;
    }

    /// Does what the dispatch loop does after each message.
    fn run(&mut self) {
        self.queue.tick(self.now);
        self.queue.send_due(self.now);
        for action in self.queue.take_actions() {
            match action {
                Action::Publish(message) => {
                    let frame: Frame = serde_json::from_slice(&message.body).unwrap();
                    let events = frame.events.iter();
                    let events = events.map(|event| serde_json::from_str(event.get()).unwrap());
                    let events = events.collect();
                    self.publish(Sent { frame, events });
                }
                Action::Trace(_) => {}
                Action::DeadLetter(letter) => {
                    let cause = self
                        .checks
                        .dead_letter_begun(&letter, &self.queue, &self.agents);
                    match cause {
                        Cause::Rejected => self.counts.rejected += 1,
                        Cause::Retried => self.counts.retried += 1,
                        Cause::Unanswered => self.counts.unanswered += 1,
                    }
                    self.letters.push_back(*letter);
                }
            }
        }
        let marks = self.queue.take_marks();
        self.checks
            .check_marks(&marks, &self.queue, &self.log, &self.agents);
        self.log.take_marks(marks);
        self.queue.finish_hand_overs(self.now);
        self.log.finish_hand_overs();
    }

    fn publish(&mut self, sent: Sent) {
        let (frame, lane) = (sent.frame.frame, sent.lane().to_owned());
        let receivers = if !self.redis {
            None
        } else if self.rng.random_ratio(1, 60) {
            // A half-open connection: Redis counts a subscriber that gets nothing.
            self.counts.frames_lost += 1;
            Some(1)
        } else {
            let receivers = self.agents.publish(sent);
            // A second process may have subscribed to the lane.
            let second = u64::from(receivers > 0 && self.rng.random_ratio(1, 80));
            self.counts.shared += usize::from(second > 0);
            Some(receivers + second)
        };
        self.reports.push_back((frame, lane, receivers));
    }

    fn read(&mut self) {
        let partition = self.log.pick(&mut self.rng);
        let most = self.rng.random_range(1..8);
        let records = self.log.fetch(&partition, most);
        self.queue.read(records, self.now);
    }

    /// A random agent handles its next message. Returns whether any agent had one.
    fn handle_message(&mut self, health: Health) -> bool {
        let names = self.agents.names();
        if names.is_empty() {
            return false;
        }
        let first = self.rng.random_range(0..names.len());
        let mut names = names.iter().cycle().skip(first).take(names.len());
        let handled = names.any(|name| self.agents.handle_next(name, health, &mut self.rng));
        if !self.redis {
            self.agents.answers.clear();
        }
        handled
    }

    /// A random answer arrives. Now and then Redis delivers it twice.
    fn deliver_answer(&mut self) {
        if self.agents.answers.is_empty() {
            return;
        }
        let index = self.rng.random_range(0..self.agents.answers.len());
        let ack = self.agents.answers.remove(index).unwrap();
        let copies = if self.rng.random_ratio(1, 20) { 2 } else { 1 };
        for _ in 0..copies {
            self.counts.late += self.checks.answered(&ack, &self.queue);
            self.queue.answer(ack.clone(), self.now);
        }
    }

    fn deliver_report(&mut self) {
        if let Some((frame, lane, receivers)) = self.reports.pop_front() {
            self.queue.published(frame, &lane, receivers, self.now);
        }
    }

    fn write_dead_letter(&mut self) {
        if let Some(letter) = self.letters.pop_front() {
            self.checks.dead_letter_written(&letter, &self.queue);
            self.log.take_dead_letter(&letter.record);
            self.queue.dead_letter_written(letter.id);
        }
    }

    fn refuse_dead_letter(&mut self) {
        if let Some(letter) = self.letters.front() {
            self.queue.dead_letter_failed(letter.id);
            self.counts.letters_refused += 1;
        }
    }

    fn find_lanes(&mut self) {
        let found = if self.redis {
            self.agents.names()
        } else {
            Vec::new()
        };
        self.queue.lanes_found(found, self.now);
    }

    fn start_lane(&mut self) {
        let lane = LANES[self.rng.random_range(0..LANES.len())];
        self.agents.start(lane);
    }

    fn kill_lane(&mut self) {
        let lane = LANES[self.rng.random_range(0..LANES.len())];
        self.agents.kill(lane);
        self.counts.lanes_killed += 1;
    }

    fn toggle_redis(&mut self) {
        self.redis = !self.redis;
        if !self.redis {
            self.agents.answers.clear();
            self.queue.subscription_lost(self.now);
            self.counts.redis_outages += 1;
        }
    }

    fn lose_answers(&mut self) {
        self.agents.answers.pop_front();
    }

    fn subscribe(&mut self) {
        if self.redis {
            self.queue.subscribed();
        }
    }

    fn assign(&mut self) {
        let partition = self.log.pick(&mut self.rng);
        if let Some(next) = self.log.assign(&partition) {
            self.checks.assigned(&partition, next);
            self.queue.assign(&[partition]);
        }
    }

    fn hand_over(&mut self) {
        let partition = self.log.pick(&mut self.rng);
        if let Some(settled) = self.log.hand_over(&partition) {
            self.queue
                .revoke(vec![partition], Some(settled), HAND_OVER_LIMIT, self.now);
            self.counts.hand_overs += 1;
            if self.rng.random_ratio(1, 4) {
                self.lose_hand_overs();
            }
        }
    }

    fn lose_partition(&mut self) {
        let partition = self.log.pick(&mut self.rng);
        if self.log.lose(&partition) {
            self.queue
                .revoke(vec![partition], None, HAND_OVER_LIMIT, self.now);
            self.counts.losses += 1;
        }
    }

    /// The queue learns of this only when the partition is assigned again.
    fn lose_hand_overs(&mut self) {
        self.counts.hand_overs_lost += self.log.lose_hand_overs();
    }

    /// The bridge is killed and starts again. What it had asked for but not seen finished may still happen, or not.
    fn restart(&mut self) {
        while let Some(letter) = self.letters.pop_front() {
            if self.rng.random() {
                self.log.take_dead_letter(&letter.record);
            }
        }
        self.log.restart();
        self.agents.answers.clear();
        self.reports.clear();
        self.queue = queue(&self.metrics);
        self.checks.restarted();
        self.counts.restarts += 1;
    }
}

fn queue(metrics: &Metrics) -> Queue {
    Queue::new(Settings {
        group: Box::leak(Box::new(group(1_000))),
        reply_to: "spindle.ack.model".to_owned(),
        policy: steady,
        metrics: metrics.clone(),
        traced: false,
    })
}
