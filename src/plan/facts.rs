//! The tables that a plan rests on: how long the stages of a filing take, the steps of a renewal, and the papers of a first
//! filing. Each row names its source.

use std::fmt::Write as _;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::api::{ContentType, Nature};
use crate::domain::workday::{self, Counted};
use crate::domain::{Day, facts};
use crate::effects::End;
use crate::registry::Other;
use crate::rules::{Basis, Lang};

/// In what a duration is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Working days.
    Workdays,
    /// Days of the calendar.
    Days,
}

/// How long a stage takes.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Duration {
    /// Its name in the table.
    pub(super) stage: &'static str,
    name_zh: &'static str,
    name_en: &'static str,
    /// The least that is usual.
    pub min: u32,
    /// The most that is usual.
    pub max: u32,
    /// The most that there may be, where that is set.
    pub at_most: Option<u32>,
    /// In what they are counted.
    pub unit: Unit,
    pub(super) basis: Basis,
    pub(super) source: &'static str,
}

impl Duration {
    /// Its name.
    pub fn name(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.name_en,
            Lang::Zh => self.name_zh,
        }
    }

    /// The longest that it may take.
    pub(super) fn longest(&self) -> u32 {
        self.at_most.unwrap_or(self.max)
    }

    /// The day on which so many of its units have passed.
    pub(super) fn after(&self, day: Day, count: u32) -> Counted {
        match self.unit {
            Unit::Workdays => workday::after(day, count),
            Unit::Days => Counted {
                day: day.plus(count),
                unknown_years: Vec::new(),
            },
        }
    }

    /// The last day to begin so many of its units before another.
    pub(super) fn before(&self, day: Day, count: u32) -> Counted {
        match self.unit {
            Unit::Workdays => workday::before(day, count),
            Unit::Days => Counted {
                day: day.minus(count),
                unknown_years: Vec::new(),
            },
        }
    }

    /// The spread: `1–2 working days`.
    pub fn spread(&self, lang: Lang) -> String {
        let Self { min, max, .. } = self;
        let count = if min == max {
            max.to_string()
        } else {
            format!("{min}–{max}")
        };
        let mut told = match (self.unit, lang) {
            (Unit::Workdays, Lang::En) => format!("{count} working days"),
            (Unit::Workdays, Lang::Zh) => format!("{count} 个工作日"),
            (Unit::Days, Lang::En) if *max == 1 => "within a day".to_owned(),
            (Unit::Days, Lang::Zh) if *max == 1 => "24 小时内".to_owned(),
            (Unit::Days, Lang::En) => format!("{count} days"),
            (Unit::Days, Lang::Zh) => format!("{count} 天"),
        };
        if let Some(most) = self.at_most.filter(|most| most > max) {
            // Writing into a String cannot fail.
            let _ = match lang {
                Lang::En => write!(told, ", at most {most}"),
                Lang::Zh => write!(told, "，最长 {most} 个"),
            };
        }
        told
    }
}

static DURATIONS: LazyLock<Vec<Duration>> = LazyLock::new(|| facts::rows(include_str!("../../facts/durations.csv")));

/// How long a stage takes, by its name in the table.
#[expect(
    clippy::expect_used,
    reason = "the names are this room's own, and a test asks for each of them"
)]
pub(super) fn duration(stage: &str) -> &'static Duration {
    let named = DURATIONS.iter().find(|duration| duration.stage == stage);
    named.expect("a stage of the table")
}

/// A step of a renewal.
#[derive(Debug, PartialEq, Deserialize)]
pub struct RenewalStep {
    end: EndKind,
    /// How many days before the end.
    pub days: u32,
    /// What kind of step it is, for programs.
    pub step: &'static str,
    name_zh: &'static str,
    name_en: &'static str,
    pub(super) basis: Basis,
    pub(super) source: &'static str,
}

impl RenewalStep {
    /// What is to be done.
    pub fn name(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.name_en,
            Lang::Zh => self.name_zh,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum EndKind {
    Record,
    Server,
    Domain,
    HandlerId,
    Approval,
    Licence,
}

static RENEWALS: LazyLock<Vec<RenewalStep>> = LazyLock::new(|| facts::rows(include_str!("../../facts/renewals.csv")));

/// The steps of the renewal of what ends, the farthest first. A review and an exemption are not renewed.
pub(super) fn steps(end: &End) -> impl Iterator<Item = &'static RenewalStep> {
    let kind = match end {
        End::Record => Some(EndKind::Record),
        End::Server => Some(EndKind::Server),
        End::Domain => Some(EndKind::Domain),
        End::Other(Other::HandlerId) => Some(EndKind::HandlerId),
        End::Other(Other::Approval(_)) => Some(EndKind::Approval),
        End::Other(Other::Licence) => Some(EndKind::Licence),
        End::Other(Other::Review) | End::Exemption(_) => None,
    };
    RENEWALS.iter().filter(move |step| Some(step.end) == kind)
}

/// A paper that a first filing needs.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Paper {
    of: Of,
    key: &'static str,
    name_zh: &'static str,
    name_en: &'static str,
    /// Where that is said.
    pub source: &'static str,
    /// How sure it is.
    pub confidence: &'static str,
}

