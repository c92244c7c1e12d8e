//! The class that a route asks for, and the record of the one that it had before it was put into quarantine.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::keys;

/// The most owners of a field that a record keeps.
pub(crate) const MAX_OWNERS: usize = 16;
/// The longest record that is read, in bytes; what the operator writes is far shorter.
const MAX_RECORD: usize = 16 * 1024;

/// The class that a route asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassRef {
    /// `spec.ingressClassName`.
    pub field: Option<Arc<str>>,
    /// The annotation `kubernetes.io/ingress.class`.
    pub annotation: Option<Arc<str>>,
    /// What the record of a quarantine says, where there is one.
    pub recorded: Option<Box<Recorded>>,
}

/// What a record says, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The class that the route had, or why that can't be read.
    pub class: Result<Record, String>,
    /// Since when it is in quarantine; none where that can't be read.
    pub since: Option<Timestamp>,
}

/// The class that a route had before it was put into quarantine, in the form of the annotation
/// `filing-operator.io/quarantined-class`. What was not there is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// `spec.ingressClassName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Arc<str>>,
    /// Who owned it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub field_owners: Vec<FieldOwner>,
    /// The annotation `kubernetes.io/ingress.class`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation: Option<Arc<str>>,
    /// Who owned it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotation_owners: Vec<FieldOwner>,
}

/// Who owned a field, as `metadata.managedFields` names them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldOwner {
    /// The name of the manager.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// The version of the object that it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
}

impl ClassRef {
    /// The class of an object with this field and these annotations, by their keys.
    pub fn of<'a>(field: Option<&str>, annotation: impl Fn(&str) -> Option<&'a str>) -> Self {
        let (class, since) = (annotation(keys::QUARANTINED_CLASS), annotation(keys::QUARANTINED_AT));
        let recorded = (class.is_some() || since.is_some()).then(|| {
            Box::new(Recorded {
                class: Record::parse(class),
                since: since.and_then(|typed| typed.parse().ok()),
            })
        });
        Self {
            field: field.map(Arc::from),
            annotation: annotation(keys::LEGACY_CLASS).map(Arc::from),
            recorded,
        }
    }

    /// The class by name: the field's, else the annotation's. Where there is a record, what is in quarantine of the two is
    /// what the operator would put there again.
    pub fn name(&self) -> Option<&Arc<str>> {
        let kept = self.recorded.as_ref().and_then(|_| self.to_put_back());
        let Some(kept) = kept else {
            return self.field.as_ref().or(self.annotation.as_ref());
        };
        let field = put_back(self.field.as_ref(), kept.field.as_ref());
        field.or_else(|| put_back(self.annotation.as_ref(), kept.annotation.as_ref()))
    }

    /// What is put back where the quarantine class stands: what is recorded. Of a record that can't be read no class is
    /// guessed; but who has set one place by hand means the other to name none.
    pub fn to_put_back(&self) -> Option<&Record> {
        static NOTHING: Record = Record {
            field: None,
            field_owners: Vec::new(),
            annotation: None,
            annotation_owners: Vec::new(),
        };
        self.record().or((!self.is_quarantined()).then_some(&NOTHING))
    }

    /// Whether nothing serves the route for want of filings: each of field and annotation that is there names the
    /// quarantine class.
    pub fn is_quarantined(&self) -> bool {
        let mut named = self.field.iter().chain(&self.annotation).peekable();
        named.peek().is_some() && named.all(|name| **name == *keys::QUARANTINE_CLASS)
    }

    /// The record of the class that it had, where there is one that can be read.
    pub fn record(&self) -> Option<&Record> {
        self.recorded.as_ref()?.class.as_ref().ok()
    }
}

impl Record {
    /// Reads the annotation.
    ///
    /// # Errors
    /// Where it is missing or is not what the operator writes, with what is wrong.
    pub fn parse(typed: Option<&str>) -> Result<Self, String> {
        let typed = typed.ok_or_else(|| format!("the annotation {} is missing", keys::QUARANTINED_CLASS))?;
        let record: Self = if typed.len() > MAX_RECORD {
            Err(format!("it is longer than {MAX_RECORD} bytes"))
        } else {
            serde_json::from_str(typed).map_err(|error| error.to_string())
        }
        .map_err(|error| format!("the annotation {} can't be read: {error}", keys::QUARANTINED_CLASS))?;
        if let Some(impossible) = record.impossible() {
            return Err(format!("the annotation {} has {impossible}", keys::QUARANTINED_CLASS));
        }
        // Whoever wrote so would have it moved from quarantine to quarantine.
        if record
            .field
            .iter()
            .chain(&record.annotation)
            .any(|name| **name == *keys::QUARANTINE_CLASS)
        {
            return Err(format!(
                "the annotation {} names {} itself",
                keys::QUARANTINED_CLASS,
                keys::QUARANTINE_CLASS
            ));
        }
        Ok(record)
    }

