//! An annotation that can add hosts which nobody can tell.

use super::case::HostCase;
use super::finding::{Draft, Value};
use super::rule::{Basis, Check, Examples, Rule, Severity, Words};
use crate::route::{Cause, Claimed};

pub(super) static OPAQUE_CONFIGURATION: Rule = Rule {
    id: "OpaqueConfiguration",
    severity: Some(Severity::Warning),
    basis: Basis::Practice,
    source: "The manuals of the ingress controllers, by facts/ingress-annotations.csv: such an annotation is given to the proxy as it stands. A host that it adds is served, filed or not.",
    title: Words {
        en: "an annotation that can add hosts in a way that can't be judged",
        zh: "注解可能以无法判断的方式增加主机名",
    },
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
    examples: Examples {
        bad: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/server-snippet: server_name shop.example.net;
    nginx.ingress.kubernetes.io/server-alias: m.example.com, ~^shop\\d+\\.example\\.
    kubernetes.io/ingress.http-rules: '[{\"host\": \"www.example.com\"'
spec: {rules: [{host: www.example.com}]}
",
        fires: &[
            "Ingress shop/web metadata.annotations[kubernetes.io/ingress.http-rules]",
            "Ingress shop/web metadata.annotations[nginx.ingress.kubernetes.io/server-alias]",
            "Ingress shop/web metadata.annotations[nginx.ingress.kubernetes.io/server-snippet]",
        ],
        good: "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Approved}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/server-alias: m.example.com, shop1.example.com
spec: {rules: [{host: www.example.com}]}
",
    },
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
