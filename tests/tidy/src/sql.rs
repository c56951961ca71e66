//! Rules for SQL files: what they contain and where they lie.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};
use domain::schema::SCHEMA_VERSION;

use super::{files, no_violations};

/// Keywords that begin or end a transaction when a statement starts with them.
const TRANSACTION_CONTROL: &[&str] = &[
    "begin",
    "commit",
    "rollback",
    "savepoint",
    "release savepoint",
    "start transaction",
    "abort",
    "prepare transaction",
];

/// Keywords that must be in lower case.
const UPPER_CASE_KEYWORDS: &[&str] = &[
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

/// SQL without its comments and without what its string literals contain.
fn without_comments_and_strings(sql: &str) -> String {
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

/// A guest's connection is pooled and may be lost between two statements, so a guest sends single statements only; what must
/// be atomic is one statement or one PL/pgSQL function.
#[test]
fn guests_send_single_statements_without_transaction_control() -> Result<()> {
    let mut violations = Vec::new();
    // Tests are native programs with connections of their own.
    let of_guests = |(path, _): &(String, String)| !path.contains("/tests/");
    for (path, text) in files("functions", &[".sql"])?.into_iter().filter(of_guests) {
        let text = without_comments_and_strings(&text).to_lowercase();
        let statements: Vec<&str> = text
            .split(';')
            .map(str::trim)
            .filter(|statement| !statement.is_empty())
            .collect();
        for statement in &statements {
            // In a PL/pgSQL function `begin` opens a block, not a transaction. A `commit` in a procedure leaves no transaction open.
            let in_function = path.ends_with(".fn.sql");
            let opens_block = in_function && starts_with_keyword(statement, "begin");
            let commits = in_function && *statement == "commit";
            let controls_transaction = TRANSACTION_CONTROL
                .iter()
                .any(|keyword| starts_with_keyword(statement, keyword));
            if !opens_block && !commits && controls_transaction {
                violations.push(format!("{path}: {statement}"));
            }
        }
        if !path.ends_with(".fn.sql") && statements.len() != 1 {
            violations.push(format!("{path}: {} statements, not one", statements.len()));
        }
    }
    for (path, text) in files("functions", &[".rs"])?.into_iter().filter(of_guests) {
        for literal in text.split('"').skip(1).step_by(2) {
            let literal = literal.to_lowercase();
            if TRANSACTION_CONTROL.iter().any(|keyword| {
                literal.trim() == *keyword
                    || literal.trim_start().starts_with(&format!("{keyword};"))
            }) {
                violations.push(format!("{path}: {literal:?}"));
            }
        }
    }
    no_violations(
        "a guest sends single statements without transaction control",
        &violations,
    )
}

fn starts_with_keyword(statement: &str, keyword: &str) -> bool {
    statement
        .strip_prefix(keyword)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

#[test]
fn keywords_are_in_lower_case() -> Result<()> {
    let mut violations = Vec::new();
    for (path, text) in files("", &[".sql"])? {
        let text = without_comments_and_strings(&text);
        let keyword = text
            .split(|letter: char| !letter.is_alphanumeric())
            .find(|word| UPPER_CASE_KEYWORDS.contains(word));
        violations.extend(keyword.map(|keyword| format!("{path}: {keyword}")));
    }
    no_violations("SQL keywords are in lower case", &violations)
}

/// A statement lies beside the Rust file that sends it, so that both are read together. The statements of tests are many and
/// small; they lie in a folder `sql` of their own.
#[test]
fn statements_lie_beside_their_caller() -> Result<()> {
    let mut violations = Vec::new();
    let tops = ["functions", "bridge", "tests"];
    let mut sources = Vec::new();
    for top in tops {
        sources.extend(files(top, &[".rs"])?);
    }
    for top in tops {
        for (path, _) in files(top, &[".sql"])? {
            if path.ends_with(".fn.sql") {
                continue;
            }
            let file = Path::new(&path);
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let folder = file.parent().unwrap_or(file);
            let is_test = file.components().any(|part| part.as_os_str() == "tests");
            let in_sql_folder = folder.file_name().is_some_and(|name| name == "sql");
            if is_test != in_sql_folder {
                let rule = if is_test {
                    "a statement of tests lies in a folder `sql`"
                } else {
                    "only statements of tests lie in a folder `sql`"
                };
                violations.push(format!("{path}: {rule}"));
                continue;
            }
            let is_sent_by = |source: &str, text: &str| {
                let source = Path::new(source);
                // `tasks.rs` sends statements that lie in `tasks/`, too.
                let is_beside =
                    source.parent() == Some(folder) || source.with_extension("") == folder;
                let literal = if is_test {
                    format!("sql/{name}\"")
                } else {
                    format!("{name}\"")
                };
                (is_test || is_beside) && text.contains(&literal) && text.contains("include_str!")
            };
            if !sources
                .iter()
                .any(|(source, text)| is_sent_by(source, text))
            {
                violations.push(format!("{path}: no Rust file beside it includes it"));
            }
        }
    }
    no_violations(
        "a statement lies beside the Rust file that sends it; those of tests lie in a folder `sql`",
        &violations,
    )
}

/// A function is found by its name, and `bridge migrate` loads exactly the files of its list.
#[test]
fn function_files_are_named_after_their_function_and_listed() -> Result<()> {
    let listed = files("bridge/src/migrate", &["functions.rs"])?;
    let listed: Vec<&str> = listed
        .iter()
        .flat_map(|(_, text)| text.split('"').skip(1).step_by(2))
        .filter(|literal| literal.ends_with(".fn.sql"))
        .collect();
    let mut present = Vec::new();
    let mut violations = Vec::new();
    for (path, text) in files("", &[".fn.sql"])? {
        let text = without_comments_and_strings(&text);
        let names: Vec<&str> = text
            .split("create or replace ")
            .skip(1)
            .filter_map(|rest| {
                let named = rest.strip_prefix("function ");
                let named = named.or_else(|| rest.strip_prefix("procedure "));
                named?.split('(').next()
            })
            .collect();
        let file = Path::new(&path).file_name().unwrap_or_default();
        match names.as_slice() {
            [name] if file.to_string_lossy() == format!("{name}.fn.sql") => {}
            _ => violations.push(format!("{path}: it creates {names:?}")),
        }
        present.push(path);
    }
    if listed != present {
        violations.push(format!(
            "bridge/src/migrate/functions.rs lists {listed:#?}, there are {present:#?}"
        ));
    }
    no_violations(
        "a `.fn.sql` file creates one function, is named after it, and is listed in order of its path",
        &violations,
    )
}

/// SQL answers with named outcomes; only Rust turns them into statuses and addresses.
#[test]
fn functions_do_not_know_http() -> Result<()> {
    const STATUSES: &[&str] = &[
        "200", "201", "204", "304", "400", "401", "403", "404", "409", "412", "422", "429", "503",
    ];
    let mut violations = Vec::new();
    for folder in ["functions/api", "bridge/src/admin"] {
        for (path, text) in files(folder, &[".sql"])? {
            let code = without_comments_and_strings(&text);
            let status = code
                .split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
                .find(|word| STATUSES.contains(word));
            violations.extend(status.map(|status| format!("{path}: the status {status}")));
            if text.contains("'/api/") {
                violations.push(format!("{path}: a URL"));
            }
        }
    }
    no_violations("SQL knows no HTTP status and no URL", &violations)
}

#[test]
fn migrations_are_numbered_and_explained() -> Result<()> {
    let mut numbers = BTreeSet::new();
    let mut violations = Vec::new();
    for (path, text) in files("migrations", &[".sql"])? {
        let name = path.trim_start_matches("migrations/");
        let number = name
            .strip_prefix('V')
            .and_then(|name| name.split("__").next())
            .and_then(|number| number.parse::<u32>().ok());
        match number {
            Some(number) if numbers.insert(number) => {}
            _ => violations.push(format!("{path}: its number is missing or taken")),
        }
        if !text.starts_with("-- ") {
            violations.push(format!(
                "{path}: it does not start with a comment that says why"
            ));
        }
    }
    let newest = numbers.last().copied().unwrap_or_default().to_string();
    ensure!(
        SCHEMA_VERSION == newest,
        "the code expects schema version {SCHEMA_VERSION}, the newest migration is {newest}"
    );
    no_violations(
        "a migration has a number of its own and starts with the reason for it",
        &violations,
    )
}
