//! Where a found task matches: its title, and fragments of its description, with what was searched for in `<mark>`.
//!
//! The rule: everything but those marks is HTML-escaped, so a highlight may be put into a page as it is. A member is there if it
//! matches. A description is given as up to three fragments around its first matches, with `…` where text was left out.
//! What counts as a match is what the database found it by: text is folded as `fold` in the database does, words of three letters
//! or more are marked wherever they stand, shorter ones and phrases where they are whole words.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use unicode_normalization::UnicodeNormalization;

use super::search::{Kind, Search};

/// More terms than anybody types; each is looked for in every text of the page.
const MAX_TERMS: usize = 16;
const MAX_FRAGMENTS: usize = 3;
/// How much text around a match is shown, in bytes.
const BEFORE: usize = 40;
const AFTER: usize = 80;

/// What is looked for, folded.
pub struct Marker(Vec<Pattern>);

struct Pattern {
    text: Vec<char>,
    starts_word: bool,
    ends_word: bool,
}

/// One folded character, and the bytes of the text that it stands for.
struct Unit {
    folded: char,
    bytes: Range<usize>,
}

#[derive(Deserialize)]
struct Task<'a> {
    #[serde(borrow)]
    title: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    description: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
struct Highlights {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl Marker {
    pub fn new(search: &Search) -> Self {
        let pattern = |text: &str, kind: Kind| {
            let mut text: Vec<char> = units(text).into_iter().map(|unit| unit.folded).collect();
            while text.last() == Some(&' ') {
                text.pop();
            }
            let anywhere = kind != Kind::Phrase && text.len() > 2 && !text.contains(&' ');
            Pattern {
                starts_word: !anywhere,
                ends_word: !anywhere && kind != Kind::Last,
                text,
            }
        };
        let patterns = search.wanted().map(|term| pattern(&term.text, term.kind));
        Self(
            patterns
                .filter(|pattern| !pattern.text.is_empty())
                .take(MAX_TERMS)
                .collect(),
        )
    }

