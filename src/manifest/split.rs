//! Where the documents of a YAML stream begin and end.

use std::ops::Range;

/// The part of a stream that one document takes, its `---` line and directives included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// In bytes.
    pub(super) range: Range<usize>,
    /// The line on which it begins, from 1.
    pub(super) line: u32,
}

/// The most documents of one stream. The largest clusters have some ten thousand of the objects that are judged.
pub(super) const MAX_DOCUMENTS: usize = 100_000;

/// The documents of a stream that hold something; of too many, one more than may be.
///
/// A marker (`---` or `...`, then white space or the end of the line) in the first column ends a document wherever it
/// stands, also inside a block scalar or a quoted text: that is what YAML says, and it is what lets a broken document
/// be left alone.
pub(super) fn split(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut open = Open::at(0, 1);
    let mut number: u32 = 1;
    for (start, line) in lines(text) {
        if parts.len() > MAX_DOCUMENTS {
            return parts;
        }
        // A byte order mark is allowed before each document; it comes from files that were joined.
        let mark = if line.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        let content = line.get(mark..).unwrap_or_default();
        match marker(content) {
            Some(Marker::Start) => {
                if !open.only_directives() {
                    parts.extend(open.close(start));
                    open = Open::at(start + mark, number);
                }
                open.started = true;
                open.holds |= content.get(3..).is_some_and(has_content);
            }
            Some(Marker::End) => {
                open.holds |= open.started && content.get(3..).is_some_and(has_content);
                parts.extend(open.close(start + line.len()));
                open = Open::at(start + line.len(), number.saturating_add(1));
            }
            None if content.starts_with('%') && !open.holds && !open.started => {
                open.directives = true;
            }
            None => {
                if open.range_start == start {
                    open.range_start += mark;
                }
                open.holds |= has_content(content);
            }
        }
        number = number.saturating_add(1);
    }
    // Directives that no document follows are an error that the parser words.
    open.holds |= open.directives && !open.started;
    parts.extend(open.close(text.len()));
    parts
}

/// The document that is being collected.
struct Open {
    range_start: usize,
    line: u32,
    started: bool,
    directives: bool,
    holds: bool,
}

impl Open {
    fn at(start: usize, line: u32) -> Self {
        Self {
            range_start: start,
            line,
            started: false,
            directives: false,
            holds: false,
        }
    }

    fn only_directives(&self) -> bool {
        self.directives && !self.started && !self.holds
    }

    fn close(&self, end: usize) -> Option<Part> {
        self.holds.then_some(Part {
            range: self.range_start..end,
            line: self.line,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Start,
    End,
}

fn marker(line: &str) -> Option<Marker> {
    let (found, rest) = match (line.strip_prefix("---"), line.strip_prefix("...")) {
        (Some(rest), _) => (Marker::Start, rest),
        (_, Some(rest)) => (Marker::End, rest),
        _ => return None,
    };
    rest.chars()
        .next()
        .is_none_or(|next| matches!(next, ' ' | '\t' | '\r' | '\n'))
        .then_some(found)
}

/// Whether a line holds more than white space and a comment.
pub(super) fn has_content(line: &str) -> bool {
    line.trim_start().chars().next().is_some_and(|first| first != '#')
}

/// The lines of a text with the byte at which each begins, line breaks (LF, CR LF or CR) included.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let line = rest.get(..line_length(rest.as_bytes())).unwrap_or(rest);
        let found = (start, line);
        start += line.len();
        Some(found)
    })
}

/// How many bytes the first line takes, with its break.
fn line_length(bytes: &[u8]) -> usize {
    match bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        None => bytes.len(),
        Some(at) if bytes.get(at..at + 2) == Some(b"\r\n") => at + 2,
        Some(at) => at + 1,
    }
}

