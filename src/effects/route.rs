//! What to do about a running route.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Effect;
use super::enforcement::{Enforcement, Hindrance};
use super::notice::{Notice, Reference, shortened};
use crate::api::keys::conditions::ENFORCED;
use crate::api::keys::reasons;
use crate::api::{Running, keys};
use crate::judge::{Exemption, HostVerdict, Outcome, Verdict};
use crate::route::Route;
use crate::rules::{Finding, Lang, Words};

/// The longest annotation that is written, in bytes.
const MAX_ANNOTATION: usize = 2048;

/// What was last written on a route, in short: it is kept for every route of the cluster, and only compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told(u64);

impl Told {
    /// That these annotations were written.
    pub fn of(annotations: &BTreeMap<&'static str, String>) -> Self {
        let mut hasher = DefaultHasher::new();
        annotations.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// What to do about a route that is governed or is not, once it is where its enforcement wants it. `version` is the
/// route's resource version: the same change on the same version is told once, and on a later one again. `told` is what
/// was written last, as far as this process knows: that someone has taken it away is mended, and is no news.
pub fn route(
    route: &Route,
    version: &str,
    told: Option<Told>,
    verdict: Option<&Verdict>,
    enforcement: Enforcement,
) -> Vec<Effect> {
    let verdict = verdict.filter(|verdict| verdict.policy.running != Running::Disabled);
    let mut annotations = verdict.map(annotations).unwrap_or_default();
    if let Some(word) = enforced(route, enforcement) {
        annotations.insert(keys::ENFORCEMENT, word.to_owned());
    }
    if route.marks.are(&annotations) {
        return Vec::new();
    }
    let is_news = told.is_none_or(|told| told != Told::of(&annotations));
    let news = |lang| {
        enforcement_news(route, verdict, &annotations, enforcement, lang)
            .or_else(|| verdict_news(route, verdict?, &annotations, lang))
    };
    let event = is_news.then(|| news(Lang::En).zip(news(Lang::Zh))).flatten();
    let event = event.map(|(english, chinese)| {
        let mut notice = english.on(route, version, &annotations).in_chinese(&chinese.note);
        notice.related = verdict.and_then(spoken_of);
        Effect::Event(Box::new(notice))
    });
    event.into_iter().chain([Effect::Annotate(annotations)]).collect()
}

/// That nothing is wrong with a route, or nothing that keeps it from being served.
const MAY_BE_SERVED: Words = Words {
    en: "every host may be served",
    zh: "所有主机名均可提供服务",
};
/// In quarantine, for the annotation.
const BLOCKED: &str = "Blocked";
/// Taken out of quarantine by someone else at least once, for the annotation and the Event.
const PUT_BACK: &str = "PutBack";

/// Whether a route itself says that someone else has taken it out of quarantine, for which it stays known until it is
/// let go.
pub fn was_put_back(route: &Route) -> bool {
    route.marks.get(keys::ENFORCEMENT).is_some_and(|word| word == PUT_BACK)
}

/// That someone else has taken it out once is told until it is let go, so that it is told once.
fn enforced(route: &Route, enforcement: Enforcement) -> Option<&'static str> {
    match enforcement {
        Enforcement::PutBack => Some(PUT_BACK),
        Enforcement::Blocked if was_put_back(route) => Some(PUT_BACK),
        Enforcement::Blocked => Some(BLOCKED),
        Enforcement::Nothing | Enforcement::Due | Enforcement::LettingGo | Enforcement::Hindered(_) => None,
    }
}

fn annotations(verdict: &Verdict) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::from([(keys::VERDICT, verdict.outcome.to_string())]);
    let findings = findings(verdict);
    if !findings.is_empty() {
        annotations.insert(keys::FINDINGS, shortened(&findings, MAX_ANNOTATION));
    }
    let numbers: BTreeSet<&str> = verdict
        .hosts
        .iter()
        .filter_map(|host| host.filing.as_ref()?.number.as_deref())
        .collect();
    if !numbers.is_empty() {
        let numbers: Vec<&str> = numbers.into_iter().collect();
        annotations.insert(keys::NUMBER, shortened(&numbers.join(", "), MAX_ANNOTATION));
    }
    annotations
}

