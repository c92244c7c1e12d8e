//! Documents, and the Kubernetes objects in them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::{Location, Position, ReadError};
use super::fields::{self, Step};
use super::list::checked;
use super::locate::{self, Place, Scalar};
use super::source::Source;
use super::split::{first_content, has_content, lines};
use super::survey::{Top, survey};
use super::yaml::{self, Fault};
use crate::api::read::read;
use crate::domain::FieldPath;

/// The apiVersion and kind of an object. Both are empty for a document that doesn't claim to be a Kubernetes object:
/// a chart's values, a kustomization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TypeMeta {
    /// Group and version, `networking.k8s.io/v1`; of the core group the version alone, `v1`.
    pub api_version: String,
    /// Such as `Ingress`.
    pub kind: String,
}

impl TypeMeta {
    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    pub(super) fn is_list(&self) -> bool {
        self.kind.ends_with("List")
    }
}

/// Whether a field that the type doesn't have is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// It is passed over, as in what a newer API server prints.
    Lenient,
    /// It is an error, as for kubectl: a mistyped field would otherwise be lost without a word.
    Strict,
}

/// One document of a stream, or one element of a list that is read apart from the rest.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) source: Arc<Source>,
    pub(super) range: Range<usize>,
    /// The line on which it begins.
    pub(super) line: u32,
    /// Spaces to put before its first line, so that it stands as far to the right as the others.
    pub(super) indent: usize,
    /// Columns that its first line stands to the right of what is parsed.
    pub(super) shift: u32,
    /// The way to it from the top of the stream's document that it is an element of.
    pub(super) steps: Vec<Step>,
}

impl Document {
    pub(super) fn new(source: Arc<Source>, range: Range<usize>, line: u32) -> Self {
        Self {
            source,
            range,
            line,
            indent: 0,
            shift: 0,
            steps: Vec::new(),
        }
    }

    /// Its Kubernetes objects: itself, or what is in it when it is a `List` (or `IngressList`, `FilingList`, …), in
    /// order, each an error of its own when it can't be told what it is.
    pub fn objects(&self) -> Vec<Result<Object, ReadError>> {
        self.objects_in(0)
    }

    pub(super) fn objects_in(&self, lists: usize) -> Vec<Result<Object, ReadError>> {
        let text = self.text();
        if let Some(meta) = hint(&text).filter(|meta| !meta.is_list()) {
            return vec![Ok(self.object(meta))];
        }
        let survey = match survey(&text) {
            Ok(survey) => survey,
            Err(error) => {
                // The same error with the words of the reader.
                let fault = yaml::read::<IgnoredAny>(&text).err().map(|error| yaml::explain(&error));
                return vec![Err(match fault {
                    Some(fault) => self.fault(fault, None),
                    None => self.error(self.start(), error.info(), None),
                })];
            }
        };
        if survey.is_null {
            // As kubectl does: charts print it where nothing is left of a template.
            return Vec::new();
        }
        match self.meta(&survey.root, &text) {
            Err(error) => vec![Err(error)],
            Ok(meta) if meta.is_list() => self.items(&meta, survey, &text, lists),
            Ok(meta) => vec![Ok(self.object(meta))],
        }
    }

    pub(super) fn object(&self, meta: TypeMeta) -> Object {
        Object {
            document: self.clone(),
            start: self.start(),
            meta,
            part: None,
        }
    }

    /// What the document says of itself.
    fn meta(&self, top: &Top, text: &str) -> Result<TypeMeta, ReadError> {
        if top.merges {
            // Only the reader follows merge keys.
            return yaml::read(text).map_err(|error| self.fault(yaml::explain(&error), None));
        }
        checked(top).map_err(|(message, remedy)| self.error(self.start(), message.to_owned(), Some(remedy)))
    }

