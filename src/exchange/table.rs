//! Cells by rows, whatever they were read from.

use super::problem::{FileError, Note};
use super::{delimited, records, workbook};

/// The most bytes of a file.
pub const MAX_FILE: u64 = 64 << 20;
/// The most rows and columns that are kept, so that a small file can't stand for more than memory holds.
pub(super) const MAX_ROWS: usize = 50_000;
pub(super) const MAX_COLUMNS: usize = 256;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Separated by commas, semicolons or tabs.
    Csv,
    /// A workbook of Excel.
    Xlsx,
    /// Objects, as look-ups give them.
    Json,
}

impl Format {
    /// What a file seems to be, by its first bytes, and where they don't tell by its extension.
    pub fn of(extension: Option<&str>, bytes: &[u8]) -> Self {
        let is = |known: &str| extension.is_some_and(|extension| extension.eq_ignore_ascii_case(known));
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if workbook::is_one(bytes) || is("xlsx") || is("xls") {
            Self::Xlsx
        } else if is("csv") || is("tsv") {
            Self::Csv
        } else if is("json") || is("jsonl") || matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) {
            Self::Json
        } else {
            Self::Csv
        }
    }
}

/// A row, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// As a spreadsheet counts it.
    pub(super) number: u32,
    pub(super) cells: Vec<String>,
}

impl Row {
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }

    pub(super) fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map_or("", String::as_str)
    }
}

/// The rows of a table, those above its names of columns too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub(super) rows: Vec<Row>,
    /// Whether characters were met that can't be read. They are U+FFFD now.
    pub(super) is_lossy: bool,
    pub(super) notes: Vec<Note>,
}

impl Table {
    /// Reads a file's bytes. `sheet` is that of a workbook; without it the first that is visible.
    ///
    /// # Errors
    /// When nothing of it can be read.
    pub fn read(bytes: &[u8], format: Format, sheet: Option<&str>) -> Result<Self, FileError> {
        if bytes.len() as u64 > MAX_FILE {
            return Err(FileError::too_large());
        }
        if bytes.is_empty() {
            return Err(FileError::Empty);
        }
        match format {
            Format::Xlsx => workbook::read(bytes, sheet),
            _ if sheet.is_some() => Err(FileError::SheetOfNone),
            Format::Csv => delimited::read(bytes),
            Format::Json => records::read(bytes),
        }
    }

    /// Takes a row, within what is kept.
    pub(super) fn push(&mut self, row: Row) -> Result<(), FileError> {
        if self.rows.len() >= MAX_ROWS || row.cells.len() > MAX_COLUMNS {
            return Err(FileError::too_wide());
        }
        self.rows.push(row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::by_its_name(Some("CSV"), "[a]", Format::Csv)]
    #[case::by_its_content(Some("xlsx.download"), "PK\u{3}\u{4}…", Format::Xlsx)]
    #[case::a_workbook_by_another_name(Some("csv"), "PK\u{3}\u{4}…", Format::Xlsx)]
    #[case::json_from_a_pipe(None, "\u{feff}\n {\"domain\": 1}", Format::Json)]
    #[case::a_table_from_a_pipe(None, "域名,备案号", Format::Csv)]
    fn a_file_is_told_by_what_it_holds_and_what_it_is_called(
        #[case] extension: Option<&str>,
        #[case] text: &str,
        #[case] format: Format,
    ) {
        assert_eq!(Format::of(extension, text.as_bytes()), format);
    }
}