/// A line for each host that something was found about.
fn findings(verdict: &Verdict) -> String {
    let mut lines = String::new();
    for (host, finding) in verdict.findings() {
        if !lines.is_empty() {
            lines.push('\n');
        }
        // Writing into a String cannot fail.
        let _ = write!(
            lines,
            "{}: {} [{}]",
            host.host,
            finding.message(Lang::En),
            finding.rule.id
        );
        if let Some(Exemption::Policy { until, .. }) = &host.exemption {
            let _ = write!(lines, " (exempt until {until})");
        }
        if lines.len() > MAX_ANNOTATION {
            break;
        }
    }
    lines
}

/// What an Event about a route says.
struct News {
    is_warning: bool,
    reason: &'static str,
    action: &'static str,
    note: String,
}

impl News {
    fn on(self, route: &Route, version: &str, after: &BTreeMap<&'static str, String>) -> Notice {
        let word = |key: &str| after.get(key).map_or("", String::as_str);
        let told_apart_by = [
            version,
            word(keys::VERDICT),
            word(keys::FINDINGS),
            word(keys::ENFORCEMENT),
        ];
        let mut notice = Notice::new(
            Reference::to_route(route),
            self.reason.to_owned(),
            self.action,
            &self.note,
            &told_apart_by,
        );
        notice.is_warning = self.is_warning;
        notice
    }
}

/// That a route was put into quarantine, taken out of it by someone else, or let go.
fn enforcement_news(
    route: &Route,
    verdict: Option<&Verdict>,
    after: &BTreeMap<&'static str, String>,
    enforcement: Enforcement,
    lang: Lang,
) -> Option<News> {
    let was = route.marks.get(keys::ENFORCEMENT);
    let is = after.get(keys::ENFORCEMENT).map(String::as_str);
    let quarantine = keys::QUARANTINE_CLASS;
    let class = route.class.name();
    let explained = verdict.and_then(|verdict| explanation(verdict, lang));
    match (was, is) {
        (was, Some(PUT_BACK)) if was != Some(PUT_BACK) => {
            let why = explained.map_or_else(String::new, |(_, why)| why);
            Some(News {
                is_warning: true,
                reason: PUT_BACK,
                action: "Block",
                note: match lang {
                    Lang::En => format!(
                        "someone else took it out of quarantine, and it is put there again, each time after a longer wait; \
                         leave the class out of what is applied, or mend this: {why}"
                    ),
                    Lang::Zh => format!(
                        "有人将其移出隔离，已再次隔离，且每次间隔递增；请从所应用的清单中去掉 IngressClass，或处理此问题：{why}"
                    ),
                },
            })
        }
        (None, Some(BLOCKED)) => {
            let (reason, why) = explained?;
            Some(News {
                is_warning: true,
                reason,
                action: "Block",
                note: match (lang, class) {
                    (Lang::En, Some(class)) => {
                        format!("it was moved from class {class} to {quarantine}, where nothing serves it: {why}")
                    }
                    (Lang::En, None) => {
                        format!("it had no class, and was moved to {quarantine}, where nothing serves it: {why}")
                    }
                    (Lang::Zh, Some(class)) => {
                        format!("已从 IngressClass {class} 移至 {quarantine}，不再对外提供服务：{why}")
                    }
                    (Lang::Zh, None) => format!("原未指定 IngressClass，已移至 {quarantine}，不再对外提供服务：{why}"),
                },
            })
        }
        (Some(_), None) if route.class.is_quarantined() => Some(News {
            is_warning: true,
            reason: reasons::NO_RECORD,
            action: "Block",
            note: match lang {
                Lang::En => format!(
                    "it stays in quarantine, for the annotation {} does not say any more which class it had; once it may \
                     be served, set its class by hand",
                    keys::QUARANTINED_CLASS
                ),
                Lang::Zh => format!(
                    "注解 {} 已无法说明其原有的 IngressClass，因此仍留在隔离中；待其可以提供服务后，请手动设置 IngressClass",
                    keys::QUARANTINED_CLASS
                ),
            },
        }),
        (Some(_), None) => {
            let is_lifted = enforcement == Enforcement::Hindered(Hindrance::BreakGlass);
            let why = if is_lifted {
                lifted(&route.key.namespace, lang)
            } else {
                let_go(verdict, lang)
            };
            Some(News {
                is_warning: is_lifted,
                reason: if is_lifted { reasons::BREAK_GLASS } else { "Restored" },
                action: "Restore",
                note: match (lang, class) {
                    (Lang::En, Some(class)) => format!("it has left quarantine, and is in class {class}: {why}"),
                    (Lang::En, None) => format!("it has left quarantine, and has no class, as before: {why}"),
                    (Lang::Zh, Some(class)) => format!("已解除隔离，现为 IngressClass {class}：{why}"),
                    (Lang::Zh, None) => format!("已解除隔离，与此前一样未指定 IngressClass：{why}"),
                },
            })
        }
        _ => None,
    }
}

