//! Every rule does what its entry says.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::judge::{judge, judge_filing, judge_server};
use crate::registry::Kept;
use crate::rules::{self, Basis, CATALOGUE, Detail, Finding, Lang, Rule, Severity, UNREADABLE, names};
use crate::support;

/// Everything that is found in an example: kind, name and path, with the finding where there is one.
fn fired(example: &str) -> Vec<(String, &'static Rule, Option<Finding>)> {
    let registry = support::registry(&support::documents(example));
    let facts = registry.snapshot();
    let unreadable = |of: String, error: &str| {
        let path = error.split_once(':').map_or(error, |(path, _)| path);
        (format!("{of} {path}"), &UNREADABLE, None)
    };
    let tell = |of: &str, finding: &Finding| {
        let at = format!("{of} {}", finding.path);
        (at, finding.rule, Some(finding.clone()))
    };
    let mut fired = Vec::new();
    for (key, route) in registry.routes() {
        let of = format!("{} {key}", key.kind.kind());
        match route {
            Kept::Read(route) => {
                let verdict = judge(route, facts, support::now()).unwrap();
                fired.extend(verdict.findings().map(|(_, finding)| tell(&of, finding)));
            }
            Kept::Unreadable(kept) => fired.push(unreadable(of, &kept.error)),
        }
    }
    for (key, filing) in facts.filings() {
        let of = format!("Filing {key}");
        match filing {
            Kept::Read(filing) => {
                let answer = judge_filing(filing, facts, support::now());
                fired.extend(answer.findings.iter().map(|finding| tell(&of, finding)));
            }
            Kept::Unreadable(kept) => fired.push(unreadable(of, &kept.error)),
        }
    }
    for (name, server) in facts.servers() {
        let of = format!("AccessServer {name}");
        match server {
            Kept::Read(server) => {
                let answer = judge_server(server, facts, support::now());
                fired.extend(answer.findings.iter().map(|finding| tell(&of, finding)));
            }
            Kept::Unreadable(kept) => fired.push(unreadable(of, &kept.error)),
        }
    }
    fired
}

#[test]
fn the_bad_example_fires_its_rule_alone_and_just_where_it_says() {
    for rule in CATALOGUE {
        let fired = fired(rule.examples.bad);
        let fired: Vec<String> = fired.iter().map(|(at, rule, _)| format!("{}: {at}", rule.id)).collect();
        let said: Vec<String> = rule
            .examples
            .fires
            .iter()
            .map(|at| format!("{}: {at}", rule.id))
            .collect();
        assert_eq!(fired, said);
    }
}

#[test]
fn the_good_example_fires_nothing() {
    for rule in CATALOGUE {
        let fired = fired(rule.examples.good);
        let fired: Vec<String> = fired
            .iter()
            .map(|(at, found, _)| format!("{} {at}", found.id))
            .collect();
        assert_eq!(fired, Vec::<String>::new(), "{}", rule.id);
        let registry = support::registry(&support::documents(rule.examples.good));
        assert_eq!(support::routes(&registry).len(), 1, "{}: nothing was judged", rule.id);
    }
}

#[test]
fn the_examples_say_in_both_languages_what_is_wrong_and_what_to_do() {
    let mut page = String::new();
    for rule in CATALOGUE {
        let _ = writeln!(page, "{} ({})", rule.id, rule.basis.as_str());
        for (at, _, finding) in fired(rule.examples.bad) {
            let Some(finding) = finding else { continue };
            if let Detail::Told(values) = &finding.detail {
                for words in [rule.message, rule.remedy] {
                    for name in names(words.en).into_iter().chain(names(words.zh)) {
                        assert!(
                            values.iter().any(|(known, _)| *known == name),
                            "{}: {{{name}}}",
                            rule.id
                        );
                    }
                }
            }
            for telling in [Finding::message, Finding::remedy] {
                let (en, zh) = (telling(&finding, Lang::En), telling(&finding, Lang::Zh));
                assert_ne!(en, zh, "{}", rule.id);
                assert!(
                    !en.contains('\n') && !en.ends_with('.') && !zh.ends_with('。'),
                    "{en} {zh}"
                );
                assert!(zh.chars().any(|c| ('一'..='鿿').contains(&c)), "{zh}");
                assert!(!en.is_empty() && !en.contains("  ") && !zh.contains("  "), "{en} {zh}");
            }
            let _ = writeln!(page, "  {at}");
            let _ = writeln!(page, "    {}", finding.sentence(Lang::En));
            let _ = writeln!(page, "    {}", finding.sentence(Lang::Zh));
        }
        assert_ne!(rule.title.en, rule.title.zh);
    }
    insta::assert_snapshot!(page);
}

#[test]
fn advice_is_never_a_violation_by_default() {
    for rule in CATALOGUE {
        let is_violation = rule.severity == Some(Severity::Violation);
        assert!(!(rule.basis == Basis::Advice && is_violation), "{}", rule.id);
        assert!(!rule.source.is_empty(), "{}", rule.id);
    }
}

#[test]
fn ids_are_unique_words_in_pascal_case() {
    let mut seen = HashSet::new();
    for rule in CATALOGUE {
        assert!(seen.insert(rule.id), "{} stands twice", rule.id);
        assert!(rule.id.starts_with(|c: char| c.is_ascii_uppercase()), "{}", rule.id);
        assert!(rule.id.chars().all(|c| c.is_ascii_alphabetic()), "{}", rule.id);
        assert_eq!(rules::find(rule.id), Some(rule));
    }
}

#[test]
fn a_rule_yields_only_to_rules_before_it() {
    for rule in CATALOGUE {
        for id in rule.yields_to {
            let other = rules::find(id).unwrap_or_else(|| panic!("{} yields to {id}, which is no rule", rule.id));
            assert!(
                rules::rank(other) < rules::rank(rule),
                "{} yields to {id}, which comes after it",
                rule.id
            );
        }
    }
}

#[test]
fn only_rules_of_ends_to_come_foretell() {
    for rule in CATALOGUE {
        assert_eq!(rule.foretells, rule.id.ends_with("Expiring"), "{}", rule.id);
    }
}
