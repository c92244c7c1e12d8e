use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::judge::{judge_filing, judge_server};
use crate::registry::{FilingKey, Kept, Subject};
use crate::support::{at, change, filing, registry, server};

const KEY: &str = "filings/example-com";

/// What is done about a filing or server whose status is this one.
fn effects(document: &Value, status: &DeclarationStatus, now: Timestamp) -> Vec<Effect> {
    let registry = registry(std::slice::from_ref(document));
    let facts = registry.snapshot();
    let policy = facts.default_policy();
    let audience = &Audience::default();
    let write = |reference: &Reference, declared: Declared<'_>| {
        let observed = Observed {
            reference,
            generation: 7,
            status: &Remembered::of(status.clone()),
            routes: Some(2),
            audience,
        };
        declaration(observed, declared, policy, now)
    };
    match change(document).subject() {
        Subject::Filing(key) => match facts.filing(&key).unwrap() {
            Kept::Read(filing) => write(
                &reference_to(&key),
                Declared::Filing(filing, &judge_filing(filing, facts, now)),
            ),
            Kept::Unreadable(unreadable) => write(&reference_to(&key), Declared::Unreadable(unreadable)),
        },
        Subject::Server(name) => match facts.server(&name).unwrap() {
            Kept::Read(server) => write(
                &Reference::to_server(&name, "5b0c"),
                Declared::Server(server, &judge_server(server, facts, now)),
            ),
            Kept::Unreadable(_) => panic!("no test has such a server"),
        },
        other => panic!("{other:?}"),
    }
}

fn reference_to(key: &FilingKey) -> Reference {
    Reference::to_filing(key, "5b0c")
}

fn status_in(effects: &[Effect]) -> Option<&DeclarationStatus> {
    effects.iter().find_map(|effect| match effect {
        Effect::DeclarationStatus(status) => Some(&**status),
        _ => None,
    })
}

/// The status after what is to be done was done, if anything.
fn after(document: &Value, status: &DeclarationStatus, now: &str) -> DeclarationStatus {
    status_in(&effects(document, status, at(now))).unwrap_or(status).clone()
}

fn first(document: &Value, now: &str) -> DeclarationStatus {
    after(document, &DeclarationStatus::default(), now)
}

fn events(effects: &[Effect]) -> Vec<String> {
    let notices = effects.iter().filter_map(|effect| match effect {
        Effect::Event(notice) => Some(notice),
        _ => None,
    });
    notices
        .inspect(|notice| assert!(notice.note_zh.is_some(), "{}", notice.note))
        .map(|notice| {
            format!(
                "{} {}",
                if notice.is_warning { "Warning" } else { "Normal" },
                notice.reason
            )
        })
        .collect()
}

fn ready(status: &DeclarationStatus) -> &Condition {
    let [ready, _] = status.conditions.as_slice() else {
        panic!("{status:?}")
    };
    ready
}

fn expiring(status: &DeclarationStatus) -> &Condition {
    let [_, expiring] = status.conditions.as_slice() else {
        panic!("{status:?}")
    };
    expiring
}

#[rstest]
#[case::approved(json!({}), Colour::Blue, "True Approved: it is approved, and nothing is wrong with it")]
#[case::submitted(json!({"stage": "Submitted", "number": null}), Colour::Yellow,
    "False Pending: it is not approved yet, and covers no host")]
#[case::rejected(json!({"stage": "Rejected", "number": null}), Colour::Red,
    "False Rejected: it has been sent back, and covers no host")]
#[case::cancelled(json!({"stage": "Cancelled"}), Colour::Red, "False Cancelled: it has been cancelled, and covers no host")]
#[case::ends_later(json!({"expiresAt": "2027-02-20"}), Colour::Blue,
    "True Approved: it is approved; the record of filings/example-com ends on 2027-02-20 [FilingExpiring]; have the \
     provider confirm the record, and set spec.expiresAt anew")]
