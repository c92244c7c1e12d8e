//! The harness itself: what every other test here stands on.

use std::{collections::BTreeMap, path::Path};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{ListParams, ObjectMeta, Patch, PatchParams},
};
use tempfile::TempDir;

use crate::support::{
    Cluster,
    process::Process,
    wait::{PATIENCE, eventually, until},
};

fn config_map(name: &str, greeting: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{greeting: {greeting}}}\n")
}

#[tokio::test]
async fn kubectl_and_the_kube_client_see_one_cluster() {
    let cluster = Cluster::shared().await;
    let client = cluster.client().await;
    let namespace = cluster.temp_namespace_labelled("harness", &[("team", "shop")]).await;

    namespace
        .kubectl("apply --server-side -f -", &config_map("hello", "你好"))
        .succeeds();
    let api = Api::<ConfigMap>::namespaced(client.clone(), &namespace.name);
    let found = api.get("hello").await.unwrap();
    assert_eq!(found.data.unwrap()["greeting"], "你好");

    let data = Some(BTreeMap::from([("greeting".to_owned(), "hello".to_owned())]));
    let metadata = ObjectMeta {
        name: Some("hello".into()),
        ..ObjectMeta::default()
    };
    let changed = ConfigMap {
        metadata,
        data,
        ..ConfigMap::default()
    };
    api.patch("hello", &PatchParams::apply("test").force(), &Patch::Apply(&changed))
        .await
        .unwrap();
    let printed = namespace
        .kubectl("get configmap hello -o jsonpath={.data.greeting}", "")
        .succeeds();
    assert_eq!(printed, "hello");
    let listed = cluster.kubectl("get namespaces -l team=shop -o name", "").succeeds();
    assert_eq!(listed.trim(), format!("namespace/{}", namespace.name));

    let version = client.apiserver_version().await.unwrap().git_version;
    let printed = cluster.kubectl("version -o json", "").succeeds();
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["serverVersion"]["gitVersion"], version);
    assert_eq!(
        printed["clientVersion"]["gitVersion"], version,
        "both are pinned by one go.mod"
    );
}

#[tokio::test]
async fn accounts_may_do_what_rbac_gives_them_and_no_more() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.temp_namespace("accounts").await;
    let name = namespace.name.as_str();
    namespace
        .kubectl("create role reader --verb=get,list --resource=configmaps", "")
        .succeeds();
    let subjects = format!("--group=team-shop --serviceaccount={name}:reader");
    namespace
        .kubectl(&format!("create rolebinding reader --role=reader {subjects}"), "")
        .succeeds();

    let member = cluster.user("zhang", &["team-shop"]);
    let reader = cluster.service_account(name, "reader");
    for account in [&member, &reader] {
        let api = Api::<ConfigMap>::namespaced(account.client().await, name);
        // The API server itself learns of a new binding a moment later.
        eventually("the binding to count", PATIENCE, async || {
            api.list(&ListParams::default())
                .await
                .map_err(|error| error.to_string())
        })
        .await;
        account.kubectl(&format!("get configmaps -n {name}"), "").succeeds();
        let refusal = account.kubectl(&format!("create configmap x -n {name}"), "").fails();
        assert!(refusal.contains("cannot create resource \"configmaps\""), "{refusal}");
    }
    cluster
        .user("stranger", &[])
        .kubectl(&format!("get configmaps -n {name}"), "")
        .fails();
    let who = reader
        .kubectl("auth whoami -o jsonpath={.status.userInfo.username}", "")
        .succeeds();
    assert_eq!(who, format!("system:serviceaccount:{name}:reader"));
}

#[tokio::test]
async fn a_second_control_plane_runs_beside_the_first_and_survives_an_outage() {
    let shared = Cluster::shared().await;
    let mut own = Cluster::own().await;
    own.kubectl("apply -n default -f -", &config_map("kept", "before"))
        .succeeds();
    shared.kubectl("get configmap kept -n default", "").fails();

    own.stop_api_server();
    let refusal = own.kubectl("get configmap kept -n default", "").fails();
    assert!(refusal.contains("refused"), "{refusal}");
    own.start_api_server().await;

    let api = Api::<ConfigMap>::namespaced(own.client().await, "default");
    assert_eq!(api.get("kept").await.unwrap().data.unwrap()["greeting"], "before");
    own.kubectl("apply -n default -f -", &config_map("kept", "after"))
        .succeeds();
    let changed = until(api, "kept", "the new greeting", |object: Option<&ConfigMap>| {
        object
            .and_then(|map| map.data.as_ref())
            .is_some_and(|data| data["greeting"] == "after")
    });
    assert!(changed.await.is_some());
}

#[tokio::test]
async fn a_program_gets_signals_and_its_folder_goes_with_it() {
    let logs = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap().keep();
    let log = logs.path().join("log");
    let script = [
        "-c",
        "trap 'kill $!; echo asked; exit 7' TERM; tail -f /dev/null & echo started; wait",
    ];
    let mut process = Process::start("waiter", Path::new("/bin/sh"), script, &log, Some(&folder));
    eventually("the start", PATIENCE, async || {
        process.log().contains("started").then_some(()).ok_or(process.log())
    })
    .await;

    process.signal("TERM");
    let status = eventually("the end", PATIENCE, async || {
        process.ended().ok_or_else(|| process.log())
    })
    .await;
    assert_eq!((status.code(), process.log().as_str()), (Some(7), "started\nasked\n"));
    assert!(!folder.exists());
}

#[tokio::test]
#[should_panic(expected = "in vain for the moon; at last: it is still up there")]
async fn waiting_in_vain_says_what_for_and_why_not() {
    eventually("the moon", PATIENCE / 100, async || {
        Err::<(), _>("it is still up there".into())
    })
    .await;
}
