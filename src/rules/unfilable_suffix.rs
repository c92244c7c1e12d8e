//! A suffix under which no domain can be filed.

use super::case::{FilingCase, HostCase};
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::host::unicode;
use crate::domain::suffix::{Fileable, fileable};
use crate::domain::{Day, Domain, FieldPath};
use crate::registry::Filing;
use crate::route::Claimed;

pub(super) static UNFILABLE_SUFFIX: Rule = Rule {
    id: "UnfilableSuffix",
    pages: documented!("UnfilableSuffix"),
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    message: Words {
        en: "{suffix} {fact}",
        zh: "{suffix} {fact}",
    },
    remedy: Words {
        en: "serve it under a suffix that can be filed, like cn or com, or from outside the mainland",
        zh: "请使用可备案的后缀（如 cn、com），或在境外提供服务",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &["PublicSuffixHost"],
    checks: &[Check::Host(on_host), Check::Filing(on_filing)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let Claimed::Host(host) = case.claimed else { return None };
    draft(host.domain(), case.filing)
}

fn on_filing(case: &FilingCase<'_>) -> Vec<Draft> {
    let domains = case.filing.domains.iter().enumerate();
    domains
        .filter_map(|(at, entry)| entry.as_ref().ok().map(|domain| (at, domain)))
        .filter_map(|(at, domain)| draft(domain, Some(case.filing)).map(|draft| (at, draft)))
        .map(|(at, draft)| draft.at(FieldPath::from(format!("spec.domains[{at}]"))))
        .collect()
}

fn draft(domain: &Domain, filing: Option<&Filing>) -> Option<Draft> {
    let (answer, listed) = fileable(domain);
    let as_of = listed.map_or("2022-08-30", |fact| fact.as_of);
    let (en, zh) = match answer {
        Fileable::Yes => return None,
        Fileable::No => ("can't be filed", "不能备案"),
        Fileable::Unclear => ("is not certain to be filable", "能否备案不明确"),
        Fileable::Unlisted => (
            "is not in the list of suffixes that can be filed",
            "不在可备案后缀清单中",
        ),
    };
    let fact = Value::Both {
        en: format!("{en} (as of {as_of})"),
        zh: format!("{zh}（截至 {as_of}）"),
    };
    let suffix = listed.map_or_else(|| unicode(domain.suffix()).into_owned(), |fact| fact.suffix.to_owned());
    let draft = Draft::new().with("suffix", format!(".{suffix}")).with("fact", fact);
    let keeps_its_old_filing = filing
        .and_then(|filing| filing.approved_at)
        .is_some_and(|approved| approved < IN_FORCE);
    Some(if answer == Fileable::No && !keeps_its_old_filing {
        draft
    } else {
        draft.as_warning()
    })
}

/// The day on which the notice came into force; filings from before keep their access.
const IN_FORCE: Day = Day::new(2018, 1, 1);
