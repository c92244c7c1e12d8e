//! How the API server learns of the webhook: what the operator keeps of its ValidatingWebhookConfiguration.
//!
//! That is the `caBundle` and the `failurePolicy` of its own webhooks, and the `rules` where nobody else has written any. The
//! object is somebody's: it is never made and never deleted here. Without rules nothing is asked, so whoever makes the object can
//! leave all three out: nobody is kept from his work before an operator was there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    RuleWithOperations, ValidatingWebhook, ValidatingWebhookConfiguration,
};
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::certificate::certificates;
use super::follow::Live;
use crate::api::keys::{self, managers};
use crate::effects::denies;
use crate::registry::Snapshot;

/// The webhook that asks about Ingresses.
const INGRESSES: &str = "ingresses.filing-operator.io";
/// The webhook that asks about Filings, AccessServers and FilingPolicies.
const DECLARATIONS: &str = "declarations.filing-operator.io";
/// What the annotations begin with by which cert-manager is asked to write the `caBundle`.
const INJECTED: &str = "cert-manager.io/inject-";

/// Why the API server can't be told of the webhook.
#[derive(Debug, thiserror::Error)]
#[error("ValidatingWebhookConfiguration {name} can't be changed")]
pub struct RegistrationError {
    name: String,
    source: Box<kube::Error>,
}

/// What the API server does with a call that is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It refuses what was asked about.
    Fail,
    /// It lets that pass.
    Ignore,
}

impl FailurePolicy {
    /// What fits the policies in force: while one of them denies, what can't be asked about is not let pass.
    pub fn of(facts: &Snapshot) -> Self {
        if facts.policies().any(|policy| denies(policy, facts)) {
            Self::Fail
        } else {
            Self::Ignore
        }
    }

    /// As the API server writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        }
    }
}

/// How the configuration should be.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The authorities to trust, in PEM; none: others say so.
    pub ca_bundle: Option<Arc<str>>,
    /// What becomes of calls about Ingresses that are not answered; none: it is not known yet, or others say so.
    pub failure_policy: Option<FailurePolicy>,
}

impl Wanted {
    /// What to apply to the live configuration; none where it is as it should be.
    ///
    /// Applying takes away what was applied before and is left out now. So what is of no concern any more is applied as it
    /// is, where it is the operator's.
    pub fn patch(&self, live: &ValidatingWebhookConfiguration) -> Option<Value> {
        let is_injected = live.annotations().keys().any(|key| key.starts_with(INJECTED));
        let webhooks = own_webhooks(live).map(|webhook| {
            let owned = owned_fields(live, &webhook.name);
            self.of_webhook(webhook, &owned, is_injected)
        });
        let (webhooks, are_right): (Vec<_>, Vec<_>) = webhooks.unzip();
        let is_right = are_right.into_iter().all(|is_right| is_right);
        (!is_right).then(|| {
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingWebhookConfiguration",
                // With its uid it can't come into being by this, if it is deleted meanwhile.
                "metadata": {"name": live.metadata.name, "uid": live.metadata.uid},
                "webhooks": webhooks,
            })
        })
    }

    /// What to apply to one of its webhooks, and whether that is so already.
    fn of_webhook(
        &self,
        webhook: &ValidatingWebhook,
        owned: &[&Value],
        is_injected: bool,
    ) -> (Map<String, Value>, bool) {
        let mut applied = Map::from_iter([("name".to_owned(), json!(webhook.name))]);
        let owns = |pointer: &str| owned.iter().any(|fields| fields.pointer(pointer).is_some());
        let mut is_right = true;

        let ca_bundle = self.ca_bundle.as_ref().filter(|_| !is_injected);
        let ca_bundle = ca_bundle.map(|pem| ByteString(pem.as_bytes().to_vec()));
        let there = webhook.client_config.ca_bundle.as_ref();
        is_right &= ca_bundle.is_none() || ca_bundle.as_ref() == there;
        let is_trusted = ca_bundle.is_some() || there.is_some();
        let kept = there.filter(|_| owns("/f:clientConfig/f:caBundle"));
        if let Some(ca_bundle) = ca_bundle.as_ref().or(kept) {
            applied.insert("clientConfig".to_owned(), json!({"caBundle": ca_bundle}));
        }

        let failure_policy = self.failure_policy.map(|wanted| match &*webhook.name {
            // Nobody is to be kept from mending a filing.
            DECLARATIONS => FailurePolicy::Ignore.as_str(),
            _ => wanted.as_str(),
        });
        let there = webhook.failure_policy.as_deref();
        is_right &= failure_policy.is_none() || failure_policy == there;
        let kept = there.filter(|_| owns("/f:failurePolicy"));
        if let Some(failure_policy) = failure_policy.or(kept) {
            applied.insert("failurePolicy".to_owned(), json!(failure_policy));
        }

        let there = webhook.rules.as_ref().filter(|rules| !rules.is_empty());
        let due = vec![rule_of(&webhook.name)];
        // Before the API server can be told whom to trust, and what to do without an answer, it is not to ask.
        let can_be_asked = is_trusted && self.failure_policy.is_some();
        if owns("/f:rules") || (there.is_none() && can_be_asked) {
            is_right &= there == Some(&due);
            applied.insert("rules".to_owned(), json!(due));
        }
        (applied, is_right)
    }
}

