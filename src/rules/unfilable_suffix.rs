//! A suffix under which no domain can be filed.

use super::case::{FilingCase, HostCase};
use super::finding::{Draft, Value};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::domain::host::unicode;
use crate::domain::suffix::{Fileable, fileable};
use crate::domain::{Day, Domain, FieldPath};
use crate::registry::Filing;
use crate::route::Claimed;

pub(super) static UNFILABLE_SUFFIX: Rule = Rule {
    id: "UnfilableSuffix",
    severity: Some(Severity::Violation),
    basis: Basis::Regulation,
    source: "信管〔2017〕264号, in force since 2018-01-01: only suffixes that the ministry approved; list of domain.miit.gov.cn as of 2022-08-30.",
    title: Words {
        en: "no domain under its suffix can be filed, or it is not certain that one can",
        zh: "该后缀的域名不能备案，或无法确定能否备案",
    },
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
    examples: Examples {
        bad: "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.io}]}
",
        fires: &["Ingress shop/web spec.rules[0].host"],
        good: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: www.example.com}]}
",
    },
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
