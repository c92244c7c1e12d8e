//! What is remembered of a declaration's status: as much as the next one is made of, and what tells whether that is
//! another. A cluster may have a hundred thousand of them, and most of a status is text that is only written.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::history::core_of;
use crate::api::{
    AccessStage, Colour, DeclarationStatus, FieldChange, FieldValue, ProviderStage, Reminder, ServerState, Stage,
    Stages,
};
use crate::registry::Filing;

/// The status of a filing or server as it was last seen or written, in a fifth of its memory: a digest of all but the count
/// of routes, that count, and what is recalled of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered(Box<[u8]>);

/// How long the digest is, in bytes.
const DIGEST: usize = 16;
/// How long a count of routes is; one that is not known is longer than any.
const COUNT: usize = 5;

/// Each field that is not kept is written anew each time, whatever it was. Times are whole seconds, as in a status.
#[derive(Default, Deserialize, Serialize)]
struct Kept {
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    colour: Option<Colour>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    respond_by: Option<i64>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    next_self_check: Option<i64>,
    /// By type and status, each with its last transition.
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<(String, String, i64)>,
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    reminders: Vec<Reminder>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    stages: Option<KeptStages>,
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<FieldChange>,
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    approved: Vec<FieldValue>,
}

/// [`Stages`] in the order of its fields.
#[derive(Deserialize, Serialize)]
struct KeptStages(
    Option<Stage>,
    Option<Stage>,
    Vec<(String, AccessStage)>,
    Option<ServerState>,
);

impl Default for Remembered {
    fn default() -> Self {
        Self::of(DeclarationStatus::default())
    }
}

impl Remembered {
    /// Remembers a status.
    pub fn of(status: DeclarationStatus) -> Self {
        Self::of_filing(status, None)
    }

    /// Remembers the status of a filing. What was approved is as a rule what is declared, and kept where it is not.
    pub fn of_filing(mut status: DeclarationStatus, filing: Option<&Filing>) -> Self {
        let routes = status.routes.take();
        let mut all = digest(&status).to_vec();
        all.extend(count(routes));
        if let Some(filing) = filing {
            let core = core_of(filing);
            status.approved.retain(|approved| !core.contains(approved));
        }
        all.extend(json(&Kept::of(status)));
        Self(all.into_boxed_slice())
    }

    /// What the next status is made of: the moments that stay, the conditions without their words, what was reminded of,
    /// and how it has come so far.
    pub(super) fn recall(&self) -> DeclarationStatus {
        let kept = self.0.get(DIGEST + COUNT..).unwrap_or_default();
        serde_json::from_slice(kept).map(Kept::recall).unwrap_or_default()
    }

    /// Whether a status is the one that is remembered.
    pub(super) fn is(&self, status: &DeclarationStatus) -> bool {
        self.0.get(DIGEST..DIGEST + COUNT) == Some(&count(status.routes)) && self.differs_at_most_in_routes(status)
    }

    /// Whether it is, but for the count of routes.
    pub fn differs_at_most_in_routes(&self, status: &DeclarationStatus) -> bool {
        let uncounted = DeclarationStatus {
            routes: None,
            ..status.clone()
        };
        self.0.get(..DIGEST) == Some(&digest(&uncounted))
    }
}

impl Kept {
    fn of(status: DeclarationStatus) -> Self {
        let conditions = status.conditions.into_iter();
        let stages = status.observed;
        Self {
            colour: status.colour,
            respond_by: status.respond_by.as_ref().map(second),
            next_self_check: status.next_self_check.as_ref().map(second),
            conditions: conditions
                .map(|condition| {
                    (
                        condition.type_,
                        condition.status,
                        second(&condition.last_transition_time),
                    )
                })
                .collect(),
            reminders: status.reminders,
            stages: stages.map(|stages| {
                let access = stages.access.into_iter().map(|access| (access.provider, access.stage));
                KeptStages(stages.stage, stages.change, access.collect(), stages.state)
            }),
            changes: status.changes,
            approved: status.approved,
        }
    }

    fn recall(self) -> DeclarationStatus {
        let conditions = self.conditions.into_iter();
        DeclarationStatus {
            colour: self.colour,
            respond_by: self.respond_by.map(time),
            next_self_check: self.next_self_check.map(time),
            conditions: conditions
                .map(|(type_, status, last_transition)| Condition {
                    type_,
                    status,
                    last_transition_time: time(last_transition),
                    reason: String::new(),
                    message: String::new(),
                    observed_generation: None,
                })
                .collect(),
            reminders: self.reminders,
            observed: self.stages.map(|KeptStages(stage, change, access, state)| {
                let access = access.into_iter();
                Stages {
                    stage,
                    change,
                    access: access
                        .map(|(provider, stage)| ProviderStage { provider, stage })
                        .collect(),
                    state,
                }
            }),
            changes: self.changes,
            approved: self.approved,
            ..DeclarationStatus::default()
        }
    }
}

fn second(time: &Time) -> i64 {
    time.0.as_second()
}

fn time(second: i64) -> Time {
    // It was the second of a time.
    Time(Timestamp::from_second(second).unwrap_or_default())
}

fn count(routes: Option<u32>) -> [u8; COUNT] {
    let count = routes.map_or(u64::MAX, u64::from);
    let [_, _, _, low @ ..] = count.to_be_bytes();
    low
}

/// Half of its SHA-256: nobody can make two that are alike.
fn digest(status: &DeclarationStatus) -> [u8; DIGEST] {
    let whole: [u8; 32] = Sha256::digest(json(status)).into();
    let mut half = [0; DIGEST];
    half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    half
}

/// Its keys are texts and its numbers whole, so that it can always be written.
fn json(status: &impl Serialize) -> Vec<u8> {
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
