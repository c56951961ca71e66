//! Highlights of a search result: the title and parts of the description, with the matches in `<mark>`.
//!
//! Everything but the marks is HTML-escaped, so a client can insert a highlight into a page as it is. A field without a match
//! has no highlight. A highlight of a description consists of up to three fragments around its first matches, with `…` for
//! omitted text.
//!
//! A match here is what the database matches: text is folded as by the SQL function `fold`. Words of three or more characters are
//! marked at any position. Shorter words and phrases are marked where they are whole words.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use unicode_normalization::UnicodeNormalization;

use super::search::{Kind, Search};

/// Maximum number of terms that are marked, which bounds the work: each is searched for in every text of the page.
const MAX_TERMS: usize = 16;
const MAX_FRAGMENTS: usize = 3;
/// Length of the text that is shown before a match, in bytes.
const CONTEXT_BEFORE: usize = 40;
/// Length of the text that is shown after a match, in bytes.
const CONTEXT_AFTER: usize = 80;

/// Marks the matches of one search.
pub struct Marker(Vec<Pattern>);

/// A folded term, and where it may match.
struct Pattern {
    text: Vec<char>,
    starts_word: bool,
    ends_word: bool,
}

/// One character of the folded text.
struct Unit {
    /// The folded character; a space for a run of characters that are neither letters nor digits.
    folded: char,
    /// The bytes of the original text that it comes from.
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
        let patterns = search.included().map(|term| pattern(&term.text, term.kind));
        Self(
            patterns
                .filter(|pattern| !pattern.text.is_empty())
                .take(MAX_TERMS)
                .collect(),
        )
    }

    /// Adds the member `highlights` to each task of a JSON array.
    ///
    /// # Errors
    /// If `items` is not a JSON array of tasks.
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

    /// The byte ranges that match, in order and without overlaps.
    fn matches(&self, text: &str) -> Vec<Range<usize>> {
        let units = units(text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for pattern in &self.0 {
            let windows = units.windows(pattern.text.len()).enumerate();
            found.extend(windows.filter_map(|(index, window)| {
                let is_equal = window
                    .iter()
                    .zip(&pattern.text)
                    .all(|(unit, character)| unit.folded == *character);
                let is_match = is_equal
                    && (!pattern.starts_word || is_edge(&units, index))
                    && (!pattern.ends_word || is_edge(&units, index + window.len()));
                is_match.then(|| Some(window.first()?.bytes.start..window.last()?.bytes.end))?
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

/// Folds a text and replaces each run of characters that are neither letters nor digits by one space. There is no space at the
/// start.
fn units(text: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::with_capacity(text.len());
    for (start, character) in text.char_indices() {
        let bytes = start..start + character.len_utf8();
        let mut is_accent = true;
        for folded in fold(character) {
            is_accent = false;
            let folded = if folded.is_alphanumeric() {
                folded
            } else {
                ' '
            };
            let follows_letter = units.last().is_some_and(|unit| unit.folded != ' ');
            if folded != ' ' || follows_letter {
                units.push(Unit {
                    folded,
                    bytes: bytes.clone(),
                });
            }
        }
        // An accent belongs to the letter before it.
        if is_accent && let Some(letter) = units.last_mut() {
            letter.bytes.end = bytes.end;
        }
    }
    units
}

/// Folds one character as the SQL function `fold` does (`fold.fn.sql`). An accent folds to nothing. Both functions pass the
/// vectors in `search/fold_vectors.json`.
///
/// Unlike the SQL function, this one leaves text decomposed, so that each folded character keeps its place in the original text.
fn fold(character: char) -> impl Iterator<Item = char> {
    let decomposed = std::iter::once(character).nfkd();
    let letters = decomposed
        .flat_map(char::to_lowercase)
        .filter(|letter| !('\u{300}'..='\u{36f}').contains(letter));
    letters.flat_map(|letter| {
        let (first, second) = base_letters(letter);
        std::iter::once(first).chain(second)
    })
}

/// Replaces letters that look like other letters with a mark but do not decompose in Unicode, and ligatures.
fn base_letters(letter: char) -> (char, Option<char>) {
    match letter {
        'ø' => ('o', None),
        'ł' => ('l', None),
        'đ' | 'ð' => ('d', None),
        'ħ' => ('h', None),
        'ı' => ('i', None),
        'ς' => ('σ', None),
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'þ' => ('t', Some('h')),
        _ => (letter, None),
    }
}

/// Whether a word begins or ends before the unit at `index`. In scripts without spaces, every character is a word.
fn is_edge(units: &[Unit], index: usize) -> bool {
    let letter = |index: usize| units.get(index).map_or(' ', |unit| unit.folded);
    let before = index.checked_sub(1).map_or(' ', letter);
    [before, letter(index)]
        .into_iter()
        .any(|letter| letter == ' ' || is_unspaced(letter))
}

/// Whether a letter belongs to a script without spaces, as in the SQL function `words`. Korean syllables are decomposed here, so
/// this includes the letters that they consist of.
fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{2fff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text, its folded form, and its words as search finds them.
    #[derive(Deserialize)]
    struct FoldVector {
        text: String,
        folded: String,
        words: Vec<String>,
    }

    /// The words of a text, as [`is_edge`] separates them.
    fn words(text: &str) -> Vec<String> {
        let units = units(text);
        let mut words: Vec<String> = Vec::new();
        for (index, unit) in units.iter().enumerate() {
            if unit.folded == ' ' {
                continue;
            }
            if is_edge(&units, index) {
                words.push(String::new());
            }
            words.last_mut().unwrap().push(unit.folded);
        }
        words
    }

    /// The test `search::fold_vectors` checks the SQL functions with the same vectors.
    #[test]
    fn text_is_folded_as_in_the_database() {
        let vectors: Vec<FoldVector> =
            serde_json::from_str(include_str!("search/fold_vectors.json")).unwrap();
        assert!(vectors.len() > 20);
        for vector in vectors {
            let folded: String = vector.text.chars().flat_map(fold).nfc().collect();
            assert_eq!(folded, vector.folded, "{:?}", vector.text);
            assert_eq!(words(&vector.text), vector.words, "{:?}", vector.text);
        }
    }

    fn title(query: &str, text: &str) -> Option<String> {
        Marker::new(&Search::parse(query)).whole(text)
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