    /// What the API server would not take back.
    fn impossible(&self) -> Option<&'static str> {
        let mut owners = self.field_owners.iter().chain(&self.annotation_owners);
        if self.field.as_deref().is_some_and(|name| !is_object_name(name)) {
            Some("a field that is no name of a class")
        } else if self.field_owners.len().max(self.annotation_owners.len()) > MAX_OWNERS {
            Some("too many owners")
        } else if owners.any(|owner| !matches!(owner.operation.as_str(), "Apply" | "Update")) {
            Some("an owner whose operation is neither Apply nor Update")
        } else {
            None
        }
    }
}

fn put_back<'a>(typed: Option<&'a Arc<str>>, kept: Option<&'a Arc<str>>) -> Option<&'a Arc<str>> {
    typed.and_then(|name| if **name == *keys::QUARANTINE_CLASS { kept } else { typed })
}

/// Whether an object may have that name (RFC 1123 subdomain).
fn is_object_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = label.as_bytes();
        is_end(bytes.first())
            && is_end(bytes.last())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;

    use super::*;

    const QUARANTINE: Option<&str> = Some(keys::QUARANTINE_CLASS);

    fn class(field: Option<&str>, annotation: Option<&str>, record: Option<&str>) -> ClassRef {
        let mut annotations = BTreeMap::new();
        let mut set = |key: &str, value: Option<&str>| {
            annotations.extend(value.map(|value| (key.to_owned(), value.to_owned())));
        };
        set(keys::LEGACY_CLASS, annotation);
        set(keys::QUARANTINED_CLASS, record);
        ClassRef::of(field, |key| annotations.get(key).map(String::as_str))
    }

    #[rstest]
    #[case::neither(None, None, false)]
    #[case::both(QUARANTINE, QUARANTINE, true)]
    #[case::the_field_alone(QUARANTINE, None, true)]
    #[case::the_annotation_alone(None, QUARANTINE, true)]
    #[case::the_field_says_else(Some("nginx"), QUARANTINE, false)]
    #[case::the_annotation_says_else(QUARANTINE, Some("nginx"), false)]
    fn a_route_is_quarantined_if_all_that_names_a_class_names_that_one(
        #[case] field: Option<&str>,
        #[case] annotation: Option<&str>,
        #[case] expected: bool,
    ) {
        assert_eq!(class(field, annotation, None).is_quarantined(), expected);
    }

    #[rstest]
    #[case::the_field_goes_before_the_annotation(Some("new"), Some("old"), None, Some("new"))]
    #[case::the_annotation(None, Some("old"), None, Some("old"))]
    #[case::in_quarantine(QUARANTINE, QUARANTINE, Some(r#"{"field":"nginx"}"#), Some("nginx"))]
    #[case::in_quarantine_by_annotation(QUARANTINE, QUARANTINE, Some(r#"{"annotation":"nginx"}"#), Some("nginx"))]
    #[case::in_quarantine_without_a_class(QUARANTINE, QUARANTINE, Some("{}"), None)]
    #[case::in_quarantine_without_a_record(QUARANTINE, QUARANTINE, None, QUARANTINE)]
    #[case::a_record_that_cant_be_read(QUARANTINE, QUARANTINE, Some("nginx"), QUARANTINE)]
    #[case::taken_out(Some("other"), QUARANTINE, Some(r#"{"field":"nginx"}"#), Some("other"))]
    #[case::in_quarantine_by_the_field_alone(QUARANTINE, None, Some(r#"{"annotation":"nginx"}"#), None)]
    #[case::taken_out_by_the_annotation(QUARANTINE, Some("other"), Some(r#"{"field":"nginx"}"#), Some("nginx"))]
    #[case::taken_out_by_the_annotation_alone(QUARANTINE, Some("other"), Some("{}"), Some("other"))]
    #[case::taken_out_without_a_record(QUARANTINE, Some("other"), None, QUARANTINE)]
    #[case::taken_out_with_a_record_that_cant_be_read(QUARANTINE, Some("other"), Some("nginx"), Some("other"))]
    fn the_class_in_quarantine_is_the_one_that_is_kept(
        #[case] field: Option<&str>,
        #[case] annotation: Option<&str>,
        #[case] record: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let class = class(field, annotation, record);
        assert_eq!(class.name().map(AsRef::as_ref), expected);
    }

    #[rstest]
    #[case::missing(None, "is missing")]
    #[case::no_json(Some("nginx"), "can't be read: expected")]
    #[case::another_form(Some(r#"{"class": "nginx"}"#), "can't be read: unknown field `class`")]
    #[case::too_long(Some(&*format!("{{{}}}", " ".repeat(20_000))), "can't be read: it is longer than 16384 bytes")]
    #[case::no_class(Some(r#"{"field":"Not A Name"}"#), "has a field that is no name of a class")]
    #[case::a_strange_owner(
        Some(r#"{"field":"nginx","fieldOwners":[{"manager":"helm","operation":"Bogus"}]}"#),
        "has an owner whose operation is neither Apply nor Update"
    )]
    #[case::into_quarantine(Some(r#"{"field":"filing-quarantine"}"#), "names filing-quarantine itself")]
    fn a_record_that_is_not_the_operators_says_why(#[case] typed: Option<&str>, #[case] expected: &str) {
        let error = Record::parse(typed).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
