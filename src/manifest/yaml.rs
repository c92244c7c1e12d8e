//! YAML as kubectl reads it: the parser's settings, and its errors in our words.

use serde::de::DeserializeOwned;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Deserializer, Error, MessageFormatter, Options, UserMessageFormatter};

use super::fields::nearest;

/// How deep mappings and sequences may be nested: what a stack of 2 MiB, as worker threads have it, holds. The schemas in
/// CRDs, the deepest that one meets, stay below 30.
pub(super) const MAX_DEPTH: usize = 64;

/// A budget that ends nothing real: a document's length bounds what it holds, and aliases, which multiply, are bounded.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 200_000 },
        // Like kubectl: what looks like a boolean or a number is one, and no text.
        no_schema: true,
        strict_booleans: false,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

/// Runs a deserializer over one document.
pub(super) fn parse<'t, T>(
    text: &'t str,
    read: impl for<'e> FnOnce(Deserializer<'t, 'e>) -> Result<T, Error>,
) -> Result<T, Error> {
    serde_saphyr::with_deserializer_from_str_with_options(text, options(), read)
}

/// Reads one document as a type.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    parse(text, |from| T::deserialize(from))
}

/// What is wrong in a text, before it is known which file it comes from.
#[derive(Debug)]
pub(super) struct Fault {
    /// Line and column in the text, from 1.
    pub(super) at: Option<(u32, u32)>,
    /// How many characters are wrong.
    pub(super) width: usize,
    pub(super) message: String,
    pub(super) remedy: Option<String>,
    /// Whether the text is well-formed and a field's value is wrong, so that the field is worth naming.
    pub(super) of_field: bool,
}

/// An error of the parser as the fact and what would be right.
pub(super) fn explain(error: &Error) -> Fault {
    let error = error.without_snippet();
    // Where an alias stands for the value, the place that is read is the alias.
    let location = error
        .locations()
        .map(|both| both.reference_location)
        .or_else(|| error.location());
    let at = location.filter(|at| at.line() > 0).map(|at| {
        (
            u32::try_from(at.line()).unwrap_or(u32::MAX),
            u32::try_from(at.column()).unwrap_or(u32::MAX),
        )
    });
    let width = location.map_or(0, |at| usize::try_from(at.span().len()).unwrap_or(usize::MAX));
    let (message, mut remedy, of_field) = words(error);
    if remedy.is_none() && message.contains("tab") {
        remedy = Some("indent with spaces".to_owned());
    } else if remedy.is_none() && message.contains("block mapping") {
        remedy = Some("align it with the lines that it belongs to".to_owned());
    }
    Fault {
        at,
        width,
        message,
        remedy,
        of_field,
    }
}

fn words(error: &Error) -> (String, Option<String>, bool) {
    match error {
        Error::AliasError { error, .. } => words(error.without_snippet()),
        Error::QuotingRequired { value, .. } => {
            let number = value.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.'));
            let other = if number { "a number" } else { "a boolean" };
            let message = format!("{value} without quotes is {other} in YAML, and a text is due");
            (message, Some(format!("write \"{value}\"")), true)
        }
        Error::NullIntoString { .. } => ("a text is due, and this is null".to_owned(), None, true),
        Error::DuplicateMappingKey { key, .. } => (
            match key {
                Some(key) => format!("the key {key} stands twice in one mapping"),
                None => "a key stands twice in one mapping".to_owned(),
            },
            Some("keep one of them".to_owned()),
            false,
        ),
        Error::UnknownAnchor { .. } => (
            "the alias names no anchor of this document".to_owned(),
            Some("write the value; anchors don't reach across documents".to_owned()),
            false,
        ),
        Error::SerdeMissingField { field, .. } => {
            (format!("the field {field} is missing"), Some("add it".to_owned()), true)
        }
        Error::SerdeInvalidType {
            unexpected, expected, ..
        }
        | Error::SerdeInvalidValue {
            unexpected, expected, ..
        } => (format!("{unexpected} stands where {expected} is due"), None, true),
        Error::SerdeUnknownVariant { variant, expected, .. } => (
            format!("{variant} is not among {}", expected.join(", ")),
            nearest(variant, expected).map(|known| format!("write {known}")),
            true,
        ),
        Error::SerdeUnknownField { field, expected, .. } => (
            format!("the field {field} is unknown"),
            nearest(field, expected).map(|known| format!("write {known}")),
            true,
        ),
        Error::Budget {
            breach: BudgetBreach::Depth { .. },
            ..
        } => (too_deep(), None, false),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => (
            "the document's aliases stand for too much".to_owned(),
            Some("write the values out".to_owned()),
            false,
        ),
        Error::Message { msg, .. } => (msg.clone(), None, true),
        Error::InvalidScalar { ty, .. } => match ty.as_bytes() {
            [b'b', b'o', ..] => (
                "this is no boolean".to_owned(),
                Some("write true or false".to_owned()),
                true,
            ),
            [b'u', b'0'..=b'9', ..] => ("a whole number, 0 or more, is due".to_owned(), None, true),
            [b'i', b'0'..=b'9', ..] => ("a whole number is due".to_owned(), None, true),
            _ => (one_line(&UserMessageFormatter.format_message(error)), None, true),
        },
        Error::Unexpected { expected, .. } => {
            let due = match *expected {
                "string scalar" => "a text is due",
                "mapping start" => "a mapping is due",
                "sequence start" => "a list is due",
                _ => "another kind of value is due",
            };
            (due.to_owned(), None, true)
        }
        _ => {
            let message = one_line(&UserMessageFormatter.format_message(error));
            // The parser has a limit of its own for what is written in brackets, above ours.
            let is_deep = message.contains("recursion limit");
            let message = if is_deep { too_deep() } else { message };
            (message, None, false)
        }
    }
}

fn too_deep() -> String {
    format!("the document is nested deeper than {MAX_DEPTH} levels")
}

/// An error of serde's own as the fact.
pub(super) fn reworded(message: &str) -> String {
    let split = |prefix| message.strip_prefix(prefix)?.split_once(", expected ");
    match split("invalid type: ").or_else(|| split("invalid value: ")) {
        Some((unexpected, expected)) => format!("{unexpected} stands where {expected} is due"),
        None => one_line(message),
    }
}

/// Messages stand alone in one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