/// Where a document's first content stands, as (line, column) from 1 within the part: markers, directives, comments
/// and empty lines are passed over.
pub(super) fn first_content(part: &str) -> (u32, u32) {
    let mut number: u32 = 1;
    for (_, line) in lines(part) {
        let skipped = if marker(line).is_some() { 3 } else { 0 };
        let rest = line.get(skipped..).unwrap_or_default();
        if has_content(rest) && !line.starts_with('%') {
            let blank = rest.chars().take_while(|c| c.is_whitespace()).count();
            return (number, u32::try_from(skipped + blank + 1).unwrap_or(u32::MAX));
        }
        number = number.saturating_add(1);
    }
    (1, 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one("a: 1\n", &["a: 1\n"])]
    #[case::two("a: 1\n---\nb: 2\n", &["a: 1\n", "---\nb: 2\n"])]
    #[case::crlf("---\r\na: 1\r\n---\r\nb: 2\r\n", &["---\r\na: 1\r\n", "---\r\nb: 2\r\n"])]
    #[case::lone_cr("a: 1\r---\rb: 2", &["a: 1\r", "---\rb: 2"])]
    #[case::byte_order_mark("\u{feff}a: 1\n", &["a: 1\n"])]
    #[case::joined_files("a: 1\n\u{feff}---\nb: 2", &["a: 1\n", "---\nb: 2"])]
    #[case::helm("---\n# Source: shop/x.yaml\n\n---\n# Source: shop/y.yaml\na: 1\n---\n# only words\n", &["---\n# Source: shop/y.yaml\na: 1\n"])]
    #[case::empty("", &[])]
    #[case::only_markers("---\n---\n...\n---", &[])]
    #[case::marker_in_block_scalar("a: |\n  x\n  ---\n---\nb: 2\n", &["a: |\n  x\n  ---\n", "---\nb: 2\n"])]
    #[case::content_behind_marker("--- {a: 1}\n--- # no\n", &["--- {a: 1}\n"])]
    #[case::no_marker("---a: 1\n----\n", &["---a: 1\n----\n"])]
    #[case::end("a: 1\n...\n# between\n%YAML 1.1\n---\nb: 2\n", &["a: 1\n...\n", "# between\n%YAML 1.1\n---\nb: 2\n"])]
    #[case::directive_first("%YAML 1.2\n---\na: 1\n", &["%YAML 1.2\n---\na: 1\n"])]
    #[case::directive_alone("%YAML 1.2\n", &["%YAML 1.2\n"])]
    fn a_stream_splits_where_yaml_says(#[case] text: &str, #[case] documents: &[&str]) {
        let found: Vec<&str> = split(text).into_iter().map(|part| &text[part.range]).collect();
        assert_eq!(found, documents);
    }

    #[test]
    fn each_part_knows_its_first_line() {
        let text = "a: 1\r\n---\r\n\r\nb: 2\n---\n\n...\n---\nc: 3\n";
        let found: Vec<u32> = split(text).into_iter().map(|part| part.line).collect();
        assert_eq!(found, [1, 2, 8]);
    }

    #[rstest]
    #[case::plain("a: 1", (1, 1))]
    #[case::after_words("---\n# Source: x\n\na: 1", (4, 1))]
    #[case::behind_marker("---  {a: 1}", (1, 6))]
    #[case::directive("%YAML 1.1\n---\n  a: 1", (3, 3))]
    fn the_first_content_is_found(#[case] part: &str, #[case] place: (u32, u32)) {
        assert_eq!(first_content(part), place);
    }

    proptest! {
        #[test]
        fn nothing_but_markers_and_comments_is_lost(text in "([a-z#%: \u{feff}|-]{0,6}(\n|\r|\r\n|\n---\n|\n...\n)){0,12}") {
            let parts = split(&text);
            let mut end = 0;
            for part in &parts {
                prop_assert!(part.range.start >= end && part.range.end <= text.len());
                let between = &text[end..part.range.start];
                let holds_nothing = |line: &str| {
                    let line = line.trim_start_matches('\u{feff}');
                    line.starts_with("---") || line.starts_with("...") || line.starts_with('%') || !has_content(line)
                };
                prop_assert!(lines(between).all(|(_, line)| holds_nothing(line)), "{between:?}");
                let number = lines(&text).take_while(|(start, _)| *start < part.range.start).count();
                let mark = text[..part.range.start].ends_with('\u{feff}');
                prop_assert_eq!(part.line as usize, if mark { number } else { number + 1 });
                end = part.range.end;
            }
        }
    }
}
