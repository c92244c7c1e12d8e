//! Other texts where some stand, and not a byte around them changed.
//!
//! Where a text stands is what the parser says. What comes of it is read once more, and kept only where each document says
//! what it said before but for the fields that were meant: an anchor may carry a text to other places.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use serde_saphyr::granit_parser::ScalarStyle;

use super::error::Location;
use super::fields::Step;
use super::locate;
use super::object::{Document, Object};
use super::source::Source;
use super::yaml;
use crate::domain::FieldPath;
use crate::mend::Mend;

/// A source in which fields were mended.
#[derive(Debug)]
pub struct Mended {
    /// The new text; none where nothing is changed.
    pub source: Option<Arc<Source>>,
    /// How many fields say something else now.
    pub fields: usize,
    /// What ought to be mended and stands as it did, in the order of the text.
    pub left: Vec<Left>,
}

/// A field that was left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Where it stands.
    pub location: Location,
    /// The field.
    pub path: FieldPath,
    /// What ought to stand there.
    pub to: String,
    /// Why it does not.
    pub why: Why,
}

/// Why a field was left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is written as a block (`|` or `>`), whose form would be lost.
    Block,
    /// It is written at an anchor, and other fields that say the same by an alias are to stay.
    Shared,
    /// What would come of it could not be told: the document can't be read as a whole, or would not say what it ought to.
    Unsure,
}

/// A text to be written, and the fields that say it.
struct Edit {
    to: String,
    raw: String,
    fields: Vec<Field>,
}

struct Field {
    mend: Mend,
    location: Location,
    /// From the top of the document.
    way: Vec<Step>,
}

/// By the bytes of the file that they replace.
type Edits = BTreeMap<(usize, usize), Edit>;

/// How often a document is read again, without the texts that turned out to be needed elsewhere.
const ROUNDS: usize = 8;
/// How many differences are looked at to find these.
const DIFFERENCES: usize = 256;

impl Source {
    /// Writes what `wanted` asks for, for each of its objects.
    pub fn mended(self: &Arc<Self>, wanted: impl Fn(&Object) -> Vec<Mend>) -> Mended {
        let mut left = Vec::new();
        let mut edits = Edits::new();
        let documents: Vec<Document> = self.documents().into_iter().flatten().collect();
        for document in &documents {
            let mut found = self.edits(document, &wanted, &mut left);
            if !found.is_empty() {
                if self.is_exact() {
                    prove(document, &mut found, &mut left);
                } else {
                    leave(&mut left, std::mem::take(&mut found), Why::Unsure);
                }
                edits.append(&mut found);
            }
        }
        let fields = edits.values().map(|edit| edit.fields.len()).sum();
        let mut source = None;
        if !edits.is_empty() {
            let text = spliced(self.text(), 0, &edits);
            // What was read as text is text, and as many documents: the new texts have no line breaks.
            source = Self::new(Arc::clone(self.file()), text.into_bytes()).ok();
        }
        left.sort_by(|one: &Left, other| one.location.cmp(&other.location));
        match source {
            None if fields > 0 => {
                leave(&mut left, edits, Why::Unsure);
                Mended {
                    source: None,
                    fields: 0,
                    left,
                }
            }
            source => Mended { source, fields, left },
        }
    }

    fn edits(
        self: &Arc<Self>,
        document: &Document,
        wanted: &impl Fn(&Object) -> Vec<Mend>,
        left: &mut Vec<Left>,
    ) -> Edits {
        let mut edits = Edits::new();
        for object in document.objects().into_iter().flatten() {
            let mends = wanted(&object);
            if mends.is_empty() {
                continue;
            }
            let paths: Vec<&FieldPath> = mends.iter().map(|mend| &mend.path).collect();
            let scalars = object.scalars(&paths);
            let locations = object.locate_all(&paths);
            for ((mend, scalar), location) in mends.iter().zip(scalars).zip(locations) {
                let field = Field {
                    mend: mend.clone(),
                    location,
                    way: object.way_to(&mend.path),
                };
                let Some(scalar) = scalar.filter(|scalar| *scalar.says == mend.from) else {
                    left.push(field.left(Why::Unsure));
                    continue;
                };
                let Some(raw) = self
                    .text()
                    .get(scalar.range.clone())
                    .and_then(|raw| written(&mend.to, scalar.style, raw))
                else {
                    left.push(field.left(Why::Block));
                    continue;
                };
                let Range { start, end } = scalar.range;
                let edit = edits.entry((start, end)).or_insert_with(|| Edit {
                    to: mend.to.clone(),
                    raw,
                    fields: Vec::new(),
                });
                if edit.to == mend.to {
                    edit.fields.push(field);
                } else {
                    left.push(field.left(Why::Shared));
                }
            }
        }
        edits
    }
}

