//! How a declaration has come so far: the changes of its stages and of what was approved, as they are seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use sha2::{Digest as _, Sha256};

use crate::api::{DeclarationStatus, FieldChange, FieldValue, ProviderStage, Stage, Stages};
use crate::registry::{Filing, NumberRole, Server};

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

/// The core fields of a filing, in the order of its resource.
const CORE_FIELDS: [&str; 10] = [
    "spec.domains",
    "spec.number",
    "spec.subject.name",
    "spec.subject.nature",
    "spec.subject.province",
    "spec.subject.mainNumber",
    "spec.service.name",
    "spec.service.kind",
    "spec.service.contentTypes",
    "spec.registration.holder",
];

/// The core fields of a filing (备案核心信息): what the bureau approves, and a change filing changes. No personal number is among
/// them, and a long value is kept as its beginning and a digest.
pub(super) fn core_of(filing: &Filing) -> Vec<FieldValue> {
    let number = |role: NumberRole| {
        let mut numbers = filing.numbers.iter();
        numbers
            .find(|numbered| numbered.role == role)
            .map(|numbered| numbered.typed().to_owned())
    };
    let domains = filing.domains.iter().map(|domain| match domain {
        Ok(domain) => domain.as_str().to_owned(),
        Err(error) => error.to_string(),
    });
    let particulars = filing.particulars();
    let content = particulars.content.iter().map(|content| format!("{content:?}"));
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let values = [
        Some(in_order(domains)),
        number(NumberRole::Site),
        Some(filing.subject.name.to_string()),
        Some(format!("{:?}", filing.subject.nature)),
        filing.subject.province.map(|province| province.code.to_owned()),
        number(NumberRole::Main),
        text(&particulars.service_name),
        Some(format!("{:?}", filing.kind)),
        Some(in_order(content)),
        text(&particulars.holder),
    ];
    let present = CORE_FIELDS.into_iter().zip(values).map(|(field, value)| FieldValue {
        field: field.to_owned(),
        value: bounded(&value.unwrap_or_default()),
    });
    present.collect()
}

/// In one order, so that another order is no change.
fn in_order(values: impl Iterator<Item = String>) -> String {
    let sorted: BTreeSet<String> = values.collect();
    sorted.into_iter().collect::<Vec<_>>().join(", ")
}

/// A value in as many characters as a status holds. Two that differ do so after.
fn bounded(value: &str) -> String {
    const MOST: usize = 63;
    const KEPT: usize = 46;
    if value.chars().count() <= MOST {
        return value.to_owned();
    }
    let mut shown: String = value.chars().take(KEPT).collect();
    shown.push('…');
    for byte in Sha256::digest(value).iter().take(8) {
        // Writing into a String cannot fail.
        let _ = write!(shown, "{byte:02x}");
    }
    shown
}

/// The core fields as they were approved; none before the approval, and after a cancellation.
pub(super) fn approved(before: &DeclarationStatus, filing: &Filing) -> Vec<FieldValue> {
    if filing.stage != Stage::Approved {
        return Vec::new();
    }
    let mut core = core_of(filing);
    for field in &mut core {
        if let Some(approved) = before.approved.iter().find(|approved| approved.field == field.field) {
            field.value.clone_from(&approved.value);
        }
    }
    core
}

/// How many core fields of a filing are no longer what was approved; none where its status does not have that.
pub fn changed_since_approval(filing: &Filing, status: &DeclarationStatus) -> Option<u8> {
    if filing.stage != Stage::Approved || status.approved.is_empty() {
        return None;
    }
    let core = core_of(filing);
    let changed = core.iter().filter(|field| {
        let mut approved = status.approved.iter();
        approved.any(|approved| approved.field == field.field && approved.value != field.value)
    });
    Some(u8::try_from(changed.count()).unwrap_or(u8::MAX))
}

