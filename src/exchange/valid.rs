//! What the API server would refuse, told before it does: lengths and counts as the definitions of the resources have them,
//! and what holds between fields.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, JSONSchemaPropsOrArray};
use kube::CustomResourceExt as _;
use serde_json::Value;

use super::field::FIELDS;
use super::problem::Problem;
use crate::api::{AccessServer, Filing};

/// A value that would be refused.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) id: &'static str,
    pub(super) value: String,
    pub(super) problem: Problem,
}

static FILING: LazyLock<Option<JSONSchemaProps>> = LazyLock::new(|| spec_of(Filing::crd()));
static SERVER: LazyLock<Option<JSONSchemaProps>> = LazyLock::new(|| spec_of(AccessServer::crd()));

fn spec_of(
    crd: k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
) -> Option<JSONSchemaProps> {
    let version = crd.spec.versions.into_iter().next()?;
    version.schema?.open_api_v3_schema?.properties?.remove("spec")
}

pub(super) fn server(spec: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(schema) = SERVER.as_ref() {
        bounds("server", schema, spec, &mut faults);
    }
    faults
}

pub(super) fn filing(name: &str, spec: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(schema) = FILING.as_ref() {
        bounds("", schema, spec, &mut faults);
    }
    faults.extend(between(name, spec));
    let entries = spec.get("access").and_then(Value::as_array);
    faults.extend(entries.into_iter().flatten().flat_map(between_access));
    faults
}

/// Lengths and counts.
fn bounds(path: &str, schema: &JSONSchemaProps, value: &Value, faults: &mut Vec<Fault>) {
    let mut fault = |problem| {
        faults.extend(id_of(path).map(|id| Fault {
            id,
            value: told(id, value),
            problem,
        }));
    };
    match value {
        Value::String(text) => {
            let most = schema.max_length.and_then(|most| usize::try_from(most).ok());
            if let Some(most) = most.filter(|most| text.chars().nth(*most).is_some()) {
                fault(Problem::TooLong(most));
            }
        }
        Value::Array(items) => {
            let most = schema.max_items.and_then(|most| usize::try_from(most).ok());
            if let Some(most) = most.filter(|most| items.len() > *most) {
                fault(Problem::TooMany(most));
            }
            if let Some(JSONSchemaPropsOrArray::Schema(of_each)) = &schema.items {
                for item in items {
                    bounds(path, of_each, item, faults);
                }
            }
        }
        Value::Object(fields) => {
            for (name, schema) in schema.properties.iter().flatten() {
                if let Some(value) = fields.get(name) {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    bounds(&path, schema, value, faults);
                }
            }
        }
        _ => {}
    }
}

/// A value as it is told; of entries what tells one from another.
fn told(id: &str, value: &Value) -> String {
    let key = id.rsplit('.').next().unwrap_or_default();
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| super::assemble::text(item.get(key).unwrap_or(item)))
                .collect();
            items.join(", ")
        }
        value => super::assemble::text(value),
    }
}

/// The field that holds a path: itself, or where one cell holds all that is below. Entries are told by what tells one from
/// another.
fn id_of(path: &str) -> Option<&'static str> {
    match path {
        "access" => return Some("access.provider"),
        "approvals" => return Some("approvals.kind"),
        _ => {}
    }
    let holds = |id: &str| {
        path.strip_prefix(id)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    FIELDS
        .iter()
        .map(|field| field.id)
        .filter(|id| holds(id))
        .max_by_key(|id| id.len())
}

fn fault(id: &'static str, value: &Value, problem: Problem) -> Fault {
    Fault {
        id,
        value: super::assemble::text(value),
        problem,
    }
}

