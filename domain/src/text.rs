//! Text as people see it: what is blank, what is trimmed, and which texts are the same to them.

use unicode_normalization::UnicodeNormalization;

/// Whether a character leaves no mark: white space, controls, and the code points of the Basic Multilingual Plane that Unicode makes
/// invisible, such as zero-width spaces, soft hyphens and fillers.
pub fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}')
}

/// Whether nothing of a text is visible.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// Removes white space from both ends, and the characters without width that are typed or pasted instead of it. Other invisible
/// characters stay: they belong to their neighbours, as in emoji.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
    })
}

/// The same text in Normalization Form C, so that it does not matter how its accents were typed.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// What is equal in texts that differ in case alone. Upper case comes first, because some letters have one upper-case form and
/// several lower-case ones: `ß` and `ss`, `ς` and `σ`.
pub fn without_case(text: &str) -> String {
    composed(&text.to_uppercase().to_lowercase())
}

/// The name of an account as RFC 8265 compares it (profile UsernameCaseMapped): full-width and half-width characters become the
/// usual ones, upper case becomes lower case, and the result is in Normalization Form C.
pub fn username(text: &str) -> String {
    let mut usual = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // The full-width macron has no usual form without a space.
            '\u{ff01}'..='\u{ffe2}' | '\u{ffe4}'..='\u{ffee}' => {
                usual.extend(std::iter::once(character).nfkd())
            }
            other => usual.push(other),
        }
    }
    composed(&usual.to_lowercase())
}

/// A password as RFC 8265 compares it (profile OpaqueString): every space is U+0020, and the result is in Normalization Form C.
pub fn password(text: &str) -> String {
    let spaced = |c| match c {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            ' '
        }
        other => other,
    };
    text.chars().map(spaced).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_invisible_is_blank() {
        for blank in [
            "",
            " ",
            "\t\n",
            "\u{200b}",
            "\u{ad}",
            "\u{2800}",
            "\u{3164}\u{feff} ",
            "\u{1}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for visible in ["a", "\u{200b}a", "❤\u{fe0f}", "\u{301}", "。"] {
            assert!(!is_blank(visible), "{visible:?}");
        }
    }

    #[test]
    fn both_ends_are_trimmed() {
        for (given, kept) in [
            (" a b\n", "a b"),
            ("\u{3000}\u{200b}a\u{feff}", "a"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("\u{a0}", ""),
        ] {
            assert_eq!(trimmed(given), kept);
        }
    }

    #[test]
    fn case_and_accents_may_be_typed_in_any_way() {
        for (one, other) in [
            ("Home", "HOME"),
            ("Straße", "STRASSE"),
            ("\u{e9}clair", "E\u{301}CLAIR"),
            ("ΟΔΟΣ", "οδος"),
            ("ΟΔΟΣ", "οδοσ"),
        ] {
            assert_eq!(without_case(one), without_case(other));
        }
        assert_ne!(without_case("resume"), without_case("résumé"));
    }

    #[test]
    fn usernames_and_passwords_are_compared_by_rfc_8265() {
        for (one, other) in [
            ("ADA@example.org", "ada@example.org"),
            ("\u{ff21}da@example.org", "ada@example.org"),
            ("jose\u{301}@example.org", "JOS\u{c9}@example.org"),
            ("\u{ff76}\u{ff9e}@example.org", "\u{30ac}@example.org"),
        ] {
            assert_eq!(username(one), username(other));
        }
        assert_eq!(password("a\u{a0}b\u{3000}e\u{301}"), "a b \u{e9}");
        assert_ne!(password("Secret"), password("secret"));
        assert_ne!(password("\u{fb01}"), password("fi"));
    }
}
