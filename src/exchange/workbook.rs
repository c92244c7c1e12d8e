//! Workbooks of Excel (.xlsx), within bounds: what they unpack to is measured before they are read, and cells are taken one
//! by one, for a sheet with a cell in its last corner is otherwise a table of billions. What is copied counts, too: one text may
//! be that of many cells.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek};
use std::panic::{self, UnwindSafe, catch_unwind};
use std::sync::Once;

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx};

use super::problem::{FileError, Note};
use super::table::{MAX_COLUMNS, MAX_ROWS, Row, Table};

/// The most bytes that a workbook may unpack to.
const MAX_UNPACKED: u64 = 128 << 20;

/// The most files in it.
const MAX_FILES: usize = 4096;

/// The most merged areas: each is gone through row by row.
const MAX_MERGED: usize = 10_000;

/// What a cell with an error holds for the reader of cells.
pub(super) const ERROR: char = '\u{1a}';

/// Whether the bytes begin like a workbook, of the new kind or the old.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || is_old(bytes)
}

fn is_old(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xd0\xcf\x11\xe0")
}

pub(super) fn read(bytes: &[u8], sheet: Option<&str>) -> Result<Table, FileError> {
    if is_old(bytes) {
        return Err(FileError::OldWorkbook);
    }
    measure(bytes)?;
    // The reader of workbooks may panic at one that was tampered with.
    quietly(|| unpacked(bytes, sheet)).unwrap_or_else(|| Err(FileError::NoWorkbook("it is damaged".to_owned())))
}

thread_local! {
    /// Whether a panic of this thread is told by what catches it.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Catches a panic, of which nothing is printed; then there is nothing.
fn quietly<T>(run: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if !IS_QUIET.get() {
                tell(about);
            }
        }));
    });
    IS_QUIET.set(true);
    let outcome = catch_unwind(run).ok();
    IS_QUIET.set(false);
    outcome
}

/// The bytes of texts that are kept.
#[derive(Default)]
struct Kept(u64);

impl Kept {
    /// Counts a text before it is copied.
    fn count(&mut self, text: &str) -> Result<(), FileError> {
        self.0 = self.0.saturating_add(text.len() as u64);
        if self.0 > MAX_UNPACKED {
            return Err(too_much());
        }
        Ok(())
    }
}

fn too_much() -> FileError {
    FileError::Bomb(MAX_UNPACKED >> 20)
}

fn unpacked(bytes: &[u8], sheet: Option<&str>) -> Result<Table, FileError> {
    let broken = |error: calamine::XlsxError| FileError::NoWorkbook(error.to_string());
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let (name, notes) = chosen(&book, sheet)?;
    let merged = book.merge_cells_by_sheet_name(&name).map_err(broken)?;
    if merged.len() > MAX_MERGED {
        return Err(FileError::TooMerged(MAX_MERGED));
    }
    let mut kept = Kept::default();
    let mut rows = cells(&mut book, &name, &mut kept)?;
    for area in merged {
        spread(&mut rows, area.start, area.end, &mut kept)?;
    }
    let mut table = Table {
        notes,
        ..Table::default()
    };
    let mut last = 0;
    for (number, cells) in rows {
        // What lies between is blank; a gap as large as a sheet is told as such.
        for number in last..number {
            table.push(Row {
                number: number.saturating_add(1),
                cells: Vec::new(),
            })?;
        }
        table.push(Row {
            number: number.saturating_add(1),
            cells,
        })?;
        last = number.saturating_add(1);
    }
    if table.rows.is_empty() {
        return Err(FileError::Empty);
    }
    Ok(table)
}

