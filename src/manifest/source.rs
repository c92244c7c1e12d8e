//! One file's text, as bytes that may be anything become text with known faults.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::error::{Excerpt, Position, ReadError};
use super::object::Document;
use super::split::{self, MAX_DOCUMENTS, Part};

/// The most bytes of one document. Kubernetes takes objects of a few megabytes; a List of a whole cluster is larger.
pub(super) const MAX_DOCUMENT: usize = 64 << 20;

/// The most documents with bytes in them that no text has; then the file is no text at all.
const MAX_FAULTS: usize = 100_000;

/// How far a file is looked at to tell that it is no text; git looks as far.
const HEAD: usize = 8000;

/// A file that has been read: its name and its text.
#[derive(Debug)]
pub struct Source {
    file: Arc<str>,
    text: String,
    is_exact: bool,
    faults: Vec<Fault>,
    /// Where each line begins: looked for when the first one is to be shown.
    lines: OnceLock<Vec<usize>>,
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
        if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
            return Err(ReadError::of_file(file, "the file is UTF-32", Some("save it as UTF-8")));
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(ReadError::of_file(file, "the file is UTF-16", Some("save it as UTF-8")));
        }
        if bytes.iter().take(HEAD).any(|byte| *byte == 0) {
            return Err(ReadError::of_file(file, "the file is binary, not YAML or JSON", None));
        }
        let mut faults = Faults::default();
        let (text, is_exact) = match String::from_utf8(bytes) {
            Ok(text) => (text, true),
            Err(broken) => (repaired(broken.as_bytes(), &mut faults), false),
        };
        nuls(&text, &mut faults);
        let mut faults = faults.found;
        if faults.len() > MAX_FAULTS {
            return Err(ReadError::of_file(file, "the file is binary, not YAML or JSON", None));
        }
        faults.sort_by_key(|fault| fault.at);
        Ok(Arc::new(Self {
            file,
            text,
            is_exact,
            faults,
            lines: OnceLock::new(),
        }))
    }

    /// Its name for messages: as it was typed, or below what was typed; `<stdin>` for standard input.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Its documents in order, each an error of its own when it can't be read. Documents without content (comments
    /// between markers, as helm writes them) are left out.
    pub fn documents(self: &Arc<Self>) -> Vec<Result<Document, ReadError>> {
        let mut parts = split::split(&self.text);
        let further = parts.get(MAX_DOCUMENTS).map(|part| part.line);
        parts.truncate(MAX_DOCUMENTS);
        let too_many = further.map(|line| {
            let message = format!("the file holds more than {MAX_DOCUMENTS} documents");
            Err(ReadError {
                position: Some(Position { line, column: 1 }),
                ..ReadError::of_file(
                    Arc::clone(&self.file),
                    message,
                    Some("split it; the rest of it is not read"),
                )
            })
        });
        let documents = parts.into_iter().map(|part| self.document(part));
        documents.chain(too_many).collect()
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
                excerpt: self.excerpt(position, 1),
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

    /// The line of a position, marked.
    pub(super) fn excerpt(&self, at: Position, width: usize) -> Option<Box<Excerpt>> {
        let lines = self
            .lines
            .get_or_init(|| split::lines(&self.text).map(|(start, _)| start).collect());
        let nth = usize::try_from(at.line.checked_sub(1)?).ok()?;
        let start = lines.get(nth).copied().unwrap_or(self.text.len());
        let end = lines.get(nth.saturating_add(1)).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end)?;
        // The byte order mark takes no column.
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        Some(Box::new(Excerpt::around(line, at.column, width)))
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

/// The faults of which each may be the first in its document, which is the one that is told.
#[derive(Default)]
struct Faults {
    found: Vec<Fault>,
    /// The document that the last one is in has not ended for certain.
    is_told: bool,
}

impl Faults {
    /// Takes note of text without a fault.
    fn pass(&mut self, text: &str) {
        self.is_told &= !(text.contains("---") || text.contains("..."));
    }

    fn meet(&mut self, at: usize, (message, remedy): (&'static str, &'static str)) {
        if !self.is_told && self.found.len() <= MAX_FAULTS {
            self.found.push(Fault { at, message, remedy });
        }
        self.is_told = true;
    }
}

/// Where the text has NUL bytes.
fn nuls(text: &str, faults: &mut Faults) {
    faults.is_told = false;
    let mut at = 0;
    for (nth, piece) in text.split('\0').enumerate() {
        if nth > 0 {
            faults.meet(at, NUL);
            at += 1;
        }
        faults.pass(piece);
        at += piece.len();
    }
}

/// The text with U+FFFD for what is not UTF-8, and where that is.
fn repaired(bytes: &[u8], faults: &mut Faults) -> String {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        faults.pass(chunk.valid());
        if !chunk.invalid().is_empty() {
            faults.meet(text.len(), NOT_UTF8);
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}
