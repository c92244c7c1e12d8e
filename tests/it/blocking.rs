//! Routes under `running: Block` on a real API server, with an operator that has the rights of the chart and
//! no others.

use std::fmt::Write as _;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::operator::Operator;
use crate::support::stage::{self, BLOCKING, FILINGS, at_stage, comparable, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

const QUARANTINE: &str = "filing-quarantine";
const RECORD: &str = "filing-operator.io/quarantined-class";
const LEGACY: &str = "kubernetes.io/ingress.class";

/// Far more routes than the brake lets go.
const MANY: usize = 500;

/// A cluster of its own, in which an operator blocks.
struct Stage {
    cluster: Cluster,
    operator: Operator,
}

impl Stage {
    async fn set_up() -> Self {
        let cluster = Cluster::own().await;
        cluster.kubectl("create namespace shop", "").succeeds();
        cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
        let operator = operator_that_is_asked(&cluster, BLOCKING, &["--writes-per-second", "200"]).await;
        let stage = Self { cluster, operator };
        stage.condition("Enforced", "True Enforced").await;
        stage
    }

    fn kubectl(&self, args: &str, stdin: &str) -> String {
        self.cluster.kubectl(args, stdin).succeeds()
    }

    fn file(&self, name: &str, stage: &str) {
        self.kubectl("apply -f -", &filing(name, stage));
    }

    async fn ingress(&self, name: &str) -> Value {
        let api: Api<Ingress> = Api::namespaced(self.cluster.client().await, "shop");
        json!(api.get(name).await.unwrap())
    }

    /// Waits until a route is in a class, with nothing of a quarantine left on it unless it is that one.
    async fn is_in(&self, name: &str, class: Option<&str>) {
        eventually(&format!("{name} to be in {class:?}"), PATIENCE, async || {
            let found = self.ingress(name).await;
            let is_there = found["spec"]["ingressClassName"].as_str() == class;
            let has_record = !found["metadata"]["annotations"][RECORD].is_null();
            let is_done = is_there && has_record == (class == Some(QUARANTINE));
            is_done.then_some(()).ok_or_else(|| found.to_string())
        })
        .await;
    }

    /// Waits until a condition of the default policy is so, and gives its message.
    async fn condition(&self, type_: &str, expected: &str) -> String {
        eventually(&format!("{type_} to be {expected}"), PATIENCE, async || {
            let policy = self.cluster.kubectl("get filingpolicy default -o json", "");
            let policy: Value = serde_json::from_str(&policy.stdout).map_err(|error| error.to_string())?;
            let conditions = policy["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let found = conditions.iter().find(|condition| condition["type"] == type_).cloned();
            let found = found.ok_or_else(|| format!("there is none: {conditions:?}"))?;
            let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
            let is = format!("{} {}", text("status"), text("reason"));
            (is == expected)
                .then(|| text("message"))
                .ok_or_else(|| format!("{is}: {}", text("message")))
        })
        .await
    }

    async fn events(&self, reason: &str, action: &str) -> Vec<Event> {
        let api: Api<Event> = Api::all(self.cluster.client().await);
        let all = api.list(&ListParams::default()).await.unwrap();
        let is_so = |event: &Event| event.reason.as_deref() == Some(reason) && event.action.as_deref() == Some(action);
        all.items.into_iter().filter(is_so).collect()
    }

    /// Makes so many routes of the filing `alpha`.
    async fn create_routes(&self, count: usize) {
        let api: Api<Ingress> = Api::namespaced(self.cluster.client().await, "shop");
        let routes = (0..count).map(|at| {
            let api = api.clone();
            async move {
                let yaml = route(&format!("web-{at}"), "alpha", Some("nginx"), None);
                let route: Ingress = serde_saphyr::from_str(&yaml).unwrap();
                api.create(&PostParams::default(), &route).await.unwrap();
            }
        });
        stream::iter(routes).buffer_unordered(8).collect::<Vec<_>>().await;
    }

    async fn blocked(&self) -> usize {
        let api: Api<Ingress> = Api::namespaced(self.cluster.client().await, "shop");
        let all = api.list(&ListParams::default()).await.unwrap();
        let is_blocked = |route: &&Ingress| {
            let class = route.spec.as_ref().and_then(|spec| spec.ingress_class_name.as_deref());
            class == Some(QUARANTINE)
        };
        all.iter().filter(is_blocked).count()
    }
}

fn filing(name: &str, stage: &str) -> String {
    stage::filing(name, &format!("{name}.com"), &at_stage(stage))
}

/// A route of the filing of that name.
fn route(name: &str, filing: &str, field: Option<&str>, annotation: Option<&str>) -> String {
    let mut text =
        format!("{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}, namespace: shop");
    if let Some(class) = annotation {
        write!(text, ", annotations: {{{LEGACY}: {class}}}").unwrap();
    }
    write!(
        text,
        "}}, spec: {{rules: [{{host: {name}.{filing}.com, http: {{paths: [{{path: /, pathType: Prefix, "
    )
    .unwrap();
    write!(
        text,
        "backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]"
    )
    .unwrap();
    if let Some(class) = field {
        write!(text, ", ingressClassName: {class}").unwrap();
    }
    text + "}}\n"
}

#[tokio::test]
async fn a_route_comes_back_byte_for_byte_and_its_owner_meets_no_conflict() {
    let stage = Stage::set_up().await;
    stage.file("alpha", "Approved");
    let shapes = [
        ("field", Some("nginx"), None),
        ("annotation", None, Some("nginx")),
        ("both", Some("nginx"), Some("nginx")),
        ("neither", None, None),
    ];
    let apply = "apply --server-side --field-manager=gitops -f -";
    for (name, field, annotation) in shapes {
        stage.kubectl(apply, &route(name, "alpha", field, annotation));
    }
    let mut before = Vec::new();
    for (name, ..) in shapes {
        eventually(&format!("{name} to be judged"), PATIENCE, async || {
            let found = stage.ingress(name).await;
            let verdict = &found["metadata"]["annotations"]["filing-operator.io/verdict"];
            (verdict == "Compliant").then_some(()).ok_or_else(|| found.to_string())
        })
        .await;
        before.push(comparable(stage.ingress(name).await));
    }

    stage.file("alpha", "Cancelled");
    for (name, ..) in shapes {
        stage.is_in(name, Some(QUARANTINE)).await;
        let inside = stage.ingress(name).await;
        assert_eq!(inside["metadata"]["annotations"][LEGACY], QUARANTINE, "{inside}");
    }
    eventually("each to be told of once", PATIENCE, async || {
        let told = stage.events("FilingCancelled", "Block").await.len();
        (told == shapes.len())
            .then_some(())
            .ok_or_else(|| format!("{told} Events"))
    })
    .await;
    // What its owner applies without the class goes on working; with the class it is refused, and told both ways out.
    let out = stage
        .cluster
        .admin
        .kubectl(apply, &route("field", "alpha", Some("nginx"), None))
        .fails();
    assert!(out.contains("conflict"), "{out}");
    let forced = stage
        .cluster
        .admin
        .kubectl(
            &format!("{apply} --force-conflicts"),
            &route("field", "alpha", Some("nginx"), None),
        )
        .fails();
    assert!(
        forced.contains("in quarantine") && forced.contains("mend the filing"),
        "{forced}"
    );

    stage.file("alpha", "Approved");
    for ((name, field, annotation), before) in shapes.into_iter().zip(before) {
        stage.is_in(name, field).await;
        eventually(&format!("{name} to be as it was"), PATIENCE, async || {
            let after = comparable(stage.ingress(name).await);
            (after == before)
                .then_some(())
                .ok_or_else(|| format!("{after:#}\nbefore: {before:#}"))
        })
        .await;
        let other = |class: Option<&str>| class.map(|_| "traefik").filter(|_| name != "both");
        stage.kubectl(apply, &route(name, "alpha", other(field), other(annotation)));
        let after = stage.ingress(name).await;
        assert_eq!(after["spec"]["ingressClassName"].as_str(), other(field), "{after}");
        assert_eq!(
            after["metadata"]["annotations"][LEGACY].as_str(),
            other(annotation),
            "{after}"
        );
    }
    assert_eq!(stage.events("Restored", "Restore").await.len(), shapes.len());
}

#[tokio::test]
async fn the_brake_holds_what_ends_at_once_until_a_person_lets_exactly_that_set_go() {
    let mut stage = Stage::set_up().await;
    stage.file("alpha", "Approved");
    stage.file("other", "Approved");
    stage.create_routes(MANY).await;
    let crd = stage.kubectl("get crd filings.filing-operator.io -o json", "");

    // The filing is deleted, and the operator restarted again and again.
    stage.kubectl(&format!("delete filing alpha -n {FILINGS}"), "");
    stage.condition("BrakeHeld", "True LimitExceeded").await;
    for _ in 0..3 {
        stage.operator.restart().await;
        stage.condition("BrakeHeld", "True LimitExceeded").await;
    }
    assert_eq!(stage.blocked().await, 0);
    stage.file("alpha", "Approved");
    stage.condition("BrakeHeld", "False WithinLimit").await;

    // The whole kind is removed and put back.
    stage.kubectl("delete crd filings.filing-operator.io", "");
    stage.condition("BrakeHeld", "True LimitExceeded").await;
    assert_eq!(stage.blocked().await, 0);
    let mut crd: Value = serde_json::from_str(&crd).unwrap();
    crd["metadata"] = json!({"name": crd["metadata"]["name"]});
    crd.as_object_mut().unwrap().remove("status");
    stage.kubectl("create -f -", &crd.to_string());
    stage.kubectl("wait --for=condition=Established crd/filings.filing-operator.io", "");
    eventually("the kind to be served", PATIENCE, async || {
        let applied = stage.cluster.kubectl(
            "apply -f -",
            &(filing("alpha", "Approved") + "---\n" + &filing("other", "Approved")),
        );
        (applied.code == 0).then_some(()).ok_or(applied.stderr)
    })
    .await;
    stage.condition("BrakeHeld", "False WithinLimit").await;
    assert_eq!(stage.blocked().await, 0);

    // The site is changed to another provider by mistake.
    let site = |provider: &str, region: &str| json!({"spec": {"site": {"provider": provider, "region": region}}});
    let policies: Api<DynamicObject> = Api::all_with(
        stage.cluster.client().await,
        &kube::api::ApiResource::erase::<filing_operator::api::FilingPolicy>(&()),
    );
    let change = async |site: Value| {
        let params = PatchParams::default();
        policies.patch("default", &params, &Patch::Merge(site)).await.unwrap();
    };
    change(site("tencentcloud", "ap-beijing")).await;
    stage.condition("BrakeHeld", "True LimitExceeded").await;
    change(site("alicloud", "cn-beijing")).await;
    stage.condition("BrakeHeld", "False WithinLimit").await;
    assert_eq!(stage.blocked().await, 0);

    // The filing ends, and that is right: a person says so.
    stage.file("alpha", "Cancelled");
    let message = stage.condition("BrakeHeld", "True LimitExceeded").await;
    assert!(message.starts_with(&format!("{MANY} routes are due")), "{message}");
    let (_, command) = message.split_once("kubectl ").unwrap();
    // Behind it stands for which set another word was, and which routes are due.
    let command = command.split(['(', ';']).next().unwrap();
    stage.kubectl(command.trim(), "");
    eventually("all to be blocked", PATIENCE, async || {
        let blocked = stage.blocked().await;
        (blocked == MANY).then_some(()).ok_or_else(|| format!("{blocked} are"))
    })
    .await;
    stage.condition("BrakeHeld", "False WithinLimit").await;
    let told = stage.events("BrakeHeld", "Hold").await;
    assert_eq!(told.len(), 4, "one for each time that it was held: {told:#?}");
    assert!(
        told.iter()
            .all(|event| event.metadata.namespace.as_deref() == Some("default"))
    );
}

#[tokio::test]
async fn a_tool_that_takes_a_route_out_over_and_over_is_answered_and_one_that_waits_is_left_alone() {
    let stage = Stage::set_up().await;
    // The webhook would refuse it: here it is not asked.
    stage.kubectl("delete validatingwebhookconfiguration filing-operator", "");
    stage.file("alpha", "Cancelled");
    stage.kubectl("apply -f -", &route("web", "alpha", Some("nginx"), None));
    stage.is_in("web", Some(QUARANTINE)).await;
    for _ in 0..2 {
        stage.kubectl("replace -f -", &route("web", "alpha", Some("nginx"), None));
        stage.condition("Enforced", "False PutBackByOthers").await;
        let patience = PATIENCE + Duration::from_secs(30);
        eventually("it to be put there again", patience, async || {
            let found = stage.ingress("web").await;
            (found["spec"]["ingressClassName"] == QUARANTINE)
                .then_some(())
                .ok_or_else(|| found.to_string())
        })
        .await;
    }
    assert_eq!(stage.events("PutBack", "Block").await.len(), 1);
    stage.file("alpha", "Approved");
    stage.is_in("web", Some("nginx")).await;
    stage.condition("Enforced", "True Enforced").await;
}