#[case::ends_soon(json!({"expiresAt": "2026-12-01"}), Colour::Red,
    "True Approved: it is approved; the record of filings/example-com ends on 2026-12-01 [FilingExpiring]; have the \
     provider confirm the record, and set spec.expiresAt anew")]
#[case::names_no_server(json!({"access": [{"provider": "alicloud", "stage": "Approved", "servers": ["no"]}]}),
    Colour::Yellow, "True Approved: it is approved; ")]
#[case::a_number_that_is_none(json!({"number": "12345"}), Colour::Red, "False NumberMalformed: ")]
#[case::unreadable(json!({"stage": "Approval"}), Colour::Red, "False Unreadable: it can't be read: spec.")]
fn the_light_and_ready_say_how_a_filing_is(#[case] over: Value, #[case] colour: Colour, #[case] expected: &str) {
    let status = first(&filing(KEY, over), "2026-11-23T10:00:00+08:00");
    assert_eq!(status.colour, Some(colour));
    let ready = ready(&status);
    let told = format!("{} {}: {}", ready.status, ready.reason, ready.message);
    let is_whole = expected.ends_with(": ") || expected.ends_with("; ") || expected.ends_with('.');
    assert!(told == expected || (is_whole && told.starts_with(expected)), "{told}");
}

#[test]
fn a_status_tells_all_that_there_is_to_know() {
    let over = json!({
        "expiresAt": "2027-02-20", "number": "川ICP备2021012345号-1",
        "access": [{"provider": "alicloud", "stage": "Approved", "servers": ["no"]}],
    });
    insta::assert_json_snapshot!(first(&filing(KEY, over), "2026-11-23T10:00:00.75+08:00"));
}

#[rstest]
#[case::new_and_well(None, json!({}), &[])]
#[case::new_and_under_way(None, json!({"stage": "Submitted", "number": null}), &[])]
#[case::new_and_sent_back(None, json!({"stage": "Rejected", "number": null}), &["Warning Rejected"])]
#[case::new_and_wrong(None, json!({"number": "12345"}), &["Warning NumberMalformed"])]
#[case::new_and_unreadable(None, json!({"stage": "Approval"}), &["Warning Unreadable"])]
#[case::approved(Some(json!({"stage": "Submitted", "number": null})), json!({}), &["Normal Approved"])]
#[case::cancelled(Some(json!({})), json!({"stage": "Cancelled"}), &["Warning Cancelled"])]
#[case::mended(Some(json!({"number": "12345"})), json!({}), &["Normal Approved"])]
#[case::as_wrong_as_before(Some(json!({"number": "12345"})), json!({"stage": "Cancelled"}), &[])]
#[case::as_it_was(Some(json!({})), json!({}), &[])]
fn ready_is_told_when_it_turns(#[case] before: Option<Value>, #[case] now: Value, #[case] expected: &[&str]) {
    let moment = "2026-11-23T10:00:00+08:00";
    let before = before.map(|over| first(&filing(KEY, over), moment)).unwrap_or_default();
    assert_eq!(events(&effects(&filing(KEY, now), &before, at(moment))), expected);
}

#[test]
fn the_transition_time_moves_only_when_the_status_flips() {
    let approved = first(&filing(KEY, json!({})), "2026-11-23T10:00:00+08:00");
    let expiring = after(
        &filing(KEY, json!({"expiresAt": "2027-01-01"})),
        &approved,
        "2026-11-24T10:00:00+08:00",
    );
    assert_ne!(ready(&expiring).message, ready(&approved).message);
    assert_eq!(
        ready(&expiring).last_transition_time,
        ready(&approved).last_transition_time
    );
    let cancelled = after(
        &filing(KEY, json!({"stage": "Cancelled"})),
        &expiring,
        "2026-11-25T10:00:00.9+08:00",
    );
    assert_eq!(
        ready(&cancelled).last_transition_time.0,
        at("2026-11-25T10:00:00+08:00")
    );
    let unreadable = after(
        &filing(KEY, json!({"stage": "Approval"})),
        &cancelled,
        "2026-11-26T10:00:00+08:00",
    );
    assert_eq!(
        ready(&unreadable).last_transition_time,
        ready(&cancelled).last_transition_time
    );
}

