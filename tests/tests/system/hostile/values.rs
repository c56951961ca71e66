//! Hostile values: what parsers, casts, indexes and search have choked on, and mutations of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};

/// Texts that are hostile as they are. NFKD makes U+FDFA 18 times as long.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\t",
    "\0",
    "a\0b",
    "\u{200b}",
    "\u{2800}",
    "\u{ad}",
    "\u{feff}",
    "\u{202e}",
    "\u{fdf2}",
    "\u{fdfa}",
    "\u{1f468}\u{200d}",
    "e\u{301}",
    "\u{130}",
    "ß",
    "\u{10ffff}",
    "\u{fffe}",
    "-abc",
    "-",
    "--",
    "\"",
    "-\"",
    "\"a b",
    "or",
    "OR",
    "a or or b",
    "a:*&!|()<->",
    "'",
    "''; drop table tasks; --",
    "\\",
    "\\u0000",
    "%",
    "%00",
    "{",
    "}",
    "{a,b}",
    "{\"a\"",
    "[]",
    "{}",
    "null",
    "true",
    "*",
    "W/\"1\"",
    "\"1\"",
    "\"01\"",
    "\"99999999999999999999\"",
    "0",
    "-1",
    "00",
    "1.5",
    "1e400",
    "NaN",
    "Infinity",
    "9223372036854775808",
    "-9223372036854775809",
    "infinity",
    "-infinity",
    "epoch",
    "now",
    "0000-01-01",
    "1969-12-31",
    "2100-01-01",
    "10000-01-01",
    "2026-02-30",
    "0000-01-01 00:00:00+00",
    "2026-01-01 00:00:00+23",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-07-25T04:10:00.0000000",
    "2026-12-31T23:59:60Z",
    "294277-01-01T00:00:00Z",
    "CET",
    "Mars/Base",
    "../../etc/passwd",
    "UTC+1",
    "00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "open",
    "urgent",
    "title",
    "priority",
    "relevance",
    "asc",
    "desc",
    "created_at",
    "due_at",
    "1",
    "2",
    "200",
    "home",
    "HOME",
    "2026-03-01T08:00:00Z",
    "a@b.de",
    "correct horse battery staple 7",
];

/// A hostile text: one of the list, long, doubled, or in a forged cursor.
pub fn text(random: &mut StdRng) -> String {
    let mut text = one(random).to_owned();
    match random.random_range(0..10) {
        0 => text = text.repeat(random.random_range(2..60)),
        1 => {
            text = text
                .chars()
                .cycle()
                .take(if text.is_empty() { 0 } else { 300 })
                .collect()
        }
        2 => text.push_str(one(random)),
        3 => text = format!("{text} {}", one(random)),
        4 => text = cursor(&text),
        5 => text.extend(char::from_u32(random.random_range(0..0x11_0000))),
        _ => {}
    }
    text
}

fn one(random: &mut StdRng) -> &'static str {
    TEXTS.choose(random).copied().unwrap_or_default()
}

/// A cursor with this key that nobody has signed.
fn cursor(key: &str) -> String {
    let id = "00000000-0000-0000-0000-000000000000";
    URL_SAFE_NO_PAD.encode(json!({"k": key, "i": id, "s": "AAAAAAAAAAAAAAAAAAAAAA"}).to_string())
}

/// A hostile JSON value.
pub fn json(random: &mut StdRng, depth: usize) -> Value {
    match random.random_range(0..if depth > 3 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => json!(random.random_bool(0.5)),
        2 => json!(random.random::<i64>()),
        3 => json!(random.random::<f64>() * 1e300),
        4 | 5 => Value::String(text(random)),
        6 => (0..random.random_range(0..40))
            .map(|_| json(random, depth + 1))
            .collect(),
        7 => {
            let members =
                (0..random.random_range(0..4)).map(|_| (text(random), json(random, depth + 1)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        _ => json!([[[[[[[[[text(random)]]]]]]]]]),
    }
}

/// A body in which some values are hostile.
pub fn altered(body: &Value, random: &mut StdRng) -> Value {
    match body {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match random.random_range(0..6) {
                0 => (name.clone(), json(random, 0)),
                1 => (name.clone(), Value::String(text(random))),
                _ => (name.clone(), altered(value, random)),
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| altered(item, random)).collect(),
        Value::String(_) if random.random_bool(0.2) => Value::String(text(random)),
        other => other.clone(),
    }
}
