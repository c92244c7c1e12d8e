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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::manifest::Strictness;

    const WRONG: &str = "京icp备12345678-1号";
    const RIGHT: &str = "京ICP备12345678号-1";

    /// Asks for the right number in each `spec.number` and each of `spec.domains` that holds the wrong one.
    fn wanted(object: &Object) -> Vec<Mend> {
        let Ok(read) = object.read::<Value>(Strictness::Lenient) else {
            return Vec::new();
        };
        let domains = read["spec"]["domains"].as_array().cloned().unwrap_or_default();
        let domains = domains
            .into_iter()
            .enumerate()
            .map(|(at, value)| (format!("spec.domains[{at}]"), value));
        std::iter::once(("spec.number".to_owned(), read["spec"]["number"].clone()))
            .chain(domains)
            .filter(|(_, value)| value == WRONG)
            .map(|(path, _)| Mend {
                path: FieldPath::from(path),
                from: WRONG.to_owned(),
                to: RIGHT.to_owned(),
                is_irregular: true,
            })
            .collect()
    }

    fn mended(text: &str) -> Mended {
        Source::new("a.yaml".into(), text.as_bytes().to_vec())
            .unwrap()
            .mended(wanted)
    }

    /// What comes of a text, and why fields were left.
    fn outcome(text: &str) -> (String, Vec<Why>) {
        let mended = mended(text);
        let made = mended.source.map_or(text.to_owned(), |source| source.text().to_owned());
        (made, mended.left.iter().map(|left| left.why).collect())
    }

    const HEAD: &str = "apiVersion: v1\nkind: Shop\n";

    #[rstest]
    #[case::plain(
        "spec:\n  number: W # 京icp备12345678-1号\n",
        "spec:\n  number: R # 京icp备12345678-1号\n"
    )]
    #[case::tabs_before_a_comment("spec:\n  number:\tW\t# it\n", "spec:\n  number:\tR\t# it\n")]
    #[case::single_quoted("spec: {number:   'W' , a: 1}\n", "spec: {number:   'R' , a: 1}\n")]
    #[case::double_quoted("spec:\n  \"number\": \"W\"", "spec:\n  \"number\": \"R\"")]
    #[case::escaped(
        "spec:\n  number: \"\\u4eacicp\\u590712345678-1\\u53f7\"\n",
        "spec:\n  number: \"\\u4eacICP\\u590712345678\\u53f7-1\"\n"
    )]
    #[case::half_escaped("spec:\n  number: \"京icp\\u590712345678-1号\"\n", "spec:\n  number: \"R\"\n")]
    #[case::flow("spec: {domains: [W,'W', \"W\"]}\n", "spec: {domains: [R,'R', \"R\"]}\n")]
    #[case::block_sequence("spec:\n  domains:\n  - W\n  -   'W'\n", "spec:\n  domains:\n  - R\n  -   'R'\n")]
    #[case::tagged("spec:\n  number: !!str W\n", "spec:\n  number: !!str R\n")]
    #[case::anchored("spec:\n  number: &n W\n", "spec:\n  number: &n R\n")]
    #[case::on_the_next_line("spec:\n  number:\n    # it is\n    W\n", "spec:\n  number:\n    # it is\n    R\n")]
    #[case::explicit_key("spec:\n  ? number\n  : W\n", "spec:\n  ? number\n  : R\n")]
    #[case::alias_that_is_mended_too(
        "spec:\n  number: &n W\n  domains: [*n]\n",
        "spec:\n  number: &n R\n  domains: [*n]\n"
    )]
    #[case::behind_an_alias("x: &n W\nspec:\n  number: *n\n", "x: &n W\nspec:\n  number: *n\n")]
    #[case::anchored_whole("x: 1\nspec: &s\n  number: W\n", "x: 1\nspec: &s\n  number: R\n")]
    #[case::merged("x: &s {number: W}\nspec:\n  <<: *s\n", "x: &s {number: W}\nspec:\n  <<: *s\n")]
    #[case::of_two_anchors(
        "spec:\n  number: &n W\n  domains: [&m W, x]\n  note: *n\n",
        "spec:\n  number: &n W\n  domains: [&m R, x]\n  note: *n\n"
    )]
    #[case::as_a_key(
        "spec:\n  number: &n W\n  note: {*n : 1}\n",
        "spec:\n  number: &n W\n  note: {*n : 1}\n"
    )]
    #[case::block(
        "spec:\n  number: |-\n    W\n  domains: [W]\n",
        "spec:\n  number: |-\n    W\n  domains: [R]\n"
    )]
    #[case::folded("spec:\n  number: >-\n    W\n", "spec:\n  number: >-\n    W\n")]
    #[case::nothing_else("spec:\n  number: W\n  note: W\n", "spec:\n  number: R\n  note: W\n")]
    fn only_what_is_meant_is_written(#[case] before: &str, #[case] after: &str) {
        for (head, breaks) in [
            (HEAD, "\n"),
            (HEAD, "\r\n"),
            ("\u{feff}---\napiVersion: v1\nkind: Shop\n", "\n"),
        ] {
            let text = |template: &str| {
                let text = head.to_owned() + &template.replace('W', WRONG).replace('R', RIGHT);
                text.replace('\n', breaks)
            };
            assert_eq!(
                outcome(&text(before)).0,
                text(after),
                "{:?}",
                mended(&text(before)).left
            );
        }
    }

    #[rstest]
    #[case::block("spec: {number: W}\n---\napiVersion: v1\nkind: Shop\nspec:\n  number: |-\n    W\n", &[Why::Block])]
    #[case::shared("spec: {number: &n W}\nx: *n\n", &[Why::Shared])]
    #[case::shared_from_elsewhere("x: &n W\nspec: {number: *n}\n", &[Why::Shared])]
    #[case::a_key("spec: {number: &n W}\nx: {*n : 1}\n", &[Why::Unsure])]
    #[case::nothing("spec: {number: W, domains: [W]}\n", &[])]
    fn what_is_left_says_why(#[case] text: &str, #[case] due: &[Why]) {
        assert_eq!(outcome(&(HEAD.to_owned() + &text.replace('W', WRONG))).1, due);
    }

    #[rstest]
    #[case::block("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Shop\n  spec:\n    number: W\n-   kind: Shop\n    apiVersion: v1\n    spec: {number: 'W'}\n", &[])]
    #[case::flow("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Shop, spec: {number: W}}, {kind: Shop, apiVersion: v1, spec: {domains: [W]}}]\n", &[])]
    #[case::json(r#"{"kind": "ShopList", "apiVersion": "v1", "items": [{"spec": {"number": "W"}}, {"spec": {"number": "W"}}]}"#, &[])]
    #[case::list_in_a_list("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Shop, spec: {number: W}}\n", &[])]
    #[case::aliases_across_items("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Shop, spec: &s {number: W}}\n- {apiVersion: v1, kind: Shop, spec: *s}\n", &[])]
    fn the_items_of_a_list_are_mended(#[case] text: &str, #[case] left: &[Why]) {
        let (made, why) = outcome(&text.replace('W', WRONG));
        assert_eq!(
            (made.as_str(), why.as_slice()),
            (text.replace('W', RIGHT).as_str(), left)
        );
    }

    #[test]
    fn an_anchor_that_another_item_needs_is_left() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Shop, spec: {number: &n W}}\n\
                    - {apiVersion: v1, kind: Shop, spec: {note: *n, domains: [W]}}\n";
        let (made, why) = outcome(&text.replace('W', WRONG));
        let due = text.replacen('W', WRONG, 1).replacen('W', RIGHT, 1);
        assert_eq!((made, why), (due, vec![Why::Shared]));
    }

    #[test]
    fn a_document_with_a_broken_item_is_left_and_another_is_mended() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Shop, spec: {number: W}}\n\
                    - {apiVersion: v1, kind: Shop, a: 1, a: 2}\n";
        let text = format!("{list}---\n{HEAD}spec: {{number: W}}\n").replace('W', WRONG);
        let (made, why) = outcome(&text);
        assert_eq!(made.matches(RIGHT).count(), 1);
        assert!(made.ends_with(&format!("spec: {{number: {RIGHT}}}\n")), "{made}");
        assert_eq!(why, [Why::Unsure]);
    }

    #[test]
    fn a_file_whose_bytes_are_no_text_is_left() {
        let mut bytes = format!("{HEAD}spec: {{number: {WRONG}}}\n---\n").into_bytes();
        bytes.extend(b"a: \xff\n");
        let mended = Source::new("a.yaml".into(), bytes).unwrap().mended(wanted);
        assert!(mended.source.is_none());
        assert_eq!((mended.fields, mended.left.len()), (0, 1));
    }

    #[rstest]
    #[case::number("1.5", "\"1.5\"")]
    #[case::boolean("no", "\"no\"")]
    #[case::nothing("null", "\"null\"")]
    #[case::text("xn--fiqs8s", "xn--fiqs8s")]
    #[case::licence("B2-20203456", "B2-20203456")]
    fn a_text_stays_a_text(#[case] to: &str, #[case] due: &str) {
        assert_eq!(written(to, ScalarStyle::Plain, "x").as_deref(), Some(due));
    }

    /// One way to write a number, wrong and right.
    fn scalar(style: usize, anchor: usize) -> [String; 2] {
        let before = ["", "&a ", "!!str "][anchor];
        let written = |number: &str| match style {
            0 => format!("{before}{number}"),
            1 => format!("{before}'{number}'"),
            _ => format!("{before}\"{number}\""),
        };
        match style {
            3 => [written("\\u4eacicp备12345678-1号"), written(RIGHT)],
            _ => [written(WRONG), written(RIGHT)],
        }
    }

    proptest! {
        #[test]
        fn nothing_around_a_mended_text_changes(
            fields in prop::collection::vec(
                (0..4_usize, 0..3_usize, 0..4_usize, " {0,3}", "( +#[ a-z:'\"京&*{-]{0,12})?", prop::bool::ANY), 1..6),
            indent in 1..5_usize, crlf in prop::bool::ANY, last_break in prop::bool::ANY, mark in prop::bool::ANY,
        ) {
            let mut template = if mark { "\u{feff}".to_owned() } else { String::new() };
            let mut numbers = Vec::new();
            for (style, anchor, shape, spaces, comment, is_commented) in fields {
                let pad = " ".repeat(indent);
                let above = if is_commented { format!("{pad}# {WRONG}\n") } else { String::new() };
                let document = match shape {
                    0 => format!("---\n{HEAD}spec:\n{above}{pad}number:{spaces} @{comment}\n"),
                    1 => format!("---\n{HEAD}spec:{comment}\n{above}{pad}domains:{spaces} [x ,{spaces}@]{comment}\n"),
                    2 => format!(
                        "---{comment}\napiVersion: v1\nkind: List\nitems:\n{pad}-{spaces} {{apiVersion: v1, kind: Shop, \
                         spec: {{number: @{spaces}}}}}{comment}\n{above}"
                    ),
                    _ => format!(
                        "---\n{{\"apiVersion\":{spaces}\"v1\", \"kind\": \"List\", \"items\":{spaces}[\n\t{{\"kind\": \"Shop\", \
                         \"apiVersion\": \"v1\", \"spec\": {{\"number\": @}}}}]}}{comment}\n"
                    ),
                };
                template.push_str(&document);
                numbers.push(scalar(if shape == 3 { 2 } else { style }, if shape == 3 { 0 } else { anchor }));
            }
            if !last_break { template.truncate(template.trim_end().len()); }
            if crlf { template = template.replace('\n', "\r\n"); }
            let [before, after] = [0, 1].map(|nth| numbers.iter().fold(template.clone(), |text, number| text.replacen('@', &number[nth], 1)));
            let (made, left) = outcome(&before);
            prop_assert_eq!(left, vec![]);
            prop_assert_eq!(&made, &after);
            prop_assert_eq!(outcome(&made).0, after);
        }
    }
}