/// What one of its webhooks is asked about: the versions that are served, and the verbs that can make something worse.
fn rule_of(webhook: &str) -> RuleWithOperations {
    let (group, version, resources, operations, scope) = match webhook {
        DECLARATIONS => (
            keys::GROUP,
            keys::VERSION,
            &["filings", "accessservers", "filingpolicies"][..],
            &["CREATE", "UPDATE", "DELETE"][..],
            "*",
        ),
        _ => (
            "networking.k8s.io",
            "v1",
            &["ingresses"][..],
            &["CREATE", "UPDATE"][..],
            "Namespaced",
        ),
    };
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    RuleWithOperations {
        api_groups: words(&[group]),
        api_versions: words(&[version]),
        resources: words(resources),
        operations: words(operations),
        scope: Some(scope.to_owned()),
    }
}

/// Applies what [`Wanted::patch`] gives. What others wrote there is overwritten: with another `caBundle` no call arrives, and
/// a `failurePolicy` that others keep is left to them by a setting.
///
/// # Errors
/// Where the API server refuses.
pub async fn register(client: Client, configuration: &str, patch: &Value) -> Result<(), RegistrationError> {
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client);
    let params = PatchParams::apply(managers::WEBHOOK).force();
    let patched = configurations.patch(configuration, &params, &Patch::Apply(patch)).await;
    patched.map(drop).map_err(|source| RegistrationError {
        name: configuration.to_owned(),
        source: Box::new(source),
    })
}

/// The webhooks of a configuration by which the operator is asked.
pub fn own_webhooks(live: &ValidatingWebhookConfiguration) -> impl Iterator<Item = &ValidatingWebhook> {
    let webhooks = live.webhooks.iter().flatten();
    webhooks.filter(|webhook| [INGRESSES, DECLARATIONS].contains(&&*webhook.name))
}

/// The fields of a webhook that are there because the operator has applied them, as `managedFields` names them.
fn owned_fields<'a>(live: &'a ValidatingWebhookConfiguration, webhook: &str) -> Vec<&'a Value> {
    let entries = live.managed_fields().iter();
    let own = entries.filter(|entry| entry.manager.as_deref() == Some(managers::WEBHOOK));
    let key = format!("k:{}", json!({"name": webhook}));
    own.filter_map(|entry| entry.fields_v1.as_ref()?.0.get("f:webhooks")?.get(&key))
        .collect()
}

/// Which authorities the API server is to trust, and which it was told of: what whoever keeps the certificate and whoever
/// writes the configuration tell one another.
#[derive(Debug, Default)]
pub struct Trust {
    wanted: watch::Sender<Option<Arc<str>>>,
    told: watch::Sender<Told>,
}

/// What the API server was told.
#[derive(Clone, Debug, Default, PartialEq)]
enum Told {
    /// That was not seen yet.
    #[default]
    Unknown,
    /// Nothing, since then: it does not call.
    Nothing(Instant),
    /// These authorities, each since then.
    Of(HashMap<Vec<u8>, Instant>),
}

