//! What a person who watches the Ingresses sees, and when.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::StreamExt;
use k8s_openapi::api::networking::v1::Ingress;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};

use super::PATIENCE;
use super::fill::FILING_LABEL;
use super::support::wait::eventually;

/// What is seen of an Ingress.
pub(crate) struct Told {
    /// The filing that it is under.
    pub(crate) filing: String,
    pub(crate) verdict: Option<String>,
    pub(crate) number: Option<String>,
    /// Since when it is in quarantine.
    pub(crate) blocked_at: Option<Instant>,
    /// When it was last seen to change.
    at: Instant,
}

/// Every Ingress by namespace and name, as the API server tells of them.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<HashMap<(String, String), Told>>>);

impl Seen {
    /// Watches for as long as the benchmark runs.
    pub(crate) fn watch(client: Client) -> Self {
        let seen = Self::default();
        let told = seen.clone();
        tokio::spawn(async move {
            let mut events = std::pin::pin!(watcher(Api::<Ingress>::all(client), watcher::Config::default()));
            while let Some(event) = events.next().await {
                // After an error it begins anew by itself.
                if let Ok(Event::Apply(ingress) | Event::InitApply(ingress)) = event {
                    told.note(&ingress);
                }
            }
        });
        seen
    }

    fn note(&self, ingress: &Ingress) {
        let at = Instant::now();
        let annotation = |name: &str| {
            ingress
                .annotations()
                .get(&format!("filing-operator.io/{name}"))
                .cloned()
        };
        let class = ingress
            .spec
            .as_ref()
            .and_then(|spec| spec.ingress_class_name.as_deref());
        let key = (ingress.namespace().unwrap_or_default(), ingress.name_any());
        let mut all = self.0.lock().expect("nobody panics with it");
        let before = all.get(&key).and_then(|told| told.blocked_at);
        let told = Told {
            filing: ingress.labels().get(FILING_LABEL).cloned().unwrap_or_default(),
            verdict: annotation("verdict"),
            number: annotation("number"),
            blocked_at: (class == Some("filing-quarantine")).then(|| before.unwrap_or(at)),
            at,
        };
        all.insert(key, told);
    }

    /// Reads what has been seen.
    pub(crate) fn read<T>(&self, ask: impl FnOnce(&HashMap<(String, String), Told>) -> T) -> T {
        ask(&self.0.lock().expect("nobody panics with it"))
    }

    /// Waits until something holds of what was seen, and gives the moment at which the last change was seen.
    pub(crate) async fn wait(&self, what: &str, holds: impl Fn(&HashMap<(String, String), Told>) -> bool) -> Instant {
        eventually(what, PATIENCE, async || {
            self.read(|all| {
                let last = || all.values().map(|told| told.at).max();
                let verdicts = || {
                    let mut verdicts = BTreeMap::new();
                    for told in all.values() {
                        *verdicts.entry(told.verdict.as_deref()).or_insert(0) += 1;
                    }
                    format!("by verdict they are {verdicts:?}")
                };
                holds(all).then(last).flatten().ok_or_else(verdicts)
            })
        })
        .await
    }
}
