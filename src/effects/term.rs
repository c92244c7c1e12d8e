//! What ends: of a filing, a server and a policy, and what there is to say of it.

use super::notice::shortened;
use crate::api::keys::reasons;
use crate::api::{ServerState, Stage};
use crate::domain::Day;
use crate::registry::{Filing, Kept, Other, Policy, Server, Snapshot, SubjectKind};
use crate::rules::{Lang, Moment, list};

/// The longest path in a status, in bytes; the schema allows as many characters.
const MAX_PATH: usize = 500;

/// Something that ends, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What ends.
    pub end: End,
    /// The last day.
    pub date: Day,
}

/// What ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The record of a filing.
    Record,
    /// The registration of a filing's domain.
    Domain,
    /// What else of a filing has a date.
    Other(Other),
    /// The contract of a server.
    Server,
    /// The exemption, in a policy, of these hosts.
    Exemption(String),
}

impl End {
    /// The rule that finds it near. It is the reason of the condition `Expiring` and begins that of the reminders' Events.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Record => reasons::FILING_EXPIRING,
            Self::Domain => reasons::DOMAIN_EXPIRING,
            Self::Other(Other::Review) => reasons::REVIEW_DUE,
            Self::Other(Other::HandlerId) => reasons::HANDLER_ID_EXPIRING,
            Self::Other(Other::Licence) => reasons::LICENCE_EXPIRING,
            Self::Other(Other::Approval(_)) => reasons::PRE_APPROVAL_EXPIRING,
            Self::Server => reasons::SERVER_EXPIRING,
            Self::Exemption(_) => reasons::EXEMPTION_EXPIRING,
        }
    }

    /// The field with the date, where an object has several of the kind. An entry goes by its key, not by its place in the
    /// list, so that what was reminded of is known again in another order.
    pub fn path(&self) -> Option<String> {
        match self {
            // The name of a kind of content is the same in Rust and in the resource.
            Self::Other(Other::Approval(kind)) => Some(format!("spec.approvals[{kind:?}].expiresAt")),
            Self::Exemption(hosts) => {
                // The cut leaves room for what stands around it.
                let hosts = shortened(hosts, MAX_PATH.saturating_sub(30));
                Some(format!("spec.exemptions[{hosts}].until"))
            }
            Self::Record | Self::Domain | Self::Other(_) | Self::Server => None,
        }
    }

    /// Whether those who serve under it are told too: what else a filing rests on is a matter of its keeper alone.
    pub(super) fn matters_to_routes(&self) -> bool {
        matches!(self, Self::Record | Self::Domain | Self::Server)
    }

    /// Whether something is lost when the day is over: a review is held on its day, and ends nothing.
    pub fn is_loss(&self) -> bool {
        *self != Self::Other(Other::Review)
    }

    /// What ends of the object with that name, for people. Neither who a handler is nor any number of an ID is told.
    pub fn of(&self, name: &str, lang: Lang) -> String {
        match (self, lang) {
            (Self::Record, Lang::En) => format!("the record of {name}"),
            (Self::Record, Lang::Zh) => format!("{name} 的备案记录"),
            (Self::Domain, Lang::En) => format!("the registration of {name}'s domain"),
            (Self::Domain, Lang::Zh) => format!("{name} 的域名注册"),
            (Self::Other(Other::Review), Lang::En) => format!("the review of {name}"),
            (Self::Other(Other::Review), Lang::Zh) => format!("{name} 的年度审核或自查"),
            (Self::Other(Other::HandlerId), Lang::En) => format!("the ID of {name}'s handler"),
            (Self::Other(Other::HandlerId), Lang::Zh) => format!("{name} 的经办人证件"),
            (Self::Other(Other::Licence), Lang::En) => format!("the commercial licence of {name}"),
            (Self::Other(Other::Licence), Lang::Zh) => format!("{name} 的经营许可证"),
            (Self::Other(Other::Approval(kind)), Lang::En) => format!("the approval of {name} for {kind:?}"),
            (Self::Other(Other::Approval(kind)), Lang::Zh) => format!("{name} 的前置审批（{kind:?}）"),
            (Self::Server, Lang::En) => format!("the server {name}"),
            (Self::Server, Lang::Zh) => format!("服务器 {name} 的租期"),
            (Self::Exemption(hosts), Lang::En) => format!("the exemption of {hosts} in policy {name}"),
            (Self::Exemption(hosts), Lang::Zh) => format!("策略 {name} 对 {hosts} 的豁免"),
        }
    }
}

