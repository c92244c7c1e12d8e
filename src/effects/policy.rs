//! What to do about a policy: its status.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::Effect;
use super::brake::{Brake, Held, NAMES};
use super::declaration::condition;
use super::enforcement::Hindrance;
use super::notice::{Notice, Reference, shortened};
use super::reminder::{PolicyReminders, remind_of_exemptions};
use crate::api::keys::conditions::{BRAKE_HELD, ENFORCED, READY};
use crate::api::keys::{self, reasons};
use crate::api::{FilingPolicyStatus, RouteCounts, Running, SitePlace};
use crate::domain::{Location, Place};
use crate::judge::Outcome;
use crate::registry::{Policy, Problem, Unreadable};
use crate::route::RouteKey;
use crate::rules::Lang;

/// How many governed routes stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u32; Outcome::ALL.len()]);

impl Tally {
    /// One route more.
    pub fn add(&mut self, outcome: Outcome) {
        if let Some(count) = self.0.get_mut(outcome as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// One route less.
    pub fn remove(&mut self, outcome: Outcome) {
        if let Some(count) = self.0.get_mut(outcome as usize) {
            *count = count.saturating_sub(1);
        }
    }

    /// The routes of every outcome.
    pub fn sum(&self) -> u32 {
        self.0.iter().sum()
    }

    /// The routes of one outcome.
    pub fn of(&self, outcome: Outcome) -> u32 {
        self.0.get(outcome as usize).copied().unwrap_or_default()
    }
}

/// What a policy governs, and what is wrong with it.
#[derive(Clone, Copy, Debug)]
pub struct Governing<'a> {
    /// Where its routes are served.
    pub site: &'a [Place],
    /// How its routes stand.
    pub tally: Tally,
    /// Who else owns its spec, where the operator would keep it.
    pub owned_by: Option<&'a str>,
    /// What could not be understood of it.
    pub problems: &'a [Problem],
    /// What is blocked under it.
    pub blocking: Blocking<'a>,
}

/// What is blocked under a policy, and what is to be.
#[derive(Clone, Copy, Debug)]
pub struct Blocking<'a> {
    /// What its brake says; none while what is due has not settled yet.
    pub brake: Option<&'a Brake>,
    /// How many routes are to be put into quarantine.
    pub due: usize,
    /// How many are there.
    pub blocked: usize,
    /// Those that someone else has taken out, until they are let go.
    pub put_back: &'a BTreeSet<RouteKey>,
    /// Those that can't be moved, by why.
    pub hindered: &'a BTreeMap<Hindrance, BTreeSet<RouteKey>>,
}

/// How much of a digest that someone typed a message repeats, in bytes.
const MAX_WORD: usize = 32;

/// What to do about a policy that can be read.
pub fn policy(policy: &Policy, before: &FilingPolicyStatus, governing: Governing<'_>, now: Timestamp) -> Vec<Effect> {
    let Governing {
        site,
        tally,
        owned_by,
        problems,
        blocking,
    } = governing;
    let (is_ready, reason, message) = match (owned_by, problems) {
        (Some(owners), _) => (
            false,
            reasons::OWNED_BY_OTHERS,
            format!(
                "{owners}; theirs is in force, not the operator's own: leave that out, or have them give this one up"
            ),
        ),
        (None, []) => (true, reasons::IN_FORCE, "it is in force".to_owned()),
        (None, [first, others @ ..]) => {
            let more = if others.is_empty() {
                String::new()
            } else {
                format!(" (and {} more)", others.len())
            };
            (
                false,
                reasons::MISUNDERSTOOD,
                format!("{}: {}{more}; the rest is in force", first.path, first.message),
            )
        }
    };
    let ready = condition(
        &before.conditions,
        READY,
        is_ready,
        reason,
        &message,
        policy.generation,
        now,
    );
    let PolicyReminders {
        notices,
        on_record,
        next,
    } = remind_of_exemptions(policy, &before.reminders, now);
    let mut conditions = vec![ready];
    let mut effects: Vec<Effect> = notices
        .into_iter()
        .map(|notice| Effect::Event(Box::new(notice)))
        .collect();
    if policy.running == Running::Block {
        let held = brake_held(policy, before, blocking, now);
        effects.extend(told(policy, before, blocking, &held));
        conditions.extend([enforced(policy, before, blocking, now), held]);
    }
    let status = FilingPolicyStatus {
        observed_generation: Some(policy.generation),
        site: site.iter().map(place).collect(),
        routes: Some(RouteCounts {
            compliant: tally.of(Outcome::Compliant),
            warned: tally.of(Outcome::Warned),
            violating: tally.of(Outcome::Violating),
            exempt: tally.of(Outcome::Exempt),
        }),
        conditions,
        next_reminder: next.map(Time),
        reminders: on_record,
    };
    effects.extend(changed(before, status));
    effects
}

