//! The resources of group `filing-operator.io`, version `v1alpha1`, as users write them and as the operator answers.
//!
//! What is here is what was typed, checked for its shape alone. It must not judge: whether a number, a domain or a
//! filing is good is for the rooms to the right.

mod crds;
pub mod filing;
pub mod keys;
pub mod policy;
pub mod read;
mod schema;
pub mod server;
pub mod status;

use serde::{Deserialize, Deserializer};

pub use crds::{crd_files, crds, crds_yaml};
pub use filing::{
    Access, AccessStage, AllowedNamespaces, Approval, Change, ContentType, Filing, FilingSpec, FilingStatus, Handler,
    Licence, NamespacesFrom, Nature, PublicSecurity, Registration, Service, ServiceKind, Stage, Subject,
};
pub use policy::{
    Admission, Brake, Exemption, FilingPolicy, FilingPolicySpec, FilingPolicyStatus, FilingsFrom, Grace, MainlandCdn,
    RouteCounts, RouteMatch, RuleLevel, Running, SitePlace, SiteSpec,
};
pub use server::{AccessServer, AccessServerSpec, AccessServerStatus, Blocklisted, ServerState};
pub use status::{
    Colour, DeclarationStatus, FieldChange, FieldValue, ProviderStage, Reminder, Stages, StatusFinding, StatusSeverity,
};

/// Reads a null as if the field were not there. The API server drops nulls, so that whoever reads the same object from a
/// file must not stumble over them.
fn null_is_absent<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        object: Value,
    }

    /// Reads a spec and writes it again.
    fn again<S: DeserializeOwned + serde::Serialize>(spec: &Value) -> Value {
        serde_json::to_value(serde_json::from_value::<S>(spec.clone()).unwrap()).unwrap()
    }

    /// What of `typed` is missing or different in `written`; what is written beside it are defaults.
    fn lost(path: &str, typed: &Value, written: &Value, losses: &mut Vec<String>) {
        match (typed, written) {
            (Value::Object(typed), Value::Object(written)) => {
                for (key, value) in typed {
                    lost(
                        &format!("{path}.{key}"),
                        value,
                        written.get(key).unwrap_or(&Value::Null),
                        losses,
                    );
                }
            }
            (Value::Array(typed), Value::Array(written)) if typed.len() == written.len() => {
                for (at, (typed, written)) in typed.iter().zip(written).enumerate() {
                    lost(&format!("{path}[{at}]"), typed, written, losses);
                }
            }
            (typed, Value::Null) if *typed == json!([]) || *typed == json!({}) => {}
            (typed, written) if typed != written => losses.push(format!("{path}: {typed} became {written}")),
            _ => {}
        }
    }

    #[test]
    fn nothing_that_is_typed_gets_lost() {
        let cases: Vec<Case> = serde_saphyr::from_str(include_str!("../../tests/it/shapes/right.yaml")).unwrap();
        assert!(!cases.is_empty());
        for Case { name, object } in cases {
            let spec = &object["spec"];
            let written = match object["kind"].as_str().unwrap() {
                "Filing" => again::<FilingSpec>(spec),
                "AccessServer" => again::<AccessServerSpec>(spec),
                "FilingPolicy" => again::<FilingPolicySpec>(spec),
                kind => panic!("{name}: what is a {kind}?"),
            };
            let mut losses = Vec::new();
            lost("spec", spec, &written, &mut losses);
            assert!(losses.is_empty(), "{name}: {losses:?}");
        }
    }

    #[test]
    fn a_policy_that_says_nothing_is_the_default_one() {
        assert_eq!(
            serde_json::from_value::<FilingPolicySpec>(json!({})).unwrap(),
            FilingPolicySpec::default()
        );
    }

    #[test]
    fn a_null_is_a_field_that_is_not_there() {
        let absent = json!({"domains": ["example.com"], "subject": {"name": "示例", "nature": "Individual"}});
        let mut null = absent.clone();
        for field in [
            "number",
            "stage",
            "change",
            "service",
            "access",
            "approvals",
            "allowedNamespaces",
        ] {
            null[field] = Value::Null;
        }
        assert_eq!(again::<FilingSpec>(&null), again::<FilingSpec>(&absent));

        let null = json!({"rules": null, "grace": null, "reminders": null, "brake": null, "admission": null});
        assert_eq!(again::<FilingPolicySpec>(&null), again::<FilingPolicySpec>(&json!({})));
    }

    /// What the values have at the key.
    fn used<'v>(values: &[&'v Value], key: &str) -> Vec<&'v Value> {
        values
            .iter()
            .filter_map(|value| value.get(key))
            .flat_map(elements)
            .collect()
    }

    fn elements(value: &Value) -> Vec<&Value> {
        value
            .as_array()
            .map_or_else(|| vec![value], |elements| elements.iter().collect())
    }

    fn unused(path: &str, schema: &Value, values: &[&Value], found: &mut Vec<String>) {
        let schema = schema.get("items").unwrap_or(schema);
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            let values = used(values, key);
            if values.is_empty() {
                found.push(path);
            } else {
                unused(&path, schema, &values, found);
            }
        }
    }

    #[test]
    fn every_field_is_used_in_an_object_that_is_accepted() {
        let cases: Vec<Case> = serde_saphyr::from_str(include_str!("../../tests/it/shapes/right.yaml")).unwrap();
        for crd in crds() {
            let crd = serde_json::to_value(crd).unwrap();
            let kind = &crd["spec"]["names"]["kind"];
            let specs: Vec<&Value> = cases
                .iter()
                .map(|case| &case.object)
                .filter(|it| it["kind"] == *kind)
                .map(|it| &it["spec"])
                .collect();
            let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
            let mut found = Vec::new();
            unused("spec", schema, &specs, &mut found);
            assert!(found.is_empty(), "no {kind} in right.yaml has {found:?}");
        }
    }
}
