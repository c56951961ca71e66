//! Rules for `use` declarations: each names the items of one module, and they stand in three groups.
//!
//! `cargo +nightly fmt --all -- --config imports_granularity=Module,group_imports=StdExternalCrate,unstable_features=true`
//! writes them this way. Stable rustfmt cannot, so this test checks what it wrote.

use anyhow::{Result, ensure};

use super::{files, no_violations};

/// The group of a `use` declaration, in the order in which the groups stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    /// `std`, `core` and `alloc`.
    Standard,
    /// Other crates, those of this workspace among them, and modules declared in the same file.
    External,
    /// `crate`, `super` and `self`.
    Own,
}

impl Group {
    fn of(path: &str) -> Self {
        match path.split("::").next() {
            Some("std" | "core" | "alloc") => Self::Standard,
            Some("crate" | "super" | "self") => Self::Own,
            _ => Self::External,
        }
    }
}

/// One `use` declaration.
#[derive(Debug)]
struct Import {
    line: usize,
    indent: usize,
    /// The text between `use` and `;`, without line breaks and spaces.
    path: String,
    /// Whether a blank line stands between this declaration and the one before it.
    after_blank: bool,
    /// Whether anything but blank lines, comments and attributes stands between this declaration and the one before it.
    starts_block: bool,
}

/// The `use` declarations of a file, in order.
fn imports(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    let (mut after_blank, mut starts_block) = (false, true);
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let code = line.trim_start();
        let Some(rest) = declaration(code) else {
            after_blank |= code.is_empty();
            starts_block |= !(code.is_empty() || code.starts_with("//") || code.starts_with("#["));
            continue;
        };
        let mut path: String = rest.to_owned();
        while !path.contains(';') {
            let Some((_, next)) = lines.next() else { break };
            path.push_str(next);
        }
        let path = path.split(';').next().unwrap_or_default();
        found.push(Import {
            line: number + 1,
            indent: line.len() - code.len(),
            path: path.split_whitespace().collect(),
            after_blank,
            starts_block,
        });
        (after_blank, starts_block) = (false, false);
    }
    found
}

/// The text after `use` in a line that starts a declaration, public or not.
fn declaration(code: &str) -> Option<&str> {
    let code = match code.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1.trim_start(),
        Some(rest) => rest.trim_start(),
        None => code,
    };
    code.strip_prefix("use ")
}

/// Whether the declaration names items of more than one module.
fn names_several_modules(path: &str) -> bool {
    match path.split_once('{') {
        Some((_, items)) => items.contains('{') || items.contains("::"),
        None => false,
    }
}

/// The violations in one file.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut before: Option<(usize, Group)> = None;
    for import in imports(text) {
        let at = format!("{path}:{}: `use {}`", import.line, import.path);
        if names_several_modules(&import.path) {
            found.push(format!("{at} names items of several modules"));
        }
        let group = Group::of(&import.path);
        let earlier = before.filter(|(indent, _)| *indent == import.indent && !import.starts_block);
        if let Some((_, earlier)) = earlier {
            if group < earlier {
                found.push(format!(
                    "{at} ({group:?}) stands after a group of {earlier:?}"
                ));
            } else if (group == earlier) == import.after_blank {
                found.push(format!(
                    "{at}: one blank line separates two groups, and none divides a group"
                ));
            }
        }
        before = Some((import.indent, group));
    }
    found
}

#[test]
fn imports_have_one_style() -> Result<()> {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, text) in files("", &[".rs"])? {
        seen += imports(&text).len();
        wrong.extend(violations(&path, &text));
    }
    ensure!(seen > 100, "only {seen} `use` declarations were found");
    no_violations(
        "a `use` names items of one module; groups: std, other crates, own modules",
        &wrong,
    )
}

#[test]
fn other_styles_are_found() {
    let fine = "use std::fs;\nuse std::path::{\n    Path,\n    PathBuf,\n};\n\n// Why.\nuse anyhow::Result;\npub use tokio::time::{self, Instant};\n\nuse super::x;\n";
    assert_eq!(violations("fine.rs", fine), Vec::<String>::new());
    for wrong in [
        "use std::{fs, path::Path};\n",
        "use a::{b::{c, d}};\n",
        "use anyhow::Result;\n\nuse std::fs;\n",
        "use crate::x;\n\npub(crate) use anyhow::Result;\n",
        "use std::fs;\nuse anyhow::Result;\n",
        "use std::fs;\n\nuse std::path::Path;\n",
    ] {
        assert_eq!(violations("wrong.rs", wrong).len(), 1, "{wrong}");
    }
}