    /// Its text as it is parsed.
    pub(super) fn text(&self) -> Cow<'_, str> {
        let text = self.source.slice(self.range.clone());
        if self.indent == 0 {
            return Cow::Borrowed(text);
        }
        Cow::Owned(format!("{:indent$}{text}", "", indent = self.indent))
    }

    /// Where its content begins.
    pub(super) fn start(&self) -> Position {
        let (line, column) = first_content(self.source.slice(self.range.clone()));
        let column = column.saturating_add(if line == 1 {
            u32::try_from(self.indent).unwrap_or(0)
        } else {
            0
        });
        self.position(line, column)
    }

    /// A line and column of the text that is parsed as a place in the file.
    pub(super) fn position(&self, line: u32, column: u32) -> Position {
        let shift = if line <= 1 { self.shift } else { 0 };
        Position {
            line: self.line.saturating_add(line.saturating_sub(1)),
            column: column.saturating_add(shift),
        }
    }

    /// The error that the reader met, at `at` where it doesn't say itself where.
    pub(super) fn fault(&self, fault: Fault, at: Option<Position>) -> ReadError {
        let said = fault.at.map(|(line, column)| self.position(line, column));
        let at = said.or(at).unwrap_or_else(|| self.start());
        let excerpt = self.source.excerpt(at, fault.width);
        let template = excerpt.as_ref().is_some_and(|line| line.text.contains("{{"));
        let rendered = || "a chart's templates are read when they are rendered: helm template CHART".to_owned();
        let remedy = fault.remedy.or_else(|| template.then(rendered));
        ReadError {
            excerpt,
            ..self.error(at, fault.message, remedy.as_deref())
        }
    }

    pub(super) fn error(&self, at: Position, message: String, remedy: Option<&str>) -> ReadError {
        ReadError {
            position: Some(at),
            excerpt: self.source.excerpt(at, 0),
            ..ReadError::of_file(Arc::clone(self.source.file()), message, remedy)
        }
    }
}

/// One Kubernetes object in a document.
#[derive(Clone, Debug)]
pub struct Object {
    pub(super) document: Document,
    pub(super) start: Position,
    pub(super) meta: TypeMeta,
    pub(super) part: Option<Part>,
}

/// An element of a list that can't be read apart from it, because aliases lead out of it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The way to it from the top of the document.
    pub(super) steps: Vec<Step>,
    pub(super) value: Arc<Value>,
}

impl Object {
    /// Whether it is read from its own text, not from that of the list it stands in.
    #[cfg(test)]
    pub(super) fn is_apart(&self) -> bool {
        self.part.is_none()
    }

    /// What it says it is.
    pub fn meta(&self) -> &TypeMeta {
        &self.meta
    }

    /// How many bytes its own text has; none where it is tied to the rest of a list by aliases.
    pub fn size(&self) -> Option<usize> {
        self.part.is_none().then(|| self.document.range.len())
    }

    /// Where it begins.
    pub fn location(&self) -> Location {
        self.at(self.start)
    }

    /// Reads it as a type, as kubectl and the API server would: booleans and numbers are no texts, a key may stand
    /// only once.
    ///
    /// To check the syntax alone of what is of no interest, read it as [`serde::de::IgnoredAny`].
    ///
    /// # Errors
    /// The one reason for which it can't be read; or, when strict, each field that the type doesn't have.
    pub fn read<K: DeserializeOwned>(&self, strictness: Strictness) -> Result<K, Vec<ReadError>> {
        let mut unknown = Vec::new();
        // Of one type whatever is read, so that what the types have in common is compiled once.
        let mut note: &mut dyn FnMut(serde_ignored::Path<'_>) = &mut |path| {
            let steps = fields::ignored_steps(&path);
            // Of the type itself every object tells.
            if !matches!(steps.as_slice(), [only] if only == "apiVersion" || only == "kind") {
                unknown.push(steps);
            }
        };
        let result = match &self.part {
            None => {
                let text = self.document.text();
                yaml::parse(&text, |from| {
                    K::deserialize(serde_ignored::Deserializer::new(from, &mut note))
                })
                .map_err(|error| self.explained::<K>(yaml::explain(&error), &text))
            }
            Some(part) => erased(serde_ignored::Deserializer::new(&*part.value, &mut note))
                .map_err(|_| self.explained_value::<K>(part)),
        };
        let object = result.map_err(|error| vec![error])?;
        let unknown: Vec<ReadError> = match strictness {
            Strictness::Lenient => Vec::new(),
            Strictness::Strict => self.unknown_fields::<K>(&unknown),
        };
        if unknown.is_empty() { Ok(object) } else { Err(unknown) }
    }