impl Trust {
    /// These authorities are to be trusted, in PEM; none: others say so.
    pub(super) fn want(&self, bundle: Option<String>) {
        self.wanted.send_if_modified(|wanted| {
            let is_new = wanted.as_deref() != bundle.as_deref();
            if is_new {
                *wanted = bundle.map(Arc::from);
            }
            is_new
        });
    }

    /// What is wanted, as it changes.
    pub fn wanted(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.wanted.subscribe()
    }

    /// The configuration was seen to be so.
    pub fn see(&self, live: &Live<ValidatingWebhookConfiguration>) {
        let now = Instant::now();
        self.told.send_if_modified(|told| {
            let bundles: Option<Vec<_>> = match live {
                Live::Unknown => return false,
                Live::Absent => None,
                Live::There(live) => Some(own_webhooks(live).map(bundle_of).collect()),
            };
            let after = match (bundles, told.clone()) {
                (Some(bundles), before) if !bundles.is_empty() => {
                    let mut since = match before {
                        Told::Of(since) => since,
                        Told::Unknown | Told::Nothing(_) => HashMap::new(),
                    };
                    // One that a webhook lacks is not known there.
                    since.retain(|known, _| bundles.iter().all(|bundle| bundle.contains(known)));
                    for known in bundles.first().into_iter().flatten() {
                        if bundles.iter().all(|bundle| bundle.contains(known)) {
                            since.entry(known.clone()).or_insert(now);
                        }
                    }
                    Told::Of(since)
                }
                (_, Told::Nothing(since)) => Told::Nothing(since),
                _ => Told::Nothing(now),
            };
            let is_new = *told != after;
            *told = after;
            is_new
        });
    }

    /// For how long the API server has been told of an authority; none: it was not, as far as is known. Where it does not
    /// call at all, there is nobody who should know.
    pub(super) fn told_for(&self, authority: &[u8]) -> Option<Duration> {
        match &*self.told.borrow() {
            Told::Unknown => None,
            Told::Nothing(since) => Some(since.elapsed()),
            Told::Of(since) => since.get(authority).map(Instant::elapsed),
        }
    }

    /// Hears of what the API server is told from now on.
    pub(super) fn heard(&self) -> Heard {
        Heard(self.told.subscribe())
    }
}

/// Hears of what the API server is told.
pub(super) struct Heard(watch::Receiver<Told>);

impl Heard {
    /// Waits until that may have changed.
    pub(super) async fn more(&mut self) {
        // The sender is where this was got from, and is kept.
        drop(self.0.changed().await);
    }
}

