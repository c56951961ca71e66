//! How the SQL functions `fold` and `words` fold text and split it into words.

use anyhow::{Result, ensure};
use serde::Deserialize;
use tests::fixture::Fixture;

/// A text, its folded form, and its words.
#[derive(Deserialize)]
struct FoldVector {
    text: String,
    folded: String,
    words: Vec<String>,
}

/// The unit tests of `highlight.rs` check the API's folding with the same vectors.
pub async fn fold_vectors(fixture: &mut Fixture) -> Result<()> {
    let vectors: Vec<FoldVector> = serde_json::from_str(include_str!(
        "../../../../functions/api/src/tasks/search/fold_vectors.json"
    ))?;
    ensure!(vectors.len() > 20, "there are {} vectors", vectors.len());
    let mut wrong = Vec::new();
    for FoldVector {
        text,
        folded,
        words,
    } in vectors
    {
        let row = fixture
            .database
            .query_one(include_str!("../../../sql/fold.sql"), &[&text])
            .await?;
        let found: (String, Vec<String>) = (row.get(0), row.get(1));
        if found != (folded, words) {
            wrong.push(format!("{text:?}: {found:?}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
