//! Every rule does what its entry says.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::domain::Day;
use crate::judge::{judge, judge_filing, judge_server};
use crate::registry::Kept;
use crate::rules::{self, Basis, CATALOGUE, Detail, Finding, Lang, Part, Rule, Severity, UNREADABLE, names};
use crate::support;

/// Everything that is found in an example: kind, name and path, with the finding where there is one.
fn fired(example: &str, day: &str) -> Vec<(String, &'static Rule, Option<Finding>)> {
    let now = day.parse::<Day>().unwrap().start();
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
                let verdict = judge(route, facts, now).unwrap();
                fired.extend(verdict.findings().map(|(_, finding)| tell(&of, finding)));
            }
            Kept::Unreadable(kept) => fired.push(unreadable(of, &kept.error)),
        }
    }
    for (key, filing) in facts.filings() {
        let of = format!("Filing {key}");
        match filing {
            Kept::Read(filing) => {
                let answer = judge_filing(filing, facts, now);
                fired.extend(answer.findings.iter().map(|finding| tell(&of, finding)));
            }
            Kept::Unreadable(kept) => fired.push(unreadable(of, &kept.error)),
        }
    }
    for (name, server) in facts.servers() {
        let of = format!("AccessServer {name}");
        match server {
            Kept::Read(server) => {
                let answer = judge_server(server, facts, now);
                fired.extend(answer.findings.iter().map(|finding| tell(&of, finding)));
            }
            Kept::Unreadable(kept) => fired.push(unreadable(of, &kept.error)),
        }
    }
    fired
}

#[test]
fn the_bad_example_finds_just_what_its_page_says() {
    for rule in CATALOGUE {
        let page = rule.page(Lang::En);
        let fired = fired(page.manifests(Part::Bad), page.day());
        let fired: Vec<String> = fired.iter().map(|(at, rule, _)| format!("{at} {}", rule.id)).collect();
        let said: Vec<&str> = page.found().collect();
        assert_eq!(fired, said, "{}", rule.id);
        assert!(
            fired.iter().all(|line| line.ends_with(rule.id)),
            "{}: {fired:?}",
            rule.id
        );
        assert!(!fired.is_empty(), "{}", rule.id);
    }
}

#[test]
fn the_good_example_finds_nothing() {
    for rule in CATALOGUE {
        let page = rule.page(Lang::En);
        let fired = fired(page.manifests(Part::Good), page.day());
        let fired: Vec<String> = fired
            .iter()
            .map(|(at, found, _)| format!("{} {at}", found.id))
            .collect();
        assert_eq!(fired, Vec::<String>::new(), "{}", rule.id);
        let registry = support::registry(&support::documents(page.manifests(Part::Good)));
        assert_eq!(support::routes(&registry).len(), 1, "{}: nothing was judged", rule.id);
    }
}

/// The same headings and the same examples, word for word; the rest in the page's language.
#[test]
fn the_pages_of_a_rule_have_one_form() {
    for rule in CATALOGUE {
        let (en, zh) = (rule.page(Lang::En), rule.page(Lang::Zh));
        for page in [en, zh] {
            let headings: Vec<&str> = page.text.lines().filter(|line| line.starts_with('#')).collect();
            let parts = Part::ALL.map(|part| format!("## {}", part.heading(page.lang)));
            assert_eq!(headings.first(), Some(&&*format!("# {}", rule.id)));
            assert_eq!(headings[1..], parts, "{} {:?}", rule.id, page.lang);
            for part in Part::ALL {
                assert!(page.part(part).len() > 10, "{} {part:?}", rule.id);
                assert!(!page.part(part).contains("TODO"), "{} {part:?}", rule.id);
            }
            let settings = by_default(rule, page.lang);
            let said = page.part(Part::Settings).lines().next();
            assert_eq!(said, Some(&*settings), "{} {:?}", rule.id, page.lang);
        }
        for part in [Part::Bad, Part::Good] {
            assert_eq!(en.manifests(part), zh.manifests(part), "{}", rule.id);
        }
        assert_eq!(en.day(), zh.day(), "{}", rule.id);
        assert!(en.found().eq(zh.found()), "{}", rule.id);
        assert!(!en.title().is_empty() && en.title() != zh.title(), "{}", rule.id);
    }
}

/// What the catalogue says of a rule's default, as its page says it.
fn by_default(rule: &Rule, lang: Lang) -> String {
    let (severity, basis) = match lang {
        Lang::En => (
            match rule.severity {
                None => "off",
                Some(Severity::Warning) => "a warning",
                Some(Severity::Violation) => "a violation",
            },
            match rule.basis {
                Basis::Regulation => "regulation",
                Basis::Practice => "practice",
                Basis::Advice => "advice",
            },
        ),
        Lang::Zh => (
            match rule.severity {
                None => "关闭",
                Some(Severity::Warning) => "警告",
                Some(Severity::Violation) => "违规",
            },
            match rule.basis {
                Basis::Regulation => "法规",
                Basis::Practice => "惯例",
                Basis::Advice => "建议",
            },
        ),
    };
    match lang {
        Lang::En => format!("By default {severity}; it stands on {basis}."),
        Lang::Zh => format!("默认：{severity}；依据：{basis}。"),
    }
}

/// No page without a rule.
#[test]
fn every_page_is_of_a_rule() {
    for lang in ["en", "zh"] {
        let folder = format!("{}/docs/rules/{lang}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut due: Vec<String> = CATALOGUE.iter().map(|rule| format!("{}.md", rule.id)).collect();
        files.sort();
        due.sort();
        assert_eq!(files, due);
    }
}

#[test]
fn the_examples_say_in_both_languages_what_is_wrong_and_what_to_do() {
    let mut page = String::new();
    for rule in CATALOGUE {
        let _ = writeln!(page, "{} ({})", rule.id, rule.basis.as_str());
        for (at, _, finding) in fired(rule.page(Lang::En).manifests(Part::Bad), rule.page(Lang::En).day()) {
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
    }
    insta::assert_snapshot!(page);
}

#[test]
fn advice_is_never_a_violation_by_default() {
    for rule in CATALOGUE {
        let is_violation = rule.severity == Some(Severity::Violation);
        assert!(!(rule.basis == Basis::Advice && is_violation), "{}", rule.id);
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
        let is_of_an_end = rule.id.ends_with("Expiring") || rule.id == "ReviewDue";
        assert_eq!(rule.foretells, is_of_an_end, "{}", rule.id);
    }
}
