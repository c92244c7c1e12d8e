//! What is left in a namespace of an Ingress that was denied.

use tokio::sync::OnceCell;

use crate::support::cluster::{Cluster, Namespace};
use crate::support::operator::Operator;
use crate::support::stage::{APPROVED, POLICY, declare, events, ingress, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

/// A cluster of its own: how many Events there may be is bounded for all of an operator's denials.
async fn cluster() -> &'static Cluster {
    static STAGE: OnceCell<(Cluster, Operator)> = OnceCell::const_new();
    let stage = STAGE.get_or_init(|| async {
        let cluster = Cluster::own().await;
        let operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
        // A filing, so that the policy denies.
        declare(&cluster.admin, "first", "first.example.com", APPROVED).succeeds();
        eventually("the filing to be known", PATIENCE, async || {
            let tried = cluster.kubectl("create --dry-run=server -f -", &ingress("web", &["unfiled.com"]));
            if tried.code == 0 { Err(tried.stderr) } else { Ok(()) }
        })
        .await;
        (cluster, operator)
    });
    &stage.await.0
}

/// Waits until there are Events about an Ingress, and gives them.
async fn told(cluster: &Cluster, namespace: &Namespace, name: &str) -> Vec<(String, String, String)> {
    eventually(&format!("an Event about {name}"), PATIENCE, async || {
        let told = events(cluster, &namespace.name, "Ingress", name).await;
        if told.is_empty() {
            Err("there is none".to_owned())
        } else {
            Ok(told)
        }
    })
    .await
}

#[tokio::test]
async fn an_ingress_that_was_denied_over_and_over_leaves_one_event_and_a_dry_run_none() {
    let cluster = cluster().await;
    let namespace = cluster.temp_namespace("denial").await;
    let hosts = ["unfiled.com"];
    for _ in 0..5 {
        namespace.kubectl("create -f -", &ingress("web", &hosts)).fails();
    }
    let tried = namespace.kubectl("create --dry-run=server -f -", &ingress("tried", &hosts));
    assert!(tried.fails().contains("[NoFiling]"));
    // Events are written in the order of the denials: when the last is there, so are those before it.
    namespace.kubectl("create -f -", &ingress("last", &hosts)).fails();
    told(cluster, &namespace, "last").await;

    let web = told(cluster, &namespace, "web").await;
    let note = "refused to create web: unfiled.com: no trusted filing covers unfiled.com [NoFiling]; file ";
    let [(kind, reason, said)] = web.as_slice() else {
        panic!("{web:?}")
    };
    assert_eq!((kind.as_str(), reason.as_str()), ("Warning", "NoFiling"));
    assert!(said.starts_with(note), "{said}");
    let of_the_dry_run = events(cluster, &namespace.name, "Ingress", "tried").await;
    assert!(of_the_dry_run.is_empty(), "{of_the_dry_run:?}");
}

#[tokio::test]
async fn names_that_the_api_server_makes_up_do_not_multiply_events() {
    let cluster = cluster().await;
    let namespace = cluster.temp_namespace("made-up").await;
    let made_up = ingress("web", &["unfiled.com"]).replace("name: web}", "generateName: web-}");
    assert!(made_up.contains("generateName"), "{made_up}");
    for _ in 0..3 {
        namespace.kubectl("create -f -", &made_up).fails();
    }
    namespace
        .kubectl("create -f -", &ingress("last", &["unfiled.com"]))
        .fails();
    told(cluster, &namespace, "last").await;
    let all = namespace
        .kubectl("get events.events.k8s.io -o jsonpath={.items[*].note}", "")
        .succeeds();
    assert_eq!(all.matches("refused to create web-…: ").count(), 1, "{all}");
}