/// The core fields that are seen to have changed now: each against what was last seen of it.
fn core_changes(before: &DeclarationStatus, core: &[FieldValue], now: Timestamp) -> Vec<FieldChange> {
    let known = |value: &str| Some(value.to_owned()).filter(|value| !value.is_empty());
    let changed = core.iter().filter_map(|field| {
        let last = before.changes.iter().find(|change| change.field == field.field);
        let was = match last {
            Some(change) => change.to.clone().unwrap_or_default(),
            None => before
                .approved
                .iter()
                .find(|approved| approved.field == field.field)?
                .value
                .clone(),
        };
        (was != field.value).then(|| FieldChange {
            field: field.field.clone(),
            from: known(&was),
            to: known(&field.value),
            at: Time(now),
        })
    });
    changed.collect()
}

/// The changes, the newest first, with those that are seen now. What is seen for the first time has not changed.
pub(super) fn changes(
    before: &DeclarationStatus,
    stages: &Stages,
    core: &[FieldValue],
    now: Timestamp,
) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    if let Some(known) = before.observed.as_ref().filter(|known| *known != stages) {
        let (was, is) = (fields(known), fields(stages));
        let all: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        let others = all.into_iter().filter(|field| was.get(*field) != is.get(*field));
        changes.extend(others.map(|field| FieldChange {
            field: field.clone(),
            from: was.get(field).cloned(),
            to: is.get(field).cloned(),
            at: Time(now),
        }));
    }
    if stages.stage == Some(Stage::Approved) {
        changes.extend(core_changes(before, core, now));
    }
    changes.extend(before.changes.iter().cloned());
    keep_the_newest(&mut changes);
    changes
}

