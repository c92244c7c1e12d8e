use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::api::DeclarationStatus;
use crate::effects::{self, Audience, Effect, Observed, Reference, Remembered};
use crate::judge::{judge_filing, judge_server};
use crate::registry::Kept;
use crate::rules::Lang;
use crate::support::{filing, now, policy, server};

/// The day on which 2026-11-23 is: a Monday.
fn today() -> Day {
    Day::of(now())
}

/// What documents declare.
#[derive(Default)]
pub(crate) struct Facts {
    filings: Vec<Filing>,
    servers: Vec<AccessServer>,
    policies: Vec<FilingPolicy>,
}

impl Facts {
    pub(crate) fn of(documents: &[Value]) -> Self {
        let mut facts = Self::default();
        for document in documents {
            let mut document = document.clone();
            document["apiVersion"] = json!(crate::api::keys::API_VERSION);
            match document["kind"].as_str().unwrap() {
                "Filing" => facts.filings.push(serde_json::from_value(document).unwrap()),
                "AccessServer" => facts.servers.push(serde_json::from_value(document).unwrap()),
                "FilingPolicy" => facts.policies.push(serde_json::from_value(document).unwrap()),
                other => panic!("{other}"),
            }
        }
        facts
    }

    fn declared(&self) -> Declared<'_> {
        Declared {
            filings: &self.filings,
            servers: &self.servers,
            policies: &self.policies,
        }
    }
}

pub(crate) fn plan(documents: &[Value], today: Day, days: u32) -> Plan {
    Plan::of(Facts::of(documents).declared(), today, days)
}

/// The entries in short: when, how urgent, what. Reminders are left out.
fn told(documents: &[Value], days: u32) -> Vec<String> {
    let plan = plan(documents, today(), days);
    let entries = plan.entries.iter();
    entries
        .filter(|entry| !matches!(entry.task, Task::Reminder { .. }))
        .map(|entry| {
            let until = entry.until.map(|until| format!("..{until}")).unwrap_or_default();
            let stage = match &entry.task {
                Task::Stage { stage, .. } => format!(" {}", stage.stage),
                _ => String::new(),
            };
            format!(
                "{}{until} {} {}{stage}",
                entry.date,
                entry.urgency.as_str(),
                entry.task.id()
            )
        })
        .collect()
}

#[rstest]
#[case::a_server(server("slb", json!({"expiresAt": "2027-02-01"})), &[
    "2027-01-02 Later PrepareStandBy", "2027-01-12 Later GatherPapers", "2027-01-17 Later TestReachability",
    "2027-01-22 Later StartRenewal", "2027-02-01 Later Ends",
])]
#[case::steps_that_are_late_come_first(server("slb", json!({"expiresAt": "2026-12-10"})), &[
    "2026-11-10 Overdue PrepareStandBy", "2026-11-20 Overdue GatherPapers", "2026-11-25 Soon TestReachability",
    "2026-11-30 Soon StartRenewal", "2026-12-10 Soon Ends",
])]
#[case::on_its_last_day(server("slb", json!({"expiresAt": "2026-11-23"})), &[
    "2026-10-24 Overdue PrepareStandBy", "2026-11-03 Overdue GatherPapers", "2026-11-08 Overdue TestReachability",
    "2026-11-13 Overdue StartRenewal", "2026-11-23 Soon Ends",
])]
#[case::one_that_has_ended(server("slb", json!({"expiresAt": "2026-11-22"})), &["2026-11-22 Overdue Ends"])]
#[case::one_that_renews_itself(server("slb", json!({"expiresAt": "2027-02-01", "autoRenew": true})), &[
    "2027-02-01 Later RenewsItself",
])]
#[case::one_that_renewed_itself(server("slb", json!({"expiresAt": "2026-02-01", "autoRenew": true})), &[])]
#[case::one_that_is_given_back(server("slb", json!({"expiresAt": "2027-02-01", "state": "Released"})), &[])]
#[case::one_that_was_stopped(server("slb", json!({"expiresAt": "2026-11-24", "state": "Suspended"})), &[
    "2026-10-25 Overdue PrepareStandBy", "2026-11-04 Overdue GatherPapers", "2026-11-09 Overdue TestReachability",
    "2026-11-14 Overdue StartRenewal", "2026-11-24 Soon Ends",
])]
#[case::steps_within_the_days_of_an_end_beyond_them(server("slb", json!({"expiresAt": "2027-12-20"})), &[
    "2027-11-20 Later PrepareStandBy",
])]
#[case::a_record(filing("fs/it", json!({"expiresAt": "2027-02-01"})), &[
    "2027-01-02 Later PrepareStandBy", "2027-01-12 Later GatherPapers", "2027-01-17 Later TestReachability",
    "2027-01-22 Later StartRenewal", "2027-02-01 Later Ends",
])]
#[case::a_domain(filing("fs/it", json!({"registration": {"expiresAt": "2027-02-01"}})), &[
    "2027-01-02 Later PrepareStandBy", "2027-01-12 Later GatherPapers", "2027-01-17 Later TestReachability",
    "2027-01-22 Later StartRenewal", "2027-02-01 Later Ends",
])]
#[case::a_review_has_no_steps(filing("fs/it", json!({"nextReviewAt": "2026-12-20"})), &["2026-12-20 Soon Review"])]
#[case::a_licence(filing("fs/it", json!({"licence": {"expiresAt": "2027-05-01"}})), &[
    "2027-01-01..2027-03-31 Later ReportLicence", "2027-01-31 Later RenewLicence", "2027-05-01 Later Ends",
])]
#[case::a_licence_that_ends_before_its_report(filing("fs/it", json!({"licence": {"expiresAt": "2026-12-31"}})), &[
    "2026-10-02 Overdue RenewLicence", "2026-12-31 Later Ends",
])]
#[case::a_licence_of_which_no_end_is_known(filing("fs/it", json!({"licence": {"number": "京ICP证030173号"}})), &[
    "2027-01-01..2027-03-31 Later ReportLicence",
])]
#[case::a_cancelled_filing(filing("fs/it", json!({
    "stage": "Cancelled", "expiresAt": "2027-02-01", "launchedAt": "2026-11-01", "licence": {"expiresAt": "2027-05-01"},
})), &[])]
fn what_ends_is_planned_with_its_steps(#[case] document: Value, #[case] expected: &[&str]) {
    assert_eq!(told(&[document], 365), expected);
}

