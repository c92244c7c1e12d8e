//! `check --live` on a real API server, beside the operator and its webhook: one judge, and what a pipeline may read.

use std::fs;
use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::cli::{answer, program};
use crate::support::cluster::{Account, Cluster, Output};
use crate::support::operator::Operator;
use crate::support::stage::{APPROVED, at_stage, declare, filing, home, ingress, operator_that_is_asked, status};

/// A day on which nothing ends.
const DAY: [&str; 2] = ["--now", "2026-11-23"];
/// Of a policy without a site, so that it is found from the nodes.
const POLICY: &str = "
filingsFrom: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: filing-system}}}
admission: Deny
";
const NODE: &str = "{apiVersion: v1, kind: Node, metadata: {name: one}, spec: {providerID: cn-beijing.i-2zeb1}}";

/// A cluster with one route that is well and one that is not, made before anyone asked.
struct Stage {
    cluster: Cluster,
    _operator: Operator,
}

async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE
        .get_or_init(async || {
            let cluster = Cluster::own().await;
            home(&cluster);
            cluster.kubectl("create namespace shop", "").succeeds();
            cluster.kubectl("apply -f -", NODE).succeeds();
            for (name, host) in [("web", "www.example.com"), ("legacy", "www.example.net")] {
                cluster
                    .kubectl("apply -n shop -f -", &ingress(name, &[host]))
                    .succeeds();
            }
            declare(&cluster.admin, "example-com", "example.com", APPROVED).succeeds();
            let operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
            status(
                &cluster,
                "filingpolicy default",
                "/status/site/0/region",
                "cn-beijing".into(),
            )
            .await;
            Stage {
                cluster,
                _operator: operator,
            }
        })
        .await
}

/// Runs `check --live` as someone, with a manifest on standard input where there is one.
fn check(account: &Account, stdin: &str, args: &[&str]) -> Output {
    run(&account.kubeconfig, stdin, &[&["--live"], &DAY[..], args].concat())
}

fn run(kubeconfig: &Path, stdin: &str, args: &[&str]) -> Output {
    let mut command = program(Path::new(env!("CARGO_MANIFEST_DIR")));
    command
        .arg("check")
        .args(args)
        .args(if stdin.is_empty() { &[][..] } else { &["-"][..] })
        .env("KUBECONFIG", kubeconfig)
        .env("HOME", "/nonexistent");
    answer(&mut command, stdin.as_bytes())
}

