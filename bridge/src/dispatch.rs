//! Dispatch: reads a group's records from the log, sends them to agents in frames, and moves the marks as agents settle them.

pub mod queue;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::bail;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::error;
use uuid::Uuid;

use self::queue::{Action, DeadLetter, Fitness, Queue, Settings};
use crate::dead_letter::{self, FailedEvent};
use crate::doorbell::{Doorbell, Signal};
use crate::groups::Group;
use crate::health::Health;
use crate::log::{Consumer, Delivery, Log, Reading};
use crate::metrics::Metrics;
use crate::policy;
use crate::traces::Traces;

/// How long frames in flight may settle while another bridge waits for their partition.
const HAND_OVER_LIMIT: Duration = Duration::from_secs(4);
/// How often the gauges are set.
const GAUGE_INTERVAL: Duration = Duration::from_millis(500);
/// Signals taken at once. The queue then makes frames once for all of them.
const MAX_SIGNALS: usize = 64;

#[derive(Clone)]
pub struct Dispatch {
    pub bridge: Uuid,
    pub group: &'static Group,
    pub doorbell: Doorbell,
    pub log: Arc<dyn Log>,
    pub metrics: Metrics,
    pub traces: Traces,
    pub health: Health,
    pub stop: CancellationToken,
    /// How long frames in flight may settle after `stop`.
    pub stop_within: Duration,
}