#[rstest]
#[case::not_launched(json!({}), &[])]
#[case::just_launched(json!({"launchedAt": "2026-11-20"}), &["2026-11-20..2026-12-20 Soon FilePublicSecurity"])]
#[case::on_the_last_day(json!({"launchedAt": "2026-10-24"}), &["2026-10-24..2026-11-23 Soon FilePublicSecurity"])]
#[case::late(json!({"launchedAt": "2026-10-23"}), &["2026-10-23..2026-11-22 Overdue FilePublicSecurity"])]
#[case::to_be_launched(json!({"launchedAt": "2027-03-01"}), &["2027-03-01..2027-03-31 Later FilePublicSecurity"])]
#[case::filed_and_its_number_not_stated(json!({"launchedAt": "2026-10-23", "publicSecurity": {"filedAt": "2026-11-01"}}), &[
    "2026-10-23..2026-11-22 Overdue FilePublicSecurity",
])]
#[case::with_a_number(json!({"launchedAt": "2026-10-23", "publicSecurity": {"number": "京公网安备11010502030123号"}}), &[])]
#[case::declared_without_either(json!({"launchedAt": "2026-10-23", "publicSecurity": {}}), &[
    "2026-10-23..2026-11-22 Overdue FilePublicSecurity",
])]
fn public_security_is_filed_with_within_30_days_of_the_launch(#[case] over: Value, #[case] expected: &[&str]) {
    assert_eq!(told(&[filing("fs/it", over)], 365), expected);
}

fn access(entries: &Value) -> Value {
    filing("fs/it", json!({"access": entries}))
}

