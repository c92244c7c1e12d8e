//! What is left in a namespace of an Ingress that was denied.

use crate::run::{Stage, events, ingress, stage, tenant};
use crate::support::wait::{PATIENCE, eventually};

/// Waits until there are Events about an Ingress, and gives them.
async fn told(stage: &Stage, namespace: &str, name: &str) -> Vec<(String, String, String)> {
    eventually(&format!("an Event about {name}"), PATIENCE, async || {
        let told = events(stage.cluster, namespace, "Ingress", name).await;
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
    let stage = stage().await;
    let (namespace, domain) = tenant(stage, "denial").await;
    let hosts = [domain.as_str()];
    for _ in 0..5 {
        namespace.kubectl("create -f -", &ingress("web", &hosts)).fails();
    }
    let tried = namespace.kubectl("create --dry-run=server -f -", &ingress("tried", &hosts));
    assert!(tried.fails().contains("[NoFiling]"));
    // Events are written in the order of the denials: when the last is there, so are those before it.
    namespace.kubectl("create -f -", &ingress("last", &hosts)).fails();
    told(stage, &namespace.name, "last").await;

    let web = told(stage, &namespace.name, "web").await;
    let note = format!("refused to create web: {domain}: no trusted filing covers {domain} [NoFiling]; ");
    let [(kind, reason, said)] = web.as_slice() else {
        panic!("{web:?}")
    };
    assert_eq!((kind.as_str(), reason.as_str()), ("Warning", "NoFiling"));
    assert!(said.starts_with(&note), "{said}");
    let of_the_dry_run = events(stage.cluster, &namespace.name, "Ingress", "tried").await;
    assert!(of_the_dry_run.is_empty(), "{of_the_dry_run:?}");
}

#[tokio::test]
async fn names_that_the_api_server_makes_up_do_not_multiply_events() {
    let stage = stage().await;
    let (namespace, domain) = tenant(stage, "made-up").await;
    let made_up = ingress("web", &[&domain]).replace("name: web}", "generateName: web-}");
    assert!(made_up.contains("generateName"), "{made_up}");
    for _ in 0..3 {
        namespace.kubectl("create -f -", &made_up).fails();
    }
    namespace.kubectl("create -f -", &ingress("last", &[&domain])).fails();
    told(stage, &namespace.name, "last").await;
    let all = namespace
        .kubectl("get events.events.k8s.io -o jsonpath={.items[*].note}", "")
        .succeeds();
    assert_eq!(all.matches("refused to create web-…: ").count(), 1, "{all}");
}
