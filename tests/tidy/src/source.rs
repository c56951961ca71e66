//! Rules for every Rust source file.

use anyhow::Result;

use super::{files, no_violations};

#[test]
fn every_file_starts_with_its_purpose() -> Result<()> {
    let is_silent = |text: &str| {
        !text
            .lines()
            .next()
            .is_some_and(|line| line.starts_with("//! ") && line.len() > 12)
    };
    let violations: Vec<_> = files("", &[".rs"])?
        .into_iter()
        .filter(|(_, text)| is_silent(text))
        .map(|(path, _)| path)
        .collect();
    no_violations(
        "the first line of a file is `//!` and says what the file contains",
        &violations,
    )
}

#[test]
fn a_module_file_stands_beside_its_folder() -> Result<()> {
    let violations: Vec<_> = files("", &["mod.rs"])?
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.ends_with("/mod.rs"))
        .collect();
    no_violations(
        "the file of a module with submodules is `name.rs` beside `name/`",
        &violations,
    )
}

#[test]
fn files_are_short() -> Result<()> {
    let violations: Vec<_> = files("", &[".rs"])?
        .into_iter()
        .filter(|(_, text)| text.lines().count() > 400)
        .map(|(path, _)| path)
        .collect();
    no_violations("a file has at most 400 lines", &violations)
}

/// A test waits for a condition, not for an amount of time: a fixed pause is too long on a fast machine and too short on a
/// slow one. Only `wait.rs`, which polls conditions, and the agent that is slow on purpose may sleep.
#[test]
fn tests_are_never_ignored_and_never_sleep() -> Result<()> {
    let mut violations = Vec::new();
    for (path, text) in files("", &[".rs"])? {
        if text.contains(concat!("#[", "ignore")) {
            violations.push(format!("{path}: an ignored test"));
        }
        let is_test = path.starts_with("tests/") || path.contains("/tests/");
        let sleeps = text.contains(concat!("time::", "sleep"))
            || text.contains(concat!("thread::", "sleep"));
        if is_test && sleeps && !path.ends_with("/wait.rs") && !path.ends_with("/support/agent.rs")
        {
            violations.push(format!("{path}: a sleep"));
        }
    }
    no_violations(
        "tests wait for conditions, and all of them run",
        &violations,
    )
}
