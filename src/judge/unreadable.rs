//! What there is to say of an object that can't be read, and so can't be judged.

use super::declaration::Declaration;
use crate::api::Colour;
use crate::domain::FieldPath;
use crate::registry::{Policy, Snapshot, Unreadable};
use crate::rules::{self, Detail, Finding, UNREADABLE};

/// The finding on an object that can't be read, on the object as a whole; none: the policy has the rule off.
pub fn unreadable(unreadable: &Unreadable, policy: &Policy) -> Option<Finding> {
    Some(Finding {
        rule: &UNREADABLE,
        severity: rules::severity(&UNREADABLE, None, policy)?,
        path: FieldPath::fixed(""),
        filing: None,
        detail: Detail::Told(vec![("error", unreadable.error.as_str().into())]),
    })
}

/// The answer about a filing or server that can't be read: it is there, and that is all that is known.
pub fn unreadable_declaration(object: &Unreadable, facts: &Snapshot) -> Declaration {
    Declaration {
        findings: unreadable(object, facts.default_policy()).into_iter().collect(),
        colour: Colour::Red,
        is_ready: false,
        ends_soon: None,
        next: None,
    }
}

#[cfg(test)]
mod tests {
    use kube::core::ObjectMeta;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case::by_default(json!({}), Some("Violation"))]
    #[case::weighed_lightly(json!({"Unreadable": "Warning"}), Some("Warning"))]
    #[case::off(json!({"Unreadable": "Disabled"}), None)]
    fn it_is_as_bad_as_the_policy_says(#[case] rules: Value, #[case] expected: Option<&str>) {
        let spec = serde_json::from_value(json!({"rules": rules})).unwrap();
        let policy = Policy::new("default".into(), &ObjectMeta::default(), &spec);
        let unread = Unreadable {
            error: "the field spec.stag is unknown".to_owned(),
            uid: "".into(),
            generation: 1,
        };
        let found = unreadable(&unread, &policy);
        assert_eq!(found.map(|finding| finding.severity.as_str()), expected);
    }
}
