//! Sorts the events of a frame into a batch for each shard that has one, and says what becomes of each event.

use std::collections::BTreeMap;

use domain::frame::{EventResult, Frame, Outcome};
use domain::live::{self, Batch};
use guest::logging;

/// The batches by shard, and a result for each event. Results count once the batches are published.
///
/// An event of a type that no client is told about is done. One that cannot be read can never be told, so it is rejected; its user's clients
/// then see a gap in their numbers.
pub fn sort(frame: &Frame) -> (BTreeMap<u8, Batch>, Vec<EventResult>) {
    let mut batches: BTreeMap<u8, Batch> = BTreeMap::new();
    let mut results = Vec::with_capacity(frame.events.len());
    for event in &frame.events {
        let id = live::event_id(event).unwrap_or_default();
        let (outcome, error) = match live::message(event) {
            Ok(Some(message)) => {
                let batch = batches.entry(live::shard(message.user)).or_default();
                batch.messages.push(message);
                (Outcome::Done, None)
            }
            Ok(None) => (Outcome::Done, None),
            Err(error) => {
                logging::warn("rejected an event that no client can be told about")
                    .field("frame", frame.frame.to_string())
                    .field("event.id", id.clone())
                    .chain(&error)
                    .write();
                (Outcome::Reject, Some(error.to_string()))
            }
        };
        results.push(EventResult {
            id,
            outcome,
            after_ms: 0,
            error,
        });
    }
    (batches, results)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_messages_of_a_user_keep_their_order() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        assert_ne!(live::shard(one), live::shard(other));
        let changed = |id: &str, user: Uuid, seq: u8| {
            json!({"id": id, "type": "task.changed", "userid": user, "seq": seq,
                   "data": {"task": {"id": user, "version": 1, "deleted_at": null}}})
        };
        let frame: Frame = serde_json::from_value(json!({
            "frame": Uuid::from_u128(3), "epoch": 1, "lane": "l", "reply_to": "r", "attempt": 1, "kind": "events",
            "events": [
                changed("a", one, 4), changed("b", other, 9), changed("c", one, 5),
                {"id": "d", "type": "task.invented", "userid": one},
                {"id": "e", "type": "task.changed", "userid": one},
            ],
        }))
        .unwrap();
        let (batches, results) = sort(&frame);
        let numbers = |user: Uuid| {
            let messages = &batches.get(&live::shard(user)).unwrap().messages;
            messages
                .iter()
                .map(|message| message.seq)
                .collect::<Vec<_>>()
        };
        assert_eq!(batches.len(), 2);
        assert_eq!((numbers(one), numbers(other)), (vec![4, 5], vec![9]));
        let results: Vec<_> = results
            .iter()
            .map(|result| (result.id.as_str(), result.outcome))
            .collect();
        assert_eq!(
            results,
            [
                ("a", Outcome::Done),
                ("b", Outcome::Done),
                ("c", Outcome::Done),
                ("d", Outcome::Done),
                ("e", Outcome::Reject)
            ]
        );
    }
}