/// Unpacks everything once and keeps nothing: the sizes that an archive states of itself may be lies.
fn measure(bytes: &[u8]) -> Result<(), FileError> {
    let broken = |error: zip::result::ZipError| FileError::NoWorkbook(error.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if archive.len() > MAX_FILES {
        return Err(too_much());
    }
    let mut unpacked: u64 = 0;
    let mut buffer = vec![0; 64 << 10];
    for nth in 0..archive.len() {
        let mut file = archive.by_index(nth).map_err(broken)?;
        loop {
            let read = file.read(&mut buffer);
            let read = read.map_err(|error| FileError::NoWorkbook(error.to_string()))?;
            if read == 0 {
                break;
            }
            unpacked = unpacked.saturating_add(read as u64);
            if unpacked > MAX_UNPACKED {
                return Err(too_much());
            }
        }
    }
    Ok(())
}

/// The sheet that is meant, and what is said of the others.
fn chosen<R: Read + Seek>(book: &Xlsx<R>, typed: Option<&str>) -> Result<(String, Vec<Note>), FileError> {
    let sheets = book.sheets_metadata();
    let sheets = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    if let Some(name) = typed {
        let mut names = sheets.map(|sheet| sheet.name.clone());
        return match names.clone().find(|known| known == name) {
            Some(name) => Ok((name, Vec::new())),
            None => Err(FileError::NoSheet {
                name: name.to_owned(),
                sheets: names.by_ref().collect(),
            }),
        };
    }
    let visible = sheets.filter(|sheet| sheet.visible == SheetVisible::Visible);
    let mut names = visible.map(|sheet| sheet.name.clone());
    let name = names.next().ok_or(FileError::Empty)?;
    let others: Vec<String> = names.collect();
    let notes = if others.is_empty() {
        Vec::new()
    } else {
        vec![Note::OtherSheets {
            read: name.clone(),
            others,
        }]
    };
    Ok((name, notes))
}

/// The cells that hold something, by rows.
fn cells<R: Read + Seek>(
    book: &mut Xlsx<R>,
    name: &str,
    kept: &mut Kept,
) -> Result<BTreeMap<u32, Vec<String>>, FileError> {
    let broken = |error: calamine::XlsxError| FileError::NoWorkbook(error.to_string());
    let mut reader = book.worksheet_cells_reader(name).map_err(broken)?;
    let mut rows: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    while let Some(cell) = reader.next_cell().map_err(broken)? {
        let text = text(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        kept.count(&text)?;
        let (row, column) = cell.get_position();
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if rows.len() > MAX_ROWS || column >= MAX_COLUMNS {
            return Err(FileError::too_wide());
        }
        let cells = rows.entry(row).or_default();
        if cells.len() <= column {
            cells.resize(column.saturating_add(1), String::new());
        }
        if let Some(cell) = cells.get_mut(column) {
            *cell = text;
        }
    }
    Ok(rows)
}

/// Repeats the value of a merged area in its other rows: it is meant for each of them. Rows that hold nothing else stay blank.
fn spread(
    rows: &mut BTreeMap<u32, Vec<String>>,
    start: (u32, u32),
    end: (u32, u32),
    kept: &mut Kept,
) -> Result<(), FileError> {
    let column = usize::try_from(start.1).unwrap_or(usize::MAX);
    // Across columns it is a title.
    if start.1 != end.1 || start.0 >= end.0 {
        return Ok(());
    }
    let Some(value) = rows.get(&start.0).and_then(|cells| cells.get(column)).cloned() else {
        return Ok(());
    };
    for (_, cells) in rows.range_mut(start.0.saturating_add(1)..=end.0) {
        if cells.len() <= column {
            cells.resize(column.saturating_add(1), String::new());
        }
        if let Some(cell) = cells.get_mut(column).filter(|cell| cell.is_empty()) {
            kept.count(&value)?;
            cell.clone_from(&value);
        }
    }
    Ok(())
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        // Display has no exponent, so that 20210220 stays what it looks like.
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(moment) => {
            let (year, month, day, ..) = moment.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::Error(error) => format!("{ERROR}{error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    #[test]
    fn cells_are_read_as_they_look_and_merged_ones_stand_in_each_row() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet().set_name("备案").unwrap();
        let plain = Format::new();
        sheet.merge_range(0, 0, 0, 3, "备案台账", &plain).unwrap();
        for (at, name) in ["域名", "主办单位", "审核通过日期", "备注"].into_iter().enumerate() {
            sheet.write(2, u16::try_from(at).unwrap(), name).unwrap();
        }
        sheet.write(3, 0, "a.com").unwrap();
        sheet.write(4, 0, "b.com").unwrap();
        sheet.merge_range(3, 1, 6, 1, "示例科技有限公司", &plain).unwrap();
        let day = Format::new().set_num_format("yyyy\"年\"m\"月\"d\"日\"");
        let date = ExcelDateTime::from_ymd(2021, 2, 20).unwrap();
        sheet.write_with_format(3, 2, &date, &day).unwrap();
        sheet.write(4, 2, 20_210_220).unwrap();
        sheet.write(4, 3, true).unwrap();
        book.add_worksheet().set_name("说明").unwrap();
        let table = read(&book.save_to_buffer().unwrap(), None).unwrap();
        let rows: Vec<(u32, Vec<&str>)> = table
            .rows
            .iter()
            .filter(|row| !row.is_blank())
            .map(|row| (row.number, row.cells.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(
            rows,
            [
                (1, vec!["备案台账"]),
                (3, vec!["域名", "主办单位", "审核通过日期", "备注"]),
                (4, vec!["a.com", "示例科技有限公司", "2021-02-20"]),
                (5, vec!["b.com", "示例科技有限公司", "20210220", "true"]),
            ]
        );
        let note = Note::OtherSheets {
            read: "备案".to_owned(),
            others: vec!["说明".to_owned()],
        };
        assert_eq!(table.notes, [note]);
    }

    #[test]
    fn the_sheet_that_is_named_is_read_and_one_that_is_not_there_is_told() {
        let mut book = Workbook::new();
        book.add_worksheet().set_name("旧").unwrap();
        book.add_worksheet()
            .set_name("新")
            .unwrap()
            .write(0, 0, "域名")
            .unwrap();
        let bytes = book.save_to_buffer().unwrap();
        assert_eq!(read(&bytes, Some("新")).unwrap().rows[0].cells, ["域名"]);
        let error = read(&bytes, Some("无")).unwrap_err();
        assert_eq!(error.to_string(), "there is no sheet 无; it has 旧, 新");
    }

    #[test]
    fn a_cell_in_the_last_corner_costs_nothing() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "域名").unwrap();
        sheet.write(1_048_575, 16_383, "x").unwrap();
        let error = read(&book.save_to_buffer().unwrap(), None).unwrap_err();
        assert!(matches!(error, FileError::TooWide { .. }), "{error}");
    }

    fn archive(name: &str, content: &[u8]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused_before_it_is_read() {
        let bomb = archive(
            "xl/sharedStrings.xml",
            &vec![b' '; usize::try_from(MAX_UNPACKED).unwrap() + 1],
        );
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        assert_eq!(read(&bomb, None), Err(FileError::Bomb(128)));
    }

    /// As long as Excel lets a cell be: 98,301 bytes.
    fn long() -> String {
        "示".repeat(32_767)
    }

    #[test]
    fn a_text_that_many_cells_share_is_counted_for_each() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for row in 0..1500 {
            sheet.write(row, 0, long()).unwrap();
        }
        let bytes = book.save_to_buffer().unwrap();
        assert!(bytes.len() < 100 << 10, "{}", bytes.len());
        assert_eq!(read(&bytes, None), Err(FileError::Bomb(128)));
    }

    #[test]
    fn a_text_of_a_merged_area_is_counted_for_each_row() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.merge_range(0, 0, 1499, 0, &long(), &Format::new()).unwrap();
        for row in 0..1500 {
            sheet.write(row, 1, "a.com").unwrap();
        }
        assert_eq!(read(&book.save_to_buffer().unwrap(), None), Err(FileError::Bomb(128)));
    }

    #[test]
    fn merged_areas_without_end_are_told_as_such() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for nth in 0..=u32::try_from(MAX_MERGED).unwrap() {
            sheet
                .merge_range(2 * nth, 0, 2 * nth + 1, 0, "a", &Format::new())
                .unwrap();
        }
        assert_eq!(
            read(&book.save_to_buffer().unwrap(), None),
            Err(FileError::TooMerged(MAX_MERGED))
        );
    }

    #[test]
    fn a_panic_that_is_caught_is_told_by_nobody_else() {
        let caught = quietly(|| -> u8 { panic!("of another's program") });
        assert!(caught.is_none() && !IS_QUIET.get());
        assert_eq!(quietly(|| 1), Some(1));
    }

    /// The workbook with some bytes of one of its files changed.
    fn changed(book: &[u8], which: usize, changes: &[(usize, u8)]) -> Vec<u8> {
        let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let which = which % archive.len();
        for nth in 0..archive.len() {
            let mut file = archive.by_index(nth).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            for (at, byte) in changes.iter().filter(|_| nth == which) {
                let at = at % content.len();
                content[at] = *byte;
            }
            writer
                .start_file(file.name().unwrap(), SimpleFileOptions::default())
                .unwrap();
            writer.write_all(&content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    proptest! {
        #[test]
        fn a_workbook_that_was_tampered_with_is_read_or_refused(
            which in 0..16_usize,
            changes in vec((any::<usize>(), select(&b"<>/\"'&;=0159 rstcmAZ\xff"[..])), 1..12),
        ) {
            let mut book = Workbook::new();
            let sheet = book.add_worksheet();
            sheet.merge_range(1, 1, 3, 1, "示例", &Format::new()).unwrap();
            let date = ExcelDateTime::from_ymd(2021, 2, 20).unwrap();
            sheet.write_with_format(1, 0, &date, &Format::new().set_num_format("yyyy-mm-dd")).unwrap();
            sheet.write(2, 0, 1.5).unwrap();
            sheet.write(0, 0, "域名").unwrap();
            let bytes = changed(&book.save_to_buffer().unwrap(), which, &changes);
            match read(&bytes, None) {
                Ok(table) => prop_assert!(!table.rows.is_empty() && table.rows.len() <= MAX_ROWS),
                Err(FileError::NoWorkbook(_) | FileError::Empty | FileError::TooWide { .. } | FileError::Bomb(_)) => {}
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_workbook_is_told() {
        for bytes in [
            archive("a.txt", b"a"),
            b"PK\x03\x04 and no more".to_vec(),
            b"a,b\n".to_vec(),
        ] {
            let error = read(&bytes, None).unwrap_err();
            assert!(matches!(error, FileError::NoWorkbook(_)), "{error}");
        }
        assert_eq!(read(b"\xd0\xcf\x11\xe0\xa1\xb1", None), Err(FileError::OldWorkbook));
    }
}
