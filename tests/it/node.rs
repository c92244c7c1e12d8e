//! The operator as it runs in a cluster, from its installation by helm to its removal: two replicas as Pods behind a Service, on a
//! whole node, and an API server that lets no Ingress in without a word of theirs.

mod installed;

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{EvictParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::cluster::{Account, Namespace};
use crate::support::node::{Node, process_in};
use crate::support::stage::{APPROVED, FILINGS, annotation, declare, fails_closed, filing, ingress};
use crate::support::wait::{PATIENCE, eventually};

/// How many ask at a time.
const WRITERS: usize = 4;
/// How soon another leads after the leader was killed.
const NEXT_LEADER: Duration = Duration::from_secs(30);
/// How soon nobody is sent to a replica any more that was killed.
const FORGOTTEN: Duration = Duration::from_secs(10);
/// The operator's program, as its image has it.
const PROGRAM: &str = "/filing-operator";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_in_a_cluster() {
    let Some(node) = Node::start().await else { return };
    let cluster = &node.cluster;
    let older = installed::older_chart(&node);
    installed::by(&node, "install", &older);
    let zhang = a_user_without_rights_on_the_cluster(&node).await;
    installed::before_a_first_filing_nothing_is_denied(&zhang);
    let examples = "-f examples/10-ack-policy.yaml -f examples/01-filings.yaml -f examples/02-servers.yaml";
    cluster.kubectl(&format!("apply {examples}"), "").succeeds();
    fails_closed(cluster).await;
    he_reads_why_he_is_denied(&zhang);

    declare(&cluster.admin, "steady", "steady.com", APPROVED).succeeds();
    let namespace = cluster.temp_namespace("steady").await;
    namespace
        .kubectl("create -f -", &ingress("before", &["steady.com"]))
        .succeeds();
    annotation(cluster, &namespace, "before", "verdict", "Compliant").await;
    installed::a_filing_and_its_ingress_pass_in_one_file(&node, &namespace);
    installed::a_host_goes_dark_with_its_filing(&node, &namespace).await;

    no_admission_is_lost_while_replicas_go(&node, &namespace).await;
    another_leads_once_the_leader_is_dead(&node, &namespace).await;
    installed::it_can_be_upgraded_rolled_back_removed_and_installed_again(&node, &namespace).await;
}

async fn no_admission_is_lost_while_replicas_go(node: &Node, namespace: &Namespace) {
    let writers = Writers::start(&node.cluster.client().await, namespace);
    writers.have_asked(50).await;

    let old = pods(node);
    kubectl(node, "rollout restart deployment/filing-operator");
    are_gone(node, &old);
    writers.have_asked(50).await;

    let old = pods(node);
    let api = Api::<Pod>::namespaced(node.cluster.client().await, FILINGS);
    eventually("a Pod to be evicted", PATIENCE, async || {
        let evicted = api.evict(&old[0], &EvictParams::default()).await;
        evicted.map(drop).map_err(|error| error.to_string())
    })
    .await;
    are_gone(node, &old[..1]);
    kubectl(node, &format!("delete pod {} --wait=false", old[1]));
    are_gone(node, &old[1..]);
    writers.have_asked(50).await;

    let Answers { asked, wrong, lost } = writers.stop().await;
    assert!(wrong.is_empty() && lost.is_empty(), "of {asked}: {wrong:#?} {lost:#?}");
}

/// A process that is killed takes the calls that it has in hand with it, and new ones may still be sent to it for a moment;
/// for these the API server does as failurePolicy says. It says Fail here, so none is let in unasked.
async fn another_leads_once_the_leader_is_dead(node: &Node, namespace: &Namespace) {
    let writers = Writers::start(&node.cluster.client().await, namespace);
    writers.have_asked(50).await;

    let leader = leader(node);
    let mut killed = 0;
    let mut kill = || {
        if let Some(id) = process_in(&leader, PROGRAM) {
            let status = Command::new("kill").args(["-KILL", &id.to_string()]).status();
            killed += usize::from(status.is_ok_and(|status| status.success()));
        }
    };
    let began = Instant::now();
    kill();
    // The kubelet starts it again, under the same name: it is kept from coming back.
    eventually("another replica to lead", NEXT_LEADER, async || {
        kill();
        let leads = self::leader(node);
        (!leads.is_empty() && leads != leader).then_some(()).ok_or(leads)
    })
    .await;
    assert!(killed > 0);

    eventually("routes to be let in again", PATIENCE, async || {
        let made = namespace.kubectl("create -f -", &ingress("after", &["steady.com"]));
        (made.code == 0).then_some(()).ok_or(made.stderr)
    })
    .await;
    annotation(&node.cluster, namespace, "after", "verdict", "Compliant").await;

    kubectl(node, "rollout status deployment/filing-operator --timeout=120s");
    writers.have_asked(50).await;
    let Answers { asked, wrong, lost } = writers.stop().await;
    assert!(wrong.is_empty(), "of {asked}: {wrong:#?}");
    let lost_later: Vec<_> = lost.iter().filter(|(at, _)| *at > began + FORGOTTEN).collect();
    assert!(lost_later.is_empty(), "of {asked}: {lost_later:#?}");
}

async fn a_user_without_rights_on_the_cluster(node: &Node) -> Account {
    let cluster = &node.cluster;
    cluster.kubectl("create namespace shop", "").succeeds();
    let binding = "create rolebinding zhang --namespace shop --clusterrole edit --user zhang";
    cluster.kubectl(binding, "").succeeds();
    let zhang = cluster.user("zhang", &[]);
    // A controller gathers what the role may do.
    eventually("the role to be complete", PATIENCE, async || {
        let may = zhang.kubectl("auth can-i create ingresses.networking.k8s.io -n shop", "");
        (may.code == 0).then_some(()).ok_or(may.stdout)
    })
    .await;
    zhang.kubectl("get filings --all-namespaces", "").fails();
    // Who may edit everything else in a namespace can't declare himself compliant there.
    let filing = filing("own", "example.net", APPROVED).replace(FILINGS, "shop");
    let denied = zhang.kubectl("create -f -", &filing).fails();
    assert!(denied.contains("cannot create resource \"filings\""), "{denied}");
    zhang
}

/// The words are README.md's.
fn he_reads_why_he_is_denied(zhang: &Account) {
    let readme = fs::read_to_string("README.md").unwrap();
    let words = readme
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("Error from server (Forbidden): error when creating"))
        .expect("README.md shows a denial");
    let denied = zhang.kubectl("apply -f examples/12-ack-unfiled.yaml", "").fails();
    assert_eq!(denied.trim(), words);
}

