//! What an entry says, in both languages. Neither who a handler is nor any number of an ID is told.

use super::facts::duration;
use super::{Entry, Object, Task};
use crate::domain::Day;
use crate::effects::End;
use crate::registry::Other;
use crate::rules::{Basis, Lang, list};

/// Where the rule about annual reports is from.
const REPORTS: &str = "sunkam.cn/wzzt/wzicp; tencentyun/qcloud-documents 经营性备案.md: the annual report of a licence is made from January to March";
/// Where the order of a migration is from.
const MIGRATIONS: &str = "tencentyun/qcloud-documents 接入备案类.md and 网站访问类.md: each provider that serves a domain holds an access of it; the new one comes first, for without any the filing is cancelled";
/// Where the need of a review is from.
const REVIEWS: &str = "the declared day; MII Order 33 (2005) foresees reviews";
const LEASES: &str = "tencentyun/qcloud-documents 备案号.md: where a server lapses, its provider cancels the access";
const RECORDS: &str = "the declared day; a filing as such has no term (tencentyun/qcloud-documents 备案号.md)";
const DOMAINS: &str = "tencentyun/qcloud-documents 备案域名.md: a filed domain has not lapsed";
const IDS: &str = "huaweicloud/huaweicloud-skills@c54c1bc kb/备案变更咨询.md: filed data are kept up to date";
const APPROVALS: &str = "State Council Order 292 art. 5: content that needs an approval has one";
const LICENCES: &str = "sunkam.cn/wzzt/wzicp: a licence is valid for five years";
const EXEMPTIONS: &str = "the policy's own word";

impl Entry {
    /// What is to be done, in a sentence that stands alone.
    pub fn what(&self, lang: Lang) -> String {
        let what = self.task.what(&self.object, self.days < 0, lang);
        let is_awaited = matches!(
            self.task,
            Task::AccessDecision { .. } | Task::Stage { .. } | Task::Approval { .. }
        );
        match (self.until, &self.task) {
            (Some(until), _) if is_awaited && self.days < 0 => late(&what, until, lang),
            (Some(until), Task::Approval { .. }) => approval(&what, self.date, until, lang),
            _ => what,
        }
    }

    /// That the holidays of some of the years are not announced, where it was counted through them.
    pub fn unknown_holidays(&self, lang: Lang) -> Option<String> {
        unknown_holidays(&self.unknown_years, lang)
    }

    /// Where it is said.
    pub fn source(&self) -> &'static str {
        self.task.source()
    }
}

/// That the holidays of these years are not announced, where there is any.
pub(crate) fn unknown_holidays(years: &[i16], lang: Lang) -> Option<String> {
    let years = list(years.iter().map(ToString::to_string));
    (!years.is_empty()).then(|| match lang {
        Lang::En => format!("the holidays of {years} are not published: Monday to Friday are counted"),
        Lang::Zh => format!("{years} 年的节假日安排尚未公布：按周一至周五计算"),
    })
}

/// Of what others do, and have not done in the usual time.
fn late(what: &str, until: Day, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{what}; it should have come by {until}: ask the provider"),
        Lang::Zh => format!("{what}；按通常时限应已于 {until} 前完成，请向接入商查询"),
    }
}

fn approval(what: &str, earliest: Day, latest: Day, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{what}: {earliest} at the earliest, usually by {latest}"),
        Lang::Zh => format!("{what}：最早 {earliest}，通常不晚于 {latest}"),
    }
}

impl Task {
    fn what(&self, object: &Object, is_over: bool, lang: Lang) -> String {
        let name = object.path();
        match self {
            Self::Renewal { end, last, step } => renewal(step.name(lang), &end.of(&name, lang), *last, lang),
            Self::Ends { end } => ends(end, &end.of(&name, lang), is_over, lang),
            Self::Reminder { end, last, threshold } => reminder(end, &end.of(&name, lang), *last, *threshold, lang),
            Self::RenewsItself => match lang {
                Lang::En => {
                    format!("the server {name} renews itself: see that the account can pay; no other step is needed")
                }
                Lang::Zh => format!("服务器 {name} 自动续费：请确认账户余额充足，无需其他步骤"),
            },
            Self::FileAccess { .. } | Self::AccessDecision { .. } | Self::Move { .. } | Self::CancelAccess { .. } => {
                self.migration(&name, lang)
            }
            Self::Papers { is_handed_in, .. } => match (lang, is_handed_in) {
                (Lang::En, false) => format!("gather the papers of {name}"),
                (Lang::En, true) => format!("keep the papers of {name} at hand, should they be asked for"),
                (Lang::Zh, false) => format!("备齐 {name} 的备案材料"),
                (Lang::Zh, true) => format!("留存 {name} 的备案材料，以备补充"),
            },
            Self::HandIn { .. } | Self::Stage { .. } | Self::Approval { .. } => self.procedure(&name, lang),
            Self::FilePublicSecurity { launched, term } => match lang {
                Lang::En => format!(
                    "file {name} with public security: within {} days of its launch on {launched}",
                    term.longest()
                ),
                Lang::Zh => format!("办理 {name} 的公安联网备案：{launched} 开通后 {} 日内", term.longest()),
            },
            Self::ReportLicence { year } => match lang {
                Lang::En => {
                    format!("make the annual report of the commercial licence of {name}: January to March {year}")
                }
                Lang::Zh => format!("报送 {name} 的经营许可证年报：{year} 年 1 月至 3 月"),
            },
        }
    }

