//! Reminders: at each of a policy's thresholds before something ends, once each.

use std::collections::HashSet;

use jiff::Timestamp;

use super::notice::{Notice, Reference};
use super::term::{Term, terms_of_policy};
use crate::api::Reminder;
use crate::registry::Policy;
use crate::route::Route;
use crate::rules::{Lang, Moment};

/// The most routes that are told of one reminder.
const MAX_TOLD: usize = 50;
/// The most reminders that a status keeps on record, as its schema says.
const MAX_ON_RECORD: usize = 200;

/// A reminder that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// What ends.
    pub(super) term: Term,
    /// Days before the end: the nearest threshold that has come.
    pub(super) threshold: u32,
}

/// The routes that are told of a reminder too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Those that are told, at most 50.
    told: Vec<Reference>,
    /// How many more there are.
    others: usize,
}

impl Audience {
    /// The first of these routes, and a count of the rest.
    pub fn of<'a>(routes: impl IntoIterator<Item = &'a Route>) -> Self {
        let mut routes = routes.into_iter();
        Self {
            told: routes.by_ref().take(MAX_TOLD).map(Reference::to_route).collect(),
            others: routes.count(),
        }
    }
}

/// The reminders that are due and have not been sent. Of several thresholds of one term the nearest alone is due.
pub(super) fn due(terms: &[Term], sent: &[Reminder], policy: &Policy, now: Timestamp) -> Vec<Due> {
    let due = terms.iter().filter(|term| now < term.date.end()).filter_map(|term| {
        let come = policy.reminders.iter().copied().filter(|days| at(term, *days) <= now);
        let threshold = come.min()?;
        (!is_sent(term, threshold, sent)).then(|| Due {
            term: term.clone(),
            threshold,
        })
    });
    due.collect()
}

/// When the next reminder goes out.
pub(super) fn next_reminder(terms: &[Term], sent: &[Reminder], policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let all = terms
        .iter()
        .flat_map(|term| policy.reminders.iter().map(move |days| (term, *days)));
    all.filter(|(term, days)| !is_sent(term, *days, sent))
        .map(|(term, days)| at(term, days))
        .filter(|moment| *moment > now)
        .min()
}

/// The reminders that stay on record: those of terms that still stand.
pub(super) fn on_record(terms: &[Term], sent: &[Reminder], due: &[Due]) -> Vec<Reminder> {
    let stands = |sent: &&Reminder| terms.iter().any(|term| is_of(sent, term));
    let new = due.iter().map(|due| Reminder {
        rule: due.term.end.rule().to_owned(),
        path: due.term.end.path(),
        date: due.term.date,
        threshold: due.threshold,
    });
    let mut record: Vec<Reminder> = sent.iter().filter(stands).cloned().chain(new).collect();
    if record.len() > MAX_ON_RECORD {
        // The nearest of each term, which stands for the farther ones, is the last that was sent.
        let mut known = HashSet::new();
        let mut nearest: Vec<Reminder> = record
            .into_iter()
            .rev()
            .filter(|sent| known.insert((sent.rule.clone(), sent.path.clone(), sent.date)))
            .collect();
        nearest.reverse();
        record = nearest;
    }
    record
}