#[test]
fn who_sees_a_yellow_light_has_72_hours_from_when_it_was_first_seen() {
    let respond_by = |status: &DeclarationStatus| status.respond_by.as_ref().map(|time| time.0);
    let pending = filing(KEY, json!({"stage": "Submitted", "number": null}));
    let first = first(&pending, "2026-11-23T10:00:00.4+08:00");
    assert_eq!(respond_by(&first), Some(at("2026-11-26T10:00:00+08:00")));
    let reviewed = filing(KEY, json!({"stage": "SecondReview", "number": null}));
    let second = after(&reviewed, &first, "2026-11-25T10:00:00+08:00");
    assert_eq!(respond_by(&second), respond_by(&first));
    let approved = after(&filing(KEY, json!({})), &second, "2026-11-26T10:00:00+08:00");
    assert_eq!(respond_by(&approved), None);
    let yellow_again = after(&pending, &approved, "2026-12-01T10:00:00+08:00");
    assert_eq!(respond_by(&yellow_again), Some(at("2026-12-04T10:00:00+08:00")));
}

#[test]
fn a_reminder_goes_out_once_and_under_a_name_that_tells_it_from_the_next() {
    let document = server("beijing-slb", json!({"expiresAt": "2027-03-01"}));
    let mut status = DeclarationStatus::default();
    let mut told = Vec::new();
    let mut names = std::collections::HashSet::new();
    for days in 0..110 {
        let now = at("2026-11-20T09:00:00+08:00")
            .saturating_add(SignedDuration::from_hours(24 * days))
            .unwrap();
        let effects = effects(&document, &status, now);
        for effect in &effects {
            if let Effect::Event(notice) = effect {
                assert!(names.insert(notice.name.clone()), "{notice:?}");
                told.push(notice.reason.clone());
            }
        }
        status = status_in(&effects).unwrap_or(&status).clone();
    }
    let expected = [90, 30, 20, 15, 10].map(|days| format!("ServerExpiringIn{days}Days"));
    assert_eq!(told, [expected.as_slice(), &["ServerExpired".to_owned()]].concat());
}

#[test]
fn a_reminder_that_went_out_is_remembered_while_the_object_cannot_be_read() {
    let moment = "2026-12-15T10:00:00+08:00";
    let good = filing(KEY, json!({"expiresAt": "2027-02-20"}));
    let reminded = first(&good, moment);
    assert_eq!(reminded.reminders.len(), 1);
    let unreadable = after(&filing(KEY, json!({"stage": "Approval"})), &reminded, moment);
    assert_eq!(unreadable.reminders, reminded.reminders);
    assert_eq!(events(&effects(&good, &unreadable, at(moment))), ["Normal Approved"]);
}

#[test]
fn what_ends_on_another_day_is_reminded_of_anew() {
    let moment = "2026-12-15T10:00:00+08:00";
    let reminded = first(&filing(KEY, json!({"expiresAt": "2027-02-20"})), moment);
    let longer = filing(KEY, json!({"expiresAt": "2027-02-25"}));
    assert_eq!(
        events(&effects(&longer, &reminded, at(moment))),
        ["Warning FilingExpiringIn90Days"]
    );
    assert_eq!(
        after(&longer, &reminded, moment).reminders.len(),
        1,
        "of the old day nothing is kept"
    );
}

