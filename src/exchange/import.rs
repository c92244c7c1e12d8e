//! From a table to resources: which row names the columns, what each row says, and what comes of them together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::assemble::Assembly;
use super::cell::{self, Around};
use super::field::{self, Field, Kind, LIMITED, SERVER};
use super::problem::{FileError, Note, Problem, RowError};
use super::table::{Row, Table};
use crate::api::{AccessServer, Filing};

/// How many rows are looked at for the names of the columns.
pub(super) const HEAD: usize = 30;

/// What the table does not say.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The namespace of Filings whose row names none.
    pub namespace: &'a str,
    /// The provider of filings and servers whose rows name none.
    pub provider: Option<&'a str>,
    /// Columns by hand: a field or one of its names, and the name of the column.
    pub columns: &'a [(String, String)],
}

/// What came of a table.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// By namespace and name.
    pub filings: Vec<Filing>,
    /// By name.
    pub servers: Vec<AccessServer>,
    /// By row.
    pub errors: Vec<RowError>,
    /// What else the reader should know.
    pub notes: Vec<Note>,
    /// How many rows became what.
    pub counts: Counts,
}

/// How many rows became what: nothing is dropped without being counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows below the names of the columns that are not blank.
    pub rows: usize,
    /// Rows with an error.
    pub unread: usize,
    /// Rows that are left out with one of the same object that has an error.
    pub left_out: usize,
    /// Rows that say what another says.
    pub repeated: usize,
    /// Blank rows.
    pub blank: usize,
}

/// What one row says.
pub(super) struct Piece {
    pub(super) row: u32,
    pub(super) values: BTreeMap<&'static str, Value>,
    /// Whether a cell can't be read.
    pub(super) is_broken: bool,
    /// Whether one of a server's can't.
    pub(super) breaks_server: bool,
}

/// Makes resources of a table.
///
/// # Errors
/// When no row names the columns that it takes. What is wrong with a row is in [`Imported::errors`], and leaves the others.
pub fn import(table: &Table, options: &Options<'_>) -> Result<Imported, FileError> {
    let provider = match options
        .provider
        .map(|typed| cell::read(Kind::Provider, typed, Around::default(), false))
    {
        None => None,
        Some(Ok(Some(read))) => read.value.as_str().map(str::to_owned),
        Some(_) => return Err(FileError::NoProvider(options.provider.unwrap_or_default().to_owned())),
    };
    let options = &Options {
        provider: provider.as_deref(),
        ..*options
    };
    let layout = Layout::find(table, options.columns)?;
    let mut imported = Imported {
        notes: table.notes.clone(),
        ..Imported::default()
    };
    imported.notes.extend(layout.unknown(table));
    let mut assembly = Assembly::new(&layout, options);
    let mut seen: HashMap<Vec<&str>, u32> = HashMap::new();
    for row in table.rows.iter().skip(layout.header.saturating_add(1)) {
        if row.is_blank() {
            imported.counts.blank += 1;
            continue;
        }
        imported.counts.rows += 1;
        let said = layout.said(row);
        let says_nothing = said.iter().all(|cell| cell.is_empty());
        let first = *seen.entry(said).or_insert(row.number);
        if first == row.number || says_nothing {
            assembly.take(&layout.piece(row, table, options, &mut imported));
        } else {
            imported.counts.repeated += 1;
            imported.notes.push(Note::Repeats { row: row.number, first });
        }
    }
    assembly.finish(&mut imported);
    imported.errors.sort_by_key(|error| error.row);
    let unread: BTreeSet<u32> = imported.errors.iter().map(|error| error.row).collect();
    imported.counts.unread = unread.len();
    Ok(imported)
}

