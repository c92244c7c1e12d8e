//! The daily digest: what is Red, what is Yellow, and what ends in the next 30 days. Pure: facts and a moment in, lists
//! out, of a bounded length. It names objects, domains and days, and nothing personal: no subject, holder, handler or
//! owner of an exemption.

use jiff::Timestamp;

use crate::api::{Colour, keys};
use crate::domain::Day;
use crate::effects::{End, Notice, Reference, Term, standing_of, terms_of_filing, terms_of_policy, terms_of_server};
use crate::judge::{self, judge_filing, judge_server};
use crate::registry::{Kept, Snapshot};
use crate::rules::{Moment, UNREADABLE};

/// What ends within so many days is due.
const DUE_WITHIN: u32 = 30;
/// The most that each list keeps; the others are counted.
const MAX_KEPT: usize = 100;

/// How filings and servers stand on a day.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Digest {
    pub(super) day: Day,
    pub(super) filings: u32,
    pub(super) servers: u32,
    pub(super) red: Listed<Seen>,
    pub(super) yellow: Listed<Seen>,
    /// The soonest first.
    pub(super) due: Listed<Due>,
}

/// The first of many, and how many there are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listed<T> {
    pub(super) kept: Vec<T>,
    pub(super) count: u32,
}

/// A filing or a server that is not Blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) why: Why,
}

/// Why it is not Blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A rule, or how far it has come.
    Reason(&'static str),
    /// It ends soon, and no rule minds.
    Ends(Day),
}

/// Something that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The last day.
    pub(super) date: Day,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) end: End,
}

/// The digest of the day that a moment is in.
pub(super) fn digest(facts: &Snapshot, now: Timestamp) -> Digest {
    let mut lists = Lists::new(now);
    for (key, filing) in facts.filings() {
        match filing {
            Kept::Read(filing) => {
                let verdict = judge_filing(filing, facts, now);
                lists.see(
                    "Filing",
                    key.to_string(),
                    &verdict,
                    standing_of(filing.stage),
                    terms_of_filing(filing),
                );
            }
            Kept::Unreadable(_) => lists.see_unreadable("Filing", key.to_string()),
        }
    }
    for (name, server) in facts.servers() {
        match server {
            Kept::Read(server) => {
                let verdict = judge_server(server, facts, now);
                let standing = keys::reasons::ACTIVE;
                lists.see(
                    "AccessServer",
                    name.to_string(),
                    &verdict,
                    standing,
                    terms_of_server(server),
                );
            }
            Kept::Unreadable(_) => lists.see_unreadable("AccessServer", name.to_string()),
        }
    }
    for policy in facts.policies() {
        for term in terms_of_policy(policy) {
            lists.end("FilingPolicy", &policy.name, term);
        }
    }
    lists
        .due
        .sort_by(|a, b| (a.date, a.kind, &a.name).cmp(&(b.date, b.kind, &b.name)));
    Digest {
        day: Day::of(now),
        filings: counted(facts.filings().count()),
        servers: counted(facts.servers().count()),
        red: listed(lists.red),
        yellow: listed(lists.yellow),
        due: listed(lists.due),
    }
}

impl Digest {
    /// The Event that says that the digest of its day is on its way: by its name it is there once.
    pub(super) fn notice(&self, facts: &Snapshot) -> Notice {
        let uid = &facts.default_policy().uid;
        let note = format!(
            "{} Red, {} Yellow, {} due within {DUE_WITHIN} days",
            self.red.count, self.yellow.count, self.due.count
        );
        let regarding = Reference::to_policy(keys::DEFAULT_POLICY, uid);
        let day = self.day.to_string();
        Notice::new(
            regarding,
            "DailyDigest".to_owned(),
            "Notify",
            &note,
            &["DailyDigest", &day],
        )
    }
}

struct Lists {
    now: Timestamp,
    moment: Moment,
    red: Vec<Seen>,
    yellow: Vec<Seen>,
    due: Vec<Due>,
}

impl Lists {
    fn new(now: Timestamp) -> Self {
        Self {
            now,
            moment: Moment::new(now),
            red: Vec::new(),
            yellow: Vec::new(),
            due: Vec::new(),
        }
    }

    fn see(
        &mut self,
        kind: &'static str,
        name: String,
        verdict: &judge::Declaration,
        standing: &'static str,
        terms: Vec<Term>,
    ) {
        let soonest = terms.iter().map(|term| term.date).min();
        for term in terms {
            self.end(kind, &name, term);
        }
        let list = match verdict.colour {
            Colour::Red => &mut self.red,
            Colour::Yellow => &mut self.yellow,
            Colour::Blue => return,
        };
        let why = match (verdict.findings.first(), soonest) {
            (Some(worst), _) => Why::Reason(worst.rule.id),
            (None, Some(day)) if verdict.is_ready => Why::Ends(day),
            (None, _) => Why::Reason(standing),
        };
        list.push(Seen { kind, name, why });
    }