impl Dispatch {
    /// Dispatches until the consumer has stopped and handed over its partitions.
    ///
    /// # Errors
    /// If the consumer ends although nobody stopped it.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut line = self.doorbell.line(self.group.name);
        self.health.up(&format!("dispatch/{}", self.group.name));
        let mut consumer = self.consumer();
        let mut queue = self.queue(line.reply_to());
        let mut dead_letters: FuturesUnordered<BoxFuture<'static, u64>> = FuturesUnordered::new();
        let (report_failing, mut failing) = mpsc::unbounded_channel();
        let mut signals = Vec::with_capacity(MAX_SIGNALS);
        let mut gauges_set = Instant::now();
        loop {
            tokio::select! {
                delivery = consumer.deliveries.recv() => match delivery {
                    Some(delivery) => self.deliver(&mut queue, delivery),
                    None if self.stop.is_cancelled() => return Ok(()),
                    None => bail!("the consumer of the group {} ended", self.group.name),
                },
                _ = line.signals.recv_many(&mut signals, MAX_SIGNALS) => {
                    for signal in signals.drain(..) {
                        self.report(&mut queue, signal);
                    }
                }
                Some(id) = dead_letters.next() => queue.dead_letter_written(id),
                Some(id) = failing.recv() => queue.dead_letter_failed(id),
                () = sleep_until(queue.next_wake(Instant::now()).into()) => {}
            }
            let now = Instant::now();
            queue.tick(now);
            queue.send_due(now);
            for action in queue.take_actions() {
                match action {
                    Action::Publish(message) => line.publish(message),
                    Action::Trace(delivered) => {
                        self.traces.delivered(&delivered, SystemTime::now());
                    }
                    Action::DeadLetter(letter) => {
                        dead_letters.push(self.write_dead_letter(*letter, report_failing.clone()))
                    }
                }
            }
            save_marks(&mut queue, &consumer);
            queue.finish_hand_overs(now);
            let (held, buffer) = (queue.held(), self.group.buffer);
            consumer
                .pause
                .set(held.events >= buffer.events || held.bytes >= buffer.bytes);
            consumer
                .pause
                .set_partitions(queue.paused_partitions().cloned().collect());
            if gauges_set.elapsed() >= GAUGE_INTERVAL {
                gauges_set = now;
                self.set_gauges(&queue);
            }
        }
    }

    fn consumer(&self) -> Consumer {
        if self.group.topics.is_empty() {
            return Consumer::of_nothing(self.stop.clone());
        }
        self.log.consume(Reading {
            bridge: self.bridge,
            group: self.group,
            stop: self.stop.clone(),
            stop_within: self.stop_within,
            metrics: self.metrics.clone(),
            health: self.health.clone(),
        })
    }

    fn queue(&self, reply_to: &str) -> Queue {
        Queue::new(Settings {
            group: self.group,
            reply_to: reply_to.to_owned(),
            policy: policy::decide,
            traced: self.traces.are_on(),
            metrics: self.metrics.clone(),
        })
    }

    fn deliver(&self, queue: &mut Queue, delivery: Delivery) {
        let now = Instant::now();
        match delivery {
            Delivery::Assigned(partitions) => queue.assign(&partitions),
            Delivery::Records(records) => queue.read(records, now),
            Delivery::Revoked {
                partitions,
                settled,
            } => {
                let limit = if self.stop.is_cancelled() {
                    self.stop_within
                } else {
                    HAND_OVER_LIMIT
                };
                queue.revoke(partitions, settled, limit, now);
            }
        }
    }

    fn report(&self, queue: &mut Queue, signal: Signal) {
        let now = Instant::now();
        match signal {
            Signal::Subscribed => queue.subscribed(),
            Signal::SubscriptionLost => queue.subscription_lost(now),
            Signal::Answer(ack) => queue.answer(ack, now),
            Signal::Lanes(channels) => queue.lanes_found(channels, now),
            Signal::Published {
                frame,
                lane,
                receivers,
            } => queue.published(frame, &lane, receivers, now),
        }
    }

    /// Returns the dead letter's id once the log has it. Sends the id to `failing` if that does not succeed soon.
    fn write_dead_letter(
        &self,
        letter: DeadLetter,
        failing: mpsc::UnboundedSender<u64>,
    ) -> BoxFuture<'static, u64> {
        let record = &letter.record;
        error!(
            event.id = %record.entry.event_id, user.id = %record.entry.user, topic = &*record.partition.topic,
            offset = record.offset, attempts = letter.attempts, reason = letter.reason,
            "event failed for good and becomes a dead letter"
        );
        let counter = &self.metrics.dead_letters;
        counter
            .with_label_values(&[self.group.name, &record.partition.topic])
            .inc();
        let id = letter.id;
        let failed = FailedEvent {
            record: letter.record,
            attempts: letter.attempts,
            first_failed: SystemTime::now().checked_sub(letter.first_failed.elapsed()),
            reason: letter.reason,
        };
        // The receiver lives as long as this future is polled.
        let report = move || {
            let _ = failing.send(id);
        };
        let written = dead_letter::append(self.log.clone(), self.group.name, failed, report);
        Box::pin(async move {
            written.await;
            id
        })
    }

    fn set_gauges(&self, queue: &Queue) {
        let group = &[self.group.name];
        let (held, lanes) = (queue.held(), queue.lanes(Fitness::Fit));
        for (gauge, value) in [
            (&self.metrics.buffered, held.events),
            (&self.metrics.buffered_bytes, held.bytes),
            (&self.metrics.in_flight, queue.frames_in_flight()),
            (&self.metrics.lanes, lanes),
            (&self.metrics.partitions, queue.partitions()),
            (
                &self.metrics.paused_partitions,
                queue.paused_partitions().count(),
            ),
        ] {
            gauge.with_label_values(group).set(value as i64);
        }
        for (state, fitness) in [
            ("sick", Fitness::Sick),
            ("deaf", Fitness::Deaf),
            ("shared", Fitness::Shared),
        ] {
            let unfit = &self.metrics.unfit_lanes;
            unfit
                .with_label_values(&[self.group.name, state])
                .set(queue.lanes(fitness) as i64);
        }
        self.metrics
            .lags
            .set_oldest(self.group.name, queue.oldest());
        let part = format!("dispatch/{}/lanes", self.group.name);
        if lanes == 0 {
            self.health.down(&part, self.why_no_lane(queue));
        } else {
            self.health.up(&part);
        }
    }

    /// Why no lane can be given work, for people.
    fn why_no_lane(&self, queue: &Queue) -> String {
        let group = self.group.name;
        if let Some((code, error)) = queue.sickness() {
            format!("the agent of group {group} cannot work: {code}: {error}")
        } else if queue.lanes(Fitness::Shared) > 0 {
            format!("several processes subscribe to each lane of group {group}")
        } else {
            format!("no agent of group {group} listens and answers")
        }
    }
}

/// Sends the moved marks to the consumer, which saves them. This is the only place where offsets move on.
fn save_marks(queue: &mut Queue, consumer: &Consumer) {
    let marks = queue.take_marks();
    if !marks.is_empty() {
        // A consumer that has ended has lost its partitions, so their marks are void.
        let _ = consumer.marks.send(marks);
    }
}
