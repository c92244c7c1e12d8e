//! A filed domain that is served off the mainland.

use super::case::HostCase;
use super::finding::{Draft, list};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Words};

pub(super) static SERVED_OUTSIDE_MAINLAND: Rule = Rule {
    id: "ServedOutsideMainland",
    pages: documented!("ServedOutsideMainland"),
    severity: None,
    basis: Basis::Practice,
    message: Words {
        en: "{filing} is filed, and served from {place}, off the mainland",
        zh: "{filing} 已备案，却由境外的 {place} 提供服务",
    },
    remedy: Words {
        en: "serve it from where it has access, or cancel the filing if it is to stay abroad",
        zh: "请改由已接入的境内服务器提供服务；若不再回境内，请注销备案",
    },
    foretells: false,
    is_of_the_name_alone: false,
    yields_to: &[],
    checks: &[Check::Outside(on_host)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let filing = case.filing?;
    let places = list(case.places.iter().map(ToString::to_string));
    Some(Draft::new().with("filing", &filing.key).with("place", places))
}
