//! Reads the tables of /facts, which are part of the program.

use serde::Deserialize;

/// The rows of an embedded table. Its texts live as long as the program: call it once a table.
#[expect(
    clippy::expect_used,
    reason = "the tables are compiled in, and tests read every row of them"
)]
pub(crate) fn rows<T: Deserialize<'static>>(table: &'static str) -> Vec<T> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let headers: &'static csv::StringRecord = Box::leak(Box::new(reader.headers().expect("a header").clone()));
    let records = reader
        .records()
        .collect::<Result<Vec<_>, _>>()
        .expect("a well-formed table")
        .leak();
    records
        .iter()
        .map(|record| record.deserialize(Some(headers)).expect("a row that fits its type"))
        .collect()
}
