//! Classes of characters. The regular expressions in the SQL functions `fold` and `words` contain the same ranges.

/// Whether folding removes a character: an accent, a vowel sign of Hebrew or Arabic, tatweel, or a character that nobody sees.
pub(super) fn is_ignored(character: char) -> bool {
    matches!(character,
        // Marks.
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}'
        | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}' | '\u{711}' | '\u{730}'..='\u{74a}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        // Soft hyphens, zero-width spaces and joiners, directions, variants and skin tones.
        | '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is a word: a character of a script that does not separate words by spaces, a Korean syllable, or a symbol.
pub(super) fn is_word(character: char) -> bool {
    matches!(character,
        '\u{a2}'..='\u{a6}' | '\u{a9}' | '\u{ac}' | '\u{ae}' | '\u{b0}' | '\u{b1}' | '\u{d7}' | '\u{f7}' | '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{20a0}'..='\u{20cf}' | '\u{2100}'..='\u{214f}'
        | '\u{2190}'..='\u{2bff}' | '\u{2e80}'..='\u{2fff}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}'
        | '\u{3190}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{1f000}'..='\u{1fbff}'
        | '\u{20000}'..='\u{3ffff}')
        && !is_separator(character)
}

/// Whether a character separates words: a space, a control character, or punctuation.
pub(super) fn is_separator(character: char) -> bool {
    matches!(character,
        '\0'..='/' | ':'..='@' | '['..='`' | '{'..='\u{a1}' | '\u{a7}' | '\u{a8}' | '\u{ab}' | '\u{af}' | '\u{b4}'
        | '\u{b6}'..='\u{b8}' | '\u{bb}' | '\u{bf}' | '\u{2b9}'..='\u{2df}' | '\u{2e5}'..='\u{2ff}' | '\u{375}' | '\u{384}'
        | '\u{385}' | '\u{55a}'..='\u{55f}' | '\u{589}' | '\u{58a}' | '\u{5be}' | '\u{5c0}' | '\u{5c3}' | '\u{5c6}' | '\u{5f3}'
        | '\u{5f4}' | '\u{600}'..='\u{605}' | '\u{609}' | '\u{60a}' | '\u{60c}' | '\u{60d}' | '\u{61b}' | '\u{61d}'..='\u{61f}'
        | '\u{66a}'..='\u{66d}' | '\u{6d4}' | '\u{6dd}' | '\u{700}'..='\u{70d}' | '\u{964}' | '\u{965}' | '\u{970}' | '\u{df4}'
        | '\u{e4f}' | '\u{e5a}' | '\u{e5b}' | '\u{f04}'..='\u{f14}' | '\u{f3a}'..='\u{f3d}' | '\u{104a}'..='\u{104f}' | '\u{10fb}'
        | '\u{1360}'..='\u{1368}' | '\u{1400}' | '\u{1680}' | '\u{16eb}'..='\u{16ed}' | '\u{17d4}'..='\u{17da}'
        | '\u{1800}'..='\u{180a}' | '\u{2000}'..='\u{206f}' | '\u{2800}' | '\u{2e00}'..='\u{2e7f}' | '\u{3000}'..='\u{3004}'
        | '\u{3008}'..='\u{3020}' | '\u{3030}' | '\u{3036}' | '\u{3037}' | '\u{303d}'..='\u{303f}' | '\u{30a0}' | '\u{30fb}'
        | '\u{a4fe}' | '\u{a4ff}' | '\u{e000}'..='\u{f8ff}' | '\u{fd3e}' | '\u{fd3f}' | '\u{fe10}'..='\u{fe6f}'
        | '\u{fff0}'..='\u{ffff}' | '\u{f0000}'..='\u{10ffff}')
}