fn brake_held(policy: &Policy, before: &FilingPolicyStatus, blocking: Blocking<'_>, now: Timestamp) -> Condition {
    let (is_held, reason, message) = match blocking.brake {
        None if let Some(known) = unsettled(before, blocking, BRAKE_HELD) => return known,
        None | Some(Brake::Open) => (
            false,
            reasons::WITHIN_LIMIT,
            "no more are due than may be blocked".to_owned(),
        ),
        Some(Brake::Released) => (
            true,
            reasons::RELEASED,
            "a person has let them be blocked, and that is being done".to_owned(),
        ),
        Some(Brake::Held(held)) => (true, reasons::LIMIT_EXCEEDED, held_message(policy, held, Lang::En)),
    };
    let since = match blocking.brake {
        // However late it is written: the digest counts on it.
        Some(Brake::Held(held)) => held.since,
        _ => now,
    };
    let conditions = &before.conditions;
    condition(
        conditions,
        BRAKE_HELD,
        is_held,
        reason,
        &message,
        policy.generation,
        since,
    )
}

/// Why none of the routes that are due is blocked, and what to do. Their names come last, where they may be cut.
fn held_message(policy: &Policy, held: &Held, lang: Lang) -> String {
    let Held {
        digest,
        due: count,
        first,
        recent,
        limit,
        governed,
        ..
    } = held;
    let (minutes, name, key) = (policy.brake.minutes, &policy.name, keys::RELEASE_BRAKE);
    let names = names(first.iter(), *count, lang);
    let command = format!("kubectl annotate filingpolicy {name} {key}={digest} --overwrite");
    let another = policy.released_brake.as_deref().map(|word| shortened(word, MAX_WORD));
    let percent = policy.brake.percent;
    let is_share = *limit < usize::try_from(policy.brake.routes).unwrap_or(usize::MAX);
    match lang {
        Lang::En => {
            let routes = if *count == 1 { "route is" } else { "routes are" };
            let already = match recent {
                0 => String::new(),
                _ => format!(", beside {recent} within the last {minutes} min"),
            };
            let share = if is_share {
                format!(" ({percent} % of {governed}, and at least one)")
            } else {
                String::new()
            };
            let another = another.map(|word| format!(" ({word} was for another set)"));
            format!(
                "{count} {routes} due to be blocked{already}, but no more than {limit}{share} may be at once, so none is{}; \
                 if that is right, {command}; due: {names}",
                another.unwrap_or_default()
            )
        }
        Lang::Zh => {
            let already = match recent {
                0 => String::new(),
                _ => format!("，最近 {minutes} 分钟内已封停 {recent} 条"),
            };
            let share = if is_share {
                format!("（所辖 {governed} 条的 {percent}%，至少 1 条）")
            } else {
                String::new()
            };
            let another = another.map(|word| format!("（{word} 对应的是另一批路由）"));
            format!(
                "有 {count} 条路由待封停{already}，超过一次最多封停 {limit} 条{share}的限制，因此一条也没有封停{}；若确应封停，请执行 \
                 {command}；待封停的路由：{names}",
                another.unwrap_or_default()
            )
        }
    }
}

/// The Event of a brake that is held from now on, or held for another set than a person had let go.
fn told(policy: &Policy, before: &FilingPolicyStatus, blocking: Blocking<'_>, held: &Condition) -> Option<Effect> {
    let Some(Brake::Held(now)) = blocking.brake else {
        return None;
    };
    let known = before.conditions.iter().find(|known| known.type_ == BRAKE_HELD);
    let was_held = known.filter(|known| known.status == "True");
    let told_apart_by = match was_held {
        None => [
            BRAKE_HELD.to_owned(),
            known
                .map(|known| known.last_transition_time.0.to_string())
                .unwrap_or_default(),
            now.due.to_string(),
        ],
        // A word is answered once; one that is of an earlier time was.
        Some(was) => {
            let word = policy.released_brake.as_deref()?;
            if was.message.contains(&shortened(word, MAX_WORD)) {
                return None;
            }
            [BRAKE_HELD.to_owned(), now.digest.clone(), word.to_owned()]
        }
    };
    let told_apart_by: Vec<&str> = told_apart_by.iter().map(String::as_str).collect();
    let regarding = Reference::to_policy(&policy.name, &policy.uid);
    let notice = Notice::new(regarding, BRAKE_HELD.to_owned(), "Hold", &held.message, &told_apart_by);
    let in_chinese = held_message(policy, now, Lang::Zh);
    Some(Effect::Event(Box::new(Notice {
        is_warning: true,
        ..notice.in_chinese(&in_chinese)
    })))
}