#[test]
fn no_message_is_longer_than_the_schema_allows() {
    let domains: Vec<String> = (0..60).map(|number| format!("商店{number}--.示例.中国")).collect();
    let mut broken = filing(KEY, json!({"domains": domains, "number": "长".repeat(90)}));
    let status = first(&broken, "2026-11-23T10:00:00+08:00");
    assert_eq!(status.findings.len(), MAX_FINDINGS);
    broken["spec"]["stage"] = json!("长".repeat(2000));
    let unreadable = first(&broken, "2026-11-23T10:00:00+08:00");
    for finding in status.findings.iter().chain(&unreadable.findings) {
        assert!(finding.message.len() <= 1000, "{}", finding.message);
    }
    assert!(ready(&unreadable).message.ends_with('…'));
}

#[rstest]
#[case::nothing_near(json!({"expiresAt": "2027-02-22"}), "False NothingExpires: nothing that it rests on ends within 90 days")]
#[case::the_record(json!({"expiresAt": "2027-02-21"}), "True FilingExpiring: the record of filings/example-com ends on 2027-02-21")]
#[case::the_first_of_several(
    json!({"expiresAt": "2027-02-20", "registration": {"expiresAt": "2027-01-10"}, "licence": {"expiresAt": "2029-01-01"}}),
    "True DomainExpiring: the registration of filings/example-com's domain ends on 2027-01-10; the record of \
     filings/example-com ends on 2027-02-20")]
#[case::a_review_is_due_and_does_not_end(json!({"nextReviewAt": "2026-12-01"}),
    "True ReviewDue: the review of filings/example-com is due on 2026-12-01")]
#[case::a_review_that_was_not_held(json!({"nextReviewAt": "2026-11-01"}),
    "True ReviewDue: the review of filings/example-com was due on 2026-11-01")]
#[case::a_licence_that_has_ended(json!({"licence": {"expiresAt": "2026-11-22"}}),
    "True LicenceExpiring: the commercial licence of filings/example-com ended on 2026-11-22")]
#[case::cancelled(json!({"stage": "Cancelled", "expiresAt": "2026-12-01", "registration": {"expiresAt": "2026-12-01"}}),
    "False NothingExpires: nothing that it rests on ends within 90 days")]
#[case::unreadable(json!({"stage": "Approval", "expiresAt": "2026-12-01"}), "Unknown Unreadable: what ends in it can't be read")]
fn expiring_says_what_ends_first(#[case] over: Value, #[case] expected: &str) {
    let is_approved = over["stage"].is_null();
    let status = first(&filing(KEY, over), "2026-11-23T10:00:00+08:00");
    let told = expiring(&status);
    assert_eq!(format!("{} {}: {}", told.status, told.reason, told.message), expected);
    assert_eq!(told.observed_generation, Some(7));
    if is_approved {
        assert_eq!(ready(&status).status, "True", "what expires is ready");
    }
}

#[test]
fn expiring_turns_at_the_moment_that_the_status_names() {
    let document = filing(
        KEY,
        json!({"licence": {"number": "京ICP证030173号", "expiresAt": "2027-05-01"}}),
    );
    let first = first(&document, "2026-11-23T10:00:00+08:00");
    let turns = first.next_transition.clone().unwrap().0;
    assert_eq!(turns, at("2027-01-31T00:00:00+08:00"));
    let second = after(&document, &first, &turns.to_string());
    assert_eq!(expiring(&second).status, "True");
    assert_eq!(expiring(&second).last_transition_time.0, turns);
    assert_eq!(ready(&second).last_transition_time, ready(&first).last_transition_time);
    let turns_yellow = second.next_transition.clone().unwrap().0;
    assert_eq!(turns_yellow, at("2027-04-01T00:00:00+08:00"));
    let second = after(&document, &second, &turns_yellow.to_string());
    assert_eq!(second.colour, Some(Colour::Yellow));
    let ends = second.next_transition.clone().unwrap().0;
    assert_eq!(ends, at("2027-05-02T00:00:00+08:00"));
    let third = after(&document, &second, &ends.to_string());
    assert!(expiring(&third).message.contains("ended on"));
    assert_eq!(expiring(&third).last_transition_time.0, turns);
    assert_eq!(third.next_transition, None);
}

