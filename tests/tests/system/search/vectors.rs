//! How the SQL functions `fold` and `words` fold text and split it into words.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::fixture::Fixture;

/// Each vector has a text, its folded form, and its words. The unit tests of `highlight.rs` check the API's folding with the same
/// vectors.
pub async fn fold_vectors(fixture: &mut Fixture) -> Result<()> {
    let vectors: Vec<Value> = serde_json::from_str(include_str!(
        "../../../../functions/api/src/tasks/search/fold_vectors.json"
    ))?;
    ensure!(vectors.len() > 20, "there are {} vectors", vectors.len());
    let mut wrong = Vec::new();
    for vector in vectors {
        let text = vector["text"].as_str().unwrap_or_default();
        let row = fixture
            .database
            .query_one(include_str!("../../../sql/fold.sql"), &[&text])
            .await?;
        let (folded, words): (String, Vec<String>) = (row.get(0), row.get(1));
        let found = json!({"text": text, "folded": folded, "words": words});
        if found != vector {
            wrong.push(format!("{found} instead of {vector}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