fn bundle_of(webhook: &ValidatingWebhook) -> Vec<Vec<u8>> {
    let bundle = webhook.client_config.ca_bundle.as_ref();
    let known = bundle
        .and_then(|bundle| certificates(&bundle.0).ok())
        .unwrap_or_default();
    known.iter().map(|authority| authority.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::fixture::{authority, facts, without_filing};
    use super::*;

    /// A configuration with both webhooks and one of somebody else, written by kubectl.
    fn configuration(policy: &str, bundle: Option<&str>, annotations: &Value) -> ValidatingWebhookConfiguration {
        let webhook = |name: &str| {
            json!({
                "name": name, "failurePolicy": policy, "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "rules": [rule_of(name)],
                "clientConfig": {"url": "https://127.0.0.1/", "caBundle": bundle.map(|pem| ByteString(pem.into()))},
            })
        };
        let webhooks = [INGRESSES, DECLARATIONS, "others.example.com"].map(webhook);
        let metadata = json!({"name": "filing-operator", "uid": "1", "annotations": annotations});
        serde_json::from_value(json!({"metadata": metadata, "webhooks": webhooks})).unwrap()
    }

    /// The same where the operator has applied these fields of `ingresses`.
    fn owned(mut live: ValidatingWebhookConfiguration, fields: &Value) -> ValidatingWebhookConfiguration {
        let key = format!("k:{}", json!({"name": INGRESSES}));
        let entry =
            json!({"manager": managers::WEBHOOK, "operation": "Apply", "fieldsV1": {"f:webhooks": {key: fields}}});
        live.metadata.managed_fields = Some(vec![serde_json::from_value(entry).unwrap()]);
        live
    }

    fn wanted(bundle: Option<&str>, failure_policy: Option<FailurePolicy>) -> Wanted {
        Wanted {
            ca_bundle: bundle.map(Arc::from),
            failure_policy,
        }
    }

    /// What is applied of the webhooks, shortened.
    fn applied(wanted: &Wanted, live: &ValidatingWebhookConfiguration) -> Option<String> {
        let patch = wanted.patch(live)?;
        assert_eq!(patch["metadata"], json!({"name": "filing-operator", "uid": "1"}));
        let webhooks = patch["webhooks"].as_array().unwrap().iter();
        let short = |webhook: &Value| {
            let name = webhook["name"].as_str().unwrap().split('.').next().unwrap();
            let bundle: Option<ByteString> =
                serde_json::from_value(webhook["clientConfig"]["caBundle"].clone()).unwrap();
            let bundle = bundle.map_or("-".to_owned(), |bundle| String::from_utf8(bundle.0).unwrap());
            format!("{name} {bundle} {}", webhook["failurePolicy"].as_str().unwrap_or("-"))
        };
        Some(webhooks.map(short).collect::<Vec<_>>().join(", "))
    }

    use FailurePolicy::{Fail, Ignore};

    /// The rules that are applied to `ingresses`.
    fn applied_rules(wanted: &Wanted, live: &ValidatingWebhookConfiguration) -> Option<Value> {
        wanted.patch(live)?["webhooks"][0].get("rules").cloned()
    }

    #[test]
    fn rules_are_written_where_nobody_has_written_any() {
        let mut live = configuration("Fail", None, &json!({}));
        let due = json!([rule_of(INGRESSES)]);
        let complete = wanted(Some("new"), Some(Ignore));
        assert_eq!(applied_rules(&complete, &live), None);
        for webhook in live.webhooks.iter_mut().flatten() {
            webhook.rules = None;
        }
        assert_eq!(applied_rules(&complete, &live), Some(due.clone()));
        // Not before the API server can be answered.
        assert_eq!(applied_rules(&wanted(None, Some(Ignore)), &live), None);
        assert_eq!(applied_rules(&wanted(Some("new"), None), &live), None);
        // What is its own is kept, and kept right.
        live.webhooks.as_mut().unwrap()[0].rules = Some(vec![rule_of(DECLARATIONS)]);
        let live = owned(live, &json!({"f:rules": {}}));
        assert_eq!(applied_rules(&complete, &live), Some(due));
    }

    #[rstest]
    #[case::nothing_there(
        wanted(Some("new"), Some(Fail)),
        "Ignore",
        None,
        Some("ingresses new Fail, declarations new Ignore")
    )]
    #[case::as_it_should_be(wanted(Some("new"), Some(Ignore)), "Ignore", Some("new"), None)]
    #[case::another_bundle(
        wanted(Some("new"), Some(Ignore)),
        "Ignore",
        Some("old"),
        Some("ingresses new Ignore, declarations new Ignore")
    )]
    #[case::declarations_never_fail(
        wanted(Some("new"), Some(Fail)),
        "Fail",
        Some("new"),
        Some("ingresses new Fail, declarations new Ignore")
    )]
    #[case::no_word_on_failures(
        wanted(Some("new"), None),
        "Fail",
        Some("old"),
        Some("ingresses new -, declarations new -")
    )]
    #[case::no_word_on_the_bundle(
        wanted(None, Some(Ignore)),
        "Fail",
        Some("old"),
        Some("ingresses - Ignore, declarations - Ignore")
    )]
    #[case::no_word_at_all(wanted(None, None), "Fail", Some("old"), None)]
    fn what_is_not_as_it_should_be_is_applied_whole(
        #[case] wanted: Wanted,
        #[case] policy: &str,
        #[case] bundle: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        let live = configuration(policy, bundle, &json!({}));
        assert_eq!(applied(&wanted, &live).as_deref(), expected);
    }

    #[test]
    fn what_was_applied_before_and_is_of_no_concern_now_stays_as_it_is() {
        let live = configuration("Fail", Some("old"), &json!({}));
        let live = owned(
            live,
            &json!({"f:failurePolicy": {}, "f:clientConfig": {"f:caBundle": {}}}),
        );
        let bundle = applied(&wanted(Some("new"), None), &live);
        assert_eq!(bundle.as_deref(), Some("ingresses new Fail, declarations new -"));
        let policy = applied(&wanted(None, Some(Ignore)), &live);
        assert_eq!(policy.as_deref(), Some("ingresses old Ignore, declarations - Ignore"));
    }

    #[test]
    fn a_bundle_that_cert_manager_writes_is_left_to_it() {
        let live = configuration(
            "Fail",
            Some("theirs"),
            &json!({"cert-manager.io/inject-ca-from": "home/webhook"}),
        );
        let applied = applied(&wanted(Some("new"), Some(Ignore)), &live);
        assert_eq!(applied.as_deref(), Some("ingresses - Ignore, declarations - Ignore"));
        assert_eq!(wanted(Some("new"), None).patch(&live), None);
    }

    #[test]
    fn a_configuration_without_the_webhooks_is_nothing_to_write_to() {
        let mut live = configuration("Fail", None, &json!({}));
        live.webhooks
            .as_mut()
            .unwrap()
            .retain(|webhook| webhook.name.starts_with("others"));
        assert_eq!(wanted(Some("new"), Some(Fail)).patch(&live), None);
    }

    #[rstest]
    #[case::denies(&["Deny"], Fail)]
    #[case::one_of_two_denies(&["Warn", "Deny"], Fail)]
    #[case::warns(&["Warn"], Ignore)]
    #[case::off(&["Disabled"], Ignore)]
    #[case::none(&[], Ignore)]
    fn calls_fail_while_a_policy_denies(#[case] policies: &[&str], #[case] expected: FailurePolicy) {
        let names = ["default", "strict"];
        let policies = names.into_iter().zip(policies);
        let policies: Vec<_> = policies
            .map(|(name, word)| (name, json!({"admission": word})))
            .collect();
        assert_eq!(FailurePolicy::of(&facts(&policies)), expected);
        // With no filing at all a policy only warns.
        assert_eq!(FailurePolicy::of(&without_filing(&policies)), Ignore);
    }

    #[test]
    fn the_api_server_knows_whom_all_its_webhooks_name() {
        let (old, new) = (authority(), authority());
        let both = old.certificate_pem() + &new.certificate_pem();
        let trust = Trust::default();
        let knows = |trust: &Trust| [&old, &new].map(|authority| trust.told_for(authority.certificate()).is_some());
        assert_eq!(knows(&trust), [false, false], "nothing was seen");
        let there = |live| Live::There(Arc::new(live));
        trust.see(&there(configuration("Fail", Some(&old.certificate_pem()), &json!({}))));
        assert_eq!(knows(&trust), [true, false]);
        let since = trust.told_for(old.certificate());
        let mut halfway = configuration("Fail", Some(&both), &json!({}));
        halfway.webhooks.as_mut().unwrap()[1].client_config.ca_bundle = Some(ByteString(old.certificate_pem().into()));
        trust.see(&there(halfway));
        assert_eq!(knows(&trust), [true, false], "one of the two does not know yet");
        trust.see(&there(configuration("Fail", Some(&both), &json!({}))));
        assert_eq!(knows(&trust), [true, true]);
        assert!(trust.told_for(old.certificate()) >= since, "that it knows is not new");
        trust.see(&Live::Unknown);
        assert_eq!(knows(&trust), [true, true]);
        trust.see(&there(configuration("Fail", Some(&new.certificate_pem()), &json!({}))));
        assert_eq!(knows(&trust), [false, true]);
        trust.see(&there(configuration("Fail", None, &json!({}))));
        assert_eq!(knows(&trust), [false, false]);
        trust.see(&Live::Absent);
        assert_eq!(knows(&trust), [true, true], "where nobody calls, nobody has to know");
    }
}