    fn migration(&self, name: &str, lang: Lang) -> String {
        match (self, lang) {
            (Self::FileAccess { provider, from, moves }, Lang::En) => format!(
                "hand in the access of {name} at {provider}, unless that is done: by this day it is approved in time for the move from {from} on {moves} ({})",
                access_spread(lang)
            ),
            (Self::FileAccess { provider, from, moves }, Lang::Zh) => format!(
                "向 {provider} 提交 {name} 的新增接入备案（如尚未提交）：最迟当日，方可在 {moves} 自 {from} 迁移前通过（{}）",
                access_spread(lang)
            ),
            (
                Self::AccessDecision {
                    provider,
                    moves: Some(moves),
                },
                Lang::En,
            ) => {
                format!("the access of {name} at {provider} is approved, before the move on {moves}")
            }
            (
                Self::AccessDecision {
                    provider,
                    moves: Some(moves),
                },
                Lang::Zh,
            ) => {
                format!("{name} 在 {provider} 的接入备案应在 {moves} 迁移前通过")
            }
            (Self::AccessDecision { provider, moves: None }, Lang::En) => {
                format!(
                    "the access of {name} at {provider} is decided on ({})",
                    access_spread(lang)
                )
            }
            (Self::AccessDecision { provider, moves: None }, Lang::Zh) => {
                format!("{name} 在 {provider} 的接入备案出结果（{}）", access_spread(lang))
            }
            (Self::Move { provider, from }, Lang::En) => format!(
                "move {name} from {from} to {provider}, once its access there is approved; keep that at {from} until it is done"
            ),
            (Self::Move { provider, from }, Lang::Zh) => {
                format!("{name} 自 {from} 迁移到 {provider}：新接入通过后再迁，迁完前保留 {from} 的接入")
            }
            (
                Self::CancelAccess {
                    from,
                    provider,
                    hand_in,
                    grace,
                },
                Lang::En,
            ) => format!(
                "cancel the access of {name} at {from}, once {provider} serves it: at most {grace} days after the move; hand it in by {hand_in} ({})",
                duration("access-cancel").spread(lang)
            ),
            (
                Self::CancelAccess {
                    from,
                    provider,
                    hand_in,
                    grace,
                },
                Lang::Zh,
            ) => format!(
                "{provider} 提供服务后，取消 {name} 在 {from} 的接入：不晚于迁移后 {grace} 天；最迟 {hand_in} 提交（{}）",
                duration("access-cancel").spread(lang)
            ),
            _ => String::new(),
        }
    }

    fn procedure(&self, name: &str, lang: Lang) -> String {
        match (self, lang) {
            (
                Self::HandIn {
                    is_change: false,
                    is_again: false,
                },
                Lang::En,
            ) => format!("hand in the filing of {name}"),
            (
                Self::HandIn {
                    is_change: false,
                    is_again: true,
                },
                Lang::En,
            ) => {
                format!("mend what the filing of {name} was sent back for, and hand it in again")
            }
            (
                Self::HandIn {
                    is_change: true,
                    is_again: false,
                },
                Lang::En,
            ) => format!("hand in the change of {name}"),
            (
                Self::HandIn {
                    is_change: true,
                    is_again: true,
                },
                Lang::En,
            ) => {
                format!("mend what the change of {name} was sent back for, and hand it in again")
            }
            (
                Self::HandIn {
                    is_change: false,
                    is_again: false,
                },
                Lang::Zh,
            ) => format!("提交 {name} 的备案申请"),
            (
                Self::HandIn {
                    is_change: false,
                    is_again: true,
                },
                Lang::Zh,
            ) => {
                format!("按驳回原因修改 {name} 的备案申请，重新提交")
            }
            (
                Self::HandIn {
                    is_change: true,
                    is_again: false,
                },
                Lang::Zh,
            ) => format!("提交 {name} 的变更备案"),
            (
                Self::HandIn {
                    is_change: true,
                    is_again: true,
                },
                Lang::Zh,
            ) => {
                format!("按驳回原因修改 {name} 的变更备案，重新提交")
            }
            (
                Self::Stage {
                    stage,
                    is_change: false,
                },
                Lang::En,
            ) => {
                format!("{name}: {} ({})", stage.name(lang), stage.spread(lang))
            }
            (Self::Stage { stage, is_change: true }, Lang::En) => {
                format!("change of {name}: {} ({})", stage.name(lang), stage.spread(lang))
            }
            (
                Self::Stage {
                    stage,
                    is_change: false,
                },
                Lang::Zh,
            ) => {
                format!("{name}：{}（{}）", stage.name(lang), stage.spread(lang))
            }
            (Self::Stage { stage, is_change: true }, Lang::Zh) => {
                format!("{name} 的变更：{}（{}）", stage.name(lang), stage.spread(lang))
            }
            (Self::Approval { is_change: false }, Lang::En) => format!("likely approval of {name}"),
            (Self::Approval { is_change: true }, Lang::En) => format!("likely approval of the change of {name}"),
            (Self::Approval { is_change: false }, Lang::Zh) => format!("{name} 预计通过备案"),
            (Self::Approval { is_change: true }, Lang::Zh) => format!("{name} 的变更预计通过"),
            _ => String::new(),
        }
    }

