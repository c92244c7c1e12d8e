//! Both by way of a real API server: what each adds to a creation that nobody is asked about; and how long a denial takes,
//! which asks the API server whether a filing has come meanwhile.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, PostParams};
use serde_json::json;
use tempfile::TempDir;

use super::load::median;
use super::support::Cluster;
use super::support::operator::Operator;
use super::support::wait::eventually;
use super::{Certificate, PATIENCE, fill, progress, start_floor};

/// The ways of a creation, each a namespace.
const WAYS: [&str; 3] = ["unasked", "floor", "operator"];

pub(crate) async fn measure(creates: usize, filings: usize) {
    let cluster = Cluster::own().await;
    let client = cluster.client().await;
    let fill = fill::Fill {
        client: client.clone(),
        ingresses: 0,
        filings,
        namespaces: 0,
        crowd: 0,
    };
    fill.everything().await;
    let certificate = Certificate::make();
    let (_floor, floor_address) = start_floor(&certificate).await;
    let folder = TempDir::with_prefix("filing-operator-bench-").expect("a temporary folder can be made");
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, fill::POLICY).expect("the folder can be written");
    let tls = certificate.args();
    let mut more = vec![
        "--namespace",
        fill::HOME,
        "--policy",
        policy.to_str().expect("it is UTF-8"),
        "--writes-per-second",
        "1000",
    ];
    more.extend(tls.iter().map(String::as_str));
    let mut operator = Operator::launch(&cluster.admin, &more);
    operator.ready().await;
    fill.until_filings_are_told().await;

    for way in WAYS {
        cluster.kubectl(&format!("create namespace {way}"), "").succeeds();
    }
    let webhook = |way: &str, address| {
        json!({
            "name": format!("{way}.filing-operator.io"), "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": format!("https://{address}/admission/ingresses"), "caBundle": base64(&certificate.pem)},
            "rules": [{"apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "resources": ["ingresses"],
                "operations": ["CREATE", "UPDATE"], "scope": "Namespaced"}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": way}},
            "failurePolicy": "Fail", "matchPolicy": "Equivalent", "sideEffects": "NoneOnDryRun", "timeoutSeconds": 5,
        })
    };
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "bench"},
        "webhooks": [webhook(WAYS[1], floor_address), webhook(WAYS[2], operator.webhook())],
    });
    cluster.kubectl("apply -f -", &configuration.to_string()).succeeds();
    let apis = WAYS.map(|way| Api::<Ingress>::namespaced(client.clone(), way));
    let dry_run = dry_run();
    let unfiled = ingress("www.not-filed.cn");
    eventually("the webhooks to be asked", PATIENCE, async || {
        match apis[2].create(&dry_run, &unfiled).await {
            Err(kube::Error::Api(status)) if status.message.contains("[NoFiling]") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;

    let mut took = WAYS.map(|_| Vec::new());
    for nth in 0..creates + creates / 10 {
        let route = ingress(&format!("www-{nth}.busy-{}.cn", nth % fill::BUSY));
        for turn in 0..WAYS.len() {
            let way = (nth + turn) % WAYS.len();
            let asked = Instant::now();
            let made = apis[way].create(&dry_run, &route).await;
            let time = asked.elapsed();
            made.expect("it is let through");
            // The first ones warm up.
            if nth >= creates / 10 {
                took[way].push(time.as_secs_f64());
            }
        }
        if nth % 500 == 499 {
            progress(&format!("{} creations by each way", nth + 1));
        }
    }
    let [unasked, floor, operator] = took.map(|times| median(times.into_iter()));
    let micros = |seconds: f64| Duration::from_secs_f64(seconds).as_micros();
    println!(
        "p50 of a dry-run creation, µs: {} unasked, {} with the floor, {} with the webhook",
        micros(unasked),
        micros(floor),
        micros(operator)
    );
    println!("ratio added_p50={:.2}", (operator - unasked) / (floor - unasked));
    for writers in [1, 4] {
        denials(&apis[2], creates / 10, writers, filings).await;
    }
}

/// So many creations, by so many at once, of what is not filed.
async fn denials(api: &Api<Ingress>, creates: usize, writers: usize, filings: usize) {
    let dry_run = dry_run();
    let unfiled = ingress("www.not-filed.cn");
    let deny = async || {
        let asked = Instant::now();
        let refused = api.create(&dry_run, &unfiled).await;
        let refused = refused.expect_err("it is not filed").to_string();
        assert!(refused.contains("[NoFiling]"), "{refused}");
        asked.elapsed()
    };
    let mut took: Vec<Duration> = stream::iter(0..creates)
        .map(|_| deny())
        .buffer_unordered(writers)
        .collect()
        .await;
    took.sort();
    let at = |hundredths: usize| took[(took.len() * hundredths / 100).min(took.len() - 1)].as_millis();
    println!(
        "denials filings={filings} writers={writers} count={creates} p50_ms={} p99_ms={} most_ms={}",
        at(50),
        at(99),
        at(100)
    );
}

/// Nothing is kept of what is made.
fn dry_run() -> PostParams {
    PostParams {
        dry_run: true,
        ..PostParams::default()
    }
}

fn ingress(host: &str) -> Ingress {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
    let object = json!({
        "metadata": {"generateName": "route-", "labels": {"app": "web"}},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"host": host, "http": {"paths": paths}}],
            "tls": [{"hosts": [host], "secretName": "web-tls"}],
        },
    });
    serde_json::from_value(object).expect("it is an Ingress")
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
