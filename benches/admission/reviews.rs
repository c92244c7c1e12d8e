//! What an API server asks: AdmissionReviews of Ingresses as they are in clusters, half of them made and half changed.

use filing_operator::admission::PATH;
use http::StatusCode;
use serde_json::{Value, json};

use super::fill::HOME;

/// How many different ones there are.
const COUNT: usize = 1_000;
/// Of so many filings one is cancelled.
const CANCELLED: usize = 10;

/// What the webhook is to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Allowed,
    /// For a rule without a host: that no filing can lift, and is answered from memory. Where one could, the API server
    /// is asked first, and its time is what counts.
    Denied,
}

impl Expected {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }

    /// Ends the bench at another answer.
    pub(crate) fn check(self, status: StatusCode, body: &[u8]) {
        let text = std::str::from_utf8(body).expect("it is JSON");
        let expected = match self {
            Self::Allowed => text.contains("\"allowed\":true"),
            Self::Denied => text.contains("\"allowed\":false") && text.contains("[CatchAllHost]"),
        };
        assert!(status == StatusCode::OK && expected, "{PATH} answers {status}: {text}");
    }
}

/// So many of them, spread over all filings.
pub(crate) fn make(filings: usize, expected: Expected) -> Vec<String> {
    let count = COUNT.min(filings / CANCELLED);
    let spread = (0..count).map(|nth| nth * (filings / CANCELLED / count) * CANCELLED);
    spread
        .enumerate()
        .map(|(nth, first)| review(nth, first, expected))
        .collect()
}

/// The first ten filings from a multiple of ten on are in order, but for the last.
fn review(nth: usize, first: usize, expected: Expected) -> String {
    let good = first + nth % (CANCELLED - 1);
    let mut hosts: Vec<String> = ["www", "api", "static"]
        .map(|name| format!("{name}.{}", domain(good)))
        .into();
    let old = ingress(nth, &hosts, 41);
    hosts[2] = format!("img.{}", domain(good));
    let mut new = ingress(nth, &hosts, 42);
    if expected == Expected::Denied
        && let Some(rule) = new["spec"]["rules"][2].as_object_mut()
    {
        rule.remove("host");
    }
    let is_made = nth.is_multiple_of(2);
    let (operation, old, options) = if is_made {
        ("CREATE", Value::Null, "CreateOptions")
    } else {
        ("UPDATE", old, "PatchOptions")
    };
    let options = json!({"kind": options, "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl-client-side-apply",
        "fieldValidation": "Strict"});
    let user = json!({"username": "system:serviceaccount:ci:deployer", "uid": uid(7),
        "groups": ["system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"],
        "extra": {"authentication.kubernetes.io/credential-id": [format!("JTI={}", uid(8))]}});
    let (namespace, uid) = (namespace(nth), uid(nth));
    // In the order in which the API server writes it.
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"{uid}","kind":{{"group":"networking.k8s.io","version":"v1","kind":"Ingress"}},"resource":{{"group":"networking.k8s.io","version":"v1","resource":"ingresses"}},"requestKind":{{"group":"networking.k8s.io","version":"v1","kind":"Ingress"}},"requestResource":{{"group":"networking.k8s.io","version":"v1","resource":"ingresses"}},"name":"shop-{nth}","namespace":"{namespace}","operation":"{operation}","userInfo":{user},"object":{new},"oldObject":{old},"dryRun":false,"options":{options}}}}}"#
    )
}

/// An Ingress as `kubectl apply` makes it, and as a controller and the operator then write to it.
fn ingress(nth: usize, hosts: &[String], generation: u64) -> Value {
    let path = |path: &str, service: &str| json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 8080}}}});
    let paths = json!([
        path("/", "storefront"),
        path("/cart", "checkout"),
        path("/static", "assets")
    ]);
    let rules: Vec<Value> = hosts
        .iter()
        .map(|host| json!({"host": host, "http": {"paths": paths}}))
        .collect();
    let spec = json!({
        "ingressClassName": "nginx", "rules": rules, "tls": [{"hosts": hosts, "secretName": "shop-tls"}],
    });
    let labels = json!({
        "app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": format!("shop-{nth}"),
        "app.kubernetes.io/version": "4.2.1", "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "shop-1.9.0",
    });
    let mut annotations = json!({
        "cert-manager.io/cluster-issuer": "letsencrypt-prod",
        "nginx.ingress.kubernetes.io/proxy-body-size": "32m",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "60",
        "nginx.ingress.kubernetes.io/ssl-redirect": "true",
        "nginx.ingress.kubernetes.io/configuration-snippet": "more_set_headers \"X-Frame-Options: DENY\";\nmore_set_headers \"X-Content-Type-Options: nosniff\";\n",
    });
    let (name, namespace) = (format!("shop-{nth}"), namespace(nth));
    let applied = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": spec,
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations}});
    let none = json!({});
    let keys = |of: &Value| -> Value {
        let all = of.as_object().expect("it is an object").keys();
        all.map(|key| (format!("f:{key}"), none.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut applied_fields = json!({"f:metadata": {"f:annotations": keys(&annotations), "f:labels": keys(&labels)},
        "f:spec": {"f:ingressClassName": {}, "f:rules": {}, "f:tls": {}}});
    applied_fields["f:metadata"]["f:annotations"]["."] = json!({});
    annotations["kubectl.kubernetes.io/last-applied-configuration"] = json!(applied.to_string() + "\n");
    annotations["filing-operator.io/verdict"] = json!("Compliant");
    annotations["filing-operator.io/number"] = json!("京ICP备2021012345号-1");
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid(nth), "resourceVersion": "81930211",
            "generation": generation, "creationTimestamp": "2026-03-05T08:11:42Z", "labels": labels,
            "annotations": annotations,
            "managedFields": [
                {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "networking.k8s.io/v1",
                    "time": "2026-11-02T02:12:55Z", "fieldsType": "FieldsV1", "fieldsV1": applied_fields},
                {"manager": "filing-operator-routes", "operation": "Apply", "apiVersion": "networking.k8s.io/v1",
                    "time": "2026-11-02T02:12:56Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {
                        "f:annotations": {"f:filing-operator.io/number": {}, "f:filing-operator.io/verdict": {}}}}},
                {"manager": "nginx-ingress-controller", "operation": "Update", "apiVersion": "networking.k8s.io/v1",
                    "time": "2026-11-02T02:13:20Z", "fieldsType": "FieldsV1", "subresource": "status",
                    "fieldsV1": {"f:status": {"f:loadBalancer": {"f:ingress": {}}}}},
            ],
        },
        "spec": spec,
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.10"}]}},
    })
}