    /// Adds `highlights` to each of the tasks, an array of JSON.
    pub fn add(&self, items: &str) -> serde_json::Result<String> {
        let tasks: Vec<&RawValue> = serde_json::from_str(items)?;
        let marked = tasks.iter().map(|task| {
            let text: Task = serde_json::from_str(task.get())?;
            let highlights = serde_json::to_string(&Highlights {
                title: self.whole(&text.title),
                description: self.fragments(&text.description),
            })?;
            let open = task.get().trim_end().strip_suffix('}').unwrap_or_default();
            Ok(format!(r#"{open},"highlights":{highlights}}}"#))
        });
        let marked = marked.collect::<serde_json::Result<Vec<_>>>()?;
        Ok(format!("[{}]", marked.join(",")))
    }

    fn whole(&self, text: &str) -> Option<String> {
        let matches = self.matches(text);
        (!matches.is_empty()).then(|| marked(text, 0..text.len(), &matches))
    }

    fn fragments(&self, text: &str) -> Option<String> {
        let matches = self.matches(text);
        let mut fragments: Vec<Range<usize>> = Vec::new();
        for found in &matches {
            let end = word_end(text, found.end);
            let full = fragments.len() == MAX_FRAGMENTS;
            match fragments.last_mut() {
                Some(last) if word_start(text, found.start) <= last.end => {
                    last.end = end.max(last.end)
                }
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

    /// The bytes that match, in order, none twice.
    fn matches(&self, text: &str) -> Vec<Range<usize>> {
        let units = units(text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for pattern in &self.0 {
            let windows = units.windows(pattern.text.len()).enumerate();
            found.extend(windows.filter_map(|(place, window)| {
                let same = window
                    .iter()
                    .zip(&pattern.text)
                    .all(|(unit, sought)| unit.folded == *sought);
                let fits = same
                    && (!pattern.starts_word || is_edge(&units, place))
                    && (!pattern.ends_word || is_edge(&units, place + window.len()));
                fits.then(|| Some(window.first()?.bytes.start..window.last()?.bytes.end))?
            }));
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
}

/// A part of the text, escaped, with its matches marked.
fn marked(text: &str, part: Range<usize>, matches: &[Range<usize>]) -> String {
    let mut html = String::new();
    let mut place = part.start;
    for found in matches
        .iter()
        .filter(|found| found.start >= part.start && found.end <= part.end)
    {
        escape(&mut html, text.get(place..found.start).unwrap_or_default());
        html.push_str("<mark>");
        escape(&mut html, text.get(found.clone()).unwrap_or_default());
        html.push_str("</mark>");
        place = found.end;
    }
    escape(&mut html, text.get(place..part.end).unwrap_or_default());
    html
}

fn escape(html: &mut String, text: &str) {
    for sign in text.chars() {
        match sign {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

/// The start of a fragment: the first word that begins in the bytes before a match.
fn word_start(text: &str, place: usize) -> usize {
    let from = text.floor_char_boundary(place.saturating_sub(BEFORE));
    if from == 0 {
        return 0;
    }
    let before = text.get(from..place).unwrap_or_default();
    let space = before.char_indices().find(|(_, sign)| sign.is_whitespace());
    space.map_or(from, |(at, sign)| from + at + sign.len_utf8())
}

/// The end of a fragment: the last word that ends in the bytes after a match.
fn word_end(text: &str, place: usize) -> usize {
    let to = text.ceil_char_boundary(place.saturating_add(AFTER).min(text.len()));
    if to == text.len() {
        return to;
    }
    let after = text.get(place..to).unwrap_or_default();
    after.rfind(char::is_whitespace).map_or(to, |at| place + at)
}

/// Text as the database folds it: no case, no accents, one space for all that is no letter and no digit.
fn units(text: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::with_capacity(text.len());
    for (start, sign) in text.char_indices() {
        let bytes = start..start + sign.len_utf8();
        for part in std::iter::once(sign).nfkd().flat_map(char::to_lowercase) {
            if ('\u{300}'..='\u{36f}').contains(&part) {
                // An accent belongs to the letter before it.
                if let Some(letter) = units.last_mut() {
                    letter.bytes.end = bytes.end;
                }
                continue;
            }
            for folded in plain(part).chars() {
                let folded = if folded.is_alphanumeric() {
                    folded
                } else {
                    ' '
                };
                let first_space = units.last().is_some_and(|unit| unit.folded != ' ');
                if folded != ' ' || first_space {
                    units.push(Unit {
                        folded,
                        bytes: bytes.clone(),
                    });
                }
            }
        }
    }
    units
}

/// Letters that are plain ones to whoever searches, without being made of them.
fn plain(letter: char) -> Plain {
    let text = match letter {
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ς' => "σ",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return Plain::Itself(letter),
    };
    Plain::Text(text)
}

enum Plain {
    Itself(char),
    Text(&'static str),
}

impl Plain {
    fn chars(self) -> impl Iterator<Item = char> {
        let (one, text) = match self {
            Self::Itself(letter) => (Some(letter), ""),
            Self::Text(text) => (None, text),
        };
        one.into_iter().chain(text.chars())
    }
}

/// Whether a word begins or ends before this place; every character of an unspaced script is a word.
fn is_edge(units: &[Unit], place: usize) -> bool {
    let letter = |place: usize| units.get(place).map_or(' ', |unit| unit.folded);
    let before = place.checked_sub(1).map_or(' ', letter);
    [before, letter(place)]
        .into_iter()
        .any(|letter| letter == ' ' || is_unspaced(letter))
}

/// The scripts that `words` in the database takes apart; of Korean, the parts that decomposition leaves.
fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{2fff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(typed: &str, text: &str) -> Option<String> {
        Marker::new(&Search::parse(typed)).whole(text)
    }

    #[test]
    fn what_was_typed_is_marked_and_the_rest_escaped() {
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
        ];
        for (typed, text, expected) in cases {
            assert_eq!(title(typed, text).as_deref(), Some(expected), "{typed}");
        }
        assert_eq!(title("water -plants", "the plants"), None);
        assert_eq!(title("a", "no"), None);
    }

    #[test]
    fn a_long_description_is_shown_around_its_matches() {
        let filler = "lorem ipsum ".repeat(50);
        let text = format!("{filler}water {filler}water {filler}");
        let shown = Marker::new(&Search::parse("water"))
            .fragments(&text)
            .unwrap();
        assert_eq!(shown.matches("<mark>water</mark>").count(), 2);
        assert!(
            shown.len() < 400 && shown.starts_with("… ") && shown.ends_with(" …"),
            "{shown}"
        );
        let short = Marker::new(&Search::parse("two")).fragments("One, two, three.");
        assert_eq!(short.as_deref(), Some("One, <mark>two</mark>, three."));
    }
}
