//! Reminders: at each of a policy's thresholds before something ends, once each.

use jiff::Timestamp;

use crate::api::{Reminder, ServerState, Stage};
use crate::domain::Day;
use crate::registry::{Filing, Policy, Server};
use crate::rules::Words;

/// Something that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The rule that finds it ended soon.
    pub rule: &'static str,
    /// What ends, for people.
    pub what: Words,
    /// The last day.
    pub date: Day,
}

/// A reminder that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What ends.
    pub term: Term,
    /// Days before the end: the nearest threshold that has come.
    pub threshold: u32,
}

/// What ends in a filing. The record of one that is cancelled has ended already.
pub fn terms_of_filing(filing: &Filing) -> Vec<Term> {
    let recorded = filing.expires_at.filter(|_| filing.stage != Stage::Cancelled);
    let record = recorded.map(|date| Term {
        rule: "FilingExpiring",
        what: Words {
            en: "the record of the filing",
            zh: "备案记录",
        },
        date,
    });
    let domain = filing.domain_expires_at.map(|date| Term {
        rule: "DomainExpiring",
        what: Words {
            en: "the registration of the domain",
            zh: "域名注册",
        },
        date,
    });
    record.into_iter().chain(domain).collect()
}

/// What ends in a server; one that renews itself does not, and one that is released has.
pub fn terms_of_server(server: &Server) -> Vec<Term> {
    let ends = !server.auto_renew && server.state != ServerState::Released;
    let date = server.expires_at.filter(|_| ends);
    date.map(|date| Term {
        rule: "ServerExpiring",
        what: Words {
            en: "the server",
            zh: "服务器",
        },
        date,
    })
    .into_iter()
    .collect()
}

/// The reminders that are due and have not been sent. Of several thresholds of one term the nearest alone is due.
pub fn due(terms: &[Term], sent: &[Reminder], policy: &Policy, now: Timestamp) -> Vec<Due> {
    let due = terms.iter().filter(|term| now < term.date.end()).filter_map(|term| {
        let threshold = policy
            .reminders
            .iter()
            .copied()
            .filter(|days| at(term, *days) <= now)
            .min()?;
        Some(Due { term: *term, threshold })
    });
    due.filter(|due| !sent.iter().any(|sent| is_same(sent, due))).collect()
}

/// When the next reminder is due that has not come yet.
pub fn next_reminder(terms: &[Term], policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let all = terms
        .iter()
        .flat_map(|term| policy.reminders.iter().map(move |days| at(term, *days)));
    all.filter(|moment| *moment > now).min()
}

/// The reminders that stay on record: those of terms that still stand.
pub(super) fn on_record(terms: &[Term], sent: &[Reminder], due: &[Due]) -> Vec<Reminder> {
    let stands = |sent: &&Reminder| {
        terms
            .iter()
            .any(|term| term.rule == sent.rule && term.date == sent.date)
    };
    let new = due.iter().map(|due| Reminder {
        rule: due.term.rule.to_owned(),
        path: None,
        date: due.term.date,
        threshold: due.threshold,
    });
    sent.iter().filter(stands).cloned().chain(new).collect()
}

/// Reminders go out at 09:00 in China.
fn at(term: &Term, days: u32) -> Timestamp {
    term.date.minus(days).reminder_time()
}

/// A nearer reminder stands for a farther one, also when a clock was set back in between.
fn is_same(sent: &Reminder, due: &Due) -> bool {
    sent.rule == due.term.rule && sent.date == due.term.date && sent.threshold <= due.threshold
}

#[cfg(test)]
mod tests {
    use kube::core::ObjectMeta;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::api::FilingPolicySpec;
    use crate::registry::Change;
    use crate::support::{change, filing, server};

    fn policy() -> Policy {
        Policy::new("default".into(), &ObjectMeta::default(), &FilingPolicySpec::default())
    }

    fn term() -> Term {
        Term {
            rule: "ServerExpiring",
            what: Words {
                en: "the server",
                zh: "服务器",
            },
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
        let next = next_reminder(&[term()], &policy(), now.parse().unwrap());
        assert_eq!(next, expected.map(|moment| moment.parse().unwrap()));
    }

    #[rstest]
    #[case::approved(json!({}), &["FilingExpiring", "DomainExpiring"])]
    #[case::pending(json!({"stage": "Submitted"}), &["FilingExpiring", "DomainExpiring"])]
    #[case::cancelled_so_its_record_has_ended(json!({"stage": "Cancelled"}), &["DomainExpiring"])]
    #[case::without_a_term(json!({"expiresAt": null, "registration": null}), &[])]
    fn what_ends_in_a_filing(#[case] over: serde_json::Value, #[case] expected: &[&str]) {
        let mut spec = json!({"expiresAt": "2027-03-01", "registration": {"expiresAt": "2027-04-01"}});
        spec.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        let Change::Filing(_, Ok(filing)) = change(&filing("filings/it", spec)) else {
            panic!()
        };
        let rules: Vec<&str> = terms_of_filing(&filing).iter().map(|term| term.rule).collect();
        assert_eq!(rules, expected);
    }

    #[rstest]
    #[case::in_use(json!({}), 1)]
    #[case::suspended(json!({"state": "Suspended"}), 1)]
    #[case::renews_itself(json!({"autoRenew": true}), 0)]
    #[case::released(json!({"state": "Released"}), 0)]
    fn what_ends_in_a_server(#[case] over: serde_json::Value, #[case] expected: usize) {
        let mut spec = json!({"expiresAt": "2027-03-01"});
        spec.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        let Change::Server(_, Ok(server)) = change(&server("it", spec)) else {
            panic!()
        };
        assert_eq!(terms_of_server(&server).len(), expected);
    }
}
