//! A test agent: subscribes to one lane, handles one frame at a time and answers each.

use std::sync::{Arc, Mutex};

use domain::frame::{Ack, Answer, EventResult, Frame, Kind, Outcome, Unwell};
use futures::StreamExt;
use redis::AsyncCommands;
use serde::Deserialize;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A frame that an agent received.
#[derive(Clone, Debug)]
pub struct Seen {
    pub lane: String,
    pub attempt: u32,
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Event {
    pub id: Uuid,
    pub userid: Uuid,
    pub seq: usize,
}

/// How an agent answers a frame.
pub enum Reply {
    Answer(Vec<EventResult>),
    /// Answers that it cannot work now.
    Unwell,
    /// No answer, as when the handler crashes.
    NoAnswer,
    /// Answers once the channel delivers the results, and handles no other frame until then.
    Delayed(tokio::sync::oneshot::Receiver<Vec<EventResult>>),
}

pub type Frames = Arc<Mutex<Vec<Seen>>>;

/// A running test agent. Dropping it stops it without notice, as if its process had been killed.
pub struct Agent {
    task: JoinHandle<()>,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers that every event of the frame is done.
pub fn done(frame: &Frame) -> Reply {
    Reply::Answer(results(frame, |_| Outcome::Done))
}

/// One result for each event of the frame; those that are not done carry the error `because`.
pub fn results(frame: &Frame, mut outcome: impl FnMut(&Event) -> Outcome) -> Vec<EventResult> {
    let result = |event: &Event| {
        let outcome = outcome(event);
        let error = (outcome != Outcome::Done).then(|| "because".to_owned());
        EventResult {
            id: event.id.to_string(),
            outcome,
            after_ms: 0,
            error,
        }
    };
    events(frame).iter().map(result).collect()
}

pub fn events(frame: &Frame) -> Vec<Event> {
    frame
        .events
        .iter()
        .map(|event| serde_json::from_str(event.get()).unwrap())
        .collect()
}

impl Agent {
    /// Starts an agent on a lane and returns once it is subscribed. `seen` collects the event frames it receives.
    pub async fn start(
        redis_url: &str,
        lane: &str,
        seen: Frames,
        mut handle: impl FnMut(&Frame) -> Reply + Send + 'static,
    ) -> Self {
        let client = redis::Client::open(redis_url).unwrap();
        let mut answers = client.get_multiplexed_async_connection().await.unwrap();
        let mut subscription = client.get_async_pubsub().await.unwrap();
        subscription.subscribe(lane).await.unwrap();
        let lane = lane.to_owned();
        let task = tokio::spawn(async move {
            let mut messages = subscription.into_on_message();
            while let Some(message) = messages.next().await {
                let frame: Frame = serde_json::from_slice(message.get_payload_bytes()).unwrap();
                assert_eq!(frame.lane, lane);
                if frame.kind == Kind::Events {
                    let seen_now = Seen {
                        lane: lane.clone(),
                        attempt: frame.attempt,
                        events: events(&frame),
                    };
                    seen.lock().unwrap().push(seen_now);
                }
                let answer = match handle(&frame) {
                    Reply::Answer(results) => Answer::Results(results),
                    Reply::Unwell => Answer::Unwell(Unwell {
                        code: "53100".to_owned(),
                        error: "the disk is full".to_owned(),
                    }),
                    Reply::NoAnswer => continue,
                    Reply::Delayed(later) => Answer::Results(later.await.unwrap()),
                };
                let ack = Ack {
                    frame: frame.frame,
                    epoch: frame.epoch,
                    lane: frame.lane,
                    answer,
                };
                let _: i64 = answers
                    .publish(&frame.reply_to, serde_json::to_vec(&ack).unwrap())
                    .await
                    .unwrap();
            }
        });
        Self { task }
    }
}
