//! One look at a cluster, for commands that judge it once: everything that is watched, listed once.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Namespace, Node};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::api::{Api, ApiResource, ListParams, PartialObjectMeta};
use kube::core::Status;
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use super::lean::{Bare, Whole};
use super::watch::{Alike, Beside, class, filing, ingress, namespace, node, policy, server};
use crate::api::{AccessServer, Filing, FilingPolicy, FilingPolicyStatus};
use crate::registry::{Change, Registry, Snapshot, Subject, SubjectKind};

/// How many objects are asked for at once.
const PAGE: u32 = 500;

/// What a cluster has.
#[derive(Debug)]
pub struct Look {
    /// The facts and the routes.
    pub registry: Registry,
    /// The status of each policy.
    pub policies: BTreeMap<Arc<str>, FilingPolicyStatus>,
    /// The kinds that the API server does not let be listed or does not know, and its answer.
    pub refused: Vec<(SubjectKind, Box<Status>)>,
}

/// Lists everything, and tells `seen` of each object. `home` is the operator's own namespace. What can't be listed, for want
/// of a right or since the cluster does not know the kind, is left out and named.
///
/// # Errors
/// When the API server can't be asked, or fails.
pub async fn look(client: &Client, home: &str, seen: impl Fn()) -> Result<Look, kube::Error> {
    let mut look = Look {
        registry: Registry::new(Snapshot::new(home, true)),
        policies: BTreeMap::new(),
        refused: Vec::new(),
    };
    let with_status = |resource: ApiResource| Api::<Whole>::all_with(client.clone(), &resource);
    let others = |resource: ApiResource| Api::<Bare>::all_with(client.clone(), &resource);
    let mut namespaces = Alike::default();
    let classes = others(ApiResource::erase::<IngressClass>(&()));
    look.list(SubjectKind::Class, classes, |object| class(&object.0), &seen)
        .await?;
    // Those who are told of it read what matters most first.
    let refused_classes = std::mem::take(&mut look.refused);
    if !refused_classes.is_empty() {
        // A class that is not known may be there all the same.
        look.registry = Registry::new(Snapshot::new(home, false));
    }
    let filings = with_status(ApiResource::erase::<Filing>(&()));
    look.list(
        SubjectKind::Filing,
        filings,
        |object| filing(&object.0, &mut namespaces),
        &seen,
    )
    .await?;
    let servers = with_status(ApiResource::erase::<AccessServer>(&()));
    look.list(SubjectKind::Server, servers, |object| server(&object.0), &seen)
        .await?;
    let policies = with_status(ApiResource::erase::<FilingPolicy>(&()));
    look.list(SubjectKind::Policy, policies, |object| policy(&object.0), &seen)
        .await?;
    let routes = with_status(ApiResource::erase::<Ingress>(&()));
    look.list(SubjectKind::Route, routes, |object| ingress(&object.0), &seen)
        .await?;
    look.refused.extend(refused_classes);
    let nodes = others(ApiResource::erase::<Node>(&()));
    look.list(SubjectKind::Node, nodes, |object| node(&object.0), &seen)
        .await?;
    let labels = Api::<PartialObjectMeta<Namespace>>::all(client.clone());
    look.list(SubjectKind::Namespace, labels, namespace, &seen).await?;
    Ok(look)
}

/// Lists a kind, page by page, and hands over each object. Gives the API server's answer where it does not let the kind be listed,
/// or does not know it: what was handed over is not all then.
///
/// # Errors
/// When the API server can't be asked, or fails.
pub async fn list_all<K>(api: &Api<K>, mut each: impl FnMut(K)) -> Result<Option<Box<Status>>, kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = match api.list(&params).await {
            Ok(page) => page,
            Err(kube::Error::Api(status)) if matches!(status.code, 401 | 403 | 404) => return Ok(Some(status)),
            Err(error) => return Err(error),
        };
        page.items.into_iter().for_each(&mut each);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(None),
        }
    }
}

impl Look {
    /// Lists a kind, page by page. A kind of which a page is missing counts as not listed.
    async fn list<K>(
        &mut self,
        kind: SubjectKind,
        api: Api<K>,
        mut read: impl FnMut(&K) -> (Change, Beside),
        seen: &impl Fn(),
    ) -> Result<(), kube::Error>
    where
        K: Resource + Clone + DeserializeOwned + Debug,
    {
        let refusal = list_all(&api, |object| {
            self.take(read(&object));
            seen();
        });
        let refusal = refusal.await?;
        self.refused.extend(refusal.map(|status| (kind, status)));
        Ok(())
    }

    fn take(&mut self, (change, beside): (Change, Beside)) {
        if let (Subject::Policy(name), Beside::Policy(status)) = (change.subject(), beside) {
            self.policies.insert(name, *status);
        }
        self.registry.apply(change);
    }
}
