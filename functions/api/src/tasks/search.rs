//! Parses a search query into terms: words, "phrases", -exclusions, and alternatives separated by `OR`.

use domain::words::Words;

/// A search: alternatives, each a list of terms that must all match. It is empty if no term has a word (see [`Words`]).
#[derive(Debug, PartialEq, Eq)]
pub struct Search(Vec<Vec<Term>>);

/// A word or a phrase of a search query.
#[derive(Debug, PartialEq, Eq)]
pub struct Term {
    pub text: String,
    pub kind: Kind,
    excluded: bool,
}

/// How a term matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    /// The last word of the query, which may be unfinished.
    Last,
    /// Text in quotes, which matches whole words in the same order.
    Phrase,
}

impl Search {
    /// Parses a query. Every text is a valid query: operators that make no sense at their position are punctuation.
    pub fn parse(query: &str) -> Self {
        let terms = terms(query);
        let last = terms.len().saturating_sub(1);
        let mut alternatives = vec![Vec::new()];
        for (index, term) in terms.into_iter().enumerate() {
            let is_or = matches!(term.kind, Kind::Word)
                && !term.excluded
                && term.text == "OR"
                && index != last;
            match alternatives.last_mut() {
                // As the first or last word, or after another `OR`, it is a word to search for.
                Some(alternative) if is_or && !alternative.is_empty() => {
                    alternatives.push(Vec::new())
                }
                Some(alternative) => alternative.push(term),
                None => {}
            }
        }
        if let Some(term) = alternatives.last_mut().and_then(|terms| terms.last_mut())
            && matches!(term.kind, Kind::Word)
            && !term.excluded
        {
            term.kind = Kind::Last;
        }
        alternatives.retain(|terms| !terms.is_empty());
        Self(alternatives)
    }

    /// The terms that are not excluded.
    pub fn included(&self) -> impl Iterator<Item = &Term> {
        self.0.iter().flatten().filter(|term| !term.excluded)
    }

    /// The terms in the form that the SQL function `compile_search` takes.
    pub fn parameter(&self) -> Vec<String> {
        let mut parameter = Vec::new();
        for terms in &self.0 {
            if !parameter.is_empty() {
                parameter.push("|".to_owned());
            }
            parameter.extend(terms.iter().map(|term| {
                let excluded = if term.excluded { "-" } else { "" };
                let kind = match term.kind {
                    Kind::Word => '+',
                    Kind::Last => '*',
                    Kind::Phrase => '"',
                };
                format!("{excluded}{kind}{}", term.text)
            }));
        }
        parameter
    }
}

/// The words and phrases of a query in order, without those that are only punctuation. Control characters are spaces.
fn terms(query: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let query = query.replace(char::is_control, " ");
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let after_minus = rest.strip_prefix('-');
        let excluded = after_minus.is_some();
        let start = after_minus.unwrap_or(rest);
        // A quote without a closing quote does not start a phrase.
        let quoted = start
            .strip_prefix('"')
            .and_then(|inside| inside.split_once('"'));
        let (text, kind, next) = match quoted {
            Some((text, next)) => (text, Kind::Phrase, next),
            None => {
                let start = start.strip_prefix('"').unwrap_or(start);
                let end = start
                    .find(|character: char| character.is_whitespace() || character == '"')
                    .unwrap_or(start.len());
                let (text, next) = start.split_at(end);
                (text, Kind::Word, next)
            }
        };
        if Words::of(text).iter().next().is_some() {
            terms.push(Term {
                text: text.to_owned(),
                kind,
                excluded,
            });
        }
        rest = next.trim_start();
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Vec<String> {
        Search::parse(query).parameter()
    }

    #[test]
    fn words_phrases_and_exclusions() {
        assert_eq!(read("water  the plan"), ["+water", "+the", "*plan"]);
        assert_eq!(read(r#""the plants" water"#), ["\"the plants", "*water"]);
        assert_eq!(read(r#"water "the plants""#), ["+water", "\"the plants"]);
        assert_eq!(read("plants -water"), ["+plants", "-+water"]);
        assert_eq!(read(r#"-"the sea" fish"#), ["-\"the sea", "*fish"]);
        assert_eq!(read("foo-bar"), ["*foo-bar"]);
    }

    #[test]
    fn or_separates_alternatives() {
        assert_eq!(read("a OR b c"), ["+a", "|", "+b", "*c"]);
        assert_eq!(read("a OR -b"), ["+a", "|", "-+b"]);
        assert_eq!(read("OR a"), ["+OR", "*a"]);
        assert_eq!(read("a OR"), ["+a", "*OR"]);
        assert_eq!(read(r#"a "OR" b"#), ["+a", "\"OR", "*b"]);
        assert_eq!(read("a OR OR b"), ["+a", "|", "+OR", "*b"]);
        assert_eq!(read("a or b Or c"), ["+a", "+or", "+b", "+Or", "*c"]);
    }

    #[test]
    fn operators_without_a_meaning_are_punctuation() {
        for nothing in [
            "-",
            "- -",
            "\"",
            "\"\"",
            "-\"",
            "& | ! : * ( ) <->",
            "\u{200b}",
        ] {
            assert_eq!(read(nothing), [""; 0], "{nothing}");
        }
        assert_eq!(read("a - b"), ["+a", "*b"]);
        assert_eq!(read("🎉 C++"), ["+🎉", "*C++"]);
        assert_eq!(read("a\u{1c}b"), ["+a", "*b"]);
        assert_eq!(read("\"the pla"), ["+the", "*pla"]);
        assert_eq!(read("a:* & !b"), ["+a:*", "*!b"]);
        assert_eq!(read("--a"), ["-+-a"]);
        assert_eq!(read("a\"b c\"d"), ["+a", "\"b c", "*d"]);
    }
}