/// Runs kubectl as admin in the operator's namespace.
fn kubectl(node: &Node, args: &str) -> String {
    node.cluster.kubectl(&format!("-n {FILINGS} {args}"), "").succeeds()
}

/// The names of the Pods that run.
fn pods(node: &Node) -> Vec<String> {
    let names = kubectl(
        node,
        "get pods -l app.kubernetes.io/component=operator -o jsonpath={.items[*].metadata.name}",
    );
    let names: Vec<_> = names.split_whitespace().map(str::to_owned).collect();
    assert_eq!(names.len(), 2);
    names
}

/// Waits until these Pods are gone, and others are there in their place.
fn are_gone(node: &Node, pods: &[String]) {
    kubectl(node, "rollout status deployment/filing-operator --timeout=120s");
    for pod in pods {
        kubectl(node, &format!("wait --for=delete pod/{pod} --timeout=120s"));
    }
    kubectl(node, "rollout status deployment/filing-operator --timeout=120s");
}

/// The replica that holds the lease.
fn leader(node: &Node) -> String {
    kubectl(node, "get lease filing-operator -o jsonpath={.spec.holderIdentity}")
}

/// Those who ask for routes without a pause, one that is filed and one that is not in turn, and leave nothing behind.
struct Writers {
    tasks: JoinSet<Answers>,
    asked: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
}

/// What they were answered.
#[derive(Default)]
struct Answers {
    asked: usize,
    /// Let in or denied, and should not have been.
    wrong: Vec<String>,
    /// Neither let in nor denied, and when that was said.
    lost: Vec<(Instant, String)>,
}

impl Writers {
    fn start(client: &Client, namespace: &Namespace) -> Self {
        let stop = watch::Sender::new(false);
        let asked = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..WRITERS {
            let api = Api::namespaced(client.clone(), &namespace.name);
            tasks.spawn(write(api, Arc::clone(&asked), stop.subscribe()));
        }
        Self { tasks, asked, stop }
    }

    /// Waits until they have been answered so many times more.
    async fn have_asked(&self, times: usize) {
        let before = self.asked.load(Ordering::Relaxed);
        eventually("the writers to be answered", PATIENCE, async || {
            let times_now = self.asked.load(Ordering::Relaxed) - before;
            (times_now >= times)
                .then_some(())
                .ok_or(format!("{times_now} times so far"))
        })
        .await;
    }

    async fn stop(self) -> Answers {
        self.stop.send_replace(true);
        let mut all = Answers::default();
        for answers in self.tasks.join_all().await {
            all.asked += answers.asked;
            all.wrong.extend(answers.wrong);
            all.lost.extend(answers.lost);
        }
        all
    }
}

async fn write(api: Api<Ingress>, asked: Arc<AtomicUsize>, stop: watch::Receiver<bool>) -> Answers {
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let mut answers = Answers::default();
    while !*stop.borrow() {
        for (host, is_filed) in [("www.steady.com", true), ("www.unsteady.com", false)] {
            let route: Ingress = serde_json::from_value(json!({
                "metadata": {"generateName": "dry-"},
                "spec": {"rules": [{"host": host}]},
            }))
            .unwrap();
            let answer = api.create(&dry_run, &route).await;
            match answer {
                Ok(_) if is_filed => {}
                Ok(_) => answers.wrong.push(format!("{host} was let in")),
                Err(kube::Error::Api(status)) if status.message.contains("[NoFiling]") => {
                    if is_filed {
                        answers.wrong.push(status.message);
                    }
                }
                // A machine that is busy otherwise may take it too long to be sure, of which it then says no more.
                Err(kube::Error::Api(status))
                    if !is_filed && status.message.contains("could not make sure within 2 s") => {}
                Err(error) => answers.lost.push((Instant::now(), error.to_string())),
            }
            answers.asked += 1;
            asked.fetch_add(1, Ordering::Relaxed);
        }
    }
    answers
}
