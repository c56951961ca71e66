//! What a statement looks like and where it lies.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};
use domain::schema::SCHEMA_VERSION;

use super::{files, none};

/// Words that open or end a transaction, at the start of a statement.
const TRANSACTION: &[&str] = &[
    "begin",
    "commit",
    "rollback",
    "savepoint",
    "release savepoint",
    "start transaction",
    "abort",
    "prepare transaction",
];

/// SQL without its comments and the contents of its strings, in lower case only where `fold` says so.
fn bare(sql: &str) -> String {
    let mut text = String::new();
    let mut quoted = false;
    for line in sql.lines() {
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\'' => quoted = !quoted,
                '-' if !quoted && characters.peek() == Some(&'-') => break,
                _ if quoted => {}
                _ => text.push(character),
            }
        }
        text.push('\n');
    }
    text
}

#[test]
fn guests_leave_transactions_alone() -> Result<()> {
    let mut wrong = Vec::new();
    for (path, text) in files("functions", &[".sql"])? {
        let text = bare(&text).to_lowercase();
        let statements: Vec<&str> = text
            .split(';')
            .map(str::trim)
            .filter(|statement| !statement.is_empty())
            .collect();
        for statement in &statements {
            // The body of a PL/pgSQL function opens a block with `begin`; ending a transaction in there is something else.
            let block = path.ends_with(".fn.sql") && starts(statement, "begin");
            if !block && TRANSACTION.iter().any(|word| starts(statement, word)) {
                wrong.push(format!("{path}: {statement}"));
            }
        }
        if !path.ends_with(".fn.sql") && statements.len() != 1 {
            wrong.push(format!("{path}: {} statements, not one", statements.len()));
        }
    }
    for (path, text) in files("functions", &[".rs"])? {
        for literal in text.split('"').skip(1).step_by(2) {
            let literal = literal.to_lowercase();
            if TRANSACTION.iter().any(|word| {
                literal.trim() == *word || literal.trim_start().starts_with(&format!("{word};"))
            }) {
                wrong.push(format!("{path}: {literal:?}"));
            }
        }
    }
    none(
        "a guest sends one statement and no transaction control",
        &wrong,
    )
}

fn starts(statement: &str, words: &str) -> bool {
    statement
        .strip_prefix(words)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

#[test]
fn sql_is_in_lower_case() -> Result<()> {
    const LOUD: &[&str] = &[
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "FROM",
        "WHERE",
        "CREATE",
        "TABLE",
        "RETURNING",
        "VALUES",
        "GRANT",
        "ALTER",
    ];
    let mut wrong = Vec::new();
    for (path, text) in files("", &[".sql"])? {
        let bare = bare(&text);
        let loud = bare
            .split(|letter: char| !letter.is_alphanumeric())
            .find(|word| LOUD.contains(word));
        wrong.extend(loud.map(|word| format!("{path}: {word}")));
    }
    none("SQL is in lower case", &wrong)
}

#[test]
fn a_statement_lies_beside_its_caller() -> Result<()> {
    let mut wrong = Vec::new();
    for top in ["functions", "bridge", "tests"] {
        let sources = files(top, &[".rs"])?;
        for (path, _) in files(top, &[".sql"])? {
            if path.ends_with(".fn.sql") {
                continue;
            }
            let file = Path::new(&path);
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let folder = file.parent().unwrap_or(file);
            // A caller's own file lies beside the statement, or is the folder's own (`tasks.rs` for `tasks/`).
            let beside = |source: &str| {
                let source = Path::new(source);
                source.parent() == Some(folder) || source.with_extension("") == folder
            };
            let calls =
                |text: &str| text.contains(&format!("{name}\"")) && text.contains("include_str!");
            if !sources
                .iter()
                .any(|(source, text)| beside(source) && calls(text))
            {
                wrong.push(path);
            }
        }
    }
    none("a statement lies beside the code that sends it", &wrong)
}

#[test]
fn migrations_say_why_and_are_numbered_once() -> Result<()> {
    let mut numbers = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, text) in files("migrations", &[".sql"])? {
        let name = path.trim_start_matches("migrations/");
        let number = name
            .strip_prefix('V')
            .and_then(|name| name.split("__").next())
            .and_then(|number| number.parse::<u32>().ok());
        match number {
            Some(number) if numbers.insert(number) => {}
            _ => wrong.push(format!("{path}: its number is missing or taken")),
        }
        if !text.starts_with("-- ") {
            wrong.push(format!("{path}: does not say why"));
        }
    }
    let newest = numbers.last().copied().unwrap_or_default().to_string();
    ensure!(
        SCHEMA_VERSION == newest,
        "the code wants version {SCHEMA_VERSION}, the newest migration is {newest}"
    );
    none("a migration has a number of its own and says why", &wrong)
}
