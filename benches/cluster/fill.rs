//! What the cluster is filled with: filings in good order, and Ingresses under them.

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};
use serde_json::{Value, json};

use super::support::wait::eventually;
use super::{PATIENCE, progress};

/// Where the filings are, and the operator at home.
pub(crate) const HOME: &str = "filing-system";
/// How many filings have ten routes each and change.
pub(crate) const BUSY: usize = 10;
/// How many routes each of those has.
pub(crate) const ROUTES_OF_BUSY: usize = 10;
/// The filing that the crowd is under.
pub(crate) const CROWDED: &str = "crowded";

/// Where what a route is under is written, so that whoever watches need not know hosts.
pub(crate) const FILING_LABEL: &str = "scale/filing";

/// Blocks whatever violates, and lets as many be blocked as there are.
pub(crate) const POLICY: &str = "
site: {provider: alicloud, region: cn-beijing}
filingsFrom: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: filing-system}}}
admission: Deny
running: Block
brake: {routes: 100000, percent: 100, minutes: 10}
";

/// How many requests are under way at once.
const PARALLEL: usize = 32;

/// What to fill the cluster with.
pub(crate) struct Fill {
    pub(crate) client: Client,
    pub(crate) ingresses: usize,
    pub(crate) filings: usize,
    pub(crate) namespaces: usize,
    pub(crate) crowd: usize,
}

impl Fill {
    pub(crate) async fn everything(&self) {
        let namespaces = (0..self.namespaces).map(|nth| format!("team-{nth}"));
        let namespaces = namespaces.chain([HOME.to_owned()]);
        let namespaces = namespaces.map(|name| (None, json!({"metadata": {"name": name}})));
        let resource = ApiResource::erase::<Namespace>(&());
        self.create("Namespaces", &resource, namespaces.collect()).await;

        let classes = [
            ("nginx", "k8s.io/ingress-nginx"),
            ("filing-quarantine", "filing-operator.io/quarantine"),
        ];
        let class = |(name, controller)| {
            (
                None,
                json!({"metadata": {"name": name}, "spec": {"controller": controller}}),
            )
        };
        let resource = ApiResource::erase::<IngressClass>(&());
        self.create("IngressClasses", &resource, classes.map(class).into())
            .await;

        let names = self.filing_names();
        let all = names.iter().enumerate();
        let all = all.map(|(nth, name)| (Some(HOME.to_owned()), filing(nth, name)));
        self.create("Filings", &filings(), all.collect()).await;

        let routes = (0..self.ingresses).map(|nth| self.ingress(nth, &names));
        let resource = ApiResource::erase::<Ingress>(&());
        self.create("Ingresses", &resource, routes.collect()).await;
    }

    /// Waits until the status of every filing is there.
    pub(crate) async fn until_filings_are_told(&self) {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), HOME, &filings());
        eventually("every Filing to be told of", PATIENCE, async || {
            let all = api
                .list(&ListParams::default())
                .await
                .map_err(|error| error.to_string())?;
            let without = all
                .iter()
                .filter(|filing| filing.data.pointer("/status/colour").is_none());
            match without.count() {
                0 => Ok(()),
                count => Err(format!("{count} have no status")),
            }
        })
        .await;
    }

    /// The crowded one, the busy ones, and the others.
    fn filing_names(&self) -> Vec<String> {
        let busy = (0..BUSY).map(|nth| format!("busy-{nth}"));
        let named = std::iter::once(CROWDED.to_owned()).chain(busy);
        let others = (0..).map(|nth| format!("site-{nth}"));
        named.chain(others).take(self.filings.max(BUSY + 2)).collect()
    }

    /// The first are the crowd, then come those of the busy filings; the others have one or two filings each.
    fn ingress(&self, nth: usize, names: &[String]) -> (Option<String>, Value) {
        let of_busy = self.crowd + BUSY * ROUTES_OF_BUSY;
        let filing = if nth < self.crowd {
            CROWDED
        } else if nth < of_busy {
            &names[1 + (nth - self.crowd) / ROUTES_OF_BUSY]
        } else {
            let others = &names[1 + BUSY..];
            &others[(nth - of_busy) % others.len()]
        };
        let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
        let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
        let host = format!("www-{nth}.{filing}.cn");
        let object = json!({
            "metadata": {
                "name": format!("route-{nth}"),
                "labels": {FILING_LABEL: filing, "app": "web"},
                "annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": "true"},
            },
            "spec": {
                "ingressClassName": "nginx",
                "rules": [{"host": host, "http": {"paths": paths}}],
                "tls": [{"hosts": [host], "secretName": "web-tls"}],
            },
        });
        (Some(format!("team-{}", nth % self.namespaces)), object)
    }

    async fn create(&self, what: &str, resource: &ApiResource, objects: Vec<(Option<String>, Value)>) {
        let count = objects.len();
        let made = stream::iter(objects).map(|(namespace, mut object)| async move {
            let api: Api<DynamicObject> = match namespace {
                Some(namespace) => Api::namespaced_with(self.client.clone(), &namespace, resource),
                None => Api::all_with(self.client.clone(), resource),
            };
            object["apiVersion"] = json!(resource.api_version);
            object["kind"] = json!(resource.kind);
            let object = serde_json::from_value(object).expect("it is an object");
            let made = api.create(&PostParams::default(), &object).await;
            made.unwrap_or_else(|error| panic!("can't create one of the {what}: {error}"));
        });
        let mut made = made.buffer_unordered(PARALLEL).enumerate();
        while let Some((nth, ())) = made.next().await {
            if (nth + 1).is_multiple_of(1_000) || nth + 1 == count {
                progress(&format!("{} of {count} {what}", nth + 1));
            }
        }
    }
}

/// The resource of Filings.
pub(crate) fn filings() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("filing-operator.io", "v1alpha1", "Filing"))
}

fn filing(nth: usize, name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "domains": [format!("{name}.cn")],
            "number": format!("京ICP备2021012345号-{}", nth + 1),
            "stage": "Approved",
            "subject": {"name": "示例科技有限公司", "nature": "Enterprise", "province": "CN-BJ",
                "mainNumber": "京ICP备2021012345号"},
            "service": {"name": "示例商城", "kind": "Website"},
            "registration": {"holder": "示例科技有限公司", "expiresAt": "2037-01-15"},
            "access": [{"provider": "alicloud", "regions": ["cn-beijing"], "stage": "Approved"}],
            "approvedAt": "2021-02-20",
        },
    })
}