/// A condition as it stands, while the brake has not been asked yet about what is due: until then nothing new is known.
/// Where nothing is due nobody will ask it.
fn unsettled(before: &FilingPolicyStatus, blocking: Blocking<'_>, type_: &str) -> Option<Condition> {
    let mut known = before.conditions.iter().filter(|known| known.type_ == type_);
    let is_unsettled = blocking.brake.is_none() && blocking.due > 0;
    known.next().filter(|_| is_unsettled).cloned()
}

/// Whether every route is blocked that is to be, and if not why. The reason is the first of several; the message has all.
fn enforced(policy: &Policy, before: &FilingPolicyStatus, blocking: Blocking<'_>, now: Timestamp) -> Condition {
    if let Some(known) = unsettled(before, blocking, ENFORCED) {
        return known;
    }
    let Blocking {
        brake,
        blocked,
        put_back,
        hindered,
        ..
    } = blocking;
    let mut lacking: Vec<(&str, String)> = Vec::new();
    if policy.is_released {
        let words = format!(
            "it is marked {mark}, so nothing is blocked; kubectl annotate filingpolicy {} {mark}- takes the mark away",
            policy.name,
            mark = keys::RELEASE
        );
        lacking.push((reasons::RELEASED, words));
    }
    let kept = |hindrance| {
        let routes = hindered.get(&hindrance).filter(|routes| !routes.is_empty())?;
        Some(names(routes.iter(), routes.len(), Lang::En))
    };
    if let Some(routes) = kept(Hindrance::BreakGlass) {
        let words = format!(
            "namespaces with the label {label}=true keep these from being blocked; kubectl label namespace NAME {label}- \
             takes it off: {routes}",
            label = keys::BREAK_GLASS,
        );
        lacking.push((reasons::BREAK_GLASS, words));
    }
    if let Some(routes) = kept(Hindrance::NoQuarantine) {
        let words = format!(
            "without an IngressClass {} of controller {} nothing can be blocked, so create it; waiting for it: {routes}",
            keys::QUARANTINE_CLASS,
            keys::QUARANTINE_CONTROLLER,
        );
        lacking.push((reasons::NO_QUARANTINE_CLASS, words));
    }
    if let Some(Brake::Held(held)) = brake {
        lacking.push((BRAKE_HELD, format!("{} held by the brake", counted(held.due))));
    }
    if let Some(routes) = kept(Hindrance::NoRecord) {
        let words = format!(
            "the annotation {} does not say which class these had, so they are left where they are; once they may be \
             served, set their class by hand: {routes}",
            keys::QUARANTINED_CLASS,
        );
        lacking.push((reasons::NO_RECORD, words));
    }
    if !put_back.is_empty() {
        let words = format!(
            "someone else takes these out of quarantine, and they are put there again; leave the class out of what is \
             applied: {}",
            names(put_back.iter(), put_back.len(), Lang::En)
        );
        lacking.push((reasons::PUT_BACK, words));
    }
    if let Some(routes) = kept(Hindrance::Excepted) {
        let words =
            format!("blockExcept names the controllers of these, so they are annotated and not blocked: {routes}");
        lacking.push((reasons::EXCEPTED, words));
    }
    let (reason, message) = match lacking.first() {
        Some((reason, _)) => {
            let words: Vec<&str> = lacking.iter().map(|(_, words)| words.as_str()).collect();
            (*reason, words.join("; "))
        }
        None => (reasons::ENFORCED, format!("{} blocked", counted(blocked))),
    };
    let conditions = &before.conditions;
    condition(
        conditions,
        ENFORCED,
        lacking.is_empty(),
        reason,
        &message,
        policy.generation,
        now,
    )
}

/// So many routes, with their verb.
fn counted(routes: usize) -> String {
    match routes {
        0 => "no route is".to_owned(),
        1 => "1 route is".to_owned(),
        _ => format!("{routes} routes are"),
    }
}

