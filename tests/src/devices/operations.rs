//! The operations that the server has acknowledged, and their results.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::client::text;

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The number of the device that has made it.
    pub device: usize,
    /// As it was sent.
    pub sent: Value,
    pub result: Value,
    /// The id of the first operation of its batch.
    pub batch: String,
}

impl Operation {
    /// The version of the task after it; `None` if it was rejected.
    pub fn version(&self) -> Option<u64> {
        self.result["version"].as_u64()
    }

    pub fn is(&self, result: &str) -> bool {
        self.result["result"] == result
    }
}

/// Operations by their ids.
#[derive(Debug, Default)]
pub struct Acknowledged(pub BTreeMap<String, Operation>);

impl Acknowledged {
    /// Notes the answer to a batch.
    ///
    /// # Errors
    /// The answer is not that of this batch, or another one than an earlier answer.
    pub fn note(&mut self, device: usize, batch: &[Value], answer: &Value) -> Result<()> {
        let results = answer["results"].as_array().context("no results")?;
        ensure!(
            results.len() == batch.len(),
            "{} operations have {} results",
            batch.len(),
            results.len()
        );
        let first = batch.first().context("an empty batch")?;
        let first = text(first, "op_id")?;
        for (sent, result) in batch.iter().zip(results) {
            let id = text(sent, "op_id")?;
            ensure!(result["op_id"] == *id, "{result} is not that of {sent}");
            if let Some(before) = self.0.get(&id) {
                ensure!(
                    before.sent == *sent,
                    "an operation was sent as {} and as {sent}",
                    before.sent
                );
                ensure!(
                    before.result == *result,
                    "a repeated operation has another result: {} and {result}",
                    before.result
                );
            }
            let operation = Operation {
                device,
                sent: sent.clone(),
                result: result.clone(),
                batch: first.clone(),
            };
            self.0.insert(id, operation);
        }
        Ok(())
    }
}