fn told(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The routes of an answer: namespace and name, verdict, where it stands, and how it stood.
fn routes(answer: &Value) -> Vec<(String, Value, Value, Value)> {
    let routes = answer["routes"].as_array().unwrap().iter();
    let name = |route: &Value| {
        format!(
            "{}/{}",
            route["namespace"].as_str().unwrap(),
            route["name"].as_str().unwrap()
        )
    };
    routes
        .map(|route| {
            (
                name(route),
                route["verdict"].clone(),
                route["live"].clone(),
                route["before"].clone(),
            )
        })
        .collect()
}

fn of_cluster(name: &str, verdict: &str, before: &str) -> (String, Value, Value, Value) {
    (name.to_owned(), verdict.into(), true.into(), json!({"verdict": before}))
}

#[tokio::test]
async fn a_new_route_is_judged_as_the_webhook_judges_it_in_its_words() {
    let Stage { cluster, .. } = stage().await;
    for (hosts, code) in [
        (&["new.example.com"][..], 0),
        (&["new.example.com", "new.example.org"], 1),
        (&["192-0-2-1.example.dev"], 1),
        (&["'*.com.cn'", "new.example.com"], 1),
    ] {
        let file = ingress("new", hosts);
        let answer = check(&cluster.admin, &file, &["-n", "shop", "-o", "json"]);
        assert_eq!(answer.code, code, "{answer:?}");
        let answer = told(&answer);
        let site = &answer["routes"][0]["sites"][0];
        assert_eq!(
            (&site["provider"], &site["region"]),
            (&json!("alicloud"), &json!("cn-beijing"))
        );
        let dry_run = cluster.kubectl("apply --dry-run=server -n shop -f -", &file);
        assert_eq!(dry_run.code == 0, code == 0, "{dry_run:?}");
        let hosts = answer["routes"][0]["hosts"].as_array().unwrap();
        let findings = hosts.iter().flat_map(|host| host["findings"].as_array().unwrap());
        let mut count = 0;
        for finding in findings.filter(|finding| finding["severity"] == "Violation") {
            count += 1;
            for part in ["message", "rule", "remedy"] {
                let part = finding[part].as_str().unwrap();
                assert!(dry_run.stderr.contains(part), "{part}\n{}", dry_run.stderr);
            }
        }
        assert_eq!(count > 0, code == 1);
    }
}

#[tokio::test]
async fn what_the_files_change_of_the_clusters_routes_is_told() {
    let Stage { cluster, .. } = stage().await;
    let given_up = filing("example-com", "example.com", &at_stage("Cancelled"));
    let answer = check(&cluster.admin, &given_up, &[]);
    assert_eq!(answer.code, 1);
    insta::assert_snapshot!("given_up", format!("{}\n{}", answer.stdout, answer.stderr));
    let chinese = check(&cluster.admin, &given_up, &["--lang", "zh"]);
    assert!(
        chinese
            .stdout
            .contains("shop/web  Ingress  alicloud cn-beijing (北京)  集群（此前合规）"),
        "{}",
        chinese.stdout
    );
    let answer = told(&check(&cluster.admin, &given_up, &["-o", "json"]));
    assert_eq!(routes(&answer), [of_cluster("shop/web", "Violating", "Compliant")]);
    let route = &answer["routes"][0];
    assert_eq!(
        (&route["source"], &route["hosts"][0]["findings"][0]["source"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn what_the_files_mend_is_told_and_does_not_fail() {
    let Stage { cluster, .. } = stage().await;
    let filed = filing("example-net", "example.net", &APPROVED.replace("号-1", "号-2"));
    let answer = check(&cluster.admin, &filed, &["-o", "json"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer:?}");
    assert_eq!(
        routes(&told(&answer)),
        [of_cluster("shop/legacy", "Compliant", "Violating")]
    );
    // Warned of is better than violating, and no more than that.
    let pending = APPROVED
        .replace("号-1", "号-2")
        .replace("alicloud, stage: Approved", "alicloud, stage: Submitted");
    let pending = filing("example-net", "example.net", &pending);
    let answer = check(&cluster.admin, &pending, &["-o", "json", "--fail-on", "warning"]);
    assert_eq!(
        routes(&told(&answer)),
        [of_cluster("shop/legacy", "Warned", "Violating")]
    );
    assert_eq!(answer.code, 0, "{answer:?}");
}

#[tokio::test]
async fn a_route_in_a_file_stands_in_place_of_the_clusters() {
    let Stage { cluster, .. } = stage().await;
    // It is mended in the file, and so is no longer among those that violate already.
    let mended = check(
        &cluster.admin,
        &ingress("legacy", &["m.example.com"]),
        &["-n", "shop", "-o", "json"],
    );
    assert_eq!((mended.code, mended.stderr.as_str()), (0, ""));
    let answer = told(&mended);
    assert_eq!(
        routes(&answer),
        [("shop/legacy".to_owned(), json!("Compliant"), Value::Null, Value::Null)]
    );
    assert_eq!(answer["routes"][0]["source"]["file"], "<stdin>");
    // Without a namespace it is in that of the context, where there is another of that name.
    let kubeconfig: Value = serde_json::from_str(&fs::read_to_string(&cluster.admin.kubeconfig).unwrap()).unwrap();
    let mut in_shop = kubeconfig.clone();
    in_shop["contexts"][0]["context"]["namespace"] = "shop".into();
    let in_shop = cluster.keep("in-shop.kubeconfig", &in_shop.to_string());
    let typed = ["--live", "-o", "json"];
    let namespace = |output: &Output| told(output)["routes"][0]["namespace"].clone();
    let one = ingress("legacy", &["m.example.com"]);
    assert_eq!(namespace(&run(&in_shop, &one, &typed)), "shop");
    assert_eq!(namespace(&run(&cluster.admin.kubeconfig, &one, &typed)), "default");
    assert_eq!(
        namespace(&run(&in_shop, &one, &[&typed[..], &["-n", "other"]].concat())),
        "other"
    );
}

#[tokio::test]
async fn without_files_everything_is_told() {
    let Stage { cluster, .. } = stage().await;
    let all = check(&cluster.admin, "", &[]);
    assert_eq!((all.code, all.stderr.as_str()), (1, ""));
    insta::assert_snapshot!("all", all.stdout);
    let nothing = check(&cluster.admin, "", &["-n", "default"]);
    assert_eq!(nothing.code, 0);
    assert_eq!(
        nothing.stderr,
        "note: there is no route in namespace default of the cluster\n"
    );
    let chinese = check(&cluster.admin, "", &["-n", "default", "--lang", "zh"]);
    assert_eq!(chinese.stderr, "note: 集群的命名空间 default 中没有路由\n");
    let none = run(&cluster.admin.kubeconfig, "", &[]);
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("<PATH>..."), "{}", none.stderr);
}

#[tokio::test]
async fn a_filing_in_a_file_has_the_age_of_the_clusters_and_a_new_one_is_younger() {
    let Stage { cluster, .. } = stage().await;
    let files = [
        filing(
            "example-com",
            "example.com",
            &format!("{APPROVED}, launchedAt: 2021-03-01"),
        ),
        filing("also", "example.com", &APPROVED.replace("号-1", "号-7")),
    ];
    let answer = told(&check(&cluster.admin, &files.join("---\n"), &["-o", "json"]));
    let found = |nth: usize| {
        let findings = answer["filings"][nth]["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| finding["rule"].as_str().unwrap())
            .any(|rule| rule == "DuplicateDomain")
    };
    assert_eq!((found(0), found(1)), (false, true), "{answer}");
}

#[tokio::test]
async fn labels_of_a_namespace_stay_and_a_policy_of_the_files_selects_by_them() {
    let Stage { cluster, .. } = stage().await;
    let namespace = cluster.temp_namespace_labelled("labelled", &[("tier", "public")]).await;
    let name = &namespace.name;
    let files = [
        format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{team: web}}}}}}\n"),
        "{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {name: public}, spec: {precedence: 9,
  filingsFrom: {all: true}, match: {namespaceSelector: {matchLabels: {tier: public, team: web}}}}}\n"
            .to_owned(),
        ingress("here", &["www.example.com"]),
    ];
    let answer = told(&check(
        &cluster.admin,
        &files.join("---\n"),
        &["-n", name, "-o", "json"],
    ));
    assert_eq!(answer["routes"][0]["policy"], "public", "{answer}");
}

