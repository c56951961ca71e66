//! The house rules that a machine can check (style.md), on the tree as it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use toml::Table;

/// Longer than a file should be, each with its reason.
const LONG: &[(&str, &str)] = &[];

/// Words that open or end a transaction, at the start of a statement.
const TRANSACTION: &[&str] =
    &["begin", "commit", "rollback", "savepoint", "release savepoint", "start transaction", "abort", "prepare transaction"];

fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("tests lies in the workspace")?.to_path_buf())
}

/// Files below a folder of the workspace with one of these endings, by path from the root, and their text.
fn files(below: &str, endings: &[&str]) -> Result<Vec<(String, String)>> {
    let root = root()?;
    let mut found = Vec::new();
    let mut folders = vec![root.join(below)];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                found.push((path.strip_prefix(&root)?.display().to_string(), text));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn none(rule: &str, wrong: &[String]) -> Result<()> {
    ensure!(wrong.is_empty(), "{rule}:\n  {}", wrong.join("\n  "));
    Ok(())
}

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
fn every_file_says_what_lives_in_it() -> Result<()> {
    let silent = |text: &str| !text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 12);
    let wrong: Vec<_> = files("", &[".rs"])?.into_iter().filter(|(_, text)| silent(text)).map(|(path, _)| path).collect();
    none("the first line of a file is `//!` and says what lives in it", &wrong)
}

#[test]
fn a_file_is_a_room_you_can_see_across() -> Result<()> {
    let long = files("", &[".rs"])?.into_iter().filter(|(_, text)| text.lines().count() > 400);
    let wrong: Vec<_> = long.map(|(path, _)| path).filter(|path| !LONG.iter().any(|(known, _)| path == known)).collect();
    none("a file has at most 400 lines, or stands in LONG with its reason", &wrong)
}

#[test]
fn guests_leave_transactions_alone() -> Result<()> {
    let mut wrong = Vec::new();
    for (path, text) in files("functions", &[".sql"])? {
        let text = bare(&text).to_lowercase();
        let statements: Vec<&str> = text.split(';').map(str::trim).filter(|statement| !statement.is_empty()).collect();
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
            if TRANSACTION.iter().any(|word| literal.trim() == *word || literal.trim_start().starts_with(&format!("{word};"))) {
                wrong.push(format!("{path}: {literal:?}"));
            }
        }
    }
    none("a guest sends one statement and no transaction control", &wrong)
}

fn starts(statement: &str, words: &str) -> bool {
    statement.strip_prefix(words).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

#[test]
fn sql_is_in_lower_case() -> Result<()> {
    const LOUD: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "FROM", "WHERE", "CREATE", "TABLE", "RETURNING", "VALUES", "GRANT", "ALTER"];
    let mut wrong = Vec::new();
    for (path, text) in files("", &[".sql"])? {
        let bare = bare(&text);
        let loud = bare.split(|letter: char| !letter.is_alphanumeric()).find(|word| LOUD.contains(word));
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
            let calls = |text: &str| text.contains(&format!("{name}\"")) && text.contains("include_str!");
            if !sources.iter().any(|(source, text)| beside(source) && calls(text)) {
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
        let number = name.strip_prefix('V').and_then(|name| name.split("__").next()).and_then(|number| number.parse::<u32>().ok());
        match number {
            Some(number) if numbers.insert(number) => {}
            _ => wrong.push(format!("{path}: its number is missing or taken")),
        }
        if !text.starts_with("-- ") {
            wrong.push(format!("{path}: does not say why"));
        }
    }
    let newest = numbers.last().copied().unwrap_or_default();
    ensure!(
        i64::from(newest) == i64::from(domain::SCHEMA_VERSION),
        "domain::SCHEMA_VERSION is {}, the newest migration {newest}",
        domain::SCHEMA_VERSION
    );
    none("a migration has a number of its own and says why", &wrong)
}

fn manifest() -> Result<Table> {
    Ok(std::fs::read_to_string(root()?.join("spin.toml"))?.parse()?)
}

fn table<'a>(manifest: &'a Table, name: &str) -> Result<&'a Table> {
    manifest.get(name).and_then(toml::Value::as_table).with_context(|| format!("spin.toml has [{name}]"))
}