impl Field {
    fn left(self, why: Why) -> Left {
        Left {
            location: self.location,
            path: self.mend.path,
            to: self.mend.to,
            why,
        }
    }
}

/// A text in the style of the one that stands there, which it replaces; none in a block.
fn written(to: &str, style: ScalarStyle, raw: &str) -> Option<String> {
    match style {
        ScalarStyle::SingleQuoted => Some(format!("'{}'", to.replace('\'', "''"))),
        // What looks like a number is written as a text.
        ScalarStyle::Plain if yaml::read::<String>(to).is_ok_and(|read| read == to) => Some(to.to_owned()),
        ScalarStyle::Plain | ScalarStyle::DoubleQuoted => {
            let quoted = serde_json::to_string(to).ok()?;
            // Where all is escaped, it stays so.
            let is_escaped = style == ScalarStyle::DoubleQuoted && raw.is_ascii();
            Some(if is_escaped { escaped(&quoted) } else { quoted })
        }
        ScalarStyle::Literal | ScalarStyle::Folded => None,
    }
}

fn escaped(quoted: &str) -> String {
    let mut escaped = String::with_capacity(quoted.len());
    for character in quoted.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String can't fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// A text that begins at byte `offset` of the file, with the edits made.
fn spliced(text: &str, offset: usize, edits: &Edits) -> String {
    let mut made = String::with_capacity(text.len());
    let mut done = 0;
    for ((start, end), edit) in edits {
        let (start, end) = (start.saturating_sub(offset), end.saturating_sub(offset));
        made.push_str(text.get(done..start).unwrap_or_default());
        made.push_str(&edit.raw);
        done = end;
    }
    made.push_str(text.get(done..).unwrap_or_default());
    made
}

/// Keeps of the edits in a document those after which it says what it said, but for the fields that were meant.
fn prove(document: &Document, edits: &mut Edits, left: &mut Vec<Left>) {
    let text = document.text();
    let offset = document.range.start;
    let Ok(mut due) = yaml::read::<Value>(&text) else {
        return leave(left, std::mem::take(edits), Why::Unsure);
    };
    for field in edits.values().flat_map(|edit| &edit.fields) {
        set(&mut due, &field.way, &field.mend.to);
    }
    for _ in 0..ROUNDS {
        let Ok(made) = yaml::read::<Value>(&spliced(&text, offset, edits)) else {
            break;
        };
        let mut differing = Vec::new();
        differences(&due, &made, &mut Vec::new(), &mut differing);
        if differing.is_empty() {
            return;
        }
        let mut is_fewer = false;
        let ways = differing.iter().map(|way| way.iter().map(String::as_str).collect());
        for scalar in locate::scalars(&text, ways.collect()).into_iter().flatten() {
            let at = (scalar.range.start + offset, scalar.range.end + offset);
            let Some(edit) = edits.remove(&at) else { continue };
            for field in edit.fields {
                set(&mut due, &field.way, &field.mend.from);
                left.push(field.left(Why::Shared));
            }
            is_fewer = true;
        }
        if edits.is_empty() {
            return;
        }
        if !is_fewer {
            break;
        }
    }
    leave(left, std::mem::take(edits), Why::Unsure);
}

fn leave(left: &mut Vec<Left>, edits: Edits, why: Why) {
    let fields = edits.into_values().flat_map(|edit| edit.fields);
    left.extend(fields.map(|field| field.left(why)));
}

fn set(value: &mut Value, way: &[Step], to: &str) {
    let mut inner = Some(value);
    for step in way {
        inner = match inner {
            Some(Value::Object(fields)) => fields.get_mut(step),
            Some(Value::Array(items)) => step.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            _ => None,
        };
    }
    if let Some(inner) = inner {
        *inner = Value::String(to.to_owned());
    }
}

/// The ways to where two values differ, up to a number.
fn differences(one: &Value, other: &Value, way: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    if found.len() >= DIFFERENCES || one == other {
        return;
    }
    match (one, other) {
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() && one.keys().eq(other.keys()) => {
            for ((key, one), other) in one.iter().zip(other.values()) {
                way.push(key.clone());
                differences(one, other, way, found);
                way.pop();
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                way.push(index.to_string());
                differences(one, other, way, found);
                way.pop();
            }
        }
        _ => found.push(way.clone()),
    }
}