fn namespace(nth: usize) -> String {
    format!("team-{}", nth % 200)
}

fn domain(nth: usize) -> String {
    format!("site-{nth}.cn")
}

fn uid(nth: usize) -> String {
    format!("5b0c8e1c-0f5c-4d29-9f0e-{nth:012}")
}

/// A filing as the API server lists it, with the status that the operator gave it.
pub(crate) fn filing(nth: usize) -> Value {
    let is_cancelled = nth % CANCELLED == CANCELLED - 1;
    let (stage, colour, ready) = if is_cancelled {
        ("Cancelled", "Red", "False")
    } else {
        ("Approved", "Blue", "True")
    };
    // Three sites of each subject.
    let main = format!("京ICP备{}号", 2_021_000_000 + nth / 3);
    let domain = domain(nth);
    json!({
        "apiVersion": "filing-operator.io/v1alpha1", "kind": "Filing",
        "metadata": {
            "name": format!("site-{nth}"), "namespace": HOME, "uid": uid(nth), "resourceVersion": format!("{}", 1_000 + nth),
            "generation": 3, "creationTimestamp": "2026-01-05T08:00:00Z",
            "managedFields": [
                {"manager": "kubectl-create", "operation": "Update", "apiVersion": "filing-operator.io/v1alpha1",
                    "time": "2026-01-05T08:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {".": {},
                        "f:access": {}, "f:approvedAt": {}, "f:domains": {}, "f:number": {}, "f:stage": {},
                        "f:registration": {".": {}, "f:expiresAt": {}, "f:holder": {}, "f:verified": {}},
                        "f:service": {".": {}, "f:kind": {}, "f:name": {}},
                        "f:subject": {".": {}, "f:mainNumber": {}, "f:name": {}, "f:nature": {}, "f:province": {}}}}},
                {"manager": "filing-operator", "operation": "Apply", "apiVersion": "filing-operator.io/v1alpha1",
                    "time": "2026-01-05T08:00:01Z", "fieldsType": "FieldsV1", "subresource": "status",
                    "fieldsV1": {"f:status": {"f:colour": {}, "f:conditions": {"k:{\"type\":\"Ready\"}": {".": {},
                        "f:lastTransitionTime": {}, "f:message": {}, "f:reason": {}, "f:status": {}, "f:type": {}}},
                        "f:domains": {}, "f:expiresAt": {}, "f:nextReminder": {}, "f:nextTransition": {},
                        "f:nextSelfCheck": {}, "f:observed": {}, "f:observedGeneration": {}, "f:policy": {},
                        "f:routes": {}}}},
            ],
        },
        "spec": {
            "domains": [domain], "number": format!("{main}-{}", nth % 3 + 1), "stage": stage,
            "subject": {"name": "示例科技有限公司", "nature": "Enterprise", "province": "CN-BJ", "mainNumber": main},
            "service": {"name": "示例商城", "kind": "Website"},
            "registration": {"holder": "示例科技有限公司", "expiresAt": format!("2037-{:02}-{:02}", nth % 12 + 1, nth % 28 + 1),
                "verified": true},
            "access": [{"provider": "alicloud", "regions": ["cn-beijing"], "stage": "Approved"}],
            "approvedAt": "2021-02-20",
        },
        "status": {
            "observedGeneration": 3, "policy": "default", "colour": colour, "nextSelfCheck": "2027-02-20T01:00:00Z",
            "expiresAt": "2037-01-15", "domains": domain,
            "conditions": [{"type": "Ready", "status": ready, "reason": stage, "message": "it is approved, and nothing is wrong",
                "observedGeneration": 3, "lastTransitionTime": "2026-11-23T02:00:00Z"}],
            "routes": 0, "nextTransition": "2036-10-16T16:00:00Z", "nextReminder": "2036-10-17T01:00:00Z",
            "observed": {"stage": stage, "access": [{"provider": "alicloud", "stage": "Approved"}]},
        },
    })
}
