//! An annotation that can add hosts which nobody can tell.

use super::case::HostCase;
use super::finding::{Draft, Value};
use super::page::documented;
use super::rule::{Basis, Check, Rule, Severity, Words};
use crate::route::{Cause, Claimed};

pub(super) static OPAQUE_CONFIGURATION: Rule = Rule {
    id: "OpaqueConfiguration",
    pages: documented!("OpaqueConfiguration"),
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    message: Words {
        en: "the annotation {annotation} {cause}",
        zh: "注解 {annotation} {cause}",
    },
    remedy: Words {
        en: "name its hosts in spec.rules, and leave the annotation out",
        zh: "请在 spec.rules 中写明主机名，并去掉该注解",
    },
    foretells: false,
    is_of_the_name_alone: true,
    yields_to: &[],
    checks: &[Check::Host(on_host)],
};

fn on_host(case: &HostCase<'_>) -> Option<Draft> {
    let Claimed::Opaque(opaque) = case.claimed else {
        return None;
    };
    let reason = match &opaque.cause {
        Cause::Configuration => Value::words(
            "is configuration that can add hosts, and they can't be told from it",
            "是可以增加主机名的配置，无法从中判断有哪些",
        ),
        Cause::Pattern(text) => {
            // Without what a terminal would act on; but expressions are full of backslashes, which do no harm.
            let text = text.escape_debug().to_string().replace(r"\\", r"\");
            Value::Both {
                en: format!(
                    "answers for all that fits the regular expression {text}, and the hosts can't be told from it"
                ),
                zh: format!("会响应符合正则表达式 {text} 的所有主机名，无法判断有哪些"),
            }
        }
        Cause::Malformed => Value::words(
            "is no valid JSON, and the hosts in it can't be told",
            "不是有效的 JSON，无法判断其中有哪些主机名",
        ),
    };
    Some(
        Draft::new()
            .with("annotation", opaque.annotation.as_ref())
            .with("cause", reason),
    )
}
