//! Dispatch: log → agents. Reads a group's records, sends them in frames, and marks what has been settled.

pub mod queue;
pub mod lane;
pub mod wire;
pub mod doorbell;
pub mod marks;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::error;
use uuid::Uuid;

use self::doorbell::{Doorbell, Heard, Ring};
use self::queue::{Limits, Order, Queue};
use crate::config::{Frames, Secret};
use crate::dead_letter;
use crate::health::Health;
use crate::log::{Consumer, Delivery, Log, Reading, Record};
use crate::metrics::Metrics;
use crate::topics::Group;

/// What frames in flight are given when their partition goes to another bridge, which waits for it.
const HAND_OVER: Duration = Duration::from_secs(4);
/// How often the gauges are set.
const SHOW: Duration = Duration::from_millis(500);
/// Messages taken in one go, so that frames are made once for many of them.
const TAKEN: usize = 64;

pub struct Dispatch {
    pub bridge: Uuid,
    pub group: &'static Group,
    pub redis_url: Secret,
    pub frames: Frames,
    pub log: Arc<dyn Log>,
    pub metrics: Metrics,
    pub health: Health,
    pub stop: CancellationToken,
    pub stop_within: Duration,
}

impl Dispatch {
    /// Dispatches until the consumer has stopped and handed everything over.
    pub async fn run(self) -> anyhow::Result<()> {
        // Answers are for this process and this start of it alone.
        let reply_to = format!("spindle.ack.{}", Uuid::new_v4());
        let pattern = format!("spindle.{}.*", self.group.name);
        let mut doorbell = doorbell::open(&self.redis_url, reply_to.clone(), pattern)?;
        let mut consumer = self.log.consume(Reading {
            bridge: self.bridge,
            group: self.group,
            stop: self.stop.clone(),
            stop_within: self.stop_within,
            metrics: self.metrics.clone(),
            health: self.health.clone(),
        });
        let limits = Limits {
            events: self.frames.frame_events.into(),
            bytes: self.frames.frame_bytes as usize,
            wait: Duration::from_millis(self.frames.frame_wait_ms),
        };
        let mut queue = Queue::new(self.group.name, limits, reply_to, self.metrics.clone());
        let mut graves: FuturesUnordered<BoxFuture<'static, Record>> = FuturesUnordered::new();
        let mut heard = Vec::with_capacity(TAKEN);
        let mut shown = Instant::now();
        loop {
            tokio::select! {
                delivery = consumer.deliveries.recv() => match delivery {
                    Some(delivery) => self.deliver(&mut queue, delivery),
                    None => break,
                },
                _ = doorbell.heard.recv_many(&mut heard, TAKEN) => {
                    for heard in heard.drain(..) {
                        self.hear(&mut queue, heard);
                    }
                }
                Some(record) = graves.next() => queue.buried(&record),
                () = sleep_until(queue.wake(Instant::now()).into()) => {}
            }
            let now = Instant::now();
            queue.tick(now);
            queue.fill(now);
            for order in queue.orders() {
                match order {
                    Order::Ring(ring) => knock(&doorbell, ring),
                    Order::Bury { held, reason } => graves.push(self.bury(*held, reason)),
                }
            }
            self.save(&mut queue, &consumer);
            queue.hand_over(now);
            consumer
                .pause
                .set(queue.held() >= self.frames.buffered_events as usize);
            if shown.elapsed() >= SHOW {
                shown = now;
                self.show(&queue);
            }
        }
        Ok(())
    }

    /// The offsets move on: only here, and only past what has been settled.
    fn save(&self, queue: &mut Queue, consumer: &Consumer) {
        let marks = queue.marks();
        if !marks.is_empty() {
            // A consumer that has ended has lost the partitions, too.
            let _ = consumer.marks.send(marks);
        }
    }

    fn deliver(&self, queue: &mut Queue, delivery: Delivery) {
        let now = Instant::now();
        match delivery {
            Delivery::Assigned(partitions) => queue.assign(partitions),
            Delivery::Records(records) => {
                let age = records
                    .first()
                    .and_then(|record| SystemTime::now().duration_since(record.appended_at).ok());
                let age = age.unwrap_or_default().as_secs_f64();
                self.metrics
                    .lag_seconds
                    .with_label_values(&[self.group.name])
                    .set(age);
                queue.read(records, now);
            }
            Delivery::Revoked {
                partitions,
                settled,
            } => {
                let limit = if self.stop.is_cancelled() {
                    self.stop_within
                } else {
                    HAND_OVER
                };
                queue.revoke(partitions, settled, limit, now);
            }
        }
    }

    fn hear(&self, queue: &mut Queue, heard: Heard) {
        let now = Instant::now();
        match heard {
            Heard::Listening => {
                self.health.up("redis");
                queue.listening(true, now);
            }
            Heard::Deaf(why) => {
                self.health.down("redis", why);
                queue.listening(false, now);
            }
            Heard::Answer(ack) => queue.answer(ack, now),
            Heard::Lanes(lanes) => queue.found(lanes, now),
            Heard::Rung { frame, receivers } => queue.rung(frame, receivers, now),
        }
    }

    fn bury(&self, held: queue::Held, reason: String) -> BoxFuture<'static, Record> {
        let record = &held.record;
        error!(
            event.id = %record.entry.event_id, user.id = %record.entry.user, topic = &*record.partition.topic,
            offset = record.offset, attempts = held.tries, reason, "an event becomes a dead letter"
        );
        self.metrics
            .dead_letters
            .with_label_values(&[self.group.name, &record.partition.topic])
            .inc();
        Box::pin(dead_letter::bury(
            self.log.clone(),
            self.group.name,
            dead_letter::Burial {
                record: held.record,
                attempts: held.tries,
                first_failed: held.first_failed,
                reason,
            },
        ))
    }

    fn show(&self, queue: &Queue) {
        let group = &[self.group.name];
        self.metrics
            .buffered
            .with_label_values(group)
            .set(queue.held() as i64);
        self.metrics
            .in_flight
            .with_label_values(group)
            .set(queue.in_flight() as i64);
        self.metrics
            .lanes
            .with_label_values(group)
            .set(queue.lanes() as i64);
        self.metrics
            .partitions
            .with_label_values(group)
            .set(queue.partitions() as i64);
        if queue.held() == 0 {
            self.metrics.lag_seconds.with_label_values(group).set(0.0);
        }
        match queue.lanes() {
            0 => self.health.down(
                "lanes",
                format!("no agent of {} listens and answers", self.group.name),
            ),
            _ => self.health.up("lanes"),
        }
    }
}

fn knock(doorbell: &Doorbell, ring: Ring) {
    // The doorbell lives as long as its owner, who is the caller.
    let _ = doorbell.ring.send(ring);
}