/// Some of the routes by name, and how many more there are.
fn names<'a>(routes: impl Iterator<Item = &'a RouteKey>, count: usize, lang: Lang) -> String {
    let more = count.saturating_sub(NAMES);
    let names: Vec<String> = routes.take(NAMES).map(ToString::to_string).collect();
    let names = names.join(", ");
    match (more, lang) {
        (0, _) => names,
        (_, Lang::En) => format!("{names}, and {more} more"),
        (_, Lang::Zh) => format!("{names}，另有 {more} 条"),
    }
}

/// What to do about a policy that can't be read, and so governs nothing.
pub fn unreadable_policy(unreadable: &Unreadable, before: &FilingPolicyStatus, now: Timestamp) -> Vec<Effect> {
    let message = format!("it can't be read, and governs nothing: {}", unreadable.error);
    let ready = condition(
        &before.conditions,
        READY,
        false,
        reasons::UNREADABLE,
        &message,
        unreadable.generation,
        now,
    );
    let status = FilingPolicyStatus {
        observed_generation: Some(unreadable.generation),
        site: Vec::new(),
        routes: None,
        conditions: vec![ready],
        next_reminder: None,
        ..before.clone()
    };
    changed(before, status)
}

fn changed(before: &FilingPolicyStatus, status: FilingPolicyStatus) -> Vec<Effect> {
    if status == *before {
        Vec::new()
    } else {
        vec![Effect::PolicyStatus(Box::new(status))]
    }
}