/// What holds between the fields of a filing.
fn between(name: &str, spec: &Value) -> Vec<Fault> {
    let at = |path: &str| spec.pointer(path);
    let mut faults = Vec::new();
    let stage = at("/stage").cloned().unwrap_or_default();
    let is_before = ["Draft", "Submitted", "FirstReview", "SecondReview"]
        .iter()
        .any(|it| stage == **it);
    match at("/number") {
        None if stage == "Approved" => faults.push(fault("stage", &stage, Problem::ApprovalWithoutNumber)),
        Some(number) if is_before => faults.push(fault("number", number, Problem::NumberWithoutApproval)),
        _ => {}
    }
    if let Some(change) = at("/change") {
        if is_before || stage == "Publicity" {
            let stage = change.get("stage").unwrap_or(&Value::Null);
            faults.push(fault("change.stage", stage, Problem::ChangeBeforeApproval));
        } else if change.get("stage").is_none() {
            faults.push(fault("change.stage", &Value::Null, Problem::Missing));
        }
    }
    // As text, days of four-digit years are in their order.
    let is_after = |one: Option<&Value>, other: Option<&Value>| {
        let day = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        day(one).zip(day(other)).is_some_and(|(one, other)| one > other)
    };
    let (approved, expires) = (at("/approvedAt"), at("/expiresAt"));
    if let Some(day) = approved.filter(|_| is_after(at("/submittedAt"), approved)) {
        faults.push(fault("approvedAt", day, Problem::ApprovedBeforeSubmitted));
    }
    if let Some(day) = expires.filter(|_| is_after(approved, expires)) {
        faults.push(fault("expiresAt", day, Problem::ExpiresBeforeApproved));
    }
    if let Some(mirrored) = at("/service/mirrorOf").filter(|mirrored| *mirrored == name) {
        faults.push(fault("service.mirrorOf", mirrored, Problem::MirrorsItself));
    }
    if let Some(allowed) = at("/allowedNamespaces") {
        let from = allowed.get("from").cloned().unwrap_or_default();
        match (from == "Selector", allowed.get("selector")) {
            (true, None) => faults.push(fault("allowedNamespaces.from", &from, Problem::FromWithoutSelector)),
            (false, Some(selector)) => {
                faults.push(fault(
                    "allowedNamespaces.selector",
                    selector,
                    Problem::SelectorWithoutFrom,
                ));
            }
            (true, Some(selector)) if is_empty(selector) => {
                faults.push(fault("allowedNamespaces.selector", selector, Problem::NoSelector));
            }
            _ => {}
        }
    }
    faults
}

fn is_empty(selector: &Value) -> bool {
    let has = |key: &str| match selector.get(key) {
        Some(Value::Object(labels)) => !labels.is_empty(),
        Some(Value::Array(expressions)) => !expressions.is_empty(),
        _ => false,
    };
    !has("matchLabels") && !has("matchExpressions")
}

/// What holds between the fields of an access entry.
fn between_access(entry: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(from) = entry.get("migratingFrom") {
        if Some(from) == entry.get("provider") {
            faults.push(fault("access.migratingFrom", from, Problem::MigratesFromItself));
        }
        if entry.get("since").is_none() {
            faults.push(fault("access.migratingFrom", from, Problem::MigrationWithoutDay));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(path: &str, schema: &JSONSchemaProps, found: &mut Vec<String>) {
        let inner = match &schema.items {
            Some(JSONSchemaPropsOrArray::Schema(items)) if items.properties.is_some() => items,
            _ => schema,
        };
        match inner.properties.as_ref().filter(|_| !path.ends_with("selector")) {
            None => found.push(path.to_owned()),
            Some(properties) => {
                for (name, schema) in properties {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    fields(&path, schema, found);
                }
            }
        }
    }

    #[test]
    fn every_field_of_a_resource_has_a_column() {
        let mut found = Vec::new();
        fields("", FILING.as_ref().unwrap(), &mut found);
        fields("server", SERVER.as_ref().unwrap(), &mut found);
        assert!(found.len() > 40, "{found:?}");
        let missing: Vec<&String> = found
            .iter()
            .filter(|path| !FIELDS.iter().any(|field| field.id == **path))
            .collect();
        assert!(missing.is_empty(), "no column has {missing:?}");
    }

    fn lists(path: &str, schema: &JSONSchemaProps, found: &mut Vec<(String, Option<i64>)>) {
        if schema.type_.as_deref() == Some("array") {
            found.push((path.to_owned(), schema.max_items));
        }
        let items = match &schema.items {
            Some(JSONSchemaPropsOrArray::Schema(items)) => items,
            _ => schema,
        };
        for (name, schema) in items.properties.iter().flatten() {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            lists(&path, schema, found);
        }
    }

    #[test]
    fn of_every_list_it_is_told_where_it_is_too_long() {
        let mut found = Vec::new();
        lists("", FILING.as_ref().unwrap(), &mut found);
        lists("server", SERVER.as_ref().unwrap(), &mut found);
        assert!(found.len() > 5, "{found:?}");
        let most = i64::try_from(super::super::assemble::MOST).unwrap();
        for (path, max_items) in found.iter().filter(|(path, _)| !path.contains("selector")) {
            assert!(max_items.is_some_and(|max| max < most), "{path} may have {max_items:?}");
            assert!(id_of(path).is_some(), "{path} is of no field");
        }
    }
}
