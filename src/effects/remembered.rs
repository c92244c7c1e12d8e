//! What is remembered of a declaration's status: as much as the next one is made of, and what tells whether that is
//! another. A cluster may have a hundred thousand of them, and most of a status is text that is only written.

use sha2::{Digest as _, Sha256};

use crate::api::DeclarationStatus;

/// The status of a filing or server as it was last seen or written, in a third of its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Of all but the count of routes.
    digest: [u8; 16],
    routes: Option<u32>,
    /// What [`Remembered::recall`] gives back, as JSON.
    kept: Box<[u8]>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self::of(DeclarationStatus::default())
    }
}

impl Remembered {
    /// Remembers a status.
    pub fn of(mut status: DeclarationStatus) -> Self {
        let routes = status.routes.take();
        let digest = digest(&status);
        // Each field that is not kept is written anew each time, whatever it was.
        let mut kept = DeclarationStatus {
            observed_generation: None,
            policy: None,
            expires_at: None,
            domains: None,
            findings: Vec::new(),
            next_transition: None,
            next_reminder: None,
            ..status
        };
        for condition in &mut kept.conditions {
            condition.reason = String::new();
            condition.message = String::new();
            condition.observed_generation = None;
        }
        Self {
            digest,
            routes,
            kept: json(&kept).into_boxed_slice(),
        }
    }

    /// What the next status is made of: the moments that stay, the conditions without their words, what was reminded of,
    /// and how it has come so far.
    pub(super) fn recall(&self) -> DeclarationStatus {
        serde_json::from_slice(&self.kept).unwrap_or_default()
    }

    /// Whether a status is the one that is remembered.
    pub(super) fn is(&self, status: &DeclarationStatus) -> bool {
        self.routes == status.routes && self.differs_at_most_in_routes(status)
    }

    /// Whether it is, but for the count of routes.
    pub fn differs_at_most_in_routes(&self, status: &DeclarationStatus) -> bool {
        let uncounted = DeclarationStatus {
            routes: None,
            ..status.clone()
        };
        self.digest == digest(&uncounted)
    }
}

/// Half of its SHA-256: nobody can make two that are alike.
fn digest(status: &DeclarationStatus) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(json(status)).into();
    let mut half = [0; 16];
    half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    half
}

/// Its keys are texts and its numbers whole, so that it can always be written.
fn json(status: &DeclarationStatus) -> Vec<u8> {
    serde_json::to_vec(status).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn document() -> Value {
        json!({
            "observedGeneration": 3, "policy": "default", "colour": "Yellow",
            "respondBy": "2026-11-27T02:00:00Z", "nextSelfCheck": "2027-02-20T01:00:00Z", "expiresAt": "2027-02-20",
            "domains": "example.com",
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Approved", "message": "it is approved, and nothing is wrong",
                "observedGeneration": 3, "lastTransitionTime": "2026-11-23T02:00:00Z",
            }],
            "findings": [{
                "rule": "FilingExpiring", "severity": "Warning", "path": "spec.expiresAt",
                "message": "the record ends on 2027-02-20; ask the provider what it needs to go on",
            }],
            "routes": 2, "nextTransition": "2027-02-20T16:00:00Z", "nextReminder": "2027-01-21T01:00:00Z",
            "reminders": [{"rule": "FilingExpiring", "date": "2027-02-20", "threshold": 90}],
            "observed": {"stage": "Approved"},
            "changes": [{"field": "spec.stage", "from": "SecondReview", "to": "Approved", "at": "2026-11-23T02:00:00Z"}],
        })
    }

    fn status(document: &Value) -> DeclarationStatus {
        serde_json::from_value(document.clone()).unwrap()
    }

    #[rstest]
    #[case::generation("/observedGeneration", json!(4))]
    #[case::moment_that_stays("/respondBy", json!("2026-11-28T02:00:00Z"))]
    #[case::domains("/domains", json!("example.com, example.net"))]
    #[case::words_of_a_condition("/conditions/0/message", json!("it is approved"))]
    #[case::finding("/findings/0/path", json!("spec.registration.expiresAt"))]
    #[case::routes("/routes", json!(3))]
    #[case::next_reminder("/nextReminder", json!("2027-01-31T01:00:00Z"))]
    #[case::reminder("/reminders/0/threshold", json!(30))]
    fn a_status_that_differs_in_anything_is_another(#[case] field: &str, #[case] other: Value) {
        let remembered = Remembered::of(status(&document()));
        assert!(remembered.is(&status(&document())));
        let mut changed = document();
        *changed.pointer_mut(field).unwrap() = other;
        assert!(!remembered.is(&status(&changed)));
        assert_ne!(Remembered::of(status(&changed)), remembered);
        let is_a_count = field == "/routes";
        assert_eq!(remembered.differs_at_most_in_routes(&status(&changed)), is_a_count);
    }

    #[test]
    fn what_the_next_status_is_made_of_is_recalled_and_what_is_only_written_is_not() {
        let recalled = Remembered::of(status(&document())).recall();
        insta::assert_json_snapshot!(recalled, @r#"
        {
          "colour": "Yellow",
          "respondBy": "2026-11-27T02:00:00Z",
          "nextSelfCheck": "2027-02-20T01:00:00Z",
          "conditions": [
            {
              "lastTransitionTime": "2026-11-23T02:00:00Z",
              "message": "",
              "reason": "",
              "status": "True",
              "type": "Ready"
            }
          ],
          "reminders": [
            {
              "rule": "FilingExpiring",
              "date": "2027-02-20",
              "threshold": 90
            }
          ],
          "observed": {
            "stage": "Approved"
          },
          "changes": [
            {
              "field": "spec.stage",
              "from": "SecondReview",
              "to": "Approved",
              "at": "2026-11-23T02:00:00Z"
            }
          ]
        }
        "#);
    }
}