fn place(place: &Place) -> SitePlace {
    let (province, mainland) = match place.location {
        Location::Mainland(province) => (province.map(|province| province.code.to_owned()), Some(true)),
        Location::Outside => (None, Some(false)),
        Location::Unknown => (None, None),
    };
    SitePlace {
        provider: place.provider.to_string(),
        region: place.region.as_deref().map(str::to_owned),
        province,
        mainland,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::ToSpan as _;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::domain::FieldPath;
    use crate::effects::{Batch, brake};
    use crate::support::{at, policy as document, registry, route_key};

    const NOW: &str = "2026-11-23T10:00:00+08:00";

    fn problem(message: &str) -> Problem {
        Problem {
            path: FieldPath::fixed("spec.site.province"),
            message: message.to_owned(),
        }
    }

    static NO_ROUTES: BTreeSet<RouteKey> = BTreeSet::new();
    static NO_HINDRANCES: BTreeMap<Hindrance, BTreeSet<RouteKey>> = BTreeMap::new();
    const NOTHING: Blocking<'static> = Blocking {
        brake: None,
        due: 0,
        blocked: 0,
        put_back: &NO_ROUTES,
        hindered: &NO_HINDRANCES,
    };

    fn status(before: &FilingPolicyStatus, governing: Governing<'_>, now: &str) -> Option<FilingPolicyStatus> {
        let registry = registry(&[document("default", json!({}))]);
        let policy = registry.snapshot().default_policy();
        match super::policy(policy, before, governing, at(now)).as_slice() {
            [] => None,
            [Effect::PolicyStatus(status)] => Some(FilingPolicyStatus::clone(status)),
            others => panic!("{others:?}"),
        }
    }

    fn governing<'a>(owned_by: Option<&'a str>, problems: &'a [Problem]) -> Governing<'a> {
        Governing {
            site: &[],
            tally: Tally::default(),
            owned_by,
            problems,
            blocking: NOTHING,
        }
    }

    #[rstest]
    #[case::in_force(None, &[], "True InForce: it is in force")]
    #[case::misunderstood(None, &["it is no province"], "False Misunderstood: spec.site.province: it is no province; the rest is in force")]
    #[case::much_misunderstood(None, &["one", "two", "three"], "False Misunderstood: spec.site.province: one (and 2 more); the rest is in force")]
    #[case::owned_by_others(Some("its spec is owned by others: conflict with \"kubectl\": .spec"), &["one"],
        "False OwnedByOthers: its spec is owned by others: conflict with \"kubectl\": .spec; theirs is in force, not the \
         operator's own: leave that out, or have them give this one up")]
    fn ready_says_whether_it_is_in_force_as_it_is_written(
        #[case] owned_by: Option<&str>,
        #[case] problems: &[&str],
        #[case] expected: &str,
    ) {
        let problems: Vec<Problem> = problems.iter().map(|message| problem(message)).collect();
        let status = status(&FilingPolicyStatus::default(), governing(owned_by, &problems), NOW).unwrap();
        let [ready] = status.conditions.as_slice() else {
            panic!("{status:?}")
        };
        assert_eq!(
            format!("{} {}: {}", ready.status, ready.reason, ready.message),
            expected
        );
    }

    #[test]
    fn the_site_and_how_the_routes_stand_are_told() {
        let mut tally = Tally::default();
        for outcome in [Outcome::Violating, Outcome::Violating, Outcome::Exempt, Outcome::Warned] {
            tally.add(outcome);
        }
        tally.remove(Outcome::Warned);
        tally.remove(Outcome::Compliant);
        let site = [
            Place::new("alicloud", Some("cn-beijing")),
            Place::new("alicloud", Some("cn-hongkong")),
            Place::new("own", None),
        ];
        let governing = Governing {
            site: &site,
            tally,
            ..governing(None, &[])
        };
        let status = status(&FilingPolicyStatus::default(), governing, NOW).unwrap();
        insta::assert_json_snapshot!(status);
    }

    #[test]
    fn a_word_that_is_given_as_the_condition_says_counts_however_late_that_was_written() {
        let registry = registry(&[document("default", json!({"running": "Block", "brake": {"routes": 1}}))]);
        let mut policy = Policy::clone(registry.snapshot().default_policy());
        let due: BTreeSet<RouteKey> = ["a", "b"].map(route_key).into();
        let nothing = BTreeMap::new();
        let batch = Batch {
            due: &due,
            blocked: &nothing,
            governed: 10,
        };
        let held = brake(&policy, &[], batch, at(NOW));
        let governing = Governing {
            blocking: Blocking {
                brake: Some(&held),
                ..NOTHING
            },
            ..governing(None, &[])
        };
        let effects = super::policy(
            &policy,
            &FilingPolicyStatus::default(),
            governing,
            at(NOW) + 90.seconds(),
        );
        let [Effect::Event(told), Effect::PolicyStatus(status)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        let (_, word) = told.note.split_once("release-brake=").unwrap();
        policy.released_brake = word.split(' ').next().map(str::to_owned);
        let later = at(NOW) + 1.hour();
        assert_eq!(brake(&policy, &status.conditions, batch, later), Brake::Released);
    }

    #[test]
    fn what_has_been_written_is_not_written_again_and_since_when_stays() {
        let first = status(&FilingPolicyStatus::default(), governing(None, &[]), NOW).unwrap();
        let later = "2026-11-24T10:00:00.5+08:00";
        assert_eq!(status(&first, governing(None, &[]), later), None);
        let problems = [problem("one")];
        let second = status(&first, governing(None, &problems), later).unwrap();
        assert_eq!(
            second.conditions[0].last_transition_time.0,
            at("2026-11-24T10:00:00+08:00")
        );
        let others = [problem("two")];
        let third = status(&second, governing(None, &others), "2026-11-25T10:00:00+08:00").unwrap();
        assert_eq!(
            third.conditions[0].last_transition_time,
            second.conditions[0].last_transition_time
        );
    }

    #[test]
    fn one_that_cannot_be_read_says_so_and_counts_nothing() {
        let unreadable = Unreadable {
            error: "spec.running: unknown variant".to_owned(),
            uid: "5b0c".into(),
            generation: 4,
        };
        let before = status(&FilingPolicyStatus::default(), governing(None, &[]), NOW).unwrap();
        let effects = unreadable_policy(&unreadable, &before, at(NOW));
        let [Effect::PolicyStatus(status)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(status.conditions[0].reason, reasons::UNREADABLE);
        assert_eq!((status.observed_generation, &status.routes), (Some(4), &None));
        assert_eq!(unreadable_policy(&unreadable, status, at(NOW)), []);
    }

    /// So many routes, with a name that is so much longer than their number.
    fn routes(count: usize, length: usize) -> BTreeSet<RouteKey> {
        let name = |number| format!("{number}-{}", "w".repeat(length));
        (0..count).map(|number| route_key(&name(number))).collect()
    }

    /// A brake that holds so many routes of names that long.
    fn held(due: usize, length: usize, recent: usize, limit: usize) -> Brake {
        Brake::Held(Held {
            digest: "0a1b2c3d4e5f".to_owned(),
            since: at(NOW),
            due,
            first: routes(due, length).into_iter().take(NAMES).collect(),
            recent,
            limit,
            governed: 1000,
        })
    }

    fn blocking_status(blocking: Blocking<'_>) -> (FilingPolicyStatus, Option<Notice>) {
        let registry = registry(&[document(
            "default",
            json!({"running": "Block", "brake": {"minutes": 10}}),
        )]);
        let governing = Governing {
            blocking,
            ..governing(None, &[])
        };
        let policy = registry.snapshot().default_policy();
        let effects = super::policy(policy, &FilingPolicyStatus::default(), governing, at(NOW));
        match effects.as_slice() {
            [Effect::PolicyStatus(status)] => (FilingPolicyStatus::clone(status), None),
            [Effect::Event(notice), Effect::PolicyStatus(status)] => {
                (FilingPolicyStatus::clone(status), Some(Notice::clone(notice)))
            }
            others => panic!("{others:?}"),
        }
    }

    #[test]
    fn a_brake_that_is_held_says_why_and_how_to_go_on_in_both_languages() {
        let told = [(1, 1, 1), (2, 0, 1), (7, 3, 9)].map(|(due, recent, limit)| {
            let (_, notice) = blocking_status(Blocking {
                brake: Some(&held(due, 3, recent, limit)),
                ..NOTHING
            });
            let notice = notice.unwrap();
            format!("{}\n  {}", notice.note, notice.note_zh.unwrap())
        });
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn however_long_the_names_are_it_is_said_how_to_go_on() {
        let (_, notice) = blocking_status(Blocking {
            brake: Some(&held(50, 240, 0, 10)),
            ..NOTHING
        });
        let notice = notice.unwrap();
        for note in [notice.note, notice.note_zh.unwrap()] {
            assert!(note.contains("release-brake=0a1b2c3d4e5f --overwrite"), "{note}");
        }
    }

    #[test]
    fn what_is_not_blocked_is_told_with_what_to_do() {
        let (few, put_back) = (routes(1, 3), routes(6, 3));
        let hindered = [
            Hindrance::NoQuarantine,
            Hindrance::NoRecord,
            Hindrance::Excepted,
            Hindrance::BreakGlass,
        ]
        .map(|hindrance| (hindrance, few.clone()))
        .into();
        let (status, _) = blocking_status(Blocking {
            put_back: &put_back,
            hindered: &hindered,
            ..NOTHING
        });
        let enforced = status.conditions.iter().find(|condition| condition.type_ == ENFORCED);
        let enforced = enforced.unwrap();
        assert_eq!(enforced.reason, reasons::BREAK_GLASS);
        insta::assert_snapshot!(enforced.message.replace("; ", ";\n"));
    }

    #[test]
    fn an_exemption_is_reminded_of_at_the_policys_own_thresholds_and_only_while_it_lasts() {
        let exemption = json!({"hosts": ["*.example.net"], "reason": "moves", "owner": "张三", "until": "2027-01-10"});
        let registry = registry(&[document(
            "games",
            json!({"reminders": [20, 5], "exemptions": [exemption]}),
        )]);
        let policy = registry.snapshot().policies().next().unwrap();
        let mut before = FilingPolicyStatus::default();
        let mut told = Vec::new();
        for days in 0..60 {
            let now = at(NOW).saturating_add(SignedDuration::from_hours(24 * days)).unwrap();
            for effect in super::policy(policy, &before, governing(None, &[]), now) {
                match effect {
                    Effect::Event(notice) => told.push(notice),
                    Effect::PolicyStatus(status) => before = *status,
                    other => panic!("{other:?}"),
                }
            }
        }
        let told: Vec<String> = told
            .iter()
            .map(|notice| {
                let chinese = notice.note_zh.as_ref().unwrap();
                format!(
                    "{} {}: {}\n  {chinese}",
                    notice.regarding.kind, notice.reason, notice.note
                )
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        FilingPolicy ExemptionExpiringIn20Days: the exemption of *.example.net in policy games ends on 2027-01-10, within 20 days of this reminder
          策略 games 对 *.example.net 的豁免将于 2027-01-10 到期，距本次提醒不超过 20 天
        FilingPolicy ExemptionExpiringIn5Days: the exemption of *.example.net in policy games ends on 2027-01-10, within 5 days of this reminder
          策略 games 对 *.example.net 的豁免将于 2027-01-10 到期，距本次提醒不超过 5 天
        ");
        assert_eq!((before.next_reminder, before.reminders.len()), (None, 2));
    }
}