#[rstest]
#[case::what_ends_first(json!({"expiresAt": "2027-02-20", "registration": {"expiresAt": "2027-01-10"}}), Some("2027-01-10"))]
#[case::a_review_ends_nothing(json!({"expiresAt": "2027-02-20", "nextReviewAt": "2027-01-10"}), Some("2027-02-20"))]
#[case::nothing(json!({}), None)]
#[case::cancelled(json!({"stage": "Cancelled", "expiresAt": "2027-02-20"}), None)]
#[case::unreadable(json!({"stage": "Approval", "expiresAt": "2027-02-20"}), None)]
fn the_first_end_stands_in_the_status(#[case] over: Value, #[case] expected: Option<&str>) {
    let status = first(&filing(KEY, over), "2026-11-23T10:00:00+08:00");
    assert_eq!(status.expires_at, expected.map(|day| day.parse().unwrap()));
}

#[rstest]
#[case::one(&["example.com"], "example.com")]
#[case::in_unicode(&["xn--fsq092h.xn--fiqs8s", "EXAMPLE.com"], "示例.中国, example.com")]
#[case::those_that_cover_something(&["a..b", "com.cn", "example.com"], "example.com")]
#[case::many(&["a.com", "b.com", "c.com", "d.com", "e.com", "f.com", "g.com"], "a.com, b.com, c.com, d.com, e.com (+2)")]
fn the_domains_stand_in_the_status_as_people_read_them(#[case] domains: &[&str], #[case] expected: &str) {
    let status = first(&filing(KEY, json!({"domains": domains})), "2026-11-23T10:00:00+08:00");
    assert_eq!(status.domains.as_deref(), Some(expected));
}

#[test]
fn who_is_blue_is_looked_at_each_quarter_and_told_so_once() {
    let next = |status: &DeclarationStatus| status.next_self_check.as_ref().map(|check| check.0);
    let blue = filing(KEY, json!({"approvedAt": "2021-02-20"}));
    let first = first(&blue, "2026-11-19T10:00:00+08:00");
    let check = at("2026-11-20T09:00:00+08:00");
    assert_eq!(next(&first), Some(check));
    assert_eq!(effects(&blue, &first, check - SignedDuration::from_secs(1)), []);
    let come = effects(&blue, &first, check);
    assert_eq!(events(&come), ["Normal SelfCheckDue"]);
    let second = status_in(&come).unwrap();
    assert_eq!(next(second), Some(at("2027-02-20T09:00:00+08:00")));
    // The clock is set back over it.
    let back = check - SignedDuration::from_hours(24);
    assert_eq!(effects(&blue, second, back), []);
    assert_eq!(effects(&blue, second, check), []);
    // Who was away for long is told once.
    let late = effects(&blue, second, at("2028-01-01T10:00:00+08:00"));
    assert_eq!(events(&late), ["Normal SelfCheckDue"]);

    let yellow = filing(
        KEY,
        json!({"approvedAt": "2021-02-20", "number": "川ICP备2021012345号-1"}),
    );
    let warned = effects(&yellow, &first, check);
    assert_eq!(
        events(&warned),
        Vec::<String>::new(),
        "a Yellow one is looked at anyway"
    );
    assert_eq!(next(status_in(&warned).unwrap()), None);
}