#[test]
fn each_function_is_a_component() -> Result<()> {
    let manifest = manifest()?;
    let components: BTreeSet<_> = table(&manifest, "component")?.keys().cloned().collect();
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(root()?.join("functions"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && name != "guest" {
            folders.insert(name);
        }
    }
    ensure!(components == folders, "components in spin.toml: {components:?}; folders under functions: {folders:?}");
    let mut triggered = BTreeSet::new();
    for triggers in table(&manifest, "trigger")?.values() {
        for trigger in triggers.as_array().into_iter().flatten() {
            triggered.extend(trigger.get("component").and_then(toml::Value::as_str).map(str::to_owned));
        }
    }
    ensure!(triggered == components, "components with a trigger: {triggered:?}");
    for name in &components {
        let component = manifest["component"][name].as_table().context("a component is a table")?;
        let source = component.get("source").and_then(toml::Value::as_str).unwrap_or_default();
        ensure!(source == format!("target/wasm32-wasip1/release/{name}.wasm"), "{name} is built to {source}");
        let command = component.get("build").and_then(|build| build.get("command")).and_then(toml::Value::as_str);
        let plain = format!("cargo build --target wasm32-wasip1 --release -p {name}");
        ensure!(command == Some(&plain), "{name} is built by {command:?}");
        let hosts = component.get("allowed_outbound_hosts").and_then(toml::Value::as_array);
        let open = hosts.into_iter().flatten().filter_map(toml::Value::as_str).any(|host| host.contains('*'));
        ensure!(!open, "{name} may talk to anybody");
    }
    Ok(())
}

#[test]
fn variables_read_are_variables_declared() -> Result<()> {
    let manifest = manifest()?;
    let mut read = BTreeSet::new();
    for (_, text) in files("functions", &[".rs"])? {
        for call in text.split("variables::get(").skip(1) {
            let name = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            read.extend(name.map(str::to_owned));
        }
    }
    let mut given = BTreeSet::new();
    let mut templates = String::new();
    for component in table(&manifest, "component")?.values() {
        let variables = component.get("variables").and_then(toml::Value::as_table);
        given.extend(variables.into_iter().flat_map(Table::keys).cloned());
        templates.push_str(&component.to_string());
    }
    templates.push_str(&table(&manifest, "trigger")?.to_string());
    ensure!(read == given, "read by functions: {read:?}; given to components in spin.toml: {given:?}");
    let declared: BTreeSet<_> = table(&manifest, "variables")?.keys().cloned().collect();
    let unused: Vec<_> = declared.iter().filter(|name| !templates.contains(&format!("{{{{ {name} }}}}"))).cloned().collect();
    none("a variable declared in spin.toml is used in it", &unused)?;
    let used = templates.split("{{ ").skip(1).filter_map(|rest| rest.split(" }}").next());
    let unknown: Vec<_> = used.filter(|name| !declared.contains(*name)).map(str::to_owned).collect();
    none("a variable used in spin.toml is declared in it", &unknown)
}

/// Members name no version of their own.
#[test]
fn one_table_of_versions() -> Result<()> {
    let mut wrong = Vec::new();
    for (path, text) in files("", &["Cargo.toml"])? {
        let member: Table = text.parse().with_context(|| path.clone())?;
        if path == "Cargo.toml" {
            continue;
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in member.get(kind).and_then(toml::Value::as_table).into_iter().flatten() {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    wrong.push(format!("{path}: {name}"));
                }
            }
        }
        if member.get("lints").and_then(|lints| lints.get("workspace")).is_none() {
            wrong.push(format!("{path}: its lints are not the workspace's"));
        }
    }
    none("versions and lints are in the workspace's table", &wrong)
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
        if waits && (text.contains(concat!("time::", "sleep")) || text.contains(concat!("thread::", "sleep"))) {
            wrong.push(format!("{path}: a sleep"));
        }
    }
    none("tests wait for conditions and are all run", &wrong)
}