/// The newest changes, and with them the newest of each core field however old: it says what was last seen of it.
fn keep_the_newest(changes: &mut Vec<FieldChange>) {
    let mut seen = BTreeSet::new();
    let is_last: Vec<bool> = changes
        .iter()
        .map(|change| CORE_FIELDS.contains(&&*change.field) && seen.insert(change.field.clone()))
        .collect();
    let mut room = MAX_CHANGES.saturating_sub(seen.len());
    let mut is_last = is_last.into_iter();
    changes.retain(|_| {
        if is_last.next().unwrap_or_default() {
            return true;
        }
        let fits = room > 0;
        room = room.saturating_sub(1);
        fits
    });
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::remembered::Remembered;
    use super::*;
    use crate::registry::Change;
    use crate::support::{at, change, filing, server};

    fn stages(document: &Value) -> Stages {
        match change(document) {
            Change::Filing(_, Ok(filing)) => stages_of_filing(&filing),
            Change::Server(_, Ok(server)) => stages_of_server(&server),
            other => panic!("{other:?}"),
        }
    }

    fn read(document: &Value) -> Option<Filing> {
        match change(document) {
            Change::Filing(_, filing) => filing.ok(),
            _ => None,
        }
    }

    /// The status after a document was seen, as far as this module writes it.
    fn seen(before: &DeclarationStatus, document: &Value, now: &str) -> DeclarationStatus {
        let (stages, filing) = (stages(document), read(document));
        let core = filing.as_ref().map(core_of).unwrap_or_default();
        DeclarationStatus {
            changes: changes(before, &stages, &core, at(now)),
            observed: Some(stages),
            approved: filing.map(|filing| approved(before, &filing)).unwrap_or_default(),
            ..DeclarationStatus::default()
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "so that cases read as json!({…})")]
    fn with(over: Value) -> Value {
        let mut spec = json!({
            "service": {"name": "示例商城", "contentTypes": ["Tool", "Commerce"]},
            "registration": {"holder": "示例科技有限公司"},
        });
        crate::support::merge(&mut spec, &over);
        filing("f/it", spec)
    }

    #[test]
    fn what_was_approved_is_kept_and_what_changes_of_it_is_told() {
        let first = seen(
            &DeclarationStatus::default(),
            &with(json!({})),
            "2026-11-23T10:00:00+08:00",
        );
        assert_eq!(told(&first), Vec::<String>::new());
        let name = json!({"subject": {"name": "示例集团有限公司", "nature": "Enterprise"}});
        let second = seen(&first, &with(name.clone()), "2026-11-24T10:00:00+08:00");
        assert_eq!(told(&second), ["spec.subject.name 示例科技有限公司 示例集团有限公司"]);
        assert_eq!(second.approved, first.approved);
        assert_eq!(
            changed_since_approval(&read(&with(name.clone())).unwrap(), &second),
            Some(1)
        );
        // Back to what was approved: that is a change too, and none is left.
        let third = seen(&second, &with(json!({})), "2026-11-25T10:00:00+08:00");
        assert_eq!(third.changes.len(), 2);
        assert_eq!(
            changed_since_approval(&read(&with(json!({}))).unwrap(), &third),
            Some(0)
        );
    }

    /// A hundred thousand statuses are remembered: what was approved costs something only where it is no longer so.
    #[test]
    fn what_was_approved_is_remembered_where_it_is_another_now() {
        let (before, after) = (with(json!({})), with(json!({"service": {"name": "示例书店"}})));
        let status = seen(&DeclarationStatus::default(), &before, "2026-11-23T10:00:00+08:00");
        let recalled = |document: &Value| {
            let remembered = Remembered::of_filing(status.clone(), read(document).as_ref());
            assert!(remembered.is(&status));
            remembered.recall()
        };
        assert_eq!(recalled(&before).approved, []);
        let fields: Vec<String> = recalled(&after).approved.into_iter().map(|field| field.field).collect();
        assert_eq!(fields, ["spec.service.name"]);
        // Either way all of it is written again.
        for document in [&before, &after] {
            assert_eq!(approved(&recalled(document), &read(document).unwrap()), status.approved);
        }
    }

    #[rstest]
    #[case::under_way(json!({"stage": "SecondReview", "number": null}))]
    #[case::cancelled(json!({"stage": "Cancelled"}))]
    fn what_is_not_approved_has_nothing_that_was(#[case] over: Value) {
        let status = seen(
            &DeclarationStatus::default(),
            &with(json!({})),
            "2026-11-23T10:00:00+08:00",
        );
        assert_eq!(status.approved.len(), 10);
        let after = seen(&status, &with(over.clone()), "2026-11-24T10:00:00+08:00");
        assert_eq!(after.approved, []);
        assert_eq!(changed_since_approval(&read(&with(over)).unwrap(), &status), None);
    }

    #[test]
    fn another_order_is_no_change_and_a_long_value_is_kept_as_its_beginning() {
        let content = |content: Value| core_of(&read(&with(json!({"service": {"contentTypes": content}}))).unwrap());
        assert_eq!(
            content(json!(["Tool", "Commerce"])),
            content(json!(["Commerce", "Tool"]))
        );
        let domains = |last: &str| {
            let mut domains: Vec<String> = (0..20).map(|nth| format!("example-{nth}.com")).collect();
            domains.push(last.to_owned());
            let core = core_of(&read(&with(json!({"domains": domains}))).unwrap());
            core.into_iter()
                .find(|field| field.field == "spec.domains")
                .unwrap()
                .value
        };
        assert_eq!(domains("z.com").chars().count(), 63);
        assert_ne!(domains("z.com"), domains("y.com"));
    }

    fn told(status: &DeclarationStatus) -> Vec<String> {
        let word = |stage: &Option<String>| stage.clone().unwrap_or_else(|| "-".to_owned());
        let changes = status.changes.iter();
        changes
            .map(|change| format!("{} {} {}", change.field, word(&change.from), word(&change.to)))
            .collect()
    }

    fn access(entries: &[(&str, &str)]) -> Value {
        let entries = entries.iter();
        let entries = entries.map(|(provider, stage)| json!({"provider": provider, "stage": stage}));
        filing("filings/it", json!({"access": entries.collect::<Vec<_>>()}))
    }

    #[rstest]
    #[case::a_stage(
        filing("f/it", json!({"stage": "Submitted", "number": null})), filing("f/it", json!({})),
        &["spec.stage Submitted Approved"]
    )]
    #[case::a_change_filing_begins(
        filing("f/it", json!({})), filing("f/it", json!({"change": {"stage": "Submitted"}})),
        &["spec.change.stage - Submitted"]
    )]
    #[case::it_goes_on(
        filing("f/it", json!({"change": {"stage": "Submitted"}})), filing("f/it", json!({"change": {"stage": "SecondReview"}})),
        &["spec.change.stage Submitted SecondReview"]
    )]
    #[case::it_is_done(
        filing("f/it", json!({"change": {"stage": "SecondReview"}})), filing("f/it", json!({})),
        &["spec.change.stage SecondReview -"]
    )]
    #[case::one_provider_after_the_other(
        access(&[("alicloud", "Approved")]), access(&[("tencentcloud", "Submitted"), ("alicloud", "Cancelled")]),
        &["spec.access[alicloud].stage Approved Cancelled", "spec.access[tencentcloud].stage - Submitted"]
    )]
    #[case::another_order(
        access(&[("alicloud", "Approved"), ("tencentcloud", "Approved")]),
        access(&[("tencentcloud", "Approved"), ("alicloud", "Approved")]), &[]
    )]
    #[case::a_server(
        server("it", json!({})), server("it", json!({"state": "Suspended"})), &["spec.state Active Suspended"]
    )]
    #[case::nothing_that_was_approved(
        filing("f/it", json!({})), filing("f/it", json!({"expiresAt": "2027-01-01", "handler": {"name": "王五"}})), &[]
    )]
    fn what_changes_is_told_and_what_is_first_seen_has_not_changed(
        #[case] before: Value,
        #[case] after: Value,
        #[case] expected: &[&str],
    ) {
        let first = seen(&DeclarationStatus::default(), &before, "2026-11-23T10:00:00+08:00");
        assert_eq!(told(&first), Vec::<String>::new());
        let second = seen(&first, &after, "2026-11-24T10:00:00+08:00");
        assert_eq!(told(&second), expected);
        assert_eq!(seen(&second, &after, "2026-11-25T10:00:00+08:00"), second);
    }

    #[test]
    fn words_are_those_of_the_resource() {
        let document = filing("f/it", json!({"change": {"stage": "FirstReview"}}));
        let stages = stages(&document);
        let fields = fields(&stages);
        let written = json!(stages);
        assert_eq!(json!(fields["spec.stage"]), written["stage"]);
        assert_eq!(json!(fields["spec.change.stage"]), written["change"]);
        assert_eq!(
            json!(fields["spec.access[alicloud].stage"]),
            written["access"][0]["stage"]
        );
    }

    proptest! {
        #[test]
        fn the_last_32_are_kept_and_each_follows_from_the_one_before(steps in prop::collection::vec(0_usize..4, 1..80)) {
            let names = ["Submitted", "SecondReview", "Approved", "Cancelled"];
            let mut status = DeclarationStatus::default();
            let mut all = Vec::new();
            let mut last = None;
            for step in steps {
                let stage = names[step];
                status = seen(&status, &filing("f/it", json!({"stage": stage})), "2026-11-23T10:00:00+08:00");
                // As the API server keeps it through a restart.
                status = serde_json::from_value(json!(status)).unwrap();
                if let Some(last) = last.filter(|last| *last != stage) {
                    all.insert(0, format!("spec.stage {last} {stage}"));
                }
                last = Some(stage);
            }
            all.truncate(MAX_CHANGES);
            prop_assert_eq!(told(&status), all);
        }
    }
}
