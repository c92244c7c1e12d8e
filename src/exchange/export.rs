//! From resources to a table that comes back the same: one row for each access entry of a filing, and one for each server.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};

use super::cell::{self, Around};
use super::field::{self, ACCESS, APPROVALS, FIELDS, Field, SERVER};
use crate::api::{AccessServer, Filing};
use crate::rules::Lang;

/// What Excel tells UTF-8 by.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The columns that are there even where nobody has a value: what one begins with.
const ALWAYS: [&str; 9] = [
    "namespace",
    "name",
    "domains",
    "number",
    "stage",
    "subject.name",
    "subject.nature",
    "access.provider",
    "access.stage",
];

/// A table, and what of the resources is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// CSV in UTF-8 with a byte order mark.
    pub csv: String,
    /// How many objects have labels or annotations, which no column holds.
    pub labelled: usize,
}

/// Writes resources as a table. Where two columns hold a list of entries (access, approvals) their nth stand in the nth row, and
/// all else is the same in each row.
pub fn export(filings: &[Filing], servers: &[AccessServer], lang: Lang) -> Exported {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut sorted: Vec<&Filing> = filings.iter().collect();
    sorted.sort_by_key(|filing| (&filing.metadata.namespace, &filing.metadata.name));
    for filing in sorted {
        rows.extend(rows_of(filing, lang));
    }
    let mut sorted: Vec<&AccessServer> = servers.iter().collect();
    sorted.sort_by_key(|server| &server.metadata.name);
    rows.extend(sorted.into_iter().map(|server| row_of(server, lang)));
    let metas = filings.iter().map(|filing| &filing.metadata);
    let metas = metas.chain(servers.iter().map(|server| &server.metadata));
    Exported {
        csv: csv(&rows, lang),
        labelled: metas.filter(|meta| is_labelled(meta)).count(),
    }
}

fn is_labelled(meta: &ObjectMeta) -> bool {
    let kubectls = "kubectl.kubernetes.io/last-applied-configuration";
    let has_labels = meta.labels.as_ref().is_some_and(|labels| !labels.is_empty());
    let annotations = meta.annotations.iter().flatten();
    has_labels || annotations.filter(|(key, _)| *key != kubectls).count() > 0
}

/// The name to write: one that the API server made up is not kept.
fn name_of(meta: &ObjectMeta) -> Value {
    let is_written = |name: &&String| cell::checked_name(name).is_ok();
    meta.name
        .as_ref()
        .filter(is_written)
        .map_or(Value::Null, |name| name.as_str().into())
}

fn rows_of(filing: &Filing, lang: Lang) -> Vec<Vec<String>> {
    // What is read from JSON can be written as such.
    let mut spec = serde_json::to_value(&filing.spec).unwrap_or_default();
    let mut taken = |key: &str| match spec.as_object_mut().and_then(|spec| spec.remove(key)) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    };
    let (access, approvals) = (taken("access"), taken("approvals"));
    if let Some(spec) = spec.as_object_mut() {
        spec.insert("name".to_owned(), name_of(&filing.metadata));
        let namespace = filing.metadata.namespace.as_deref();
        spec.insert("namespace".to_owned(), namespace.map_or(Value::Null, Value::from));
    }
    let nothing = Value::Object(Map::new());
    (0..access.len().max(approvals.len()).max(1))
        .map(|nth| {
            let entry = access.get(nth).unwrap_or(&nothing);
            let approval = approvals.get(nth).unwrap_or(&nothing);
            let around = Around {
                provider: entry.get("provider").and_then(Value::as_str),
            };
            row(around, lang, |field| {
                if let Some(path) = field.id.strip_prefix(ACCESS) {
                    entry.pointer(&pointer(path))
                } else if let Some(path) = field.id.strip_prefix(APPROVALS) {
                    approval.pointer(&pointer(path))
                } else {
                    spec.pointer(&pointer(field.id))
                }
            })
        })
        .collect()
}

fn row_of(server: &AccessServer, lang: Lang) -> Vec<String> {
    let mut spec = serde_json::to_value(&server.spec).unwrap_or_default();
    if let Some(spec) = spec.as_object_mut() {
        spec.insert("name".to_owned(), name_of(&server.metadata));
    }
    let listed = Value::from(true);
    let around = Around {
        provider: Some(&server.spec.provider),
    };
    row(around, lang, |field| {
        let path = field.id.strip_prefix(SERVER)?;
        match (path, spec.get("blocklisted")) {
            ("blocklisted", Some(_)) => Some(&listed),
            ("blocklisted", None) => None,
            _ => spec.pointer(&pointer(path)),
        }
    })
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

fn row<'v>(around: Around<'_>, lang: Lang, value: impl Fn(&Field) -> Option<&'v Value>) -> Vec<String> {
    FIELDS
        .iter()
        .map(|field| match value(field) {
            None | Some(Value::Null) => String::new(),
            Some(value) => cell::write(field.kind, value, around, lang),
        })
        .collect()
}

fn csv(rows: &[Vec<String>], lang: Lang) -> String {
    let is_used = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()));
    let columns: Vec<usize> = FIELDS
        .iter()
        .enumerate()
        .filter(|(at, field)| ALWAYS.contains(&field.id) || is_used(*at))
        .map(|(at, _)| at)
        .collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = columns
        .iter()
        .filter_map(|at| FIELDS.get(*at))
        .map(|field| field::column(field.id, lang));
    // Writing into memory can't fail, and what is written of text is text.
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(columns.iter().map(|at| row.get(*at).map_or("", String::as_str)));
    }
    let written = writer.into_inner().unwrap_or_default();
    format!("{BYTE_ORDER_MARK}{}", String::from_utf8_lossy(&written))
}
