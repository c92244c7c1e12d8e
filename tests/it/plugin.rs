//! `kubectl filing` on a real API server, by kubectl: the program under the plugin's name, on PATH.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::support::cluster::{Account, Cluster, Output};
use crate::support::helm::render;
use crate::support::programs::Programs;
use crate::support::stage::home;

/// The day on which the examples are told of.
const DAY: &str = "--now 2026-11-23";

/// A cluster with all examples that the API server takes.
struct Stage {
    cluster: Cluster,
    /// The folder with the plugin.
    plugins: PathBuf,
}

static STAGE: OnceCell<Stage> = OnceCell::const_new();

async fn stage() -> &'static Stage {
    STAGE
        .get_or_init(async || {
            let cluster = Cluster::own().await;
            home(&cluster);
            cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
            let mut examples: Vec<PathBuf> = fs::read_dir("examples")
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
                .collect();
            examples.sort();
            for example in examples {
                cluster
                    .kubectl(&format!("apply -f {}", example.display()), "")
                    .succeeds();
            }
            let plugins = cluster.admin.kubeconfig.with_file_name("plugins");
            fs::create_dir(&plugins).unwrap();
            symlink(env!("CARGO_BIN_EXE_filing-operator"), plugins.join("kubectl-filing")).unwrap();
            Stage { cluster, plugins }
        })
        .await
}

impl Stage {
    fn filing(&self, account: &Account, args: &str) -> Output {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.plugins.clone()).chain(env::split_paths(&path));
        // No flag may stand before the name of a plugin.
        Command::new(&Programs::get().kubectl)
            .arg("filing")
            .args(args.split_whitespace())
            .env("PATH", env::join_paths(folders).unwrap())
            .env("KUBECONFIG", &account.kubeconfig)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .unwrap()
            .into()
    }

    fn says(&self, args: &str) -> String {
        self.filing(&self.cluster.admin, &format!("{args} {DAY}")).succeeds()
    }
}

#[tokio::test]
async fn the_cluster_is_told_on_a_page() {
    let stage = stage().await;
    insta::assert_snapshot!(stage.says("status"));
}

#[tokio::test]
async fn a_route_is_explained_rule_by_rule() {
    let stage = stage().await;
    insta::assert_snapshot!(stage.says("explain ingress/campaign -n shop"));
    insta::assert_snapshot!("explain_zh", stage.says("explain ing/blog -n brand --lang zh"));
    let told: Value = serde_json::from_str(&stage.says("explain ingress/campaign -n shop -o json")).unwrap();
    assert_eq!(told["hosts"][1]["findings"][0]["rule"], "NoFiling");
}

#[tokio::test]
async fn domains_without_a_filing_get_skeletons_that_the_api_server_takes() {
    let stage = stage().await;
    insta::assert_snapshot!(stage.says("hosts"));
    let skeletons = stage.says("hosts -o yaml");
    insta::assert_snapshot!("skeletons", skeletons);
    let taken = stage
        .cluster
        .kubectl(
            "apply --server-side --validate=strict --dry-run=server -f -",
            &skeletons,
        )
        .succeeds();
    assert_eq!(taken.lines().count(), 2, "{taken}");
}

#[tokio::test]
async fn a_policy_is_tried_before_it_is_in_force() {
    let stage = stage().await;
    let policy = fs::read_to_string("examples/10-ack-policy.yaml").unwrap();
    let policy = policy
        .split("---\n")
        .find(|document| document.contains("kind: FilingPolicy"))
        .unwrap();
    let stricter = policy.replace("running: Annotate", "running: Block");
    assert_ne!(stricter, policy);
    let file = stage.cluster.keep("stricter.yaml", &stricter);
    insta::assert_snapshot!(stage.says(&format!("simulate --policy {}", file.display())));
    let running = "get filingpolicy ack-beijing -o jsonpath={.spec.running}";
    assert_eq!(stage.cluster.kubectl(running, "").succeeds(), "Annotate");
}

#[tokio::test]
async fn a_year_is_a_table_or_a_picture() {
    let stage = stage().await;
    insta::assert_snapshot!(stage.says("timeline"));
    let picture = stage.says("timeline -o svg");
    assert!(
        picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"),
        "{picture}"
    );
    assert!(picture.contains("AccessServer beijing-outlet-slb"));
}

#[tokio::test]
async fn what_is_due_is_read_from_the_cluster_where_no_files_are_named() {
    let stage = stage().await;
    let told: Value = serde_json::from_str(&stage.says("plan -o json")).unwrap();
    let entries = told["entries"].as_array().unwrap();
    let of_outlet = |entry: &&Value| entry["object"]["name"] == "beijing-outlet-slb";
    assert!(entries.iter().any(|entry| of_outlet(&entry)), "{told}");
    let of_files: Value = serde_json::from_str(&stage.says("plan examples -o json")).unwrap();
    assert_eq!(of_files["schema"], told["schema"]);
}

#[tokio::test]
async fn whoever_may_view_can_look_and_is_told_what_could_not_be_read() {
    let stage = stage().await;
    let roles = render("--show-only templates/rbac.yaml");
    stage.cluster.kubectl("apply -f -", &roles).succeeds();
    let bind = "create clusterrolebinding looks --clusterrole=filing-operator-viewer --user=looks";
    stage.cluster.kubectl(bind, "").succeeds();
    let ingresses = "create clusterrole reads --verb=list --resource=ingresses.networking.k8s.io,namespaces";
    stage.cluster.kubectl(ingresses, "").succeeds();
    stage
        .cluster
        .kubectl("create clusterrolebinding reads --clusterrole=reads --user=looks", "")
        .succeeds();
    let looks = stage.cluster.user("looks", &[]);
    let seen = stage.filing(&looks, &format!("hosts {DAY}"));
    assert!(
        seen.stderr
            .contains("note: nodes could not be listed, so where a policy has no site"),
        "{}",
        seen.stderr
    );
    assert_eq!(seen.succeeds(), stage.says("hosts"));
}

#[tokio::test]
async fn what_can_not_be_told_is_said_with_what_it_would_take() {
    let stage = stage().await;
    let nobody = stage.cluster.user("nobody", &[]);
    let refused = stage.filing(&nobody, "status").fails();
    insta::assert_snapshot!("refused", refused);
    // Nobody listens there.
    let away = stage.cluster.by_way_of("127.0.0.1:1".parse().unwrap());
    let away = stage.filing(&away, "status").fails();
    assert!(
        away.starts_with("error: looking at the cluster: ") && away.contains("refused"),
        "{away}"
    );
    let missing = stage
        .filing(&stage.cluster.admin, "explain ingress/nothing -n shop")
        .fails();
    assert_eq!(missing, "error: there is no Ingress nothing in namespace shop\n");
    let other = stage.filing(&stage.cluster.admin, "explain pod/web").fails();
    assert!(other.contains("write it as ingress/NAME"), "{other}");
    let file = Path::new("Cargo.toml");
    let policy = stage
        .filing(&stage.cluster.admin, &format!("simulate --policy {}", file.display()))
        .fails();
    assert!(
        policy.contains("can't be used") && policy.contains("Cargo.toml"),
        "{policy}"
    );
}

#[tokio::test]
async fn the_plugin_has_the_views_and_nothing_else() {
    let stage = stage().await;
    let help = stage.filing(&stage.cluster.admin, "--help").succeeds();
    insta::assert_snapshot!("help", help);
    let refused = stage.filing(&stage.cluster.admin, "run").fails();
    assert!(refused.contains("unrecognized subcommand 'run'"), "{refused}");
}
