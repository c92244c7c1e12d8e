//! What a rule is: its words, what it stands on, and how it looks at a case.

use std::fmt;

use serde::Deserialize;

use super::case::{AccessCase, CoverageCase, FilingCase, HostCase, ServerCase};
use super::finding::Draft;
use super::page::{Page, Pages};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// It should be mended; the host is served.
    Warning,
    /// The host may not be served.
    Violation,
}

impl Severity {
    /// The word that resources and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "Warning",
            Self::Violation => "Violation",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a rule stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// A law, a ministry's order or a notice.
    Regulation,
    /// What providers and bureaus (通信管理局) do.
    Practice,
    /// What is wise; never a violation by default.
    Advice,
}

impl Basis {
    /// The word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regulation => "Regulation",
            Self::Practice => "Practice",
            Self::Advice => "Advice",
        }
    }
}

/// A language that findings are told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese (简体中文).
    Zh,
}

/// The same words in each language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: &'static str,
    /// Simplified Chinese.
    pub zh: &'static str,
}

impl Words {
    /// The words in a language.
    pub fn get(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }
}

/// One entry of the catalogue.
#[derive(Debug)]
pub struct Rule {
    /// The stable name: the reason of Events, the label of metrics, the key in a policy's `rules`.
    pub id: &'static str,
    /// What it means, why, its examples, and how to mend it.
    pub pages: Pages,
    /// The severity where a policy says nothing; none: the rule is off.
    pub severity: Option<Severity>,
    /// What it stands on.
    pub basis: Basis,
    /// What clashes, with `{name}` for each value of the finding.
    pub message: Words,
    /// What to do about it, with the same values.
    pub remedy: Words,
    /// Whether it tells of an end that is still to come. Such a finding alone leaves a filing or server Blue while the end
    /// is more than 30 days away.
    pub foretells: bool,
    /// Whether it is about the name that a route answers for and nothing else, so that no other filing, server, namespace or
    /// policy could lift what it found.
    pub is_of_the_name_alone: bool,
    /// Rules that say the same more to the point: where one of them is found as badly, this one is not told.
    pub yields_to: &'static [&'static str],
    /// How it looks at cases.
    pub checks: &'static [Check],
}

impl Rule {
    /// Its page in a language.
    pub fn page(&self, lang: Lang) -> Page {
        Page {
            lang,
            text: self.pages.get(lang),
        }
    }

    /// When it fires, as one sentence without its full stop.
    pub fn title(&self, lang: Lang) -> &'static str {
        self.page(lang).title()
    }

    /// Where its page is published.
    pub fn url(&self, lang: Lang) -> String {
        format!("{}{}.md", Page::folder(lang), self.id)
    }
}

/// Rules are told apart by their name.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}

/// What a rule looks at. It answers with what it found, or with nothing.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// A name that a route answers for, by itself.
    Host(fn(&HostCase<'_>) -> Option<Draft>),
    /// A host and a filing that has a domain at or above it.
    Coverage(fn(&CoverageCase<'_>) -> Option<Draft>),
    /// A host, its filing, and the places that serve it.
    Access(fn(&AccessCase<'_>) -> Option<Draft>),
    /// A host that is served off the mainland alone, where no filing is needed.
    Outside(fn(&HostCase<'_>) -> Option<Draft>),
    /// A filing by itself.
    Filing(fn(&FilingCase<'_>) -> Vec<Draft>),
    /// A server by itself.
    Server(fn(&ServerCase<'_>) -> Option<Draft>),
    /// The reading of an object, which fails before there is a case.
    Reading,
}
