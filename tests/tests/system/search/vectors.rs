//! The SQL function `words` folds and splits text as `domain::words` does, which the highlights use.

use anyhow::{Result, ensure};
use domain::words::Words;
use serde_json::Value;
use tests::fixture::Fixture;
use tokio_postgres::Client;

/// Ranges of characters that are compared: all assigned ones, but only the ends of ranges of thousands that are alike.
const RANGES: [(u32, u32); 9] = [
    (0x1f, 0x3500),
    (0x4d00, 0x4e80),
    (0x9f00, 0xac80),
    (0xd700, 0xd7ff),
    (0xe000, 0xe010),
    (0xf8f0, 0xffff),
    (0x1_0000, 0x1_ffff),
    (0x2_f800, 0x2_fa1f),
    (0xe_0000, 0xe_01ff),
];
/// Letters that Unicode got after version 14, the one of Postgres 15. The two sides may know different versions.
const NEWER: [(u32, u32); 22] = [
    (0x558, 0x558),
    (0x58b, 0x58c),
    (0x1c89, 0x1c8a),
    (0x209d, 0x209f),
    (0xa7cb, 0xa7cf),
    (0xa7d2, 0xa7d2),
    (0xa7d4, 0xa7d4),
    (0xa7da, 0xa7dc),
    (0xa7f1, 0xa7f1),
    (0x1_05c9, 0x1_05c9),
    (0x1_05e4, 0x1_05e4),
    (0x1_07bb, 0x1_07bf),
    (0x1_0d50, 0x1_0d85),
    (0x1_6ea0, 0x1_6ed3),
    (0x1_b123, 0x1_b126),
    (0x1_ccd6, 0x1_ccf9),
    (0x1_d6a6, 0x1_d6a6),
    (0x1_df95, 0x1_df95),
    (0x1_dfcd, 0x1_dfff),
    (0x1_e030, 0x1_e06d),
    (0x1_e6c0, 0x1_e6ff),
    (0x1_fbcb, 0x1_fbff),
];
/// Number of characters in a text: splitting one long text is faster than splitting many short ones.
const TOGETHER: usize = 100;

pub async fn words_in_sql(fixture: &mut Fixture) -> Result<()> {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../../domain/tests/words.json"))?;
    ensure!(vectors.len() > 40, "there are {} vectors", vectors.len());
    let texts: Vec<String> = vectors
        .iter()
        .map(|vector| vector["text"].as_str().unwrap_or_default().to_owned())
        .collect();
    let found = words(&fixture.database, &texts).await?;
    let mut wrong = Vec::new();
    for (vector, found) in vectors.iter().zip(found) {
        let found: Value = found.split_ascii_whitespace().collect();
        if vector["words"] != found {
            wrong.push(format!("{found} instead of {vector}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));

    let characters: Vec<char> = RANGES
        .into_iter()
        .flat_map(|(first, last)| first..=last)
        .filter(|code| {
            !NEWER
                .iter()
                .any(|(first, last)| (first..=last).contains(&code))
        })
        .filter_map(char::from_u32)
        .collect();
    let in_words = |character: &char| format!("a{character}b {character}\n");
    let texts: Vec<String> = characters
        .chunks(TOGETHER)
        .map(|together| together.iter().map(in_words).collect())
        .collect();
    let found = words(&fixture.database, &texts).await?;
    let mut suspects = Vec::new();
    for ((text, found), together) in texts.iter().zip(found).zip(characters.chunks(TOGETHER)) {
        if Words::of(text).text() != found {
            suspects.extend(together.iter().map(in_words));
        }
    }
    let found = words(&fixture.database, &suspects).await?;
    let wrong: Vec<String> = suspects
        .iter()
        .zip(found)
        .filter(|(text, found)| Words::of(text).text() != found)
        .map(|(text, found)| {
            let escaped: String = text
                .chars()
                .take(3)
                .flat_map(char::escape_unicode)
                .collect();
            format!(
                "{escaped}: {found:?} instead of {:?}",
                Words::of(text).text()
            )
        })
        .collect();
    ensure!(
        wrong.is_empty(),
        "{} characters differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// The words of texts in SQL.
async fn words(database: &Client, texts: &[String]) -> Result<Vec<String>> {
    let rows = database
        .query(include_str!("../../../sql/words.sql"), &[&texts])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
