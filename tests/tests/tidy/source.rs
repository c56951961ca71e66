//! What a source file looks like.

use anyhow::Result;

use super::{files, none};

#[test]
fn every_file_says_what_lives_in_it() -> Result<()> {
    let silent = |text: &str| {
        !text
            .lines()
            .next()
            .is_some_and(|line| line.starts_with("//! ") && line.len() > 12)
    };
    let wrong: Vec<_> = files("", &[".rs"])?
        .into_iter()
        .filter(|(_, text)| silent(text))
        .map(|(path, _)| path)
        .collect();
    none(
        "the first line of a file is `//!` and says what lives in it",
        &wrong,
    )
}

#[test]
fn a_file_is_a_room_you_can_see_across() -> Result<()> {
    let wrong: Vec<_> = files("", &[".rs"])?
        .into_iter()
        .filter(|(_, text)| text.lines().count() > 400)
        .map(|(path, _)| path)
        .collect();
    none("a file has at most 400 lines", &wrong)
}

/// No test may be skipped, and none waits by the clock.
#[test]
fn tests_neither_sleep_nor_rest() -> Result<()> {
    let mut wrong = Vec::new();
    for (path, text) in files("", &[".rs"])? {
        if text.contains(concat!("#[", "ignore")) {
            wrong.push(format!("{path}: an ignored test"));
        }
        let waits = path.contains("/tests/") && !path.ends_with("/wait.rs");
        if waits
            && (text.contains(concat!("time::", "sleep"))
                || text.contains(concat!("thread::", "sleep")))
        {
            wrong.push(format!("{path}: a sleep"));
        }
    }
    none("tests wait for conditions and are all run", &wrong)
}
