//! What the probes say about the lanes, and the answer that follows from it.

use std::collections::BTreeMap;

use serde_json::json;

/// What is known of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its agent has answered.
    Answers,
    /// Redis has delivered the probe to a subscriber, and no answer came in time.
    Silent,
    /// Redis knows no subscriber.
    Unsubscribed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Silent => "silent",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

/// The outcome of a health check.
#[derive(Debug, Default)]
pub struct Verdict {
    pub lanes: BTreeMap<String, State>,
    /// Why the lanes could not be probed.
    pub error: Option<String>,
}

impl Verdict {
    /// 503 if this process must be replaced. While Redis cannot be reached, a new process would not help.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.is_well() || self.error.is_some() {
            true => 200,
            false => 503,
        }
    }

    fn is_well(&self) -> bool {
        self.lanes.values().all(|state| *state == State::Answers)
    }

    #[must_use]
    pub fn body(&self) -> String {
        let status = match (&self.error, self.is_well()) {
            (Some(_), _) => "unknown",
            (None, true) => "ok",
            (None, false) => "failed",
        };
        let lanes: BTreeMap<&str, &str> = self
            .lanes
            .iter()
            .map(|(lane, state)| (lane.as_str(), state.name()))
            .collect();
        match &self.error {
            Some(error) => json!({ "status": status, "error": error }),
            None => json!({ "status": status, "lanes": lanes }),
        }
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(states: &[State]) -> Verdict {
        let lanes = states.iter().enumerate();
        Verdict {
            lanes: lanes
                .map(|(number, state)| (format!("lane.{number}"), *state))
                .collect(),
            error: None,
        }
    }

    #[test]
    fn every_lane_must_answer() {
        let well = verdict(&[State::Answers, State::Answers]);
        assert_eq!(well.status(), 200);
        assert_eq!(
            well.body(),
            r#"{"lanes":{"lane.0":"answers","lane.1":"answers"},"status":"ok"}"#
        );
        for state in [State::Silent, State::Unsubscribed] {
            assert_eq!(verdict(&[State::Answers, state]).status(), 503);
        }
    }

    #[test]
    fn a_new_process_does_not_mend_redis() {
        let verdict = Verdict {
            error: Some("refused".to_owned()),
            ..verdict(&[State::Silent])
        };
        assert_eq!(verdict.status(), 200);
        assert_eq!(verdict.body(), r#"{"error":"refused","status":"unknown"}"#);
    }
}
