//! Encodes a frame as a Redis message. Events are copied into it as JSON text, without parsing them.

use bytes::Bytes;
use domain::frame::Kind;
use uuid::Uuid;

/// All fields of a frame except its events.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub frame: Uuid,
    pub epoch: u64,
    pub lane: &'a str,
    pub reply_to: &'a str,
    pub attempt: u32,
    pub kind: Kind,
}

/// Encodes a frame as JSON (`domain::frame::Frame`). Each of `events` must be valid JSON.
pub fn encode<'a>(head: &Head<'_>, events: impl Iterator<Item = &'a Bytes> + Clone) -> Vec<u8> {
    let size: usize = events.clone().map(|event| event.len() + 1).sum();
    let kind = match head.kind {
        Kind::Events => "events",
        Kind::Tick => "tick",
        Kind::Heartbeat => "heartbeat",
        Kind::Probe => "probe",
    };
    let (lane, reply_to) = (
        serde_json::Value::from(head.lane),
        serde_json::Value::from(head.reply_to),
    );
    let opening = format!(
        r#"{{"frame":"{}","epoch":{},"lane":{lane},"reply_to":{reply_to},"attempt":{},"kind":"{kind}","events":["#,
        head.frame, head.epoch, head.attempt
    );
    let mut frame = Vec::with_capacity(opening.len() + size + 2);
    frame.extend_from_slice(opening.as_bytes());
    for (index, event) in events.enumerate() {
        if index > 0 {
            frame.push(b',');
        }
        frame.extend_from_slice(event);
    }
    frame.extend_from_slice(b"]}");
    frame
}

#[cfg(test)]
mod tests {
    use domain::frame::Frame;

    use super::*;

    #[test]
    fn an_encoded_frame_decodes_to_the_same_frame() {
        let events = [
            Bytes::from_static(br#"{"id":"1"}"#),
            Bytes::from_static(br#"{"id": "2" }"#),
        ];
        let head = Head {
            frame: Uuid::from_u128(7),
            epoch: 9,
            lane: "spindle.audit.a\"b.0",
            reply_to: "spindle.ack.x",
            attempt: 2,
            kind: Kind::Events,
        };
        let frame: Frame = serde_json::from_slice(&encode(&head, events.iter())).unwrap();
        assert_eq!(
            (frame.frame, frame.epoch, frame.attempt, frame.kind),
            (head.frame, 9, 2, Kind::Events)
        );
        assert_eq!(
            (frame.lane.as_str(), frame.reply_to.as_str()),
            (head.lane, head.reply_to)
        );
        assert_eq!(
            frame
                .events
                .iter()
                .map(|event| event.get())
                .collect::<Vec<_>>(),
            [r#"{"id":"1"}"#, r#"{"id": "2" }"#]
        );
        let heartbeat = Head {
            kind: Kind::Heartbeat,
            ..head
        };
        let frame: Frame = serde_json::from_slice(&encode(&heartbeat, [].iter())).unwrap();
        assert!(frame.events.is_empty());
    }
}