/// The ClusterRole that docs/ci.md shows.
fn role() -> Value {
    let page = fs::read_to_string("docs/ci.md").unwrap();
    let mut blocks = page.split("```yaml\n").map(|block| block.split("```").next().unwrap());
    let role = blocks.find(|block| block.contains("kind: ClusterRole")).unwrap();
    serde_saphyr::from_str(role).unwrap()
}

/// An account with the rights of the page, but for one kind.
fn pipeline(cluster: &Cluster, without: &str) -> Account {
    let user = format!("pipeline-{without}");
    let mut role = role();
    role["metadata"]["name"] = user.as_str().into();
    let mut taken = 0;
    for rule in role["rules"].as_array_mut().unwrap() {
        rule["resources"].as_array_mut().unwrap().retain(|resource| {
            taken += usize::from(resource == without);
            resource != without
        });
    }
    assert_eq!(taken, usize::from(without != "nothing"));
    cluster.kubectl("apply -f -", &role.to_string()).succeeds();
    let bind = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    cluster.kubectl("apply -f -", &bind.to_string()).succeeds();
    cluster.user(&user, &[])
}

#[tokio::test]
async fn the_rights_of_the_page_are_enough() {
    let Stage { cluster, .. } = stage().await;
    let pipeline = pipeline(cluster, "nothing");
    let given_up = filing("example-com", "example.com", &at_stage("Cancelled"));
    for stdin in [given_up.as_str(), ""] {
        let [as_pipeline, as_admin] = [&pipeline, &cluster.admin].map(|account| check(account, stdin, &[]));
        assert_eq!(
            (as_pipeline.stdout, as_pipeline.stderr),
            (as_admin.stdout, as_admin.stderr)
        );
    }
}