    /// Where a field stands; where its nearest ancestor stands when it is absent.
    pub fn locate(&self, path: &FieldPath) -> Location {
        self.locate_all(&[path])
            .into_iter()
            .next()
            .unwrap_or_else(|| self.location())
    }

    /// Where fields stand, in one pass over the text; of each the nearest ancestor when it is absent.
    ///
    /// A scalar is where its value is; a mapping or sequence where its key is.
    pub fn locate_all(&self, paths: &[&FieldPath]) -> Vec<Location> {
        let steps: Vec<Vec<&str>> = paths.iter().map(|path| fields::steps_of(path)).collect();
        self.places(steps)
            .into_iter()
            .map(|place| self.at(place.value))
            .collect()
    }

    /// The scalars that hold the values of fields, with their bytes in the file's text.
    pub(super) fn scalars(&self, paths: &[&FieldPath]) -> Vec<Option<Scalar>> {
        let paths = paths.iter().map(|path| self.in_document(fields::steps_of(path)));
        let Document { range, indent, .. } = &self.document;
        let in_file = |at: usize| range.start + at.saturating_sub(*indent);
        let found = locate::scalars(&self.document.text(), paths.collect()).into_iter();
        let scalars = found.map(|scalar| {
            scalar.map(|scalar| Scalar {
                range: in_file(scalar.range.start)..in_file(scalar.range.end),
                ..scalar
            })
        });
        scalars.collect()
    }

    /// The way to a field from the top of the stream's document.
    pub(super) fn way_to(&self, path: &FieldPath) -> Vec<Step> {
        let inside = self.in_document(fields::steps_of(path));
        let inside = inside.into_iter().map(str::to_owned);
        self.document.steps.iter().cloned().chain(inside).collect()
    }

    fn in_document<'s>(&'s self, mut steps: Vec<&'s str>) -> Vec<&'s str> {
        if let Some(part) = &self.part {
            steps.splice(..0, part.steps.iter().map(String::as_str));
        }
        steps
    }