/// That a route was let go though it may not be served.
fn lifted(namespace: &str, lang: Lang) -> String {
    let label = keys::BREAK_GLASS;
    match lang {
        Lang::En => format!("nothing is blocked while namespace {namespace} has the label {label}=true"),
        Lang::Zh => format!("命名空间 {namespace} 带有标签 {label}=true，期间不封停其中的任何路由"),
    }
}

/// Why a route was let go otherwise.
fn let_go(verdict: Option<&Verdict>, lang: Lang) -> String {
    match (verdict, lang) {
        (None, Lang::En) => "no policy is enforced on it".to_owned(),
        (None, Lang::Zh) => "没有对其执行的策略".to_owned(),
        (Some(verdict), _) if verdict.outcome != Outcome::Violating => MAY_BE_SERVED.get(lang).to_owned(),
        (Some(verdict), Lang::En) if verdict.policy.is_released => {
            format!(
                "policy {} is marked {}, and blocks nothing",
                verdict.policy.name,
                keys::RELEASE
            )
        }
        (Some(verdict), Lang::Zh) if verdict.policy.is_released => {
            format!(
                "策略 {} 带有 {} 标记，不封停任何路由",
                verdict.policy.name,
                keys::RELEASE
            )
        }
        (Some(verdict), Lang::En) if verdict.policy.running == Running::Block => format!(
            "policy {} can't block it, as its condition {ENFORCED} says",
            verdict.policy.name
        ),
        (Some(verdict), Lang::Zh) if verdict.policy.running == Running::Block => {
            format!("策略 {} 无法封停它，原因见其状态条件 {ENFORCED}", verdict.policy.name)
        }
        (Some(verdict), Lang::En) => format!("policy {} does not block it any more", verdict.policy.name),
        (Some(verdict), Lang::Zh) => format!("策略 {} 不再封停它", verdict.policy.name),
    }
}

/// A change of verdict. That a route is well when it is first seen is no news.
fn verdict_news(route: &Route, verdict: &Verdict, after: &BTreeMap<&'static str, String>, lang: Lang) -> Option<News> {
    let before = route.marks.get(keys::VERDICT);
    let was = before.and_then(|word| Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == word));
    let is_well = verdict.outcome <= Outcome::Compliant;
    let is_changed = was != Some(verdict.outcome)
        || route.marks.get(keys::FINDINGS) != after.get(keys::FINDINGS).map(String::as_str);
    if !is_changed || (is_well && was.is_none_or(|was| was <= Outcome::Compliant)) {
        return None;
    }
    let (reason, note) = explanation(verdict, lang)
        .filter(|_| !is_well)
        .unwrap_or((verdict.outcome.as_str(), MAY_BE_SERVED.get(lang).to_owned()));
    Some(News {
        is_warning: was.is_none_or(|was| verdict.outcome >= was) && !is_well,
        reason,
        action: "Judge",
        note,
    })
}