    fn see_unreadable(&mut self, kind: &'static str, name: String) {
        let why = Why::Reason(UNREADABLE.id);
        self.red.push(Seen { kind, name, why });
    }

    fn end(&mut self, kind: &'static str, name: &str, Term { end, date }: Term) {
        if self.now < date.end() && self.moment.is_within(date, DUE_WITHIN) {
            let name = name.to_owned();
            self.due.push(Due { date, kind, name, end });
        }
    }
}

fn listed<T>(mut all: Vec<T>) -> Listed<T> {
    let count = counted(all.len());
    all.truncate(MAX_KEPT);
    Listed { kept: all, count }
}

fn counted(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::support::{at, filing, now, policy, registry, server};

    fn of(documents: &[serde_json::Value]) -> Digest {
        digest(registry(documents).snapshot(), now())
    }

    fn seen(list: &Listed<Seen>) -> Vec<String> {
        let told = list
            .kept
            .iter()
            .map(|seen| format!("{} {} {:?}", seen.kind, seen.name, seen.why));
        told.collect()
    }

    #[test]
    fn what_is_well_is_not_told() {
        let digest = of(&[
            filing("filings/a", json!({})),
            server("slb", json!({"expiresAt": "2030-01-01"})),
        ]);
        assert_eq!((digest.filings, digest.servers), (1, 1));
        assert_eq!((digest.red.count, digest.yellow.count, digest.due.count), (0, 0, 0));
    }

    #[test]
    fn what_is_red_and_yellow_is_told_with_the_reason() {
        let digest = of(&[
            filing("filings/cancelled", json!({"stage": "Cancelled"})),
            filing("filings/mistyped", json!({"number": "京ICP备2021O12345号-8"})),
            filing("filings/pending", json!({"stage": "SecondReview", "number": null})),
            filing("filings/unreadable", json!({"domains": 1})),
            filing("filings/well", json!({})),
            server("ends-soon", json!({"expiresAt": "2026-12-01"})),
        ]);
        assert_eq!(
            seen(&digest.red),
            [
                "Filing filings/cancelled Reason(\"Cancelled\")",
                "Filing filings/mistyped Reason(\"NumberMalformed\")",
                "Filing filings/unreadable Reason(\"Unreadable\")",
                "AccessServer ends-soon Reason(\"ServerExpiring\")",
            ]
        );
        assert_eq!(seen(&digest.yellow), ["Filing filings/pending Reason(\"Pending\")"]);
    }

    #[test]
    fn what_ends_within_thirty_days_is_due_the_soonest_first() {
        let digest = of(&[
            filing("filings/a", json!({"expiresAt": "2026-12-23"})),
            filing("filings/b", json!({"registration": {"expiresAt": "2026-11-23"}})),
            filing("filings/c", json!({"expiresAt": "2026-12-24"})),
            filing("filings/over", json!({"expiresAt": "2026-11-22"})),
            server("renews", json!({"expiresAt": "2026-12-01", "autoRenew": true})),
            server("slb", json!({"expiresAt": "2026-12-01"})),
            policy(
                "default",
                json!({"exemptions": [{
                    "hosts": ["*.intra.example.com"], "reason": "内部", "owner": "张三", "until": "2026-12-05",
                }]}),
            ),
        ]);
        let due: Vec<String> = digest
            .due
            .kept
            .iter()
            .map(|due| format!("{} {}", due.date, due.name))
            .collect();
        assert_eq!(
            due,
            [
                "2026-11-23 filings/b",
                "2026-12-01 slb",
                "2026-12-05 default",
                "2026-12-23 filings/a"
            ]
        );
        assert!(!format!("{digest:?}").contains("张三"), "nothing personal is told");
    }

    #[test]
    fn a_list_is_bounded_and_counts_the_rest() {
        let many: Vec<_> = (0..MAX_KEPT + 7)
            .map(|number| filing(&format!("filings/f{number}"), json!({"stage": "Cancelled"})))
            .collect();
        let red = of(&many).red;
        assert_eq!((red.kept.len(), red.count), (100, 107));
    }

    #[test]
    fn the_digest_of_a_day_has_one_name() {
        let registry = registry(&[]);
        let facts = registry.snapshot();
        let name = |moment| digest(facts, at(moment)).notice(facts).name;
        assert_eq!(name("2026-11-24T09:00:00+08:00"), name("2026-11-24T23:59:59+08:00"));
        assert_ne!(name("2026-11-24T09:00:00+08:00"), name("2026-11-25T09:00:00+08:00"));
    }
}
