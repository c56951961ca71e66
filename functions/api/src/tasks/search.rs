//! What somebody types into a search box, as terms: words, "phrases", -excluded ones, and alternatives with `or`.

/// Alternatives, each of terms that all have to match; empty where nothing typed holds a letter or digit.
#[derive(Debug, PartialEq, Eq)]
pub struct Search(Vec<Vec<Term>>);

#[derive(Debug, PartialEq, Eq)]
pub struct Term {
    pub text: String,
    pub kind: Kind,
    excluded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    /// The word typed last, which may be unfinished.
    Last,
    /// In quotes, to be taken exactly.
    Phrase,
}

impl Search {
    /// Any text is a search: a sign that means nothing where it stands is no more than punctuation.
    pub fn parse(typed: &str) -> Self {
        let pieces = pieces(typed);
        let last = pieces.len().saturating_sub(1);
        let mut alternatives = vec![Vec::new()];
        for (place, piece) in pieces.into_iter().enumerate() {
            let or = matches!(piece.kind, Kind::Word)
                && !piece.excluded
                && piece.text.eq_ignore_ascii_case("or")
                && place != last;
            match alternatives.last_mut() {
                // At either end, or after another, it is a word like any other.
                Some(terms) if or && !terms.is_empty() => alternatives.push(Vec::new()),
                Some(terms) => terms.push(piece),
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

    /// The terms that a task is found by.
    pub fn wanted(&self) -> impl Iterator<Item = &Term> {
        self.0.iter().flatten().filter(|term| !term.excluded)
    }

    /// The terms as `search_query.fn.sql` takes them.
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

/// Words and phrases in order, without those that hold no letter and no digit.
fn pieces(typed: &str) -> Vec<Term> {
    let mut pieces = Vec::new();
    let mut rest = typed.trim_start();
    while !rest.is_empty() {
        let after_minus = rest.strip_prefix('-');
        let excluded = after_minus.is_some();
        let start = after_minus.unwrap_or(rest);
        // A quote that nobody closed is not the start of a phrase yet.
        let quoted = start
            .strip_prefix('"')
            .and_then(|inside| inside.split_once('"'));
        let (text, kind, next) = match quoted {
            Some((text, next)) => (text, Kind::Phrase, next),
            None => {
                let start = start.strip_prefix('"').unwrap_or(start);
                let end = start
                    .find(|sign: char| sign.is_whitespace() || sign == '"')
                    .unwrap_or(start.len());
                let (text, next) = start.split_at(end);
                (text, Kind::Word, next)
            }
        };
        if text.chars().any(char::is_alphanumeric) {
            pieces.push(Term {
                text: text.to_owned(),
                kind,
                excluded,
            });
        }
        rest = next.trim_start();
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Vec<String> {
        Search::parse(typed).parameter()
    }

    #[test]
    fn words_phrases_and_what_is_excluded() {
        assert_eq!(read("water  the plan"), ["+water", "+the", "*plan"]);
        assert_eq!(read(r#""the plants" water"#), ["\"the plants", "*water"]);
        assert_eq!(read(r#"water "the plants""#), ["+water", "\"the plants"]);
        assert_eq!(read("plants -water"), ["+plants", "-+water"]);
        assert_eq!(read(r#"-"the sea" fish"#), ["-\"the sea", "*fish"]);
        assert_eq!(read("foo-bar"), ["*foo-bar"]);
    }

    #[test]
    fn or_stands_between_terms() {
        assert_eq!(read("a or b c"), ["+a", "|", "+b", "*c"]);
        assert_eq!(read("a OR -b"), ["+a", "|", "-+b"]);
        assert_eq!(read("or a"), ["+or", "*a"]);
        assert_eq!(read("a or"), ["+a", "*or"]);
        assert_eq!(read(r#"a "or" b"#), ["+a", "\"or", "*b"]);
        assert_eq!(read("a or or b"), ["+a", "|", "+or", "*b"]);
    }

    #[test]
    fn signs_without_a_meaning_are_punctuation() {
        for nothing in ["-", "- -", "\"", "\"\"", "-\"", "& | ! : * ( ) <->", "🎉"] {
            assert_eq!(read(nothing), [""; 0], "{nothing}");
        }
        assert_eq!(read("a - b"), ["+a", "*b"]);
        assert_eq!(read("\"the pla"), ["+the", "*pla"]);
        assert_eq!(read("a:* & !b"), ["+a:*", "*!b"]);
        assert_eq!(read("--a"), ["-+-a"]);
        assert_eq!(read("a\"b c\"d"), ["+a", "\"b c", "*d"]);
    }
}