#[rstest]
// Twenty working days, a day, and two working days before the move; at the earliest it is approved four working days later.
#[case::planned(json!([
    {"provider": "alicloud", "stage": "Approved"},
    {"provider": "tencentcloud", "stage": "Submitted", "since": "2027-01-15", "migratingFrom": "alicloud"},
]), &[
    "2026-12-15 Soon FileAccess", "2026-12-21..2027-01-15 Later AccessDecision", "2027-01-15 Later Move",
    "2027-01-16..2027-04-15 Later CancelAccess",
])]
#[case::planned_too_soon(json!([
    {"provider": "alicloud", "stage": "Approved"},
    {"provider": "tencentcloud", "stage": "Submitted", "since": "2026-12-01", "migratingFrom": "alicloud"},
]), &[
    "2026-10-29 Overdue FileAccess", "2026-11-27..2026-12-01 Soon AccessDecision", "2026-12-01 Soon Move",
    "2026-12-02..2027-03-01 Later CancelAccess",
])]
#[case::approved_before_the_move(json!([
    {"provider": "alicloud", "stage": "Approved"},
    {"provider": "tencentcloud", "stage": "Approved", "since": "2026-12-01", "migratingFrom": "alicloud"},
]), &["2026-12-01 Soon Move", "2026-12-02..2027-03-01 Later CancelAccess"])]
#[case::under_way(json!([
    {"provider": "alicloud", "stage": "Approved"},
    {"provider": "tencentcloud", "stage": "Submitted", "since": "2026-11-16", "migratingFrom": "alicloud"},
]), &["2026-11-17..2027-02-14 Later CancelAccess", "2026-11-20..2026-12-17 Soon AccessDecision"])]
#[case::after_90_days(json!([
    {"provider": "alicloud", "stage": "Approved"},
    {"provider": "tencentcloud", "stage": "Approved", "since": "2026-08-01", "migratingFrom": "alicloud"},
]), &["2026-08-02..2026-10-30 Overdue CancelAccess"])]
#[case::the_old_one_is_cancelled(json!([
    {"provider": "aliyun", "stage": "Cancelled"},
    {"provider": "tencentcloud", "stage": "Approved", "since": "2026-08-01", "migratingFrom": "alicloud"},
]), &[])]
#[case::given_up(json!([
    {"provider": "alicloud", "stage": "Approved"},
    {"provider": "tencentcloud", "stage": "Cancelled", "since": "2027-01-15", "migratingFrom": "alicloud"},
]), &[])]
#[case::a_further_provider(json!([
    {"provider": "alicloud", "stage": "Approved"},
    {"provider": "tencentcloud", "stage": "Submitted", "since": "2026-11-20"},
]), &["2026-11-26..2026-12-23 Soon AccessDecision"])]
fn a_migration_files_the_new_access_before_the_move_and_cancels_the_old_one_after(
    #[case] entries: Value,
    #[case] expected: &[&str],
) {
    assert_eq!(told(&[access(&entries)], 365), expected);
}

#[test]
fn a_policy_says_how_long_the_old_access_may_stay() {
    let documents = [
        policy("default", json!({"grace": {"migration": 30}})),
        access(&json!([
            {"provider": "alicloud", "stage": "Approved"},
            {"provider": "tencentcloud", "stage": "Approved", "since": "2026-12-01", "migratingFrom": "alicloud"},
        ])),
    ];
    assert_eq!(told(&documents, 365)[1], "2026-12-02..2026-12-31 Later CancelAccess");
}

#[rstest]
#[case::draft(json!({"stage": "Draft"}), &[
    "2026-11-23 Soon Papers", "2026-11-23..2026-11-30 Soon Stage domain-data", "2026-11-26 Soon HandIn",
    "2026-11-26..2026-12-02 Soon Stage provider-review", "2026-11-27..2026-12-03 Soon Stage sms-check",
    "2026-11-27..2026-12-31 Later Stage bureau-review", "2026-12-02..2026-12-31 Later Approval",
])]
#[case::draft_with_a_verified_domain(json!({"stage": "Draft", "registration": {"verified": true}}), &[
    "2026-11-23 Soon Papers", "2026-11-23 Soon HandIn", "2026-11-23..2026-11-25 Soon Stage provider-review",
    "2026-11-24..2026-11-26 Soon Stage sms-check", "2026-11-24..2026-12-24 Later Stage bureau-review",
    "2026-11-27..2026-12-24 Later Approval",
])]
#[case::sent_back(json!({"stage": "Rejected", "submittedAt": "2026-10-01", "registration": {"verified": true}}), &[
    "2026-11-23 Soon Papers", "2026-11-23 Soon HandIn", "2026-11-23..2026-11-25 Soon Stage provider-review",
    "2026-11-24..2026-11-26 Soon Stage sms-check", "2026-11-24..2026-12-24 Later Stage bureau-review",
    "2026-11-27..2026-12-24 Later Approval",
])]
#[case::with_the_provider(json!({"stage": "FirstReview", "submittedAt": "2026-11-20"}), &[
    "2026-11-20..2026-11-24 Soon Stage provider-review", "2026-11-23 Soon Papers",
    "2026-11-23..2026-11-25 Soon Stage sms-check", "2026-11-23..2026-12-23 Soon Stage bureau-review",
    "2026-11-26..2026-12-23 Soon Approval",
])]
#[case::with_the_bureau(json!({"stage": "SecondReview", "submittedAt": "2026-11-10"}), &[
    "2026-11-11..2026-12-11 Soon Stage bureau-review", "2026-11-23 Soon Papers", "2026-11-23..2026-12-11 Soon Approval",
])]
#[case::with_the_bureau_since_nobody_says_when(json!({"stage": "SecondReview"}), &[
    "2026-11-23 Soon Papers", "2026-11-23..2026-12-21 Soon Stage bureau-review", "2026-11-26..2026-12-21 Soon Approval",
])]
#[case::for_too_long(json!({"stage": "SecondReview", "submittedAt": "2026-08-03"}), &[
    "2026-08-04..2026-09-03 Overdue Stage bureau-review", "2026-09-03..2026-09-03 Overdue Approval",
    "2026-11-23 Soon Papers",
])]
fn a_filing_that_is_not_approved_has_its_stages_ahead(#[case] over: Value, #[case] expected: &[&str]) {
    let mut document = filing("fs/it", over);
    document["spec"].as_object_mut().unwrap().remove("number");
    assert_eq!(told(&[document], 365), expected);
}