/// What there is to tell of a reminder: first on the routes that serve under the object, and then on the object itself.
pub(super) fn notices(regarding: &Reference, due: &Due, audience: &Audience, now: Timestamp) -> Vec<Notice> {
    let Due { term, threshold } = due;
    let moment = Moment::new(now);
    let name = regarding.to_string();
    let sentence = |lang| {
        let ends = term.sentence(&name, &moment, lang);
        match lang {
            Lang::En if *threshold == 1 => format!("{ends}, within a day of this reminder"),
            Lang::En => format!("{ends}, within {threshold} days of this reminder"),
            Lang::Zh => format!("{ends}，距本次提醒不超过 {threshold} 天"),
        }
    };
    // The threshold is part of the reason, so that no recorder merges one reminder into another.
    let reason = format!("{}In{threshold}Days", term.end.rule());
    let (date, days) = (term.date.to_string(), threshold.to_string());
    let path = term.end.path().unwrap_or_default();
    let told_apart_by = [term.end.rule(), &path, &date, &days, &regarding.uid];
    let notice = |on: &Reference, more: fn(&Audience, Lang) -> String| {
        let note = |lang| sentence(lang) + &more(audience, lang);
        let notice = Notice::new(on.clone(), reason.clone(), "Remind", &note(Lang::En), &told_apart_by);
        Notice {
            // It is nearer to its end than it was when it was last told of.
            is_warning: term.end.is_loss(),
            ..notice.in_chinese(&note(Lang::Zh))
        }
    };
    if !term.end.matters_to_routes() || audience.told.is_empty() {
        return vec![notice(regarding, |_, _| String::new())];
    }
    let on_routes = audience.told.iter().map(|route| Notice {
        related: Some(regarding.clone()),
        ..notice(route, on_route)
    });
    on_routes.chain([notice(regarding, on_object)]).collect()
}

/// What a reminder adds on a route.
fn on_route(_: &Audience, lang: Lang) -> String {
    match lang {
        Lang::En => "; hosts of this route rest on it".to_owned(),
        Lang::Zh => "；本路由的主机名依赖于它".to_owned(),
    }
}

/// What a reminder that is told on routes adds on the object itself.
fn on_object(audience: &Audience, lang: Lang) -> String {
    let told = audience.told.len();
    let all = told.saturating_add(audience.others);
    match lang {
        Lang::En if all == 1 => "; the route that rests on it is told too".to_owned(),
        Lang::En if all == told => format!("; the {all} routes that rest on it are told too"),
        Lang::En => format!("; {told} of the {all} routes that rest on it are told too"),
        Lang::Zh if all == told => format!("；依赖它的 {all} 条路由也已收到提醒"),
        Lang::Zh => format!("；依赖它的路由共 {all} 条，其中 {told} 条也已收到提醒"),
    }
}

/// What there is to do about the ends of a policy's exemptions.
pub(super) struct PolicyReminders {
    /// The Events of those that are due.
    pub(super) notices: Vec<Notice>,
    /// What its status has on record from then on.
    pub(super) on_record: Vec<Reminder>,
    /// When the next one goes out.
    pub(super) next: Option<Timestamp>,
}

/// Reminds of the ends of a policy's exemptions, at its own thresholds.
pub(super) fn remind_of_exemptions(policy: &Policy, sent: &[Reminder], now: Timestamp) -> PolicyReminders {
    let terms = terms_of_policy(policy);
    let due = due(&terms, sent, policy, now);
    let reference = Reference::to_policy(&policy.name, &policy.uid);
    let nobody = Audience::default();
    let on_record = on_record(&terms, sent, &due);
    PolicyReminders {
        notices: due
            .iter()
            .flat_map(|due| notices(&reference, due, &nobody, now))
            .collect(),
        next: next_reminder(&terms, &on_record, policy, now),
        on_record,
    }
}

/// When a policy next needs a look: a reminder of an exemption's end may be due.
pub fn next_of_policy(policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    next_reminder(&terms_of_policy(policy), &[], policy, now)
}

/// Reminders go out at 09:00 in China.
fn at(term: &Term, days: u32) -> Timestamp {
    term.date.minus(days).reminder_time()
}

/// Whether a reminder has been sent. A nearer one stands for a farther one, also when a clock was set back in between.
fn is_sent(term: &Term, threshold: u32, sent: &[Reminder]) -> bool {
    sent.iter().any(|sent| sent.threshold <= threshold && is_of(sent, term))
}

