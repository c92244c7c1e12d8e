//! One file's text, as bytes that may be anything become text with known faults.

use std::ops::Range;
use std::sync::Arc;

use super::error::{Excerpt, Position, ReadError};
use super::object::Document;
use super::split::{self, Part};

/// The most bytes of one document. Kubernetes takes objects of a few megabytes; a List of a whole cluster is larger.
pub(super) const MAX_DOCUMENT: usize = 64 << 20;

/// How far a file is looked at to tell that it is no text; git looks as far.
const HEAD: usize = 8000;

/// A file that has been read: its name and its text.
#[derive(Debug)]
pub struct Source {
    file: Arc<str>,
    text: String,
    is_exact: bool,
    faults: Vec<Fault>,
}

/// A byte that no document may hold.
#[derive(Debug)]
struct Fault {
    at: usize,
    message: &'static str,
    remedy: &'static str,
}

const NOT_UTF8: (&str, &str) = ("this is not UTF-8", "save the file as UTF-8 (GBK is not read)");
const NUL: (&str, &str) = ("this is a NUL byte", "remove it");

impl Source {
    /// Takes the bytes of a file. `file` is its name for messages: as it was typed, or `<stdin>`.
    ///
    /// # Errors
    /// When the bytes as a whole are no UTF-8 text: a binary file, or UTF-16. Single faults are told by the documents
    /// that they stand in, so that the others can still be read.
    pub fn new(file: Arc<str>, bytes: Vec<u8>) -> Result<Arc<Self>, ReadError> {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(ReadError::of_file(file, "the file is UTF-16", Some("save it as UTF-8")));
        }
        if bytes.iter().take(HEAD).any(|byte| *byte == 0) {
            return Err(ReadError::of_file(file, "the file is binary, not YAML or JSON", None));
        }
        let mut faults = Vec::new();
        let (text, is_exact) = match String::from_utf8(bytes) {
            Ok(text) => (text, true),
            Err(broken) => (repaired(broken.as_bytes(), &mut faults), false),
        };
        let (message, remedy) = NUL;
        faults.extend(text.match_indices('\0').map(|(at, _)| Fault { at, message, remedy }));
        faults.sort_by_key(|fault| fault.at);
        Ok(Arc::new(Self {
            file,
            text,
            is_exact,
            faults,
        }))
    }

    /// Its name for messages: as it was typed, or below what was typed; `<stdin>` for standard input.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Its documents in order, each an error of its own when it can't be read. Documents without content (comments
    /// between markers, as helm writes them) are left out.
    pub fn documents(self: &Arc<Self>) -> Vec<Result<Document, ReadError>> {
        split::split(&self.text)
            .into_iter()
            .map(|part| self.document(part))
            .collect()
    }

    fn document(self: &Arc<Self>, part: Part) -> Result<Document, ReadError> {
        let Part { range, line } = part;
        if range.len() > MAX_DOCUMENT {
            let message = format!("the document is {} MiB large", range.len() >> 20);
            return Err(ReadError {
                position: Some(Position { line, column: 1 }),
                ..ReadError::of_file(Arc::clone(&self.file), message, Some("split it: up to 64 MiB are read"))
            });
        }
        let first = self.faults.partition_point(|fault| fault.at < range.start);
        if let Some(fault) = self.faults.get(first).filter(|fault| fault.at < range.end) {
            let before = self.text.get(range.start..fault.at).unwrap_or_default();
            let (lines, column) = advance(before);
            let position = Position {
                line: line.saturating_add(lines),
                column: column.saturating_add(1),
            };
            return Err(ReadError {
                position: Some(position),
                excerpt: self.excerpt(range.start, line, position, 1),
                ..ReadError::of_file(Arc::clone(&self.file), fault.message, Some(fault.remedy))
            });
        }
        Ok(Document::new(Arc::clone(self), range, line))
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether its text is the file's, byte for byte.
    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// The line of a position, marked; `from` is a byte on the line `line` from which it is looked for.
    pub(super) fn excerpt(&self, from: usize, line: u32, at: Position, width: usize) -> Option<Box<Excerpt>> {
        let head = self.text.get(..from)?;
        let start = head.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        // The byte order mark takes no column.
        let rest = self.text.get(start..)?;
        let rest = rest.strip_prefix('\u{feff}').unwrap_or(rest);
        let nth = usize::try_from(at.line.checked_sub(line)?).ok()?;
        let (_, found) = split::lines(rest).nth(nth).unwrap_or_default();
        Some(Box::new(Excerpt::around(found, at.column, width)))
    }
}

/// How many line breaks a text has, and how many characters stand behind the last.
fn advance(text: &str) -> (u32, u32) {
    let mut breaks: u32 = 0;
    let mut tail = "";
    for (_, line) in split::lines(text) {
        if line.ends_with(['\n', '\r']) {
            breaks = breaks.saturating_add(1);
            tail = "";
        } else {
            tail = line;
        }
    }
    (breaks, u32::try_from(tail.chars().count()).unwrap_or(u32::MAX))
}

/// The text with U+FFFD for what is not UTF-8, and a fault for each of them.
fn repaired(bytes: &[u8], faults: &mut Vec<Fault>) -> String {
    let (message, remedy) = NOT_UTF8;
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            faults.push(Fault {
                at: text.len(),
                message,
                remedy,
            });
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}
