//! The words of a text as search finds them: folded, so that case, accents and the like do not count.
//!
//! The SQL functions `fold` and `words` (`functions/api/src/tasks/`) do the same to the texts of tasks; a test compares the two
//! for all characters. This module also knows where each word comes from, which highlights need.

use std::iter::once;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::compose;

mod classes;

use classes::{is_ignored, is_separator, is_word};

/// The words of a text, with one space before, between and after them.
#[derive(Debug)]
pub struct Words {
    text: String,
    /// For each character of `text`: its offset, and the bytes of the original text that it comes from.
    origins: Vec<(usize, Range<usize>)>,
}

/// One folded character, and the bytes of the original text that it comes from.
struct Unit {
    folded: char,
    bytes: Range<usize>,
}

impl Words {
    /// The words of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let units = fold(text);
        let mut words = Self {
            text: String::with_capacity(text.len() + 2),
            origins: Vec::with_capacity(text.len() + 2),
        };
        words.space();
        let mut kept_until = 0;
        for (index, unit) in units.iter().enumerate() {
            let kept = index < kept_until || {
                kept_until = index + kept_punctuation(&units, index);
                index < kept_until
            };
            if kept {
                words.push(unit);
            } else if is_word(unit.folded) {
                words.space();
                words.push(unit);
                words.space();
            } else if is_separator(unit.folded) {
                words.space();
            } else {
                words.push(unit);
            }
        }
        words.space();
        words
    }

    /// The words with their spaces, such as ` a b `. One space if there are none.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The words one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.text.split_ascii_whitespace()
    }

    /// The bytes of the original text that a part of [`Self::text`] comes from; `None` if the part has only spaces.
    #[must_use]
    pub fn origin(&self, part: Range<usize>) -> Option<Range<usize>> {
        let first = self
            .origins
            .partition_point(|(offset, _)| *offset < part.start);
        let end = self
            .origins
            .partition_point(|(offset, _)| *offset < part.end);
        let mut bytes = self
            .origins
            .get(first..end)?
            .iter()
            .map(|(_, bytes)| bytes)
            .filter(|bytes| !bytes.is_empty());
        let start = bytes.next()?;
        Some(start.start..bytes.next_back().unwrap_or(start).end)
    }

    fn push(&mut self, unit: &Unit) {
        self.origins.push((self.text.len(), unit.bytes.clone()));
        self.text.push(unit.folded);
    }

    fn space(&mut self) {
        if !self.text.ends_with(' ') {
            self.origins.push((self.text.len(), 0..0));
            self.text.push(' ');
        }
    }
}

/// Folds a text as the SQL function `fold` does.
fn fold(text: &str) -> Vec<Unit> {
    let mut composed: Vec<Unit> = Vec::with_capacity(text.len());
    for (start, character) in text.char_indices() {
        let bytes = start..start + character.len_utf8();
        for part in once(character).nfkd() {
            let last = composed.last_mut();
            if is_ignored(part) {
                // A mark belongs to the letter before it.
                if let Some(last) = last {
                    last.bytes.end = bytes.end;
                }
            } else if let Some(last) = last
                && let Some(whole) = compose(last.folded, part)
            {
                last.folded = whole;
                last.bytes.end = bytes.end;
            } else {
                composed.push(Unit {
                    folded: part,
                    bytes: bytes.clone(),
                });
            }
        }
    }
    let mut folded = Vec::with_capacity(composed.len());
    for unit in composed {
        for letter in unit.folded.to_lowercase() {
            let (first, second) = base_letters(letter);
            folded.extend(once(first).chain(second).map(|letter| Unit {
                folded: letter,
                bytes: unit.bytes.clone(),
            }));
        }
    }
    folded
}

/// Replaces letters that look like other letters with a mark but do not decompose in Unicode, variants of Arabic letters, Arabic
/// digits, and ligatures.
fn base_letters(letter: char) -> (char, Option<char>) {
    let digit = |zero: char| char::from_digit(u32::from(letter) - u32::from(zero), 10);
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
        // Alef wasla, alef maksura and Farsi yeh, keheh, teh marbuta and other forms of heh.
        '\u{671}' => ('\u{627}', None),
        '\u{649}' | '\u{6cc}' => ('\u{64a}', None),
        '\u{6a9}' => ('\u{643}', None),
        '\u{629}' | '\u{6d5}' | '\u{6c1}' | '\u{6be}' => ('\u{647}', None),
        '\u{660}'..='\u{669}' => (digit('\u{660}').unwrap_or(letter), None),
        '\u{6f0}'..='\u{6f9}' => (digit('\u{6f0}').unwrap_or(letter), None),
        _ => (letter, None),
    }
}

/// The number of punctuation characters from `index` on that belong to a word, such as `c++`, `c#` and `.net`.
fn kept_punctuation(units: &[Unit], index: usize) -> usize {
    let at = |index: Option<usize>| {
        let unit = index.and_then(|index| units.get(index));
        // A character that is a word has spaces around it.
        unit.map_or(' ', |unit| {
            if is_word(unit.folded) {
                ' '
            } else {
                unit.folded
            }
        })
    };
    let latin = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let (before, after) = (at(index.checked_sub(1)), at(Some(index + 1)));
    match at(Some(index)) {
        '+' if latin(before) && after == '+' => 2,
        '+' if latin(before) && !latin(after) => 1,
        '#' if latin(before) && !latin(after) && after != '#' => 1,
        '.' if after.is_ascii_lowercase() && " \t\n\r\"'(,/:;<=[{|".contains(before) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vector {
        text: String,
        words: Vec<String>,
    }

    /// The system test `search::words_in_sql` checks the SQL functions with the same vectors.
    #[test]
    fn texts_are_split_into_folded_words() {
        let vectors: Vec<Vector> =
            serde_json::from_str(include_str!("../tests/words.json")).unwrap();
        assert!(vectors.len() > 40);
        for vector in vectors {
            let words = Words::of(&vector.text);
            assert!(
                words.iter().eq(&vector.words),
                "{words:?} {:?}",
                vector.text
            );
        }
    }

    #[test]
    fn a_part_of_the_words_comes_from_a_part_of_the_text() {
        for (text, part, origin) in [
            ("Un Café & tea", "cafe", "Café"),
            ("CAFE\u{301}!", "cafe", "CAFE\u{301}"),
            ("Hauptstraße 3", "strass", "straß"),
            ("the-plants, too", " the plants ", "the-plants"),
            ("植物に水を", "水 を", "水を"),
            ("か\u{3099}く", "が", "か\u{3099}"),
            ("C++ & C#", "c#", "C#"),
            ("soft\u{ad}hyphen", "softhyphen", "soft\u{ad}hyphen"),
        ] {
            let words = Words::of(text);
            let start = words.text().find(part).unwrap();
            let bytes = words.origin(start..start + part.len()).unwrap();
            assert_eq!(&text[bytes], origin, "{part}");
        }
        assert_eq!(Words::of("a b").origin(0..1), None);
    }
}
