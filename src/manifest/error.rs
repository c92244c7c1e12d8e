//! What can't be read, said with the place and the line itself.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::domain::shown::shown;

/// How much of a line is kept for an error, in characters: a JSON file may be one line of many megabytes.
const EXCERPT: usize = 160;

/// A place within a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

/// A place in a named file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// As the user typed it, or below what was typed; `<stdin>` for standard input.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A file, document or object that can't be read.
///
/// Its message is the fact; the remedy, where there is one, is what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}{}", self.place(), self.remedy.as_ref().map(|it| format!("; {it}")).unwrap_or_default())]
pub struct ReadError {
    /// As the user typed it, or below what was typed; `<stdin>` for standard input.
    pub file: Arc<str>,
    /// Where it stands; none when the file as a whole can't be read.
    pub position: Option<Position>,
    /// The fact, in one line.
    pub message: String,
    /// What would be right, in one line.
    pub remedy: Option<String>,
    /// The offending line.
    pub excerpt: Option<Box<Excerpt>>,
}

/// An offending line, or a part of it when it is very long, and what is wrong in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The text, without its line break.
    pub text: String,
    /// The bytes of `text` that are wrong; empty where something is missing.
    pub mark: Range<usize>,
    /// Whether the beginning of the line is left out.
    cut: bool,
}

impl Excerpt {
    /// Keeps of a line what stands around a column (from 1), and marks `width` characters from there on; the word that
    /// begins there when that is 0.
    pub(super) fn around(line: &str, column: u32, width: usize) -> Self {
        let line = line.trim_end_matches(['\r', '\n']);
        let before = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
        let skipped = before.saturating_sub(EXCERPT / 2);
        let text: String = line.chars().skip(skipped).take(EXCERPT).collect();
        let byte = |chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
        let start = before - skipped;
        let word = |c: &char| !c.is_whitespace() && !matches!(c, ',' | ':' | '{' | '}' | '[' | ']');
        let width = if width == 0 {
            text.chars().skip(start).take_while(word).count()
        } else {
            width
        };
        let mark = byte(start)..byte(start.saturating_add(width));
        Self {
            text,
            mark,
            cut: skipped > 0,
        }
    }
}

impl ReadError {
    /// A file that can't be read at all.
    pub(super) fn of_file(file: Arc<str>, message: impl Into<String>, remedy: Option<&str>) -> Self {
        Self {
            file,
            position: None,
            message: shown(&message.into()).into_owned(),
            remedy: remedy.map(|remedy| shown(remedy).into_owned()),
            excerpt: None,
        }
    }

    /// Where it stands, unless the file as a whole can't be read.
    pub fn location(&self) -> Option<Location> {
        let Position { line, column } = self.position?;
        Some(Location {
            file: Arc::clone(&self.file),
            line,
            column,
        })
    }

    fn place(&self) -> String {
        self.location()
            .map_or_else(|| format!("{}: ", self.file), |at| format!("{at}: "))
    }

    /// The error as a person reads it: the fact, the line with a mark under it, and the remedy.
    ///
    /// `colour` adds ANSI escapes. Without a line it is one sentence that names the file.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        // Where no line is shown that names its file, the sentence does.
        let title = match &self.excerpt {
            Some(_) => self.message.clone(),
            None => format!("{}{}", self.place(), self.message),
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(title));
        if let (Some(at), Some(excerpt)) = (&self.position, &self.excerpt) {
            let line = usize::try_from(at.line).unwrap_or(usize::MAX);
            let column = usize::try_from(at.column).unwrap_or(usize::MAX);
            let snippet = Snippet::source(excerpt.text.as_str())
                .line_start(line)
                .annotation(AnnotationKind::Primary.span(excerpt.mark.clone()));
            group = if excerpt.cut {
                // Only then its column isn't that of the excerpt.
                group
                    .element(Origin::path(&*self.file).line(line).char_column(column))
                    .element(snippet)
            } else {
                group.element(snippet.path(&*self.file))
            };
        }
        if let Some(remedy) = &self.remedy {
            group = group.element(Level::HELP.with_name("hint").message(remedy.as_str()));
        }
        renderer.render(&[group])
    }
}