    fn places<'s>(&'s self, paths: Vec<Vec<&'s str>>) -> Vec<Place> {
        let paths = paths.into_iter().map(|steps| self.in_document(steps)).collect();
        let in_file = |at: Position| self.document.position(at.line, at.column);
        let found = locate::places(&self.document.text(), paths);
        let places = found.into_iter().map(|place| match place {
            Some(Place { key, value }) => Place {
                key: key.map(in_file),
                value: in_file(value),
            },
            None => Place {
                key: None,
                value: self.start,
            },
        });
        places.collect()
    }

    fn place<'s>(&'s self, steps: &'s [Step]) -> Place {
        let steps = vec![steps.iter().map(String::as_str).collect()];
        self.places(steps).first().copied().unwrap_or(Place {
            key: None,
            value: self.start,
        })
    }

    fn at(&self, Position { line, column }: Position) -> Location {
        Location {
            file: Arc::clone(self.document.source.file()),
            line,
            column,
        }
    }

    /// The error with the field's path: it is read once more, with the path kept.
    fn explained<K: DeserializeOwned>(&self, mut fault: Fault, text: &str) -> ReadError {
        // What is malformed may be met first as a wrong value: a bracket that is never closed.
        let malformed = yaml::read::<IgnoredAny>(text).err().map(|error| yaml::explain(&error));
        fault = malformed.filter(|fault| !fault.of_field).unwrap_or(fault);
        if !fault.of_field {
            return self.document.fault(fault, None);
        }
        let mut track = serde_path_to_error::Track::new();
        let _ = yaml::parse(text, |from| {
            drop(erased::<K>(serde_path_to_error::Deserializer::new(from, &mut track)));
            Ok(())
        });
        let steps = fields::tracked_steps(&track.path());
        fault.message = named(&steps, &fault.message);
        self.document.fault(fault, Some(self.place(&steps).value))
    }

    fn explained_value<K: DeserializeOwned>(&self, part: &Part) -> ReadError {
        let (message, steps) = match read::<K>(&part.value) {
            Ok(_) => (String::new(), Vec::new()),
            Err(error) => (yaml::reworded(&error.message), fields::tracked_steps(&error.path)),
        };
        self.document
            .error(self.place(&steps).value, named(&steps, &message), None)
    }

    fn unknown_fields<K: DeserializeOwned>(&self, unknown: &[Vec<Step>]) -> Vec<ReadError> {
        let paths = unknown.iter().map(|steps| steps.iter().map(String::as_str).collect());
        let places = self.places(paths.collect());
        let pairs = unknown.iter().zip(places);
        pairs
            .map(|(steps, place)| self.unknown_field::<K>(steps, place))
            .collect()
    }

    fn unknown_field<K: DeserializeOwned>(&self, steps: &[Step], Place { key, value }: Place) -> ReadError {
        let (field, parent) = steps
            .split_last()
            .map_or(("", &[] as &[Step]), |(field, parent)| (field, parent));
        let known = fields::known_fields::<K>(parent);
        let message = format!(
            "the field {} is unknown",
            fields::path_of(steps.iter().map(String::as_str))
        );
        let remedy = match fields::nearest(field, known) {
            Some(meant) => format!("write {meant}"),
            None if known.is_empty() => "remove it".to_owned(),
            None => format!("remove it; known are {}", known.join(", ")),
        };
        self.document.error(key.unwrap_or(value), message, Some(&remedy))
    }
}

/// Reads a type by way of a reader that is the same for all inputs: where errors are told by others, and time is not
/// short, this keeps the program small.
pub(super) fn erased<'de, K: Deserialize<'de>>(from: impl Deserializer<'de>) -> Result<K, erased_serde::Error> {
    erased_serde::deserialize(&mut <dyn erased_serde::Deserializer<'_>>::erase(from))
}

fn named(steps: &[Step], message: &str) -> String {
    if steps.is_empty() {
        return message.to_owned();
    }
    format!("{}: {message}", fields::path_of(steps.iter().map(String::as_str)))
}

/// What a document's unindented lines say it is; none when that is not plain to see, and a parser must look.
///
/// Only `kind:` and `apiVersion:`, once each, in a document of block style count. The typed read that follows is what
/// holds the document to it.
fn hint(text: &str) -> Option<TypeMeta> {
    let (mut api_version, mut kind) = (None, None);
    for (_, line) in lines(text) {
        let (slot, rest) = match line.as_bytes().first()? {
            b'k' if line.starts_with("kind") => (&mut kind, line.strip_prefix("kind")?),
            b'a' if line.starts_with("apiVersion") => (&mut api_version, line.strip_prefix("apiVersion")?),
            b'-' if line.strip_prefix("---").is_some_and(has_content) => return None,
            b'a'..=b'z' | b'A'..=b'Z' | b' ' | b'#' | b'-' | b'.' | b'\n' | b'\r' => continue,
            _ => return None,
        };
        let Some(rest) = rest.strip_prefix(':') else { continue };
        let value = plain_word(rest)?;
        if slot.replace(value).is_some() {
            return None;
        }
    }
    Some(TypeMeta {
        api_version: api_version?.to_owned(),
        kind: kind?.to_owned(),
    })
}

/// A value that means itself in YAML, with or without quotes.
fn plain_word(text: &str) -> Option<&str> {
    let text = text.strip_prefix(' ')?;
    let text = text.split_once(" #").map_or(text, |(value, _)| value).trim();
    let quoted = ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    let word = quoted.unwrap_or(text);
    let is_name = word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-'));
    let is_other = ["y", "n", "no", "on", "off", "yes", "null", "true", "false"];
    (is_name && !is_other.iter().any(|other| word.eq_ignore_ascii_case(other))).then_some(word)
}
