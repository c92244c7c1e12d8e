//! What a rule found, with the values that clash kept apart from the words that tell of them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::rule::{Lang, Rule, Severity};
use crate::domain::FieldPath;
use crate::registry::FilingKey;

/// A value in a message: the same in every language, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A name, a date, a number.
    Plain(String),
    /// Words.
    Both {
        /// In English.
        en: String,
        /// In Chinese.
        zh: String,
    },
}

impl Value {
    /// Words that are known when the program is written.
    pub fn words(en: &str, zh: &str) -> Self {
        Self::Both {
            en: en.to_owned(),
            zh: zh.to_owned(),
        }
    }

    fn get(&self, lang: Lang) -> &str {
        match (self, lang) {
            (Self::Plain(text), _)
            | (Self::Both { en: text, .. }, Lang::En)
            | (Self::Both { zh: text, .. }, Lang::Zh) => text,
        }
    }
}

impl<T: ToString> From<T> for Value {
    fn from(value: T) -> Self {
        Self::Plain(value.to_string())
    }
}

/// What a check found, before the policy had its say about the severity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Where in a filing or server; a finding on a host stands where the route names the host.
    pub path: Option<FieldPath>,
    /// A severity other than the rule's default.
    pub severity: Option<Severity>,
    /// The values of the message's `{name}`s.
    pub values: Vec<(&'static str, Value)>,
}

impl Draft {
    /// A draft without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// With the value of one `{name}`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.values.push((name, value.into()));
        self
    }

    /// At a field.
    #[must_use]
    pub fn at(mut self, path: FieldPath) -> Self {
        self.path = Some(path);
        self
    }

    /// As a warning, whatever the rule's default is.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Some(Severity::Warning);
        self
    }
}

/// A rule that does not hold, where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is under the policy in force.
    pub severity: Severity,
    /// The field that it speaks of.
    pub path: FieldPath,
    /// The filing that it speaks of, where the reader may know of it.
    pub filing: Option<FilingKey>,
    /// The values that clash.
    pub detail: Detail,
}

/// What a finding tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// All of it.
    Told(Vec<(&'static str, Value)>),
    /// Nothing but the rule: the filing is in another namespace, and its particulars are not this reader's.
    Withheld,
}

impl Finding {
    /// Without anything that tells of the filing but that it violates.
    #[must_use]
    pub fn withheld(self) -> Self {
        Self {
            filing: None,
            detail: Detail::Withheld,
            ..self
        }
    }

    /// The fact, in one sentence without a full stop.
    pub fn message(&self, lang: Lang) -> String {
        match (&self.detail, lang) {
            (Detail::Told(values), _) => fill(self.rule.message.get(lang), values, lang),
            (Detail::Withheld, Lang::En) => "the filing that covers it has a violation of its own".to_owned(),
            (Detail::Withheld, Lang::Zh) => "覆盖该主机名的备案本身不合规".to_owned(),
        }
    }

    /// What to do about it, in one sentence without a full stop.
    pub fn remedy(&self, lang: Lang) -> String {
        match (&self.detail, lang) {
            (Detail::Told(values), _) => fill(self.rule.remedy.get(lang), values, lang),
            (Detail::Withheld, Lang::En) => "ask the team that keeps the filings to mend it".to_owned(),
            (Detail::Withheld, Lang::Zh) => "请联系备案管理团队处理".to_owned(),
        }
    }

    /// The fact, the rule and the remedy in one line, as admission answers and Events put it.
    pub fn sentence(&self, lang: Lang) -> String {
        let mut line = self.message(lang);
        // Writing into a String cannot fail.
        let _ = write!(line, " [{}]", self.rule.id);
        let remedy = self.remedy(lang);
        if !remedy.is_empty() {
            line.push_str(match lang {
                Lang::En => "; ",
                Lang::Zh => "；",
            });
            line.push_str(&remedy);
        }
        line
    }
}

/// Puts the values in place of their `{name}`s.
fn fill(template: &'static str, values: &[(&'static str, Value)], lang: Lang) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, from)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after)) = from.split_once('}') else {
            rest = from;
            break;
        };
        let value = values
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("?", |(_, value)| value.get(lang));
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Names in a row, as a message lists them; a long list is cut, and says how much is left out.
pub fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 5;
    let mut text = String::new();
    let mut count = 0_usize;
    for name in names {
        if count < SHOWN {
            if count > 0 {
                text.push_str(", ");
            }
            text.push_str(name.as_ref());
        }
        count += 1;
    }
    if count > SHOWN {
        let _ = write!(text, " (+{})", count - SHOWN);
    }
    text
}

/// The `{name}`s of a template, for the test that holds the catalogue to its word.
pub fn names(template: &'static str) -> Vec<Cow<'static, str>> {
    template
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| Cow::Borrowed(name)))
        .collect()
}