#[rstest]
#[case::filings("filings", "", 2)]
#[case::servers("accessservers", "", 2)]
#[case::policies("filingpolicies", "", 2)]
#[case::routes("ingresses", "what the files change of the cluster's routes is not told", 0)]
#[case::namespaces("namespaces", "of each only its name is known", 1)]
#[case::classes("ingressclasses", "which one is the default, or for quarantine, is not known", 1)]
#[case::nodes("nodes", "it is the one that the operator has told in its status", 1)]
#[tokio::test]
async fn a_right_that_is_missing_is_told_with_what_that_means(
    #[case] kind: &str,
    #[case] means: &str,
    #[case] code: i32,
) {
    let Stage { cluster, .. } = stage().await;
    let pipeline = pipeline(cluster, kind);
    let files = [
        filing("example-com", "example.com", &at_stage("Cancelled")),
        filing("mine", "example.cn", &APPROVED.replace("号-1", "号-3")),
        ingress("mine", &["www.example.cn"]),
    ];
    // A filing that is given up has a violation of its own; what is asked here is how the routes stand.
    let files = if code == 0 {
        files[1..].join("---\n")
    } else {
        files.join("---\n")
    };
    let answer = check(&pipeline, &files, &["-n", "shop", "-o", "json"]);
    assert_eq!(answer.code, code, "{answer:?}");
    assert!(answer.stderr.contains(kind), "{}", answer.stderr);
    if code == 2 {
        assert_eq!(answer.stdout, "");
        assert!(
            answer.stderr.starts_with(&format!("error: listing {kind}: ")),
            "{}",
            answer.stderr
        );
        assert!(answer.stderr.contains("nothing is judged"), "{}", answer.stderr);
        return;
    }
    let note = format!("note: {kind} could not be listed, so ");
    assert!(
        answer.stderr.starts_with(&note) && answer.stderr.contains(means),
        "{}",
        answer.stderr
    );
    // What can be judged is judged as the admin's.
    let as_admin = check(&cluster.admin, &files, &["-n", "shop", "-o", "json"]);
    assert_eq!(told(&answer), told(&as_admin));
}

/// Without their labels another policy might seem to govern a route, or another filing to cover it.
#[rstest]
#[case::a_policy_governs(
    "{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {name: public}, spec: {precedence: 9,
  filingsFrom: {all: true}, match: {namespaceSelector: {matchLabels: {tier: public}}}}}\n",
    2
)]
#[case::a_policy_trusts(
    "{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {name: public}, spec: {
  filingsFrom: {namespaceSelector: {matchExpressions: [{key: tier, operator: Exists}]}}}}\n",
    2
)]
#[case::a_filing_is_shared(
    "{apiVersion: filing-operator.io/v1alpha1, kind: Filing, metadata: {name: shared, namespace: filing-system}, spec: {
  domains: [example.org], subject: {name: a, nature: Enterprise},
  allowedNamespaces: {from: Selector, selector: {matchLabels: {tier: public}}}}}\n",
    2
)]
#[case::by_name_alone(
    "{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {name: public}, spec: {precedence: 9,
  filingsFrom: {all: true}, match: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}}}\n",
    1
)]
#[tokio::test]
async fn without_the_labels_of_namespaces_nothing_is_judged_by_them(#[case] file: &str, #[case] code: i32) {
    let Stage { cluster, .. } = stage().await;
    let pipeline = pipeline(cluster, "namespaces");
    let file = format!("{file}---\n{}", ingress("new", &["www.example.org"]));
    let answer = check(&pipeline, &file, &["-n", "shop", "-o", "json"]);
    assert_eq!(answer.code, code, "{answer:?}");
    assert_eq!(answer.stdout.is_empty(), code == 2, "{answer:?}");
    assert_eq!(
        answer.stderr.contains("error: listing namespaces: ") && answer.stderr.contains("nothing is judged"),
        code == 2,
        "{}",
        answer.stderr
    );
}

