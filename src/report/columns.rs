//! Text in columns: how wide it is on a terminal, where Chinese takes two cells a character, and where it may be broken.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::domain::shown::shown;

/// Cells that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Spaces that fill a text up to a width; none where it is wider.
pub(super) fn padding(text: &str, to: usize) -> String {
    " ".repeat(to.saturating_sub(width(text)))
}

/// What was typed is shown, and does nothing.
pub(super) fn tame(text: &str) -> String {
    shown(text).into_owned()
}

/// Breaks a sentence into lines of at most `room` cells, at spaces and behind Chinese punctuation. What has neither, like
/// a host or a number, is never broken: it stands out.
pub(super) fn wrap(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room.filter(|room| width(text) > *room) else {
        return vec![text.to_owned()];
    };
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        if !line.is_empty() && width(&line) + width(piece.trim_end()) > room {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        line.push_str(piece);
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// The pieces that may stand at the beginning of a line, each with what follows it on the same.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(|c: char| c == ' ' || c.width() == Some(2) && "，；、。：）".contains(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chinese_takes_two_cells_a_character() {
        assert_eq!(width("示例.中国"), 9);
        assert_eq!(padding("示例", 6), "  ");
        assert_eq!(padding("示例", 3), "");
    }

    #[test]
    fn a_sentence_is_broken_between_words_alone() {
        let broken = wrap("file a-very-long-host.example.net now", Some(12));
        assert_eq!(broken, ["file", "a-very-long-host.example.net", "now"]);
        assert_eq!(wrap("办理备案，然后声明", Some(12)), ["办理备案，", "然后声明"]);
    }

    proptest! {
        #[test]
        fn breaking_loses_nothing_but_spaces(text in "[a-z，。 示例]{0,60}", room in 1..30_usize) {
            let joined: String = wrap(&text, Some(room)).concat();
            let without = |text: &str| text.replace(' ', "");
            prop_assert_eq!(without(&joined), without(&text));
        }
    }
}
