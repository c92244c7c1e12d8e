//! What the operator answers on a declaration: a `Filing` or an `AccessServer`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;
use crate::domain::Day;

/// What the operator makes of a declaration. Written by the operator alone.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeclarationStatus {
    /// The generation of the spec that the rest speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The FilingPolicy under which it was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// How urgent it is: Red, Yellow or Blue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// By when a Yellow one is to be answered: 72 hours after it was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub respond_by: Option<Time>,
    /// Its conditions, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// What is wrong with it, the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "atomic"))]
    pub findings: Vec<StatusFinding>,
    /// How many routes are served under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<u32>,
    /// When what is said here next changes by itself: 00:00 of a day in China.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub next_transition: Option<Time>,
    /// When the next reminder goes out: 09:00 of a day in China.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub next_reminder: Option<Time>,
    /// The reminders that have gone out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "atomic"))]
    pub reminders: Vec<Reminder>,
    /// What of the record has changed, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub changes: Vec<FieldChange>,
}

/// How urgent a declaration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum Colour {
    /// It violates, or ends within 30 days and does not renew itself.
    Red,
    /// It has other warnings.
    Yellow,
    /// All is well.
    Blue,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum StatusSeverity {
    /// It must not be served so.
    Violation,
    /// It needs a look.
    Warning,
}

/// A finding in short.
#[derive(Clone, Debug, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusFinding {
    /// The rule of the catalogue.
    #[schemars(length(max = 63))]
    pub rule: String,
    /// How much it weighs.
    pub severity: StatusSeverity,
    /// The field that it speaks of.
    #[schemars(length(max = 500))]
    pub path: String,
    /// What is wrong, and how to mend it.
    #[schemars(length(max = 1000))]
    pub message: String,
}

/// A reminder that has gone out: at most once for each rule, field, date and threshold.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reminder {
    /// The rule that will hold once the date has passed.
    #[schemars(length(max = 63))]
    pub rule: String,
    /// The field with the date, where one object has several of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub path: Option<String>,
    /// The day that it reminds of.
    pub date: Day,
    /// How many days before.
    pub threshold: u32,
}

/// A field of the record that has changed.
#[derive(Clone, Debug, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// When it was seen.
    #[schemars(schema_with = "schema::time")]
    pub at: Time,
    /// The field.
    #[schemars(length(max = 500))]
    pub path: String,
    /// What it was; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub from: Option<String>,
    /// What it is; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub to: Option<String>,
}