fn is_of(sent: &Reminder, term: &Term) -> bool {
    sent.date == term.date && sent.rule == term.end.rule() && sent.path == term.end.path()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use kube::core::ObjectMeta;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::super::term::End;
    use super::*;
    use crate::api::{ContentType, FilingPolicySpec};
    use crate::domain::Day;
    use crate::registry::{Change, Other};
    use crate::support::{at, change, ingress};

    fn policy() -> Policy {
        Policy::new("default".into(), &ObjectMeta::default(), &FilingPolicySpec::default())
    }

    fn term() -> Term {
        Term {
            end: End::Server,
            date: "2027-03-01".parse().unwrap(),
        }
    }

    fn sent(thresholds: &[u32]) -> Vec<Reminder> {
        let reminder = |threshold: &u32| Reminder {
            rule: "ServerExpiring".to_owned(),
            path: None,
            date: term().date,
            threshold: *threshold,
        };
        thresholds.iter().map(reminder).collect()
    }

    #[rstest]
    #[case::long_before("2026-11-30T12:00:00+08:00", &[], None)]
    #[case::just_before_nine("2026-12-01T08:59:59+08:00", &[], None)]
    #[case::ninety_days_at_nine("2026-12-01T09:00:00+08:00", &[], Some(90))]
    #[case::once("2026-12-01T09:00:00+08:00", &[90], None)]
    #[case::thirty("2027-01-30T09:00:00+08:00", &[90], Some(30))]
    #[case::several_at_once_give_the_nearest("2027-02-20T09:00:00+08:00", &[], Some(10))]
    #[case::a_nearer_one_stands_for_a_farther("2027-01-30T09:00:00+08:00", &[10], None)]
    #[case::on_the_last_day("2027-03-01T23:59:59+08:00", &[30], Some(10))]
    #[case::not_after_the_end("2027-03-02T00:00:00+08:00", &[], None)]
    fn each_threshold_is_reminded_of_once(#[case] now: &str, #[case] already: &[u32], #[case] expected: Option<u32>) {
        let due = due(&[term()], &sent(already), &policy(), now.parse().unwrap());
        assert_eq!(due.first().map(|due| due.threshold), expected);
    }

    #[rstest]
    #[case("2026-11-30T12:00:00+08:00", Some("2026-12-01T09:00:00+08:00"))]
    #[case("2026-12-01T09:00:00+08:00", Some("2027-01-30T09:00:00+08:00"))]
    #[case("2027-02-19T09:00:00+08:00", None)]
    fn the_next_reminder_is_named(#[case] now: &str, #[case] expected: Option<&str>) {
        let next = next_reminder(&[term()], &[], &policy(), now.parse().unwrap());
        assert_eq!(next, expected.map(|moment| moment.parse().unwrap()));
    }

    fn approval(kind: ContentType) -> Term {
        Term {
            end: End::Other(Other::Approval(kind)),
            date: term().date,
        }
    }

    #[test]
    fn two_of_a_kind_that_end_on_one_day_are_reminded_of_each() {
        let terms = [approval(ContentType::News), approval(ContentType::Education)];
        let now = at("2027-02-25T12:00:00+08:00");
        let first = due(&terms[..1], &[], &policy(), now);
        let sent = on_record(&terms, &[], &first);
        let second = due(&terms, &sent, &policy(), now);
        assert_eq!(second.iter().map(|due| &due.term).collect::<Vec<_>>(), [&terms[1]]);
    }

    #[test]
    fn however_many_go_out_the_record_fits_the_schema_and_none_goes_out_again() {
        let spec = FilingPolicySpec {
            reminders: (1..=16).map(|number| number * 5).collect(),
            ..FilingPolicySpec::default()
        };
        let policy = Policy::new("default".into(), &ObjectMeta::default(), &spec);
        let terms: Vec<Term> = (0..50)
            .map(|number| Term {
                end: End::Exemption(format!("*.{number}.example.com")),
                date: term().date,
            })
            .collect();
        let mut sent = Vec::new();
        let mut count = 0;
        for days in (0..=80).rev() {
            let now = super::at(&terms[0], days);
            let due = due(&terms, &sent, &policy, now);
            count += due.len();
            sent = on_record(&terms, &sent, &due);
            assert!(sent.len() <= MAX_ON_RECORD);
        }
        assert_eq!(count, 50 * 16);
    }

    fn route(number: usize) -> Route {
        let document = ingress(&format!("shop/web-{number}"), &["www.example.com"]);
        let Change::Route(_, Ok(mut route)) = change(&document) else {
            panic!()
        };
        route.uid = format!("uid-{number}").into();
        route
    }

    #[rstest]
    #[case::none(0, "the server slb ends on 2027-03-01, within 30 days of this reminder")]
    #[case::one(
        1,
        "the server slb ends on 2027-03-01, within 30 days of this reminder; the route that rests on it is told too"
    )]
    #[case::all(
        50,
        "the server slb ends on 2027-03-01, within 30 days of this reminder; the 50 routes that rest on it are told too"
    )]
    #[case::fifty(
        51,
        "the server slb ends on 2027-03-01, within 30 days of this reminder; 50 of the 51 routes that rest on it are told too"
    )]
    fn fifty_routes_are_told_at_most_and_the_others_are_counted(#[case] count: usize, #[case] note: &str) {
        let routes: Vec<Route> = (0..count).map(route).collect();
        let due = Due {
            term: term(),
            threshold: 30,
        };
        let slb = Reference::to_server("slb", "5b0c");
        let notices = notices(&slb, &due, &Audience::of(&routes), at("2027-01-30T09:00:00+08:00"));
        assert!(notices.iter().all(|notice| notice.note_zh.is_some()));
        let (own, on_routes) = notices.split_last().unwrap();
        assert_eq!(
            own.note, note,
            "the object's own comes last: where it is, the others are"
        );
        assert_eq!(on_routes.len(), count.min(50));
        assert!(notices.iter().all(|notice| notice.reason == "ServerExpiringIn30Days"));
        assert!(on_routes.iter().all(|notice| notice.related.as_ref() == Some(&slb)));
        let names: HashSet<&str> = notices.iter().map(|notice| notice.name.as_str()).collect();
        assert_eq!(names.len(), notices.len());
    }

    #[test]
    fn what_is_its_keepers_matter_alone_is_not_told_on_routes() {
        let due = Due {
            term: approval(ContentType::News),
            threshold: 30,
        };
        let filing = Reference::to_server("it", "5b0c");
        let routes = [route(1)];
        let notices = notices(&filing, &due, &Audience::of(&routes), at("2027-01-30T09:00:00+08:00"));
        assert_eq!(notices.len(), 1);
        assert!(!notices[0].note.contains("route"), "{}", notices[0].note);
    }

    proptest! {
        /// Whatever the clock does, and however often the operator starts anew: all that it knows is in the status.
        #[test]
        fn each_reminder_goes_out_at_most_once_and_is_the_nearest(
            steps in prop::collection::vec(-2000_i64..2400, 1..60), ends in prop::collection::vec(0_u32..200, 1..4),
        ) {
            let policy = policy();
            let mut now = at("2026-11-20T12:00:00+08:00");
            let kinds = [ContentType::News, ContentType::Education, ContentType::Bbs];
            let terms: Vec<Term> = ends.iter().zip(kinds).map(|(days, kind)| Term {
                date: Day::of(now).plus(*days),
                ..approval(kind)
            }).collect();
            let mut sent: Vec<Reminder> = Vec::new();
            let mut gone_out = HashSet::new();
            for hours in steps {
                now = now.saturating_add(SignedDuration::from_hours(hours)).unwrap();
                let due = due(&terms, &sent, &policy, now);
                for due in &due {
                    prop_assert!(gone_out.insert((due.term.end.path(), due.threshold)), "{:?} again", due);
                    let nearer = policy.reminders.iter().filter(|days| **days < due.threshold);
                    prop_assert!(nearer.map(|days| super::at(&due.term, *days)).all(|moment| moment > now));
                    prop_assert!(super::at(&due.term, due.threshold) <= now && now < due.term.date.end());
                }
                sent = on_record(&terms, &sent, &due);
                prop_assert!(super::due(&terms, &sent, &policy, now).is_empty());
                if let Some(next) = next_reminder(&terms, &sent, &policy, now) {
                    prop_assert!(next > now);
                    prop_assert!(!super::due(&terms, &sent, &policy, next).is_empty());
                    let before = next.saturating_sub(SignedDuration::from_secs(1)).unwrap();
                    prop_assert!(super::due(&terms, &sent, &policy, before).is_empty());
                }
            }
        }
    }
}