impl Term {
    /// That it ends, or has ended, of the object with that name.
    pub(super) fn sentence(&self, name: &str, moment: &Moment, lang: Lang) -> String {
        let (what, date) = (self.end.of(name, lang), self.date);
        match (self.end.is_loss(), moment.is_past(date, 0), lang) {
            (true, false, Lang::En) => format!("{what} ends on {date}"),
            (true, false, Lang::Zh) => format!("{what}将于 {date} 到期"),
            (true, true, Lang::En) => format!("{what} ended on {date}"),
            (true, true, Lang::Zh) => format!("{what}已于 {date} 到期"),
            (false, false, Lang::En) => format!("{what} is due on {date}"),
            (false, false, Lang::Zh) => format!("{what}应于 {date} 完成"),
            (false, true, Lang::En) => format!("{what} was due on {date}"),
            (false, true, Lang::Zh) => format!("{what}原应于 {date} 完成"),
        }
    }
}

/// What ends in a filing. Nothing does in one that is cancelled: it can't be restored, and one that is filed anew has
/// ends of its own.
pub fn terms_of_filing(filing: &Filing) -> Vec<Term> {
    if filing.stage == Stage::Cancelled {
        return Vec::new();
    }
    let record = filing.expires_at.map(|date| (End::Record, date));
    let domain = filing.domain_expires_at.map(|date| (End::Domain, date));
    let others = filing.others.iter().map(|(other, date)| (End::Other(*other), *date));
    record
        .into_iter()
        .chain(domain)
        .chain(others)
        .map(|(end, date)| Term { end, date })
        .collect()
}

/// What ends in a server; one that renews itself does not, and one that is released has.
pub fn terms_of_server(server: &Server) -> Vec<Term> {
    let ends = !server.auto_renew && server.state != ServerState::Released;
    let date = server.expires_at.filter(|_| ends);
    date.map(|date| Term { end: End::Server, date }).into_iter().collect()
}

/// What ends in a policy: its exemptions. One that exempts nothing has no end that matters.
pub fn terms_of_policy(policy: &Policy) -> Vec<Term> {
    let exempting = policy.exemptions.iter().filter(|exemption| !exemption.hosts.is_empty());
    exempting
        .map(|exemption| {
            let hosts = list(exemption.hosts.iter().map(ToString::to_string));
            // In brackets, so that it reads in either language.
            let hosts = match exemption.namespaces.as_slice() {
                [] => hosts,
                namespaces => format!("{hosts} ({})", list(namespaces)),
            };
            Term {
                end: End::Exemption(hosts),
                date: exemption.until,
            }
        })
        .collect()
}

/// Something that ends of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending<'a> {
    /// What the object is: a filing, a server or a policy.
    pub kind: SubjectKind,
    /// Its namespace; empty for what has none.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What ends of it.
    pub term: Term,
}

impl Ending<'_> {
    /// What ends of what, for people.
    pub fn told(&self, lang: Lang) -> String {
        let Self { namespace, name, .. } = self;
        if namespace.is_empty() {
            self.term.end.of(name, lang)
        } else {
            self.term.end.of(&format!("{namespace}/{name}"), lang)
        }
    }
}

