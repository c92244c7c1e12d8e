//! CSV as it is met: UTF-8 with or without a mark, UTF-16, or GBK as Excel in China writes it; with commas, semicolons or
//! tabs.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, UTF_8};

use super::import;
use super::problem::FileError;
use super::table::{Row, Table};

pub(super) fn read(bytes: &[u8]) -> Result<Table, FileError> {
    let (text, is_lossy) = decoded(bytes);
    if text.trim().is_empty() {
        return Err(FileError::Empty);
    }
    // The right one is that with which the columns have names that are known; a file of one column has none.
    let tried = [b',', b';', b'\t'].map(|delimiter| (import::known_columns(&head(&text, delimiter)), delimiter));
    let most = tried.iter().map(|(known, _)| *known).max().unwrap_or_default();
    let delimiter = tried
        .iter()
        .find(|(known, _)| *known == most)
        .map_or(b',', |(_, it)| *it);
    let mut table = Table {
        is_lossy,
        ..Table::default()
    };
    each_row(&text, delimiter, |row| table.push(row).map(|()| true))?;
    Ok(table)
}

/// The text, and whether some of it could not be read.
fn decoded(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    let encoding = match Encoding::for_bom(bytes) {
        Some((marked, _)) => marked,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => GB18030,
    };
    let (text, _, is_lossy) = encoding.decode(bytes);
    (text, is_lossy)
}

/// The first rows, in which the names of the columns are looked for.
fn head(text: &str, delimiter: u8) -> Vec<Row> {
    let mut rows = Vec::new();
    // What can't be read is told when all is.
    let _ = each_row(text, delimiter, |row| {
        rows.push(row);
        Ok(rows.len() < import::HEAD)
    });
    rows
}

/// Gives each row to `take`, until that has enough. Rows are counted as a spreadsheet does: blank lines are rows, and line
/// breaks within quotes are none.
fn each_row(text: &str, delimiter: u8, mut take: impl FnMut(Row) -> Result<bool, FileError>) -> Result<(), FileError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut number: u32 = 0;
    loop {
        let start = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        let is_one = reader
            .read_record(&mut record)
            .map_err(|error| FileError::NoCsv(error.to_string()))?;
        if !is_one {
            return Ok(());
        }
        // The reader passes over blank lines.
        let blank = blank_lines(text, start);
        for _ in 0..blank {
            number = number.saturating_add(1);
            if !take(Row {
                number,
                cells: Vec::new(),
            })? {
                return Ok(());
            }
        }
        number = number.saturating_add(1);
        let cells = record.iter().map(str::to_owned).collect();
        if !take(Row { number, cells })? {
            return Ok(());
        }
    }
}

/// How many lines have nothing on them from `start` on.
fn blank_lines(text: &str, start: usize) -> usize {
    let (before, rest) = text.split_at_checked(start).unwrap_or_default();
    // Of `\r\n` the reader leaves the second for the next row.
    let rest = if before.ends_with('\r') {
        rest.strip_prefix('\n').unwrap_or(rest)
    } else {
        rest
    };
    let is_break = |letter: char| matches!(letter, '\n' | '\r');
    let breaks = rest.split(|letter| !is_break(letter)).next().unwrap_or_default();
    breaks.len().saturating_sub(breaks.matches("\r\n").count())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn cells(bytes: &[u8]) -> Vec<(u32, Vec<String>)> {
        let table = read(bytes).unwrap();
        table.rows.into_iter().map(|row| (row.number, row.cells)).collect()
    }

    const SHEET: &str = "域名,备案号\r\nexample.com,京ICP备12345678号-1\r\n";

    #[rstest]
    #[case::utf_8(SHEET.as_bytes().to_vec())]
    #[case::with_a_mark(format!("\u{feff}{SHEET}").into_bytes())]
    #[case::as_excel_in_china_writes_it(GB18030.encode(SHEET).0.into_owned())]
    #[case::utf_16(b"\xff\xfe".iter().copied().chain(SHEET.encode_utf16().flat_map(u16::to_le_bytes)).collect())]
    #[case::semicolons(SHEET.replace(',', ";").into_bytes())]
    #[case::tabs(SHEET.replace(',', "\t").into_bytes())]
    fn a_sheet_is_read_however_it_was_saved(#[case] bytes: Vec<u8>) {
        let due = [("域名", "备案号"), ("example.com", "京ICP备12345678号-1")];
        let found = cells(&bytes);
        assert_eq!(found.len(), 2);
        for ((at, (_, cells)), (domain, number)) in found.iter().enumerate().zip(due) {
            assert_eq!(cells, &[domain, number], "{at}");
        }
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_does() {
        let found = cells("\n域名,备注\r\n\r\n\r\na.com,\"one\ntwo\"\nb.com,\n".as_bytes());
        let numbers: Vec<(u32, &str)> = found
            .iter()
            .map(|(number, cells)| (*number, cells.first().map_or("", String::as_str)))
            .collect();
        assert_eq!(
            numbers,
            [(1, ""), (2, "域名"), (3, ""), (4, ""), (5, "a.com"), (6, "b.com")]
        );
        assert_eq!(found[4].1[1], "one\ntwo");
    }

    #[test]
    fn what_is_in_no_encoding_is_marked() {
        let table = read(b"\xd3\xf2\xc3\xfb,\xb1\xb8\xb0\xb8\xba\xc5\na.com,\xff\xff\n").unwrap();
        assert!(table.is_lossy);
        assert_eq!(table.rows[0].cells, ["域名", "备案号"]);
        assert!(table.rows[1].cells[1].contains('\u{fffd}'));
    }
}
