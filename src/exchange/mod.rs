//! Filings and servers from and to tables: what a person keeps in a spreadsheet, or a look-up gives, as resources, and back.
//!
//! Bytes go in and text comes out; nothing is opened here, and nothing is judged: whether a number or a domain is good is
//! said by `check`. What can't be read is an error with its row, column and value, and never half a filing.
//!
//! The way through it: [`Table::read`] makes cells of a file's bytes, [`import`] makes resources of the cells by the fields of
//! `facts/columns.csv`, and [`export`] writes resources so that they come back the same.

mod assemble;
mod cell;
mod delimited;
mod export;
mod field;
mod import;
mod name;
mod problem;
mod records;
mod table;
#[cfg(test)]
mod tests;
mod valid;
mod workbook;

pub use export::{Exported, export};
pub use field::column_names;
pub use import::{Counts, Imported, Options, import};
pub use problem::{FileError, Note, RowError};
pub use table::{Format, MAX_FILE, Table};