#[rstest]
#[case::handed_in(json!({"stage": "SecondReview", "submittedAt": "2026-11-10"}), &[
    "2026-11-11..2026-12-11 Soon Stage bureau-review", "2026-11-23..2026-12-11 Soon Approval",
])]
#[case::to_be_handed_in(json!({"stage": "Draft"}), &[
    "2026-11-23 Soon HandIn", "2026-11-23..2026-11-25 Soon Stage provider-review",
    "2026-11-24..2026-11-26 Soon Stage sms-check", "2026-11-24..2026-12-24 Later Stage bureau-review",
    "2026-11-27..2026-12-24 Later Approval",
])]
#[case::done(json!({"stage": "Approved"}), &[])]
fn a_change_has_its_stages_ahead(#[case] change: Value, #[case] expected: &[&str]) {
    assert_eq!(told(&[filing("fs/it", json!({"change": change}))], 365), expected);
}

#[test]
fn the_papers_are_those_of_the_subject_and_the_content() {
    let document = filing(
        "fs/it",
        json!({"stage": "Draft", "number": null, "subject": {"name": "某某", "nature": "Individual"},
            "service": {"contentTypes": ["Publishing"], "paid": true}}),
    );
    let plan = plan(&[document], today(), 365);
    let papers = plan.entries.iter().find_map(|entry| match &entry.task {
        Task::Papers {
            papers,
            is_handed_in: false,
        } => Some(papers),
        _ => None,
    });
    let names: Vec<&str> = papers.unwrap().iter().map(|paper| paper.name(Lang::Zh)).collect();
    assert!(names[0].starts_with("居民身份证"), "{names:?}");
    assert!(names.contains(&"《网络出版服务许可证》"), "{names:?}");
    assert!(
        names.iter().any(|name| name.starts_with("增值电信业务经营许可证")),
        "{names:?}"
    );
    assert!(!names.contains(&"营业执照"), "{names:?}");
}

#[test]
fn who_counts_through_a_year_that_is_not_announced_is_told() {
    let document = filing("fs/it", json!({"stage": "Draft", "number": null}));
    let plan = plan(&[document], "2026-12-10".parse().unwrap(), 365);
    assert_eq!(plan.unknown_years(), [2027]);
    let of = |id: &str| plan.entries.iter().find(|entry| entry.task.id() == id).unwrap();
    assert_eq!(of("HandIn").unknown_holidays(Lang::En), None);
    assert_eq!(
        of("Approval").unknown_holidays(Lang::En).unwrap(),
        "the holidays of 2027 are not published: Monday to Friday are counted"
    );
    assert_eq!(
        of("Approval").unknown_holidays(Lang::Zh).unwrap(),
        "2027 年的节假日安排尚未公布：按周一至周五计算"
    );
}

#[test]
fn neither_a_name_nor_a_number_of_a_person_is_told() {
    let document = filing(
        "fs/it",
        json!({"stage": "Draft", "number": null, "handler": {"name": "张三", "idExpiresAt": "2027-01-01"},
            "subject": {"name": "李四", "nature": "Individual"}}),
    );
    let exempt = policy(
        "default",
        json!({"exemptions": [{"hosts": ["a.example.net"], "until": "2027-01-01", "reason": "x", "owner": "王五"}]}),
    );
    for entry in plan(&[document, exempt], today(), 365).entries {
        for text in [entry.what(Lang::En), entry.what(Lang::Zh), format!("{entry:?}")] {
            assert!(
                !["张三", "李四", "王五"].iter().any(|name| text.contains(name)),
                "{text}"
            );
        }
    }
}