    pub(super) fn basis(&self) -> Basis {
        match self {
            Self::Renewal { step, .. } => step.basis,
            Self::Ends { end } | Self::Reminder { end, .. } => basis_of(end),
            Self::Stage { stage: term, .. } | Self::FilePublicSecurity { term, .. } => term.basis,
            Self::ReportLicence { .. } => Basis::Regulation,
            Self::CancelAccess { .. } => Basis::Advice,
            Self::RenewsItself
            | Self::FileAccess { .. }
            | Self::AccessDecision { .. }
            | Self::Move { .. }
            | Self::Papers { .. }
            | Self::HandIn { .. }
            | Self::Approval { .. } => Basis::Practice,
        }
    }

    fn source(&self) -> &'static str {
        match self {
            Self::Renewal { step, .. } => step.source,
            Self::Ends { end } | Self::Reminder { end, .. } => source_of(end),
            Self::Stage { stage: term, .. } | Self::FilePublicSecurity { term, .. } => term.source,
            Self::ReportLicence { .. } => REPORTS,
            Self::CancelAccess { .. } => duration("migration").source,
            Self::FileAccess { .. } | Self::Move { .. } => MIGRATIONS,
            Self::RenewsItself => LEASES,
            Self::Papers { .. } => "facts/papers.csv, a source for each paper",
            Self::AccessDecision { .. } | Self::HandIn { .. } | Self::Approval { .. } => {
                duration("bureau-review").source
            }
        }
    }
}

/// What an access takes: the first review and the bureau's.
fn access_spread(lang: Lang) -> String {
    let [review, bureau] = ["provider-review", "bureau-review"].map(|stage| {
        let stage = duration(stage);
        (stage.name(lang), stage.spread(lang))
    });
    match lang {
        Lang::En => format!("{}: {}; {}: {}", review.0, review.1, bureau.0, bureau.1),
        Lang::Zh => format!("{} {}，{} {}", review.0, review.1, bureau.0, bureau.1),
    }
}

fn renewal(step: &str, what: &str, last: Day, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{step}: {what} ends on {last}"),
        Lang::Zh => format!("{step}：{what}将于 {last} 到期"),
    }
}

fn ends(end: &End, what: &str, is_over: bool, lang: Lang) -> String {
    match (end.is_loss(), is_over, lang) {
        (true, false, Lang::En) => format!("{what} ends: this is its last day"),
        (true, false, Lang::Zh) => format!("{what}到期：当日为最后一天"),
        (true, true, Lang::En) => format!("{what} has ended"),
        (true, true, Lang::Zh) => format!("{what}已到期"),
        (false, false, Lang::En) => format!("{what} is due"),
        (false, false, Lang::Zh) => format!("{what}应于当日完成"),
        (false, true, Lang::En) => format!("{what} was due"),
        (false, true, Lang::Zh) => format!("{what}原应于当日完成"),
    }
}

fn reminder(end: &End, what: &str, last: Day, threshold: u32, lang: Lang) -> String {
    match (lang, end.is_loss()) {
        (Lang::En, is_loss) => {
            let verb = if is_loss { "ends" } else { "is due" };
            let days = if threshold == 1 { "day" } else { "days" };
            format!("reminder, at 09:00: {what} {verb} on {last}, in {threshold} {days}")
        }
        (Lang::Zh, true) => format!("09:00 提醒：{what}将于 {last} 到期，还有 {threshold} 天"),
        (Lang::Zh, false) => format!("09:00 提醒：{what}应于 {last} 完成，还有 {threshold} 天"),
    }
}

fn basis_of(end: &End) -> Basis {
    match end {
        End::Other(Other::Licence | Other::Approval(_)) => Basis::Regulation,
        End::Record | End::Domain | End::Server | End::Other(Other::HandlerId) => Basis::Practice,
        End::Other(Other::Review) | End::Exemption(_) => Basis::Advice,
    }
}

fn source_of(end: &End) -> &'static str {
    match end {
        End::Record => RECORDS,
        End::Domain => DOMAINS,
        End::Server => LEASES,
        End::Exemption(_) => EXEMPTIONS,
        End::Other(Other::Review) => REVIEWS,
        End::Other(Other::HandlerId) => IDS,
        End::Other(Other::Licence) => LICENCES,
        End::Other(Other::Approval(_)) => APPROVALS,
    }
}