impl Paper {
    /// What it is.
    pub fn name(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.name_en,
            Lang::Zh => self.name_zh,
        }
    }

    /// What asks for it: a nature of the subject or a type of content; none where every filing does.
    pub fn asked_by(&self) -> Option<&'static str> {
        (self.of != Of::Any).then_some(self.key)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Of {
    Any,
    Nature,
    Content,
}

static PAPERS: LazyLock<Vec<Paper>> = LazyLock::new(|| facts::rows(include_str!("../../facts/papers.csv")));

/// The papers of a first filing by the nature of its subject and the types of its content, no paper twice.
pub(super) fn papers(nature: Nature, contents: &[ContentType]) -> Vec<&'static Paper> {
    // The names are the same in Rust and in the resource.
    let nature = format!("{nature:?}");
    let contents: Vec<String> = contents.iter().map(|content| format!("{content:?}")).collect();
    let mut papers: Vec<&Paper> = Vec::new();
    for paper in PAPERS.iter() {
        let is_asked_for = match paper.of {
            Of::Any => true,
            Of::Nature => paper.key == nature,
            Of::Content => contents.iter().any(|content| paper.key == content),
        };
        if is_asked_for && papers.iter().all(|known| known.name_zh != paper.name_zh) {
            papers.push(paper);
        }
    }
    // The subject's own come first.
    papers.sort_by_key(|paper| match paper.of {
        Of::Nature => 0,
        Of::Any => 1,
        Of::Content => 2,
    });
    papers
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_stage_that_is_planned_is_in_the_table() {
        for stage in [
            "domain-data",
            "provider-review",
            "sms-check",
            "bureau-review",
            "access-cancel",
            "public-security",
            "migration",
        ] {
            let duration = duration(stage);
            assert!(
                duration.min <= duration.max && duration.max <= duration.longest(),
                "{stage}"
            );
        }
    }

    #[test]
    fn every_row_has_a_source_and_both_languages() {
        let durations = DURATIONS.iter().map(|it| [it.name_zh, it.name_en, it.source]);
        let steps = RENEWALS.iter().map(|it| [it.name_zh, it.name_en, it.source]);
        let papers = PAPERS.iter().map(|it| [it.name_zh, it.name_en, it.source]);
        for texts in durations.chain(steps).chain(papers) {
            assert!(texts.iter().all(|text| !text.trim().is_empty()), "{texts:?}");
            assert!(!texts[0].is_ascii() && texts[2].chars().count() > 8, "{texts:?}");
        }
        assert!(PAPERS.iter().all(|paper| !paper.confidence.is_empty()));
    }

    #[test]
    fn papers_are_asked_for_by_natures_and_contents_that_there_are() {
        for paper in PAPERS.iter() {
            let key = Value::from(paper.key);
            let is_known = match paper.of {
                Of::Any => paper.key.is_empty(),
                Of::Nature => serde_json::from_value::<Nature>(key).is_ok(),
                Of::Content => serde_json::from_value::<ContentType>(key).is_ok(),
            };
            assert!(is_known, "{paper:?}");
        }
    }

    #[rstest]
    #[case::company(Nature::Enterprise, &[], "营业执照")]
    #[case::person(Nature::Individual, &[], "居民身份证")]
    #[case::government(Nature::Government, &[], "编办批准文件")]
    #[case::institution(Nature::PublicInstitution, &[], "事业单位法人证书")]
    #[case::society(Nature::SocialOrganization, &[], "社会团体法人登记证书")]
    #[case::news(Nature::Enterprise, &[ContentType::News], "互联网新闻信息服务许可证")]
    #[case::drugs(Nature::Enterprise, &[ContentType::Corporate, ContentType::Drugs], "互联网药品信息服务资格证书")]
    fn papers_follow_the_subject_and_the_content(
        #[case] nature: Nature,
        #[case] contents: &[ContentType],
        #[case] expected: &str,
    ) {
        let papers = papers(nature, contents);
        let names: Vec<&str> = papers.iter().map(|paper| paper.name(Lang::Zh)).collect();
        assert!(names.iter().any(|name| name.contains(expected)), "{names:?}");
        assert!(names.contains(&"域名证书"), "{names:?}");
    }

    #[test]
    fn a_paper_that_two_ask_for_is_needed_once() {
        let papers = papers(Nature::Government, &[ContentType::Government]);
        let approvals = papers.iter().filter(|paper| paper.name_zh.contains("编办"));
        assert_eq!(approvals.count(), 1);
    }
}