/// The moments at which the operator says that it reminds of an object, from now on.
fn reminded(documents: &[Value], reference: &Reference, subject: &Object) -> BTreeSet<Day> {
    let facts = snapshot(Facts::of(documents).declared());
    let mut status = DeclarationStatus::default();
    let mut moment = now();
    let mut days = BTreeSet::new();
    for _ in 0..1000 {
        let observed = |status: &Remembered| {
            let observed = Observed {
                reference,
                generation: 1,
                status,
                routes: None,
                audience: &Audience::default(),
            };
            let policy = facts.default_policy();
            if subject.kind == ObjectKind::Filing {
                let key = FilingKey::new(subject.namespace.as_str(), subject.name.as_str());
                let Some(Kept::Read(filing)) = facts.filing(&key) else {
                    panic!()
                };
                let verdict = judge_filing(filing, &facts, moment);
                effects::declaration(observed, effects::Declared::Filing(filing, &verdict), policy, moment)
            } else {
                let Some(Kept::Read(server)) = facts.server(&subject.name) else {
                    panic!()
                };
                let verdict = judge_server(server, &facts, moment);
                effects::declaration(observed, effects::Declared::Server(server, &verdict), policy, moment)
            }
        };
        for effect in observed(&Remembered::of(status.clone())) {
            if let Effect::DeclarationStatus(next) = effect {
                status = *next;
            }
        }
        match &status.next_reminder {
            Some(next) if next.0 > moment => moment = next.0,
            _ => return days,
        }
        days.insert(Day::of(moment));
    }
    panic!("it reminds for ever")
}

/// The days of an object's reminders in a plan.
fn planned(plan: &Plan, subject: &Object) -> BTreeSet<Day> {
    let of = plan.entries.iter().filter(|entry| entry.object == *subject);
    let of = of.filter(|entry| matches!(entry.task, Task::Reminder { .. }));
    of.map(|entry| entry.date).collect()
}

#[rstest]
#[case::by_default(json!({}))]
#[case::by_a_policy(json!({"reminders": [60, 7, 1]}))]
fn each_reminder_that_the_operator_sends_is_planned(#[case] over: Value) {
    let documents = [
        policy("default", over),
        filing(
            "fs/it",
            json!({
                "expiresAt": "2027-03-01", "registration": {"expiresAt": "2027-04-01"}, "nextReviewAt": "2027-02-10",
                "handler": {"name": "专员", "idExpiresAt": "2026-12-05"}, "licence": {"expiresAt": "2027-05-01"},
                "approvals": [{"kind": "News", "expiresAt": "2027-06-01"}, {"kind": "Publishing", "expiresAt": "2026-11-01"}],
            }),
        ),
        server("slb", json!({"expiresAt": "2027-02-01"})),
        server("auto", json!({"expiresAt": "2027-02-01", "autoRenew": true})),
    ];
    let plan = plan(&documents, today(), 365);
    let key = FilingKey::new("fs", "it");
    let of_filing = Object::of(registry::SubjectKind::Filing, "fs", "it");
    let reminded_of = reminded(&documents, &Reference::to_filing(&key, "u"), &of_filing);
    assert!(reminded_of.len() > 10);
    assert_eq!(planned(&plan, &of_filing), reminded_of);
    for (name, count) in [("slb", true), ("auto", false)] {
        let of_server = Object::of(registry::SubjectKind::Server, "", name);
        let reminded_of = reminded(&documents, &Reference::to_server(name, "u"), &of_server);
        assert_eq!(planned(&plan, &of_server), reminded_of);
        assert_eq!(!reminded_of.is_empty(), count);
    }
}

#[test]
fn a_policy_reminds_of_its_exemptions_by_its_own_days() {
    let exemptions = json!([{"hosts": ["a.example.net"], "until": "2027-01-31", "reason": "x", "owner": "infra"}]);
    let documents = [
        policy("default", json!({})),
        policy("other", json!({"reminders": [40, 5], "exemptions": exemptions})),
    ];
    let plan = plan(&documents, today(), 365);
    let other = Object::of(registry::SubjectKind::Policy, "", "other");
    let facts = snapshot(Facts::of(&documents).declared());
    let policy = facts.policies().find(|policy| *policy.name == *"other").unwrap();
    let mut moment = now();
    let mut days = BTreeSet::new();
    while let Some(next) = effects::next_of_policy(policy, moment) {
        moment = next;
        days.insert(Day::of(next));
    }
    assert_eq!(days.len(), 2);
    assert_eq!(planned(&plan, &other), days);
}

