//! JSON as look-ups of MIIT's record give it: a list of objects, bare or in an envelope, or one object a line.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::problem::FileError;
use super::table::{MAX_COLUMNS, MAX_ROWS, Row, Table};

/// The keys of the envelopes around a list.
const ENVELOPES: [&str; 5] = ["params", "list", "data", "result", "records"];

pub(super) fn read(bytes: &[u8]) -> Result<Table, FileError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        let value = value.map_err(|error| FileError::NoJson(error.to_string()))?;
        found.extend(objects(value).ok_or(FileError::NoObjects)?);
        if found.len() > MAX_ROWS {
            return Err(FileError::too_wide());
        }
    }
    if found.is_empty() {
        return Err(FileError::NoObjects);
    }
    table(found)
}

/// The objects that a value is, lists, or wraps.
fn objects(value: Value) -> Option<Vec<Map<String, Value>>> {
    match value {
        Value::Array(values) => values
            .into_iter()
            .map(|value| match value {
                Value::Object(object) => Some(object),
                _ => None,
            })
            .collect(),
        Value::Object(mut object) => {
            let envelope = ENVELOPES
                .iter()
                .find(|key| matches!(object.get(**key), Some(Value::Array(_) | Value::Object(_))));
            match envelope.and_then(|key| object.remove(*key)) {
                Some(wrapped) => objects(wrapped),
                None => Some(vec![object]),
            }
        }
        _ => None,
    }
}

/// A column a key, in the order in which they are met.
fn table(objects: Vec<Map<String, Value>>) -> Result<Table, FileError> {
    let mut columns: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut rows = Vec::new();
    for (nth, object) in objects.into_iter().enumerate() {
        // As far as it has values: a row for each key that any object has would be memory without end.
        let mut cells = Vec::new();
        for (key, value) in object {
            let at = *places.entry(key).or_insert_with_key(|key| {
                columns.push(key.clone());
                columns.len().saturating_sub(1)
            });
            if at >= MAX_COLUMNS {
                return Err(FileError::too_wide());
            }
            if cells.len() <= at {
                cells.resize(at.saturating_add(1), String::new());
            }
            if let Some(cell) = cells.get_mut(at) {
                *cell = text(value);
            }
        }
        let number = u32::try_from(nth).unwrap_or(u32::MAX).saturating_add(1);
        rows.push(Row { number, cells });
    }
    let header = Row {
        number: 0,
        cells: columns,
    };
    rows.insert(0, header);
    Ok(Table {
        rows,
        ..Table::default()
    })
}

fn text(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        // A list of texts is what a cell with several lines is.
        Value::Array(values) if values.iter().all(|value| value.is_string() || value.is_number()) => {
            let texts: Vec<String> = values.into_iter().map(text).collect();
            texts.join("\n")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_list(r#"[{"domain": "a.com", "n": 1}, {"n": null, "domain": "b.com"}]"#)]
    #[case::of_miit(
        r#"{"code": 200, "params": {"total": 2, "list": [{"domain": "a.com", "n": 1}, {"domain": "b.com"}]}}"#
    )]
    #[case::bare_envelope(r#"{"list": [{"domain": "a.com", "n": 1}, {"domain": "b.com"}]}"#)]
    #[case::data(r#"{"data": [{"domain": "a.com", "n": 1}, {"domain": "b.com"}]}"#)]
    #[case::lines("{\"domain\": \"a.com\", \"n\": 1}\n{\"domain\": \"b.com\"}\n")]
    #[case::answers_in_a_row(
        "\u{feff}{\"data\": [{\"domain\": \"a.com\", \"n\": 1}]}\n{\"data\": {\"list\": [{\"domain\": \"b.com\"}]}}"
    )]
    fn objects_are_found_in_what_clients_give(#[case] text: &str) {
        let table = read(text.as_bytes()).unwrap();
        let rows: Vec<(u32, &str)> = table.rows.iter().map(|row| (row.number, row.cell(0))).collect();
        assert_eq!(rows, [(0, "domain"), (1, "a.com"), (2, "b.com")]);
        assert_eq!(table.rows[1].cell(1), "1");
        assert_eq!(table.rows[2].cell(1), "");
    }

    #[test]
    fn keys_without_end_are_refused_before_they_are_a_table() {
        let objects: Vec<String> = (0..20_000).map(|nth| format!("{{\"key {nth}\": 1}}")).collect();
        let text = format!("[{}]", objects.join(","));
        assert_eq!(read(text.as_bytes()), Err(FileError::too_wide()));
    }

    #[test]
    fn as_many_objects_as_there_may_be_rows_are_read() {
        let of = |count: usize| vec!["{\"domain\": \"a.com\"}"; count].join("\n");
        let table = read(of(MAX_ROWS).as_bytes()).unwrap();
        // The names of the columns are none of them.
        assert_eq!(table.rows.len(), MAX_ROWS + 1);
        assert_eq!(read(of(MAX_ROWS + 1).as_bytes()), Err(FileError::too_wide()));
    }

    #[rstest]
    #[case::text("\"a.com\"")]
    #[case::a_list_of_texts("[\"a.com\"]")]
    #[case::nothing("[]")]
    fn what_holds_no_objects_is_refused(#[case] text: &str) {
        assert_eq!(read(text.as_bytes()), Err(FileError::NoObjects));
    }
}
