//! What the operator answers on a declaration: a `Filing` or an `AccessServer`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccessStage, ServerState, Stage, schema};
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
    /// When a Blue one is next to be looked at by a person: each quarter, at 09:00 of a day in China.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub next_self_check: Option<Time>,
    /// The first day on which something that it rests on ends or has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Day>,
    /// The domains that a filing covers, for people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000))]
    pub domains: Option<String>,
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
    /// How far it had come when it was last looked at: what `changes` are told against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Stages>,
    /// Of a filing: its core fields as they were when it was first seen approved. What is counted as changed is told against them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub approved: Vec<FieldValue>,
    /// How it has come so far, the newest first: the last 32 changes of a stage, a state or a core field that were seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub changes: Vec<FieldChange>,
}

/// How far a declaration has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stages {
    /// Of a filing: `spec.stage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Of a filing: `spec.change.stage`, while a change is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Stage>,
    /// Of a filing: the stage of each access entry, by provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub access: Vec<ProviderStage>,
    /// Of a server: `spec.state`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ServerState>,
}

/// How far the access filing of one provider has come.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderStage {
    /// The provider.
    #[schemars(length(max = 253))]
    pub provider: String,
    /// How far it is.
    pub stage: AccessStage,
}

/// A field, and its value; one that is longer than 63 characters is its beginning and a digest.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldValue {
    /// The field: `spec.subject.name`.
    #[schemars(length(max = 500))]
    pub field: String,
    /// Its value; empty: it is not there.
    #[schemars(length(max = 63))]
    pub value: String,
}

/// How urgent a declaration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
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

/// A reminder that has gone out: once for each rule, path, date and threshold.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reminder {
    /// The rule that finds the date near.
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

/// A field that has changed: a stage, a state, or one of what was approved.
#[derive(Clone, Debug, PartialEq, JsonSchema, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The field: `spec.stage`, `spec.access[alicloud].stage`.
    #[schemars(length(max = 500))]
    pub field: String,
    /// What it was; absent: it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub from: Option<String>,
    /// What it is; absent: it is not there any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub to: Option<String>,
    /// When it was seen.
    #[schemars(schema_with = "schema::time")]
    pub at: Time,
}
