//! A message before it has a format: a title, sections of lines, and the same as data for programs. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::effects::shortened;

/// How many lines a section may have, from the most to the fewest that are tried.
const LINES: [usize; 6] = [20, 10, 5, 2, 1, 0];
/// The longest line, in bytes.
const MAX_LINE: usize = 400;

/// What is told, in one language.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    /// What it is, for programs.
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) sections: Vec<Section>,
    /// How many notices stand in sections that are left out.
    pub(super) beyond: u32,
    pub(super) foot: String,
    /// The moment that it speaks of.
    pub(super) time: Timestamp,
    /// What else programs are told.
    pub(super) facts: Map<String, Value>,
    pub(super) words: Words,
}

/// Lines that belong together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Section {
    pub(super) heading: String,
    pub(super) facts: Map<String, Value>,
    pub(super) items: Vec<Item>,
    /// How many lines are left out.
    pub(super) more: u32,
}

/// A line, and the same for programs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) line: String,
    pub(super) fact: Value,
}

/// How it says that there is more, with `{}` for the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) more: &'static str,
    pub(super) beyond: &'static str,
}

impl Item {
    /// A line in one row, and the same for programs.
    pub(super) fn new(line: &str, fact: Value) -> Self {
        let in_one_row: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self {
            line: shortened(&in_one_row, MAX_LINE),
            fact,
        }
    }
}

impl Section {
    /// The line that counts what is left out; none where nothing is.
    pub(super) fn more(&self, words: Words) -> Option<String> {
        (self.more > 0).then(|| words.more.replace("{}", &self.more.to_string()))
    }

    fn cut(&mut self, lines: usize) {
        let cut = self.items.len().saturating_sub(lines);
        self.items.truncate(lines);
        self.more = self.more.saturating_add(u32::try_from(cut).unwrap_or(u32::MAX));
    }
}

impl Document {
    /// The longest version that fits: with fewer lines a section, and at last with fewer sections. What is left out is
    /// counted.
    pub(super) fn fitted(mut self, fits: impl Fn(&Self) -> bool) -> Self {
        for lines in LINES {
            for section in &mut self.sections {
                section.cut(lines);
            }
            if fits(&self) {
                return self;
            }
        }
        while !fits(&self) {
            let Some(last) = self.sections.pop() else {
                break;
            };
            self.beyond = self.beyond.saturating_add(last.more);
        }
        self
    }

    /// The line that counts what stands in no section; none where everything does.
    pub(super) fn beyond(&self) -> Option<String> {
        (self.beyond > 0).then(|| self.words.beyond.replace("{}", &self.beyond.to_string()))
    }

    /// All of it for programs.
    pub(super) fn data(&self) -> Value {
        let groups = self.sections.iter().map(|section| {
            let mut group = section.facts.clone();
            let items: Vec<&Value> = section.items.iter().map(|item| &item.fact).collect();
            group.insert("heading".to_owned(), json!(section.heading));
            group.insert("items".to_owned(), json!(items));
            group.insert("more".to_owned(), json!(section.more));
            Value::Object(group)
        });
        let mut data = self.facts.clone();
        data.insert("groups".to_owned(), groups.collect());
        data.insert("title".to_owned(), json!(self.title));
        data.insert("beyond".to_owned(), json!(self.beyond));
        Value::Object(data)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::support::now;

    fn document(sections: &[usize]) -> Document {
        let section = |lines: &usize| Section {
            heading: "heading".to_owned(),
            facts: Map::new(),
            items: (0..*lines).map(|_| Item::new("a line", json!({}))).collect(),
            more: 3,
        };
        Document {
            kind: "notices",
            title: "title".to_owned(),
            sections: sections.iter().map(section).collect(),
            beyond: 0,
            foot: String::new(),
            time: now(),
            facts: Map::new(),
            words: Words {
                more: "and {} more",
                beyond: "and {} others",
            },
        }
    }

    fn lines(document: &Document) -> usize {
        let sections = document.sections.iter();
        sections.map(|section| 1 + section.items.len()).sum()
    }

    #[test]
    fn a_line_is_in_one_row_and_not_too_long() {
        assert_eq!(Item::new("a\nb\u{1b}[1m", Value::Null).line, "a b [1m");
        assert!(Item::new(&"备案".repeat(400), Value::Null).line.len() <= MAX_LINE);
    }

    proptest! {
        #[test]
        fn it_is_cut_until_it_fits_and_counts_what_is_left_out(
            sections in proptest::collection::vec(0_usize..40, 0..12), room in 0_usize..200,
        ) {
            let all: usize = sections.iter().map(|lines| lines + 3).sum();
            let fitted = document(&sections).fitted(|document| lines(document) <= room);
            prop_assert!(lines(&fitted) <= room);
            let shown: usize = fitted.sections.iter().map(|section| section.items.len()).sum();
            let more: u32 = fitted.sections.iter().map(|section| section.more).sum();
            prop_assert_eq!(shown + more as usize + fitted.beyond as usize, all);
        }
    }
}