#[test]
fn changes_of_a_stage_are_kept_once_and_also_while_the_object_cannot_be_read() {
    let told = |status: &DeclarationStatus| -> Vec<String> {
        let changes = status.changes.iter();
        changes
            .map(|change| {
                let (from, to) = (change.from.as_deref(), change.to.as_deref());
                format!("{} {from:?} {to:?} {}", change.field, change.at.0)
            })
            .collect()
    };
    let submitted = filing(KEY, json!({"stage": "Submitted", "number": null}));
    let first = first(&submitted, "2026-11-23T10:00:00+08:00");
    assert_eq!(told(&first), Vec::<String>::new());
    let unreadable = after(
        &filing(KEY, json!({"stage": "Approval"})),
        &first,
        "2026-11-24T10:00:00+08:00",
    );
    assert_eq!(unreadable.observed, first.observed);
    let approved = after(&filing(KEY, json!({})), &unreadable, "2026-11-25T10:00:00.7+08:00");
    assert_eq!(
        told(&approved),
        [r#"spec.stage Some("Submitted") Some("Approved") 2026-11-25T02:00:00Z"#]
    );
    let later = at("2026-11-26T10:00:00+08:00");
    assert_eq!(effects(&filing(KEY, json!({})), &approved, later), []);
}

fn any_spec() -> impl Strategy<Value = Value> {
    let day =
        || prop::option::of((0_u32..400).prop_map(|days| crate::domain::Day::new(2026, 9, 1).plus(days).to_string()));
    let stage = prop::sample::select(vec![
        "Draft",
        "Submitted",
        "Approved",
        "Rejected",
        "Cancelled",
        "Unknown",
    ]);
    let number = prop::sample::select(vec![
        None,
        Some("京ICP备2021012345号-1"),
        Some("川ICP备2021012345号-1"),
        Some("1"),
    ]);
    let dates = (day(), day(), day(), day(), day());
    (stage, number, dates).prop_map(|(stage, number, (expires, domain_expires, licence, review, approved))| {
        filing(
            KEY,
            json!({
                "stage": stage, "number": number, "expiresAt": expires, "registration": {"expiresAt": domain_expires},
                "licence": {"expiresAt": licence}, "nextReviewAt": review, "approvedAt": approved,
            }),
        )
    })
}

proptest! {
    #[test]
    fn the_effects_of_what_has_been_applied_are_none(
        steps in prop::collection::vec((any_spec(), 0_i64..100), 1..6), fraction in 0_i64..1_000_000_000,
    ) {
        let mut status = DeclarationStatus::default();
        let mut now = at("2026-09-15T12:00:00+08:00").saturating_add(SignedDuration::from_nanos(fraction)).unwrap();
        for (document, days) in steps {
            now = now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap();
            let effects_now = effects(&document, &status, now);
            if let Some(new) = status_in(&effects_now) {
                // As the API server keeps it.
                let stored: DeclarationStatus = serde_json::from_value(serde_json::to_value(new).unwrap()).unwrap();
                prop_assert_eq!(&stored, new);
                let flips = ready(new).status != status.conditions.first().map_or("", |ready| &ready.status);
                let moves = Some(&ready(new).last_transition_time)
                    != status.conditions.first().map(|ready| &ready.last_transition_time);
                prop_assert!(flips || !moves);
                status = stored;
            }
            prop_assert_eq!(effects(&document, &status, now), vec![]);
        }
    }

    #[test]
    fn a_status_holds_until_the_next_moment_that_it_names(document in any_spec(), hours in 0_i64..10_000) {
        let now = at("2026-09-15T12:00:00+08:00").saturating_add(SignedDuration::from_hours(hours)).unwrap();
        let first = effects(&document, &DeclarationStatus::default(), now);
        let status = status_in(&first).unwrap();
        let moments = [&status.next_transition, &status.next_reminder, &status.next_self_check];
        let next = moments.into_iter().flatten().map(|time| time.0).min();
        match next {
            None => {
                let later = now.saturating_add(SignedDuration::from_hours(24 * 3650)).unwrap();
                prop_assert_eq!(effects(&document, status, later), vec![]);
            }
            Some(next) => {
                prop_assert!(next > now);
                prop_assert_eq!(effects(&document, status, next - SignedDuration::from_secs(1)), vec![]);
                prop_assert_ne!(effects(&document, status, next), vec![]);
            }
        }
    }
}