/// The worst host's first finding explains a verdict best; what is found about exempt hosts does not.
fn worst(verdict: &Verdict) -> Option<(&HostVerdict, &Finding)> {
    // Of equals the first, which `max_by_key` would not give.
    counting(verdict).min_by_key(|(host, _)| Reverse(host.outcome))
}

fn counting(verdict: &Verdict) -> impl Iterator<Item = (&HostVerdict, &Finding)> {
    verdict.findings().filter(|(host, _)| host.outcome != Outcome::Exempt)
}

/// The filing that an Event speaks of: that of the worst finding, unless the reader may not know of it; where all is
/// well, one that makes it so.
fn spoken_of(verdict: &Verdict) -> Option<Reference> {
    let filing = if verdict.outcome <= Outcome::Compliant {
        verdict.hosts.iter().find_map(|host| host.filing.as_ref())
    } else {
        let (host, finding) = worst(verdict)?;
        let covering = host.filing.as_ref();
        covering.filter(|filing| finding.filing.as_ref() == Some(&filing.key))
    };
    filing.map(|filing| Reference::to_filing(&filing.key, &filing.uid.to_string()))
}

/// What explains a verdict best, with its rule.
fn explanation(verdict: &Verdict, lang: Lang) -> Option<(&'static str, String)> {
    let (host, finding) = worst(verdict)?;
    let sentence = finding.sentence(lang);
    let others = counting(verdict).count().saturating_sub(1);
    let note = match (lang, others) {
        (Lang::En, 0) => format!("{}: {sentence}", host.host),
        (Lang::En, _) => format!("{}: {sentence} (and {others} more)", host.host),
        (Lang::Zh, 0) => format!("{}：{sentence}", host.host),
        (Lang::Zh, _) => format!("{}：{sentence}（另有 {others} 条）", host.host),
    };
    Some((finding.rule.id, note))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::notice::Notice;
    use super::*;
    use crate::judge::judge;
    use crate::route::{ClassRef, Marks, Record};
    use crate::support::{at, filing, ingress, now, policy, registry, routes};

    /// A route, and its verdict among these documents.
    fn judged(documents: &[Value]) -> (Route, Option<Verdict>) {
        let registry = registry(documents);
        let route = Route::clone(&routes(&registry)[0]);
        let verdict = judge(&route, registry.snapshot(), now());
        (route, verdict)
    }

    /// The documents with which a route stands as a word says.
    fn standing(word: &str) -> Vec<Value> {
        let web = ingress("shop/web", &["www.example.com"]);
        match word {
            "Compliant" => vec![filing("filings/example-com", json!({})), web],
            "Warned" => vec![filing("filings/example-com", json!({"expiresAt": "2026-12-31"})), web],
            "Violating" => vec![web],
            "Exempt" => vec![ingress("shop/web", &["web.internal"])],
            _ => panic!("{word}"),
        }
    }

    fn marked(word: &str, others: &[(&'static str, &str)]) -> Marks {
        others.iter().copied().chain([(keys::VERDICT, word)]).collect()
    }

    fn marks(annotations: &BTreeMap<&'static str, String>) -> Marks {
        annotations.iter().map(|(key, value)| (*key, value.as_str())).collect()
    }

    fn events(effects: &[Effect]) -> Vec<&Notice> {
        let notices = effects.iter().filter_map(|effect| match effect {
            Effect::Event(notice) => Some(&**notice),
            _ => None,
        });
        notices.collect()
    }

    fn annotations_in(effects: &[Effect]) -> Option<&BTreeMap<&'static str, String>> {
        effects.iter().find_map(|effect| match effect {
            Effect::Annotate(annotations) => Some(annotations),
            _ => None,
        })
    }

    #[rstest]
    #[case::first_seen_well(None, "Compliant", None)]
    #[case::first_seen_exempt(None, "Exempt", None)]
    #[case::first_seen_with_a_warning(None, "Warned", Some("Warning FilingExpiring"))]
    #[case::first_seen_bad(None, "Violating", Some("Warning NoFiling"))]
    #[case::worse(Some("Compliant"), "Warned", Some("Warning FilingExpiring"))]
    #[case::much_worse(Some("Exempt"), "Violating", Some("Warning NoFiling"))]
    #[case::worse_still(Some("Warned"), "Violating", Some("Warning NoFiling"))]
    #[case::better(Some("Violating"), "Warned", Some("Normal FilingExpiring"))]
    #[case::well_again(Some("Violating"), "Compliant", Some("Normal Compliant"))]
    #[case::exempt_now(Some("Warned"), "Exempt", Some("Normal Exempt"))]
    #[case::as_well_as_before(Some("Exempt"), "Compliant", None)]
    #[case::bad_for_another_reason(Some("Violating"), "Violating", Some("Warning NoFiling"))]
    #[case::marked_with_no_verdict_of_ours(Some("perhaps"), "Violating", Some("Warning NoFiling"))]
    fn a_change_of_verdict_is_told_once(#[case] before: Option<&str>, #[case] after: &str, #[case] told: Option<&str>) {
        let (mut route, verdict) = judged(&standing(after));
        route.marks = before
            .map(|word| marked(word, &[(keys::FINDINGS, "of then")]))
            .unwrap_or_default();
        let effects = super::route(&route, "7", None, verdict.as_ref(), Enforcement::Nothing);
        let events: Vec<String> = events(&effects)
            .iter()
            .map(|notice| {
                format!(
                    "{} {}",
                    if notice.is_warning { "Warning" } else { "Normal" },
                    notice.reason
                )
            })
            .collect();
        assert_eq!(
            events.iter().map(String::as_str).collect::<Vec<_>>(),
            told.into_iter().collect::<Vec<_>>()
        );
        assert!(
            matches!(effects.last(), Some(Effect::Annotate(_))),
            "the Event goes before what makes it known"
        );
        route.marks = marks(annotations_in(&effects).unwrap());
        assert_eq!(route.marks.get(keys::VERDICT), Some(after));
        assert_eq!(
            super::route(&route, "8", None, verdict.as_ref(), Enforcement::Nothing),
            []
        );
    }

    /// A route in quarantine that had a class, none, or what can't be known any more.
    fn quarantined(had: Option<&str>) -> ClassRef {
        let record = match had {
            Some("?") => "{".to_owned(),
            had => json!(Record {
                field: had.map(Into::into),
                ..Record::default()
            })
            .to_string(),
        };
        let annotations = BTreeMap::from([
            (keys::QUARANTINED_CLASS.to_owned(), record),
            (keys::LEGACY_CLASS.to_owned(), keys::QUARANTINE_CLASS.to_owned()),
        ]);
        ClassRef::of(Some(keys::QUARANTINE_CLASS), |key| {
            annotations.get(key).map(String::as_str)
        })
    }

    #[test]
    fn what_is_enforced_is_told_in_both_languages() {
        let no_record = Enforcement::Hindered(Hindrance::NoRecord);
        let excepted = Enforcement::Hindered(Hindrance::Excepted);
        let lifted = Enforcement::Hindered(Hindrance::BreakGlass);
        let (blocking, annotating) = (json!({"running": "Block"}), json!({"running": "Annotate"}));
        let served = || ClassRef::of(Some("nginx"), |_| None);
        let told = [
            (
                "",
                quarantined(Some("nginx")),
                "Violating",
                Enforcement::Blocked,
                &blocking,
            ),
            ("", quarantined(None), "Violating", Enforcement::Blocked, &blocking),
            (
                BLOCKED,
                quarantined(Some("nginx")),
                "Violating",
                Enforcement::PutBack,
                &blocking,
            ),
            (BLOCKED, quarantined(Some("?")), "Violating", no_record, &blocking),
            (BLOCKED, served(), "Compliant", Enforcement::Nothing, &blocking),
            (
                BLOCKED,
                ClassRef::default(),
                "Compliant",
                Enforcement::Nothing,
                &blocking,
            ),
            (BLOCKED, served(), "Violating", Enforcement::Nothing, &annotating),
            (BLOCKED, served(), "Violating", excepted, &blocking),
            (BLOCKED, served(), "Violating", lifted, &blocking),
        ]
        .map(|(was, class, word, enforcement, spec)| {
            let mut documents = standing(word);
            documents.push(policy("default", spec.clone()));
            let (mut route, verdict) = judged(&documents);
            route.class = class;
            let before = (!was.is_empty()).then_some((keys::ENFORCEMENT, was));
            route.marks = marked("Violating", before.as_slice());
            let effects = super::route(&route, "7", None, verdict.as_ref(), enforcement);
            let [notice] = events(&effects)[..] else {
                panic!("{effects:?}")
            };
            let chinese = notice.note_zh.as_ref().unwrap();
            format!("{}: {}\n  {chinese}", notice.reason, notice.note)
        });
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn the_annotations_tell_the_verdict_the_findings_and_the_numbers() {
        let documents = [
            filing("filings/example-com", json!({"expiresAt": "2026-12-31"})),
            filing(
                "filings/other",
                json!({"domains": ["example.com.cn"], "number": "沪ICP备2021000007号-3"}),
            ),
            ingress(
                "shop/web",
                &["www.example.com", "example.com.cn", "example.net", "intra.example.cn"],
            ),
            policy(
                "default",
                json!({"exemptions": [
                {"hosts": ["*.example.cn"], "reason": "moves", "owner": "ops", "until": "2026-12-31"}]}),
            ),
        ];
        let (route, verdict) = judged(&documents);
        let effects = super::route(&route, "7", None, verdict.as_ref(), Enforcement::Nothing);
        let told: Vec<String> = annotations_in(&effects)
            .unwrap()
            .iter()
            .map(|(key, value)| format!("{key}:\n{value}\n"))
            .collect();
        let notice = events(&effects)[0];
        let chinese = notice.note_zh.as_ref().unwrap();
        insta::assert_snapshot!(format!("{}\nEvent: {}\n{chinese}", told.join("\n"), notice.note));
    }

    #[test]
    fn an_event_speaks_of_the_worst_host_that_is_not_exempt() {
        let documents = [
            filing("filings/example-com", json!({"stage": "Submitted", "number": null})),
            filing(
                "filings/other",
                json!({"domains": ["example.com.cn"], "expiresAt": "2026-12-31"}),
            ),
            ingress(
                "shop/web",
                &["intra.example.cn", "example.com.cn", "www.example.com", "example.net"],
            ),
            policy(
                "default",
                json!({"exemptions": [
                {"hosts": ["*.example.cn"], "reason": "moves", "owner": "ops", "until": "2026-12-31"}]}),
            ),
        ];
        let (route, verdict) = judged(&documents);
        let effects = super::route(&route, "7", None, verdict.as_ref(), Enforcement::Nothing);
        let notice = events(&effects)[0];
        assert_eq!(notice.reason, "FilingPending");
        assert!(notice.note.starts_with("www.example.com: "), "{}", notice.note);
        assert!(notice.note.ends_with(" (and 2 more)"), "{}", notice.note);
    }

    #[rstest]
    #[case::the_filing_that_warns("Warned", json!({}), Some("filings/example-com"))]
    #[case::no_filing_at_all("Violating", json!({}), None)]
    #[case::one_that_is_not_for_this_namespace("Warned", json!({"allowedNamespaces": {"from": "Same"}}), None)]
    fn an_event_refers_to_the_filing_it_speaks_of_where_the_reader_may_know_of_it(
        #[case] word: &str,
        #[case] over: Value,
        #[case] expected: Option<&str>,
    ) {
        let mut documents = standing(word);
        if documents[0]["kind"] == "Filing" {
            let spec = documents[0]["spec"].as_object_mut().unwrap();
            spec.extend(over.as_object().unwrap().clone());
            documents[0]["metadata"]["uid"] = json!("77aa");
        }
        let (route, verdict) = judged(&documents);
        let effects = super::route(&route, "7", None, verdict.as_ref(), Enforcement::Nothing);
        let related = events(&effects)[0].related.as_ref();
        let told = related.map(|related| (related.kind, related.to_string(), related.uid.clone()));
        let expected = expected.map(|name| ("Filing", name.to_owned(), "77aa".to_owned()));
        assert_eq!(told, expected);
    }

    #[rstest]
    #[case::disabled(json!({"running": "Disabled"}))]
    #[case::ungoverned(json!({"match": {"ingressClasses": ["public"]}}))]
    fn where_routes_are_left_alone_our_annotations_go_and_nothing_is_told(#[case] over: Value) {
        let documents = [policy("default", over), ingress("shop/web", &["www.example.com"])];
        let (mut route, verdict) = judged(&documents);
        assert_eq!(
            super::route(&route, "7", None, verdict.as_ref(), Enforcement::Nothing),
            []
        );
        route.marks = marked("Violating", &[(keys::NUMBER, "京ICP备2021012345号-1")]);
        assert_eq!(
            super::route(&route, "7", None, verdict.as_ref(), Enforcement::Nothing),
            [Effect::Annotate(BTreeMap::new())]
        );
    }

    #[test]
    fn the_same_change_on_the_same_version_has_one_name_and_on_a_later_one_another() {
        let (route, verdict) = judged(&standing("Violating"));
        let name = |version| {
            events(&super::route(
                &route,
                version,
                None,
                verdict.as_ref(),
                Enforcement::Nothing,
            ))[0]
                .name
                .clone()
        };
        assert_eq!(name("7"), name("7"));
        assert_ne!(name("7"), name("8"));
    }

    #[test]
    fn what_someone_takes_away_is_put_back_without_a_word() {
        let (route, verdict) = judged(&standing("Violating"));
        let first = super::route(&route, "7", None, verdict.as_ref(), Enforcement::Nothing);
        let Some(Effect::Annotate(told)) = first.last() else {
            panic!("{first:?}")
        };
        let again = super::route(
            &route,
            "8",
            Some(Told::of(told)),
            verdict.as_ref(),
            Enforcement::Nothing,
        );
        assert_eq!(again, [Effect::Annotate(told.clone())]);
    }

    #[test]
    fn however_many_hosts_there_are_annotations_and_notes_stay_short() {
        let hosts: Vec<String> = (0..300).map(|number| format!("商店{number}.示例.中国")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let (route, verdict) = judged(&[ingress("shop/web", &hosts)]);
        let effects = super::route(&route, "7", None, verdict.as_ref(), Enforcement::Nothing);
        let findings = &annotations_in(&effects).unwrap()[keys::FINDINGS];
        assert!(
            findings.len() <= MAX_ANNOTATION && findings.ends_with('…'),
            "{findings}"
        );
        assert!(events(&effects)[0].note.len() <= 1024);
        let marked = Route {
            marks: marks(annotations_in(&effects).unwrap()),
            ..route
        };
        assert_eq!(
            super::route(&marked, "8", None, verdict.as_ref(), Enforcement::Nothing),
            []
        );
    }

    #[test]
    fn annotations_do_not_change_while_the_verdict_holds() {
        let registry = registry(&standing("Warned"));
        let route = Route::clone(&routes(&registry)[0]);
        let at_first = judge(&route, registry.snapshot(), at("2026-11-23T00:00:00+08:00"));
        let on_the_last_day = judge(&route, registry.snapshot(), at("2026-12-31T23:59:59+08:00"));
        assert_eq!(annotations(&at_first.unwrap()), annotations(&on_the_last_day.unwrap()));
    }
}
