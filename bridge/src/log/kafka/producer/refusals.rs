//! Which messages Kafka refused for good, and whether the row or its topic is at fault.

use std::collections::HashSet;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::OutboxRow;
use crate::log::{Fault, Refusal};

/// The refusals of one batch.
#[derive(Default)]
pub(super) struct Refusals {
    pub alone: bool,
    pub list: Vec<Refusal>,
    pub faults: HashSet<Fault>,
}

impl Refusals {
    /// True if the row's user or topic was refused in this batch.
    pub fn cover(&self, row: &OutboxRow<'_>) -> bool {
        !self.list.is_empty()
            && (self.faults.contains(&Fault::Row(row.user))
                || self.faults.contains(&Fault::Topic(row.topic.to_owned())))
    }

    /// Adds a refusal if the error is one; false for an error that may pass with time. Keeps a user's or topic's first
    /// row.
    pub fn add(&mut self, row: &OutboxRow<'_>, error: &KafkaError) -> bool {
        let Some(at_fault) = fault(row, error) else {
            return false;
        };
        let refusal = Refusal {
            row: row.id,
            topic: row.topic.to_owned(),
            at_fault: at_fault.clone(),
            alone: self.alone,
            error: error.to_string(),
        };
        if self.faults.insert(at_fault.clone()) {
            self.list.push(refusal);
        } else if let Some(known) = self
            .list
            .iter_mut()
            .find(|known| known.at_fault == at_fault && known.row > row.id)
        {
            *known = refusal;
        }
        true
    }
}

/// What an error is about, if sending the row again is of no use by itself.
fn fault(row: &OutboxRow<'_>, error: &KafkaError) -> Option<Fault> {
    match error.rdkafka_error_code()? {
        RDKafkaErrorCode::MessageSizeTooLarge
        | RDKafkaErrorCode::InvalidMessageSize
        | RDKafkaErrorCode::MessageBatchTooLarge
        | RDKafkaErrorCode::InvalidRecord
        | RDKafkaErrorCode::InvalidTimestamp
        | RDKafkaErrorCode::PolicyViolation => Some(Fault::Row(row.user)),
        RDKafkaErrorCode::UnknownTopic
        | RDKafkaErrorCode::UnknownPartition
        | RDKafkaErrorCode::UnknownTopicOrPartition
        | RDKafkaErrorCode::InvalidTopic
        | RDKafkaErrorCode::TopicAuthorizationFailed => Some(Fault::Topic(row.topic.to_owned())),
        _ => None,
    }
}
