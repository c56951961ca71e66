//! Highlights of a search result: the title, the tags and parts of the description, with the matches in `<mark>`.
//!
//! Everything but the marks is HTML-escaped, so a client can insert a highlight into a page as it is. A field without a match
//! has no highlight. A highlight of a description consists of up to three fragments around its first matches, with `…` for
//! omitted text. If nothing in a task is marked, because the search only excludes terms, its title is shown without marks.
//!
//! A match here is what the database matches, see `compile_search.fn.sql`.

use std::borrow::Cow;
use std::ops::Range;

use domain::words::Words;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::search::{Kind, Search, Term};

/// Number of terms that are marked in each text, which bounds the work. Others are marked only where nothing else is.
const MAX_TERMS: usize = 16;
const MAX_FRAGMENTS: usize = 3;
/// Length of the text that is shown before a match, in bytes.
const CONTEXT_BEFORE: usize = 40;
/// Length of the text that is shown after a match, in bytes.
const CONTEXT_AFTER: usize = 80;

/// Marks the matches of one search. Each pattern is a part of [`Words::text`].
pub struct Marker(Vec<String>);

#[derive(Deserialize)]
struct Task<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    description: Cow<'a, str>,
    tags: Vec<String>,
}

#[derive(Default, Serialize)]
struct Highlights {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

impl Marker {
    pub fn new(search: &Search) -> Self {
        Self(search.included().filter_map(pattern).collect())
    }