/// Says what the fullest of the first rows has. Where it seems to be one of data it may be somebody's own: then only how much.
fn no_columns(table: &Table) -> FileError {
    let filled = |row: &Row| -> Vec<String> {
        let cells = row.cells.iter().map(|cell| cell.trim());
        cells.filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let first = table.rows.iter().take(HEAD).rev();
    let names = first.map(filled).max_by_key(Vec::len).unwrap_or_default();
    let is_data = |cell: &String| cell.contains(|letter: char| letter.is_numeric() || matches!(letter, '.' | '@'));
    let is_data = names.iter().any(is_data);
    FileError::NoColumns {
        count: names.len(),
        names: if is_data {
            Vec::new()
        } else {
            names.into_iter().take(field::FIELDS.len()).collect()
        },
    }
}

/// How many fields the best of these rows names.
pub(super) fn known_columns(rows: &[Row]) -> usize {
    let known = |row: &Row| -> BTreeSet<&str> {
        let fields = row.cells.iter().filter_map(|cell| field::of_column(cell));
        fields.map(|field| field.id).collect()
    };
    rows.iter().map(|row| known(row).len()).max().unwrap_or_default()
}

/// Which column holds which field.
pub(super) struct Layout {
    /// The row that names the columns, as it is found in the table.
    header: usize,
    columns: Vec<Option<&'static Field>>,
    names: Vec<String>,
}

impl Layout {
    fn find(table: &Table, by_hand: &[(String, String)]) -> Result<Self, FileError> {
        let by_hand: Vec<(&'static Field, &str)> = by_hand
            .iter()
            .map(|(typed, column)| {
                let field = field::of_column(typed).ok_or_else(|| FileError::NoField(typed.clone()))?;
                Ok((field, column.as_str()))
            })
            .collect::<Result<_, FileError>>()?;
        let mut best: Option<(usize, Self)> = None;
        for (header, row) in table.rows.iter().take(HEAD).enumerate() {
            let layout = Self::of(header, row, &by_hand);
            let known: BTreeSet<&str> = layout.columns.iter().flatten().map(|field| field.id).collect();
            let is_one = ["domains", "server.name", "server.addresses"]
                .iter()
                .any(|id| known.contains(id));
            if is_one && best.as_ref().is_none_or(|(most, _)| *most < known.len()) {
                best = Some((known.len(), layout));
            }
        }
        let Some((_, layout)) = best else {
            return Err(no_columns(table));
        };
        layout.checked(&by_hand)?;
        Ok(layout)
    }

    fn of(header: usize, row: &Row, by_hand: &[(&'static Field, &str)]) -> Self {
        let column = |name: &String| {
            let typed = by_hand
                .iter()
                .find(|(_, column)| !column.is_empty() && field::folded(column) == field::folded(name));
            match typed {
                Some((field, _)) => Some(*field),
                // By hand its field may be in another.
                None => field::of_column(name).filter(|known| by_hand.iter().all(|(field, _)| field.id != known.id)),
            }
        };
        Self {
            header,
            columns: row.cells.iter().map(column).collect(),
            names: row.cells.iter().map(|name| name.trim().to_owned()).collect(),
        }
    }

    /// Holds it to what was typed, and to one column a field.
    fn checked(&self, by_hand: &[(&'static Field, &str)]) -> Result<(), FileError> {
        for (field, column) in by_hand {
            if !self.columns.iter().flatten().any(|found| found.id == field.id) {
                return Err(FileError::NoColumn((*column).to_owned()));
            }
        }
        let mut first: BTreeMap<&str, &String> = BTreeMap::new();
        for (field, name) in self.columns.iter().zip(&self.names) {
            let Some(field) = field else { continue };
            if let Some(other) = first.insert(field.id, name) {
                return Err(FileError::TwoColumns(other.clone(), name.clone(), field.id));
            }
        }
        if first.contains_key("domains") {
            for needed in ["subject.name", "subject.nature"] {
                if !first.contains_key(needed) {
                    return Err(FileError::Lacks(needed));
                }
            }
        }
        Ok(())
    }

    /// The columns that are not read but hold something.
    fn unknown(&self, table: &Table) -> impl Iterator<Item = Note> {
        let rows: Vec<&Row> = table.rows.iter().skip(self.header.saturating_add(1)).collect();
        let widest = rows.iter().map(|row| row.cells.len()).max().unwrap_or_default();
        (0..widest.max(self.names.len())).filter_map(move |at| {
            let name = self.names.get(at).map_or("", String::as_str);
            let is_read = self.columns.get(at).is_some_and(Option::is_some);
            let is_used = rows.iter().any(|row| !row.cell(at).trim().is_empty());
            match (is_read, is_used, name.is_empty()) {
                (false, true, false) => Some(Note::UnknownColumn(name.to_owned())),
                (false, true, true) => Some(Note::NamelessColumn(at.saturating_add(1))),
                _ => None,
            }
        })
    }

    /// What of a row is read.
    fn said<'r>(&self, row: &'r Row) -> Vec<&'r str> {
        let columns = self.columns.iter().enumerate().filter(|(_, field)| field.is_some());
        columns.map(|(at, _)| row.cell(at).trim()).collect()
    }

    /// What the column of a field is called here; the field itself where there is none.
    pub(super) fn column(&self, id: &'static str) -> String {
        let at = self
            .columns
            .iter()
            .position(|field| field.is_some_and(|field| field.id == id));
        let name = at.and_then(|at| self.names.get(at));
        name.map_or_else(|| id.to_owned(), |name| super::problem::shown(name))
    }

    fn piece(&self, row: &Row, table: &Table, options: &Options<'_>, imported: &mut Imported) -> Piece {
        let mut piece = Piece {
            row: row.number,
            values: BTreeMap::new(),
            is_broken: false,
            breaks_server: false,
        };
        // The provider goes first: regions are read as its own.
        let mut columns: Vec<(usize, &'static Field)> = self
            .columns
            .iter()
            .enumerate()
            .filter_map(|(at, field)| Some((at, (*field)?)))
            .collect();
        columns.sort_by_key(|(at, field)| (!field.id.ends_with("provider"), *at));
        for (at, field) in columns {
            let text = row.cell(at);
            let of_server = piece
                .values
                .get("server.provider")
                .filter(|_| field.id.starts_with(SERVER));
            let of_row = of_server.or_else(|| piece.values.get("access.provider"));
            let provider = of_row.and_then(Value::as_str).or(options.provider);
            match cell::read(field.kind, text, Around { provider }, table.is_lossy) {
                Ok(None) => {
                    if cell::is_no_number(field.kind, text) {
                        imported.notes.push(Note::NoNumber {
                            row: row.number,
                            word: text.trim().to_owned(),
                        });
                    }
                }
                Ok(Some(read)) => {
                    if let Some(why) = read.irregular {
                        imported.notes.push(Note::Irregular {
                            row: row.number,
                            number: text.trim().to_owned(),
                            why,
                        });
                    }
                    if field.id == LIMITED {
                        if read.value == true {
                            imported.notes.push(Note::Limited { row: row.number });
                        }
                    } else {
                        piece.values.insert(field.id, read.value);
                    }
                }
                Err(problem) => {
                    piece.is_broken = true;
                    piece.breaks_server |= field.id.starts_with(SERVER);
                    imported.errors.push(self.error(row.number, field.id, text, problem));
                }
            }
        }
        piece
    }

    pub(super) fn error(&self, row: u32, id: &'static str, value: &str, problem: Problem) -> RowError {
        RowError {
            row,
            column: self.column(id),
            value: value.trim_start_matches(super::workbook::ERROR).to_owned(),
            problem,
        }
    }
}