#[tokio::test]
async fn the_views_take_what_is_missing_as_check_does() {
    let Stage { cluster, .. } = stage().await;
    let views = |account: &Account, args: &[&str]| {
        let mut command = program(Path::new(env!("CARGO_MANIFEST_DIR")));
        command.args(args).args(DAY).env("KUBECONFIG", &account.kubeconfig);
        answer(&mut command, b"")
    };
    let (by_admin, without) = (views(&cluster.admin, &["hosts"]), pipeline(cluster, "nodes"));
    let hosts = views(&without, &["hosts"]);
    assert_eq!(hosts.stdout, by_admin.stdout);
    assert!(
        hosts
            .stderr
            .contains("it is the one that the operator has told in its status"),
        "{}",
        hosts.stderr
    );
    let explained = ["explain", "ingress/web", "-n", "shop"];
    assert_eq!(
        views(&without, &explained).succeeds(),
        views(&cluster.admin, &explained).succeeds()
    );
    let chinese = views(&without, &["hosts", "--lang", "zh"]);
    assert!(
        chinese.stderr.contains("note: 无法列出 nodes，因此"),
        "{}",
        chinese.stderr
    );
    // Nobody selects by more than a name here.
    let without = pipeline(cluster, "namespaces");
    let hosts = views(&without, &["hosts"]);
    assert!(
        hosts.stderr.contains("of each only its name is known"),
        "{}",
        hosts.stderr
    );
    assert_eq!(hosts.succeeds(), by_admin.stdout);
    // But a policy that is to be tried may.
    let tried = "{match: {namespaceSelector: {matchLabels: {tier: public}}}}";
    let tried = cluster.keep("tried.yaml", tried);
    let simulated = views(&without, &["simulate", "--policy", tried.to_str().unwrap()]);
    assert!(simulated.fails().starts_with("error: listing namespaces: "));
}

#[tokio::test]
async fn everything_that_is_missing_is_told_at_once() {
    let Stage { cluster, .. } = stage().await;
    let nobody = check(&cluster.user("nobody", &[]), &ingress("new", &["www.example.com"]), &[]);
    assert_eq!((nobody.code, nobody.stdout.as_str()), (2, ""));
    insta::assert_snapshot!("nobody", nobody.stderr);
    // Without files there is nothing but routes to tell of.
    let no_routes = pipeline(cluster, "ingresses");
    let no_routes = check(&no_routes, "", &[]);
    assert_eq!(no_routes.code, 2, "{no_routes:?}");
}

#[tokio::test]
async fn a_cluster_without_the_kinds_says_how_to_make_them() {
    let cluster = Cluster::own().await;
    cluster.kubectl("delete -f crds", "").succeeds();
    let answer = check(&cluster.admin, &ingress("new", &["www.example.com"]), &[]);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
    assert!(
        answer
            .stderr
            .contains("the cluster knows no filings; `filing-operator crds"),
        "{}",
        answer.stderr
    );
}

#[tokio::test]
async fn a_cluster_that_is_away_is_named_and_its_secrets_are_not() {
    let Stage { cluster, .. } = stage().await;
    let file = ingress("new", &["www.example.com"]);
    let contexts = ["here", "there"].map(|name| json!({"name": name, "context": {"cluster": "away", "user": "me"}}));
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "away", "cluster": {"server": "https://me:hunter2@127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {"token": "correct-horse"}}],
        "contexts": contexts,
    });
    let away = cluster.keep("away.kubeconfig", &kubeconfig.to_string());
    let answer = run(&away, &file, &["--live", "--context", "there"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
    let due = "error: nothing is judged, for the cluster of context there (https://127.0.0.1:1) can't be looked at: ";
    assert!(answer.stderr.starts_with(due), "{}", answer.stderr);
    for secret in ["hunter2", "correct-horse"] {
        assert!(!answer.stderr.contains(secret), "{}", answer.stderr);
    }
    let named = ["--live", "--kubeconfig", away.to_str().unwrap()];
    let answer = run(&cluster.admin.kubeconfig, &file, &named);
    assert!(
        answer.stderr.contains("context here (https://127.0.0.1:1)"),
        "{}",
        answer.stderr
    );
    let nowhere = run(Path::new("/nonexistent/kubeconfig"), &file, &["--live"]);
    assert_eq!(nowhere.code, 2);
    assert!(
        nowhere.stderr.starts_with("error: --live needs a cluster: "),
        "{}",
        nowhere.stderr
    );
    let forgotten = run(&away, &file, &["--context", "there"]);
    assert_eq!(forgotten.code, 2);
    assert!(forgotten.stderr.contains("add --live"), "{}", forgotten.stderr);
}