    /// Adds the member `highlights` to each task of a JSON array.
    ///
    /// # Errors
    /// If `items` is not a JSON array of tasks.
    pub fn add(&self, items: &str) -> serde_json::Result<String> {
        let tasks: Vec<&RawValue> = serde_json::from_str(items)?;
        let marked = tasks.iter().map(|task| {
            let highlights =
                serde_json::to_string(&self.highlights(&serde_json::from_str(task.get())?))?;
            let open = task.get().trim_end().strip_suffix('}').unwrap_or_default();
            Ok(format!(r#"{open},"highlights":{highlights}}}"#))
        });
        let marked = marked.collect::<serde_json::Result<Vec<_>>>()?;
        Ok(format!("[{}]", marked.join(",")))
    }

    fn highlights(&self, task: &Task) -> Highlights {
        let (first, others) = self.0.split_at(self.0.len().min(MAX_TERMS));
        let mut highlights = highlights(first, task);
        if highlights.is_empty() {
            highlights = self::highlights(others, task);
        }
        if highlights.is_empty() {
            highlights.title = Some(marked(&task.title, 0..task.title.len(), &[]));
        }
        highlights
    }
}

impl Highlights {
    fn is_empty(&self) -> bool {
        self.title.is_none() && self.description.is_none() && self.tags.is_empty()
    }
}

/// The part of [`Words::text`] that a term matches, as in the SQL function `compile_search`; `None` if the term has no word.
fn pattern(term: &Term) -> Option<String> {
    let words = Words::of(&term.text);
    let is_long = |word: &str| word.chars().nth(2).is_some();
    let is_phrase = term.kind == Kind::Phrase;
    let begins_inside = !is_phrase && is_long(words.iter().next()?);
    let ends_inside = !is_phrase && (term.kind == Kind::Last || is_long(words.iter().last()?));
    let mut pattern = words.text();
    if begins_inside {
        pattern = pattern.trim_start();
    }
    if ends_inside {
        pattern = pattern.trim_end();
    }
    Some(pattern.to_owned())
}

fn highlights(patterns: &[String], task: &Task) -> Highlights {
    Highlights {
        title: whole(patterns, &task.title),
        description: fragments(patterns, &task.description),
        tags: task
            .tags
            .iter()
            .filter_map(|tag| whole(patterns, tag))
            .collect(),
    }
}

fn whole(patterns: &[String], text: &str) -> Option<String> {
    let matches = matches(patterns, text);
    (!matches.is_empty()).then(|| marked(text, 0..text.len(), &matches))
}

fn fragments(patterns: &[String], text: &str) -> Option<String> {
    let matches = matches(patterns, text);
    let mut fragments: Vec<Range<usize>> = Vec::new();
    for found in &matches {
        let end = word_end(text, found.end);
        let full = fragments.len() == MAX_FRAGMENTS;
        match fragments.last_mut() {
            Some(last) if word_start(text, found.start) <= last.end => last.end = end.max(last.end),
            _ if full => break,
            _ => fragments.push(word_start(text, found.start)..end),
        }
    }
    let (first, last) = (fragments.first()?.start, fragments.last()?.end);
    let shown: Vec<String> = fragments
        .into_iter()
        .map(|fragment| marked(text, fragment, &matches))
        .collect();
    let before = if first > 0 { "… " } else { "" };
    let after = if last < text.len() { " …" } else { "" };
    Some(format!("{before}{}{after}", shown.join(" … ")))
}

/// The byte ranges that match, in order and without overlaps.
fn matches(patterns: &[String], text: &str) -> Vec<Range<usize>> {
    if patterns.is_empty() {
        return Vec::new();
    }
    let words = Words::of(text);
    let mut found: Vec<Range<usize>> = Vec::new();
    for pattern in patterns {
        let mut from = 0;
        while let Some(at) = words.text().get(from..).and_then(|rest| rest.find(pattern)) {
            let start = from + at;
            found.extend(words.origin(start..start + pattern.len()));
            // The space after a match may be the one before the next match.
            from = start + pattern.chars().next().map_or(1, char::len_utf8);
        }
    }
    found.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The HTML of a part of the text, with its matches marked.
fn marked(text: &str, part: Range<usize>, matches: &[Range<usize>]) -> String {
    let mut html = String::new();
    let mut position = part.start;
    for found in matches
        .iter()
        .filter(|found| found.start >= part.start && found.end <= part.end)
    {
        escape(
            &mut html,
            text.get(position..found.start).unwrap_or_default(),
        );
        html.push_str("<mark>");
        escape(&mut html, text.get(found.clone()).unwrap_or_default());
        html.push_str("</mark>");
        position = found.end;
    }
    escape(&mut html, text.get(position..part.end).unwrap_or_default());
    html
}

fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

/// The start of the fragment for a match at `position`: the first word that begins within `CONTEXT_BEFORE`.
fn word_start(text: &str, position: usize) -> usize {
    let from = text.floor_char_boundary(position.saturating_sub(CONTEXT_BEFORE));
    if from == 0 {
        return 0;
    }
    let before = text.get(from..position).unwrap_or_default();
    let space = before.char_indices().find(|(_, it)| it.is_whitespace());
    space.map_or(from, |(at, space)| from + at + space.len_utf8())
}

/// The end of the fragment for a match that ends at `position`: the last word that ends within `CONTEXT_AFTER`.
fn word_end(text: &str, position: usize) -> usize {
    let to = text.ceil_char_boundary(position.saturating_add(CONTEXT_AFTER).min(text.len()));
    if to == text.len() {
        return to;
    }
    let after = text.get(position..to).unwrap_or_default();
    after
        .rfind(char::is_whitespace)
        .map_or(to, |at| position + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(query: &str, text: &str) -> Option<String> {
        whole(&Marker::new(&Search::parse(query)).0, text)
    }

    #[test]
    fn matches_are_marked_and_text_is_escaped() {
        let cases = [
            (
                "plants",
                "Water the Plants",
                "Water the <mark>Plants</mark>",
            ),
            ("pflanz", "Zimmerpflanzen", "Zimmer<mark>pflanz</mark>en"),
            (
                "cafe",
                "Un Café & <b>",
                "Un <mark>Café</mark> &amp; &lt;b&gt;",
            ),
            ("café", "CAFE\u{301}!", "<mark>CAFE\u{301}</mark>!"),
            ("strasse", "Hauptstraße 3", "Haupt<mark>straße</mark> 3"),
            ("水を", "植物に水をやる", "植物に<mark>水を</mark>やる"),
            ("水", "植物に水をやる", "植物に<mark>水</mark>をやる"),
            ("an", "an ant can", "<mark>an</mark> <mark>an</mark>t can"),
            ("an x", "an ant can", "<mark>an</mark> ant can"),
            (
                "\"the plants\"",
                "the-plants, the plantsman",
                "<mark>the-plants</mark>, the plantsman",
            ),
            ("b a", "b&a", "<mark>b</mark>&amp;<mark>a</mark>"),
            ("계획", "프로젝트계획", "프로젝트<mark>계획</mark>"),
            (
                "many-dev",
                "germany-dev-east",
                "ger<mark>many-dev</mark>-east",
            ),
            ("c++", "C++ & C", "<mark>C++</mark> &amp; C"),
            ("🎂", "🎂🎂!", "<mark>🎂🎂</mark>!"),
            ("كتابة", "كِتَابَة", "<mark>كِتَابَة</mark>"),
            ("が", "か\u{3099}く", "<mark>か\u{3099}</mark>く"),
            ("აბ", "ᲐᲑᲒ ᲐᲑ", "<mark>ᲐᲑ</mark>Გ <mark>ᲐᲑ</mark>"),
        ];
        for (query, text, expected) in cases {
            assert_eq!(title(query, text).as_deref(), Some(expected), "{query}");
        }
        assert_eq!(title("water -plants", "the plants"), None);
        assert_eq!(title("a", "no"), None);
    }

    #[test]
    fn a_long_description_is_cut_to_fragments_around_matches() {
        let filler = "lorem ipsum ".repeat(50);
        let text = format!("{filler}water {filler}water {filler}");
        let shown = fragments(&Marker::new(&Search::parse("water")).0, &text).unwrap();
        assert_eq!(shown.matches("<mark>water</mark>").count(), 2);
        assert!(
            shown.len() < 400 && shown.starts_with("… ") && shown.ends_with(" …"),
            "{shown}"
        );
        let short = fragments(&Marker::new(&Search::parse("two")).0, "One, two, three.");
        assert_eq!(short.as_deref(), Some("One, <mark>two</mark>, three."));
    }

    #[test]
    fn highlights_are_never_empty() {
        let many: Vec<String> = (0..40).map(|number| format!("no{number}")).collect();
        let task = r#"[{"title":"a <b>","description":"","tags":["home","my tag"],"id":1}]"#;
        for (query, expected) in [
            ("tag", r#"{"tags":["my <mark>tag</mark>"]}"#),
            ("-c", r#"{"title":"a &lt;b&gt;"}"#),
            (
                &format!("{} OR home", many.join(" OR ")),
                r#"{"tags":["<mark>home</mark>"]}"#,
            ),
        ] {
            let shown = Marker::new(&Search::parse(query)).add(task).unwrap();
            assert!(
                shown.ends_with(&format!(r#""highlights":{expected}}}]"#)),
                "{shown}"
            );
        }
    }
}