/// A date around today, or none.
fn date() -> impl Strategy<Value = Value> {
    prop::option::of(-120_i64..800).prop_map(|days| match days {
        Some(days) if days < 0 => json!(today().minus(u32::try_from(-days).unwrap())),
        Some(days) => json!(today().plus(u32::try_from(days).unwrap())),
        None => Value::Null,
    })
}

fn some_filing() -> impl Strategy<Value = Value> {
    const STAGES: [&str; 8] = [
        "Draft",
        "Submitted",
        "FirstReview",
        "SecondReview",
        "Publicity",
        "Approved",
        "Rejected",
        "Cancelled",
    ];
    const ACCESS: [&str; 3] = ["Submitted", "Approved", "Cancelled"];
    (
        prop::sample::select(&STAGES[..]),
        prop::sample::select(&STAGES[..]),
        prop::sample::select(&ACCESS[..]),
        prop::sample::select(&ACCESS[..]),
        prop::collection::vec(date(), 9),
    )
        .prop_map(|(stage, change, old, new, dates)| {
            filing(
                "fs/it",
                json!({
                    "stage": stage, "number": null, "change": {"stage": change, "submittedAt": dates[0]},
                    "submittedAt": dates[1], "launchedAt": dates[2], "expiresAt": dates[3], "nextReviewAt": dates[4],
                    "registration": {"expiresAt": dates[5]}, "licence": {"expiresAt": dates[6]},
                    "handler": {"idExpiresAt": dates[7]}, "approvals": [{"kind": "News", "expiresAt": dates[7]}],
                    "access": [
                        {"provider": "alicloud", "stage": old},
                        {"provider": "tencentcloud", "stage": new, "since": dates[8], "migratingFrom": "alicloud"},
                        {"provider": "huaweicloud", "stage": new, "since": dates[8]},
                    ],
                }),
            )
        })
}

proptest! {
    #[test]
    fn a_plan_is_in_order_and_within_its_days(
        filing in some_filing(), ends in date(), is_renewed in any::<bool>(), days in 1_u32..900,
    ) {
        let documents = [filing, server("slb", json!({"expiresAt": ends, "autoRenew": is_renewed}))];
        let plan = plan(&documents, today(), days);
        let order: Vec<(bool, Day)> = plan.entries.iter()
            .map(|entry| (entry.urgency != Urgency::Overdue, entry.date)).collect();
        prop_assert!(order.is_sorted(), "{order:?}");
        for entry in &plan.entries {
            let due = entry.until.unwrap_or(entry.date);
            prop_assert!(due >= entry.date);
            prop_assert_eq!(entry.days, today().days_until(due));
            prop_assert_eq!(entry.urgency == Urgency::Overdue, due < today());
            prop_assert!(entry.date <= plan.last, "{entry:?}");
            for lang in [Lang::En, Lang::Zh] {
                prop_assert!(!entry.what(lang).is_empty() && !entry.source().is_empty());
            }
        }
        let ids: HashSet<String> = plan.entries.iter().map(Entry::id).collect();
        prop_assert_eq!(ids.len(), plan.entries.len(), "each has an identity of its own");
    }

    #[test]
    fn a_plan_is_the_same_in_whatever_order_it_is_declared(first in some_filing(), second in some_filing(), ends in date()) {
        let mut second = second;
        second["metadata"]["name"] = json!("other");
        let slb = server("slb", json!({"expiresAt": ends}));
        let there = plan(&[first.clone(), second.clone(), slb.clone()], today(), 365);
        let back = plan(&[slb, second, first], today(), 365);
        prop_assert_eq!(there.entries, back.entries);
    }

    /// Whoever looks farther sees the same and more.
    #[test]
    fn a_longer_plan_begins_as_a_shorter_one(filing in some_filing(), days in 1_u32..400, more in 1_u32..400) {
        let documents = [filing];
        let (shorter, longer) = (plan(&documents, today(), days), plan(&documents, today(), days + more));
        prop_assert_eq!(&longer.entries[..shorter.entries.len()], &shorter.entries[..]);
    }
}
