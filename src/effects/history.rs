//! How a declaration has come so far: the changes of its stages, as they are seen.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{DeclarationStatus, FieldChange, ProviderStage, Stages};
use crate::registry::{Filing, Server};

/// The most changes that a status keeps.
const MAX_CHANGES: usize = 32;

/// How far a filing has come.
pub(super) fn stages_of_filing(filing: &Filing) -> Stages {
    let mut access: Vec<ProviderStage> = filing
        .access
        .iter()
        .map(|access| ProviderStage {
            provider: access.provider.to_string(),
            stage: access.stage,
        })
        .collect();
    // In one order, so that another order of the entries is no change. Two names of one provider make one entry here.
    access.sort_by(|a, b| a.provider.cmp(&b.provider));
    access.dedup_by(|a, b| a.provider == b.provider);
    Stages {
        stage: Some(filing.stage),
        change: filing.change,
        access,
        state: None,
    }
}

/// How far a server has come.
pub(super) fn stages_of_server(server: &Server) -> Stages {
    Stages {
        state: Some(server.state),
        ..Stages::default()
    }
}

/// The changes, the newest first, with those that are seen now. What is seen for the first time has not changed.
pub(super) fn changes(before: &DeclarationStatus, stages: &Stages, now: Timestamp) -> Vec<FieldChange> {
    let Some(known) = before.observed.as_ref().filter(|known| *known != stages) else {
        return before.changes.clone();
    };
    let (was, is) = (fields(known), fields(stages));
    let mut changes: Vec<FieldChange> = was
        .keys()
        .chain(is.keys().filter(|field| !was.contains_key(*field)))
        .filter(|field| was.get(*field) != is.get(*field))
        .map(|field| FieldChange {
            field: field.clone(),
            from: was.get(field).cloned(),
            to: is.get(field).cloned(),
            at: Time(now),
        })
        .collect();
    changes.extend(before.changes.iter().cloned());
    changes.truncate(MAX_CHANGES);
    changes
}

/// Each stage by its field. The words are those of the resource: its enums are spelt alike in Rust.
fn fields(stages: &Stages) -> BTreeMap<String, String> {
    let single = [
        ("spec.stage", stages.stage.map(|stage| format!("{stage:?}"))),
        ("spec.change.stage", stages.change.map(|stage| format!("{stage:?}"))),
        ("spec.state", stages.state.map(|state| format!("{state:?}"))),
    ];
    let access = stages.access.iter().map(|access| {
        (
            format!("spec.access[{}].stage", access.provider),
            format!("{:?}", access.stage),
        )
    });
    single
        .into_iter()
        .filter_map(|(field, stage)| Some((field.to_owned(), stage?)))
        .chain(access)
        .collect()
}
