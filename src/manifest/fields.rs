//! Fields that a type doesn't have, and those that it has.

use std::cell::Cell;
use std::fmt::Write as _;

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::object::erased;
use crate::domain::FieldPath;

/// A step from a value to one inside it: a field's name, a map's key or an index.
pub(super) type Step = String;

/// A path as the API server writes it: `spec.rules[0].host`, `metadata.annotations[a.b/c]`.
pub(super) fn path_of<'s>(steps: impl IntoIterator<Item = &'s str>) -> FieldPath {
    let mut path = String::new();
    for step in steps {
        let index = step.bytes().all(|byte| byte.is_ascii_digit());
        if index || step.contains(['.', '/', '[']) {
            // Writing to a String can't fail.
            let _ = write!(path, "[{step}]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(step);
        }
    }
    FieldPath::from(path)
}

/// The steps of a path, back from its text.
pub(super) fn steps_of(path: &FieldPath) -> Vec<&str> {
    let mut rest = path.as_str();
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, behind) = if let Some(inside) = rest.strip_prefix('[') {
            inside.split_once(']').unwrap_or((inside, ""))
        } else {
            let bare = rest.strip_prefix('.').unwrap_or(rest);
            bare.split_at(bare.find(['.', '[']).unwrap_or(bare.len()))
        };
        steps.push(step);
        rest = behind;
    }
    steps
}

/// The steps of a path that serde_ignored gives.
pub(super) fn ignored_steps(path: &serde_ignored::Path<'_>) -> Vec<Step> {
    use serde_ignored::Path;
    match path {
        Path::Root => Vec::new(),
        Path::Seq { parent, index } => with(ignored_steps(parent), index.to_string()),
        Path::Map { parent, key } => with(ignored_steps(parent), key.clone()),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            ignored_steps(parent)
        }
    }
}

fn with(mut steps: Vec<Step>, step: Step) -> Vec<Step> {
    steps.push(step);
    steps
}

/// The steps of a path that serde_path_to_error gives.
pub(super) fn tracked_steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// The names that a type knows for the fields of the value at `steps`; none where any key may stand.
///
/// A type tells its fields only to a deserializer, so one is made that leads it down the path and answers nothing else.
pub(super) fn known_fields<K: DeserializeOwned>(steps: &[Step]) -> &'static [&'static str] {
    let found = Cell::new(&[] as &[&str]);
    // It always ends in an error: there is no value.
    drop(erased::<K>(Guide { steps, found: &found }));
    found.get()
}

struct Guide<'g> {
    steps: &'g [Step],
    found: &'g Cell<&'static [&'static str]>,
}

impl Guide<'_> {
    fn next(&self) -> Option<(&str, Guide<'_>)> {
        let (step, steps) = self.steps.split_first()?;
        Some((
            step,
            Guide {
                steps,
                found: self.found,
            },
        ))
    }
}

impl<'de> Deserializer<'de> for Guide<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("there is no value"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Only(self))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Only(self))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.steps.is_empty() {
            self.found.set(fields);
        }
        visitor.visit_map(Only(self))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct enum identifier ignored_any
    }
}

/// A container whose one element is the next step of the path.
struct Only<'g>(Guide<'g>);

impl<'de> MapAccess<'de> for Only<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((step, _)) = self.0.next() else {
            return Err(de::Error::custom("the path ends here"));
        };
        let key: StrDeserializer<'_, Error> = step.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some((_, behind)) = self.0.next() else {
            return Err(de::Error::custom("the path ends here"));
        };
        seed.deserialize(behind)
    }
}

impl<'de> SeqAccess<'de> for Only<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.next_value_seed(seed).map(Some)
    }
}

/// The word among those known that was probably meant: at most a third of it is mistyped, or its case alone.
pub(crate) fn nearest<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    let typed_lower = typed.to_lowercase();
    known
        .iter()
        .map(|word| (distance(&typed_lower, &word.to_lowercase()), *word))
        .filter(|(distance, word)| *distance <= (word.chars().count() / 3).max(1))
        .min()
        .map(|(_, word)| word)
}

/// How many letters must be put in, left out or changed to make one word of another.
fn distance(from: &str, to: &str) -> usize {
    // Only the beginning counts of what is no word: a key may be very long.
    let to: Vec<char> = to.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(&to) {
            left = (diagonal + usize::from(a != *b)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, left);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::api::networking::v1::Ingress;
    use rstest::rstest;
    use serde::Deserialize;

    use super::*;

    #[rstest]
    #[case::field(&["spec", "rules", "0", "host"], "spec.rules[0].host")]
    #[case::key(&["metadata", "annotations", "a.b/c"], "metadata.annotations[a.b/c]")]
    #[case::root(&[], "")]
    fn a_path_is_its_steps_and_back(#[case] steps: &[&str], #[case] path: &str) {
        let found = path_of(steps.iter().copied());
        assert_eq!(found.as_str(), path);
        assert_eq!(steps_of(&found), steps);
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only its fields' names are asked for")]
    struct Shape {
        main_number: Option<Inner>,
        list: Vec<Inner>,
        map: BTreeMap<String, Inner>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its fields' names are asked for")]
    struct Inner {
        since: String,
    }

    #[rstest]
    #[case::root(&[], &["mainNumber", "list", "map"])]
    #[case::optional(&["mainNumber"], &["since"])]
    #[case::sequence(&["list", "7"], &["since"])]
    #[case::map(&["map", "any"], &["since"])]
    #[case::leaf(&["mainNumber", "since"], &[])]
    #[case::unknown(&["nothing"], &[])]
    fn a_type_tells_its_fields(#[case] steps: &[&str], #[case] fields: &[&str]) {
        let steps: Vec<Step> = steps.iter().map(ToString::to_string).collect();
        assert_eq!(known_fields::<Shape>(&steps), fields);
    }

    #[test]
    fn kubernetes_types_tell_theirs() {
        let steps = ["spec", "rules", "0"].map(String::from);
        assert_eq!(known_fields::<Ingress>(&steps), ["host", "http"]);
    }

    #[rstest]
    #[case("mainNumbr", Some("mainNumber"))]
    #[case("mainnumber", Some("mainNumber"))]
    #[case("host", None)]
    #[case("lst", Some("list"))]
    #[case("", None)]
    fn the_nearest_word_is_offered(#[case] typed: &str, #[case] meant: Option<&str>) {
        assert_eq!(nearest(typed, &["mainNumber", "list", "contentTypes"]), meant);
    }
}
