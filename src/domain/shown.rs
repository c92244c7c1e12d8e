//! What was typed as it may be shown: it moves no cursor, colours nothing, turns no line around, and has an end.

use std::borrow::Cow;

/// The longest text that is shown whole, in characters.
const LONGEST: usize = 1000;
/// Of a longer one, how much of its end is shown: there messages say what is wrong.
const END: usize = 400;

/// The text with U+FFFD for each character that would do something to a terminal or a log rather than be shown there, and
/// with its middle left out where it is very long.
///
/// ```
/// use filing_operator::domain::shown::shown;
///
/// assert_eq!(shown("示例.中国"), "示例.中国");
/// assert_eq!(shown("\u{1b}[2Ja\u{202e}b"), "\u{fffd}[2Ja\u{fffd}b");
/// ```
pub fn shown(text: &str) -> Cow<'_, str> {
    let is_long = text.len() > LONGEST && text.chars().nth(LONGEST).is_some();
    if !is_long && !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let tame = |character: char| {
        if acts(character) {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        }
    };
    if !is_long {
        return Cow::Owned(text.chars().map(tame).collect());
    }
    let end = text.char_indices().nth_back(END - 1).map_or(0, |(at, _)| at);
    let begin = text.chars().take(LONGEST - END - 1);
    let end = text.get(end..).unwrap_or_default().chars();
    Cow::Owned(begin.chain(['…']).chain(end).map(tame).collect())
}

/// Control characters, line and paragraph separators, and what changes the direction of the text behind it (UAX #9).
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_text_is_shown_by_its_beginning_and_its_end() {
        let long = format!("spec.stage: {} is not among Draft, Approved", "示".repeat(10_000));
        let short = shown(&long);
        assert_eq!(short.chars().count(), LONGEST);
        assert!(
            short.starts_with("spec.stage: 示示") && short.ends_with("示 is not among Draft, Approved"),
            "{short}"
        );
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_does_anything(text in any::<String>(), times in 1..50_usize) {
            let text = text.repeat(times);
            let once = shown(&text);
            prop_assert!(!once.chars().any(acts));
            prop_assert!(once.chars().count() <= LONGEST);
            prop_assert_eq!(shown(&once), once.clone());
        }
    }
}
