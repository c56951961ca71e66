//! A batch that the server refuses as a whole, and will refuse again: which of its operations is to blame.

use serde_json::Value;

use super::Queue;
use crate::answer::{Outcome, Verdict};

impl Queue {
    /// Halves the batch that was refused, so that the next requests find the operation that is to blame. A batch of one has found it: the
    /// result is that this operation is rejected. Operations that leave the batch keep their place in the queue.
    pub fn refuse(&mut self, problem: Value) -> Option<Outcome> {
        if let [only] = self.batch.as_slice() {
            return Some(Outcome {
                op_id: only.op_id,
                result: Verdict::Rejected,
                task: None,
                restored: false,
                conflicts: Vec::new(),
                problem: Some(problem),
            });
        }
        self.batch.truncate(self.batch.len() / 2);
        None
    }
}
