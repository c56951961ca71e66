//! Each kind of frame and ack has a golden file, because bridges and agents of two releases talk to each other during an
//! upgrade.
#![allow(clippy::unwrap_used, reason = "a failing test panics")]

use domain::frame::{Ack, Answer, Frame, Kind, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Parses a golden file, and checks that printing the result gives the same JSON again.
fn golden<T: DeserializeOwned + Serialize>(text: &str) -> T {
    let parsed: T = serde_json::from_str(text).unwrap();
    let expected: Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(&parsed).unwrap(), expected);
    parsed
}

#[test]
fn frames_match_their_golden_files() {
    let events: Frame = golden(include_str!("frames/frame.events.json"));
    assert_eq!((events.kind, events.events.len()), (Kind::Events, 1));
    let heartbeat: Frame = golden(include_str!("frames/frame.heartbeat.json"));
    assert_eq!(
        (heartbeat.kind, heartbeat.events.len()),
        (Kind::Heartbeat, 0)
    );
    let probe: Frame = golden(include_str!("frames/frame.probe.json"));
    assert_eq!((probe.kind, probe.events.len()), (Kind::Probe, 0));
}

#[test]
fn acks_match_their_golden_files() {
    let ack: Ack = golden(include_str!("frames/ack.results.json"));
    let Answer::Results(results) = ack.answer else {
        panic!("the answer has results")
    };
    let outcomes: Vec<_> = results
        .iter()
        .map(|result| (result.outcome, result.after_ms))
        .collect();
    assert_eq!(
        outcomes,
        [
            (Outcome::Done, 0),
            (Outcome::Retry, 0),
            (Outcome::Later, 5_000),
            (Outcome::Reject, 0)
        ]
    );
    let ack: Ack = golden(include_str!("frames/ack.heartbeat.json"));
    assert_eq!(ack.answer, Answer::Results(Vec::new()));
    let ack: Ack = golden(include_str!("frames/ack.unwell.json"));
    assert!(matches!(ack.answer, Answer::Unwell(unwell) if unwell.code == "53100"));
}

#[test]
fn an_ack_needs_an_answer() {
    let text = r#"{"frame": "019576a0-0000-7000-8000-000000000001", "epoch": 7, "lane": "a"}"#;
    assert!(serde_json::from_str::<Ack>(text).is_err());
}