/// All that ends of what can be read, object by object in order.
pub fn endings(facts: &Snapshot) -> impl Iterator<Item = Ending<'_>> {
    let ending = |kind, namespace, name, terms: Vec<Term>| {
        terms.into_iter().map(move |term| Ending {
            kind,
            namespace,
            name,
            term,
        })
    };
    let filings = facts.filings().filter_map(move |(key, kept)| match kept {
        Kept::Read(filing) => Some(ending(
            SubjectKind::Filing,
            &*key.namespace,
            &*key.name,
            terms_of_filing(filing),
        )),
        Kept::Unreadable(_) => None,
    });
    let servers = facts.servers().filter_map(move |(name, kept)| match kept {
        Kept::Read(server) => Some(ending(SubjectKind::Server, "", &**name, terms_of_server(server))),
        Kept::Unreadable(_) => None,
    });
    let policies = facts.policies();
    let policies = policies.map(move |policy| ending(SubjectKind::Policy, "", &*policy.name, terms_of_policy(policy)));
    filings.chain(servers).chain(policies).flatten()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::registry::{Change, Kept};
    use crate::rules::CATALOGUE;
    use crate::support::{at, change, filing, policy, registry, server};

    /// What a filing, server or policy tells of its ends.
    fn told(document: &Value, now: &str) -> Vec<String> {
        let moment = Moment::new(at(now));
        let terms = match change(document) {
            Change::Filing(_, Ok(filing)) => terms_of_filing(&filing),
            Change::Server(_, Ok(server)) => terms_of_server(&server),
            Change::Policy(_, Ok(policy)) => terms_of_policy(&policy),
            other => panic!("{other:?}"),
        };
        let told = terms.iter().map(|term| {
            let path = term.end.path().map(|path| format!(" at {path}")).unwrap_or_default();
            let [english, chinese] = [Lang::En, Lang::Zh].map(|lang| term.sentence("fs/it", &moment, lang));
            format!("{}: {english}{path}\n  {chinese}", term.end.rule())
        });
        told.collect()
    }

    /// A filing in which all that can end does.
    fn whole(over: &Value) -> Value {
        let mut spec = json!({
            "expiresAt": "2027-03-01", "registration": {"expiresAt": "2027-04-01"}, "nextReviewAt": "2027-02-10",
            "handler": {"name": "张三", "idExpiresAt": "2030-01-01"},
            "licence": {"number": "京ICP证030173号", "expiresAt": "2027-05-01"},
            "approvals": [{"kind": "News", "expiresAt": "2028-01-01"}, {"kind": "Education"},
                {"kind": "Publishing", "number": "新出网证（京）字001号", "expiresAt": "2028-01-01"}],
        });
        spec.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        filing("filings/it", spec)
    }

    #[test]
    fn everything_that_ends_is_told_without_names_and_numbers_of_people() {
        insta::assert_snapshot!(told(&whole(&json!({})), "2027-02-20T12:00:00+08:00").join("\n"), @r"
        FilingExpiring: the record of fs/it ends on 2027-03-01
          fs/it 的备案记录将于 2027-03-01 到期
        DomainExpiring: the registration of fs/it's domain ends on 2027-04-01
          fs/it 的域名注册将于 2027-04-01 到期
        ReviewDue: the review of fs/it was due on 2027-02-10
          fs/it 的年度审核或自查原应于 2027-02-10 完成
        HandlerIdExpiring: the ID of fs/it's handler ends on 2030-01-01
          fs/it 的经办人证件将于 2030-01-01 到期
        LicenceExpiring: the commercial licence of fs/it ends on 2027-05-01
          fs/it 的经营许可证将于 2027-05-01 到期
        PreApprovalExpiring: the approval of fs/it for News ends on 2028-01-01 at spec.approvals[News].expiresAt
          fs/it 的前置审批（News）将于 2028-01-01 到期
        PreApprovalExpiring: the approval of fs/it for Publishing ends on 2028-01-01 at spec.approvals[Publishing].expiresAt
          fs/it 的前置审批（Publishing）将于 2028-01-01 到期
        ");
    }

    #[rstest]
    #[case::approved(json!({}), 7)]
    #[case::under_way(json!({"stage": "Submitted", "number": null}), 7)]
    #[case::sent_back(json!({"stage": "Rejected", "number": null}), 7)]
    #[case::cancelled_so_nothing_is_left_to_end(json!({"stage": "Cancelled"}), 0)]
    #[case::without_dates(json!({"expiresAt": null, "registration": null, "nextReviewAt": null, "handler": {"name": "专员"},
        "licence": {"number": "京ICP证030173号"}, "approvals": []}), 0)]
    fn what_ends_in_a_filing(#[case] over: Value, #[case] expected: usize) {
        assert_eq!(told(&whole(&over), "2026-11-23T12:00:00+08:00").len(), expected);
    }

    #[rstest]
    #[case::in_use(json!({}), 1)]
    #[case::suspended(json!({"state": "Suspended"}), 1)]
    #[case::renews_itself(json!({"autoRenew": true}), 0)]
    #[case::released(json!({"state": "Released"}), 0)]
    fn what_ends_in_a_server(#[case] over: Value, #[case] expected: usize) {
        let mut spec = json!({"expiresAt": "2027-03-01"});
        spec.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        assert_eq!(told(&server("it", spec), "2026-11-23T12:00:00+08:00").len(), expected);
    }

    #[test]
    fn an_exemption_goes_by_its_hosts_and_namespaces_and_its_owner_is_not_told() {
        let exempt = |hosts: Value, namespaces: Value| json!({"hosts": hosts, "namespaces": namespaces, "reason": "moves", "owner": "张三", "until": "2027-01-01"});
        let document = policy(
            "it",
            json!({"exemptions": [
                exempt(json!(["*.示例.中国", "example.net"]), json!([])),
                exempt(json!(["example.net"]), json!(["shop", "web"])),
                exempt(json!(["com.cn"]), json!([])),
            ]}),
        );
        insta::assert_snapshot!(told(&document, "2026-11-23T12:00:00+08:00").join("\n"), @r"
        ExemptionExpiring: the exemption of *.示例.中国, example.net in policy fs/it ends on 2027-01-01 at spec.exemptions[*.示例.中国, example.net].until
          策略 fs/it 对 *.示例.中国, example.net 的豁免将于 2027-01-01 到期
        ExemptionExpiring: the exemption of example.net (shop, web) in policy fs/it ends on 2027-01-01 at spec.exemptions[example.net (shop, web)].until
          策略 fs/it 对 example.net (shop, web) 的豁免将于 2027-01-01 到期
        ");
        let many: Vec<String> = (0..50)
            .map(|number| format!("*.{}{number}.example.com", "商店".repeat(20)))
            .collect();
        let document = policy("it", json!({"exemptions": [exempt(json!(many), json!([]))]}));
        let registry = registry(&[document]);
        let policy = registry.snapshot().policies().next().unwrap();
        assert!(terms_of_policy(policy)[0].end.path().unwrap().len() <= MAX_PATH);
    }

    #[test]
    fn what_the_catalogue_finds_near_is_named_as_the_catalogue_names_it() {
        for end in [End::Record, End::Domain, End::Server] {
            let rule = CATALOGUE.iter().find(|rule| rule.id == end.rule());
            assert!(rule.is_some_and(|rule| rule.foretells), "{end:?}");
        }
    }

    #[test]
    fn a_filing_that_has_no_other_ends_keeps_none() {
        let registry = registry(&[filing("filings/it", json!({}))]);
        let filings = registry.snapshot().filings().filter_map(|(_, kept)| match kept {
            Kept::Read(filing) => Some(filing.others.len()),
            Kept::Unreadable(_) => None,
        });
        assert_eq!(filings.collect::<Vec<_>>(), [0]);
        assert!(
            size_of::<(Other, Day)>() <= 8,
            "thirty approvals in a hundred thousand filings are 24 MB"
        );
    }
}
