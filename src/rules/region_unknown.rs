//! A site of which it can't be told where it is.

use super::case::AccessCase;
use super::finding::{Draft, Value, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::domain::Location;

pub(super) static REGION_UNKNOWN: Rule = Rule {
    id: "RegionUnknown",
    pages: documented!("RegionUnknown"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "where {site} is can't be told, so access is not judged",
        zh: "无法判断{site}所在位置，因此未检查接入",
    },
    remedy: Words {
        en: "say it in spec.site of the policy, or with --provider and --region; for a data centre of your own, its province too",
        zh: "请在策略的 spec.site 中或用 --provider、--region 写明服务商和地域，自有机房还需写明省份",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Access(on_access)],
};

fn on_access(case: &AccessCase<'_>) -> Option<Draft> {
    let unknown: Vec<String> = case
        .places
        .iter()
        .filter(|place| place.location == Location::Unknown)
        .map(ToString::to_string)
        .collect();
    if !unknown.is_empty() {
        let names = list(unknown);
        return Some(Draft::new().with(
            "site",
            Value::Both {
                zh: format!(" {names} "),
                en: names,
            },
        ));
    }
    case.is_nowhere
        .then(|| Draft::new().with("site", Value::words("the site", "站点")))
}
