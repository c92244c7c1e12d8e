//! Never worse, never a trap: what people and tools do to routes, and what they are answered.
//!
//! A row is a route as it was made while all was well, and what is done to it after one filing was cancelled and one policy
//! began to deny. What each is answered by the rules alone is a table beside the code, in src/admission/review/tests/.

use tokio::sync::OnceCell;

use crate::support::cluster::{Cluster, Output};
use crate::support::operator::Operator;
use crate::support::stage::{APPROVED, at_stage, declare, marker, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

/// Nobody asks about the class `free`, nor about the quarantine class in itself.
const POLICY: &str = "
site: {provider: alicloud, region: cn-beijing}
match: {ingressClasses: [nginx, other]}
filingsFrom: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: filing-system}}}
admission: Deny
";

/// Two that ask about nothing, of which one will, and one that blocks in a namespace.
const OTHERS: &str = "
{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {name: unasked},
 spec: {site: {provider: alicloud, region: cn-beijing}, match: {ingressClasses: [unasked]}, admission: Disabled}}
---
{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {name: sleeping},
 spec: {site: {provider: alicloud, region: cn-beijing}, match: {ingressClasses: [sleeping]}, admission: Disabled}}
---
{apiVersion: filing-operator.io/v1alpha1, kind: FilingPolicy, metadata: {name: blocking},
 spec: {site: {provider: alicloud, region: cn-beijing}, precedence: 1, admission: Deny, running: Block,
  match: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: blocked}}},
  brake: {routes: 10, percent: 100, minutes: 10}}}
";

async fn cluster() -> &'static Cluster {
    static STAGE: OnceCell<(Cluster, Operator)> = OnceCell::const_new();
    let stage = STAGE.get_or_init(|| async {
        let cluster = Cluster::own().await;
        cluster.kubectl("apply -f examples/dev/quarantine.yaml", "").succeeds();
        cluster.kubectl("create namespace blocked", "").succeeds();
        cluster.kubectl("apply -f -", OTHERS).succeeds();
        let operator = operator_that_is_asked(&cluster, POLICY, &[]).await;
        for name in ["filed", "turned", "parked"] {
            declare(&cluster.admin, name, &format!("{name}.com"), APPROVED).succeeds();
        }
        marker(&cluster, "begun").await;
        (cluster, operator)
    });
    &stage.await.0
}

/// What is answered to a person at kubectl.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// It is done without a word.
    Done,
    /// It is done, with a warning that says this.
    Warned(&'static str),
    /// It is refused by the webhook, which says this.
    Denied(&'static str),
    /// There is no such route.
    Missing,
}
use Answer::{Denied, Done, Missing, Warned};

impl Answer {
    fn is(self, output: &Output) -> bool {
        let Output { stderr, code, .. } = output;
        match self {
            Done => *code == 0 && !stderr.contains("Warning: "),
            Warned(says) => *code == 0 && stderr.contains("Warning: ") && stderr.contains(says),
            Denied(says) => *code != 0 && stderr.contains("denied the request") && stderr.contains(says),
            Missing => *code != 0 && stderr.contains("NotFound"),
        }
    }
}

/// One item: a route as it was, and what is done to it, one after the other. `NAME` is the route's, made of the item's.
struct Row {
    item: &'static str,
    was: String,
    steps: Vec<Step>,
}

/// Arguments of kubectl, what it reads, and the answer.
type Step = (&'static str, String, Answer);

fn row<const STEPS: usize>(item: &'static str, was: String, steps: [Step; STEPS]) -> Row {
    Row {
        item,
        was,
        steps: steps.into(),
    }
}

impl Row {
    fn name(&self) -> String {
        self.item.replace(' ', "-").to_lowercase()
    }
}

/// What kubectl does without a file.
fn does(args: &'static str, answer: Answer) -> Step {
    (args, String::new(), answer)
}

fn apply(manifest: String, answer: Answer) -> Step {
    ("apply -f -", manifest, answer)
}

/// A route in a class, on a port of its Service.
fn route(class: &str, hosts: &[&str], port: u16) -> String {
    let backend = format!("{{service: {{name: web, port: {{number: {port}}}}}}}");
    let rule =
        |host: &&str| format!("{{host: {host}, http: {{paths: [{{path: /, pathType: Prefix, backend: {backend}}}]}}}}");
    let rules: Vec<String> = hosts.iter().map(rule).collect();
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: NAME}}, \
          spec: {{ingressClassName: {class}, rules: [{}]}}}}\n",
        rules.join(", ")
    )
}

fn web(hosts: &[&str]) -> String {
    route("nginx", hosts, 80)
}

const CANCELLED: &str = "[FilingCancelled]";
const UNFILED: &str = "[NoFiling]";
const CATCH_ALL: &str = "[CatchAllHost]";

const GOOD: &str = "www.filed.com";
const BAD: &str = "www.turned.com";
const WORSE: &str = "www.unfiled.com";

fn hosts() -> Vec<Row> {
    vec![
        row(
            "a bad host removed",
            web(&[BAD, "api.turned.com"]),
            [apply(web(&[BAD]), Warned(CANCELLED))],
        ),
        row(
            "the last bad host removed",
            web(&[GOOD, BAD]),
            [apply(web(&[GOOD]), Done)],
        ),
        row("a bad host mended", web(&[BAD]), [apply(web(&[GOOD]), Done)]),
        row(
            "a bad host added",
            web(&[GOOD]),
            [
                apply(web(&[GOOD, WORSE]), Denied(UNFILED)),
                apply(web(&[GOOD, BAD]), Denied(CANCELLED)),
                apply(web(&[GOOD, "api.filed.com"]), Done),
            ],
        ),
        row(
            "a bad host added to a bad one",
            web(&[BAD]),
            [
                does(
                    r#"patch ingress NAME --type=json -p=[{"op":"add","path":"/spec/rules/-","value":{"host":"www.unfiled.com"}}]"#,
                    Denied(UNFILED),
                ),
                does(
                    r#"patch ingress NAME --type=json -p=[{"op":"add","path":"/spec/rules/-","value":{"host":"www.filed.com"}}]"#,
                    Warned(CANCELLED),
                ),
            ],
        ),
        row(
            "a TLS host added",
            web(&[GOOD]),
            [
                does(
                    r#"patch ingress NAME -p={"spec":{"tls":[{"hosts":["www.unfiled.com"]}]}}"#,
                    Denied(UNFILED),
                ),
                does(
                    r#"patch ingress NAME -p={"spec":{"tls":[{"hosts":["www.filed.com"]}]}}"#,
                    Done,
                ),
            ],
        ),
        row(
            "a TLS host added that a rule names",
            web(&[BAD]),
            [does(
                r#"patch ingress NAME -p={"spec":{"tls":[{"hosts":["www.turned.com"]}]}}"#,
                Warned(CANCELLED),
            )],
        ),
        row(
            "a default backend added",
            web(&[GOOD]),
            [does(
                r#"patch ingress NAME -p={"spec":{"defaultBackend":{"service":{"name":"web","port":{"number":80}}}}}"#,
                Denied(CATCH_ALL),
            )],
        ),
        row(
            "a host dropped to catch all",
            web(&[BAD]),
            [does(
                r#"patch ingress NAME --type=json -p=[{"op":"remove","path":"/spec/rules/0/host"}]"#,
                Denied(CATCH_ALL),
            )],
        ),
    ]
}

/// What has to be done to a route whatever it serves.
fn chores() -> Vec<Row> {
    vec![
        row(
            "labels",
            web(&[BAD]),
            [does("label ingress NAME team=shop", Warned(CANCELLED))],
        ),
        row(
            "annotations",
            web(&[BAD]),
            [does("annotate ingress NAME example.com/replicas=3", Warned(CANCELLED))],
        ),
        row(
            "another port",
            web(&[BAD]),
            [apply(route("nginx", &[BAD], 8080), Warned(CANCELLED))],
        ),
        row(
            "status",
            web(&[BAD]),
            [does(
                r#"patch ingress NAME --subresource=status --type=merge -p={"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.1"}]}}}"#,
                Done,
            )],
        ),
        row(
            "finalizers",
            web(&[BAD]),
            [
                does(
                    r#"patch ingress NAME -p={"metadata":{"finalizers":["example.com/address"]}}"#,
                    Warned(CANCELLED),
                ),
                does("delete ingress NAME --wait=false", Done),
                does("label ingress NAME team=shop", Warned(CANCELLED)),
                does(
                    r#"patch ingress NAME --type=merge -p={"metadata":{"finalizers":null}}"#,
                    Warned(CANCELLED),
                ),
                does("get ingress NAME", Missing),
            ],
        ),
        row(
            "owner references",
            web(&[BAD]),
            [does(
                r#"patch ingress NAME -p={"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"705ab4f5"}]}}"#,
                Warned(CANCELLED),
            )],
        ),
        row(
            "deletion",
            web(&[BAD]),
            [does("delete ingress NAME", Done), does("get ingress NAME", Missing)],
        ),
        row(
            "collection delete",
            web(&[BAD]).replace("name: NAME", "name: NAME, labels: {item: NAME}"),
            [
                does(
                    "delete --raw=/apis/networking.k8s.io/v1/namespaces/NAMESPACE/ingresses?labelSelector=item=NAME",
                    Done,
                ),
                does("get ingress NAME", Missing),
            ],
        ),
    ]
}

fn classes() -> Vec<Row> {
    let to_nginx = r#"patch ingress NAME -p={"spec":{"ingressClassName":"nginx"}}"#;
    let to_free = r#"patch ingress NAME -p={"spec":{"ingressClassName":"free"}}"#;
    let mut made_up = route("filing-quarantine", &[WORSE], 80).replace("name: NAME", "name: NAME-made-up");
    made_up = made_up.replace(
        "name: NAME-made-up",
        r#"name: NAME-made-up, annotations: {filing-operator.io/quarantined-class: '{"field":"nginx"}'}"#,
    );
    vec![
        row(
            "an ungoverned class",
            route("free", &[WORSE], 80),
            [does(to_nginx, Denied(UNFILED))],
        ),
        row(
            "an ungoverned class and a good host",
            route("free", &[GOOD], 80),
            [does(to_nginx, Done)],
        ),
        row(
            "a class that nobody asks about",
            route("unasked", &[WORSE], 80),
            [does(to_nginx, Denied(UNFILED))],
        ),
        row(
            "another class",
            route("other", &[BAD], 80),
            [does(to_nginx, Denied(CANCELLED)), does(to_free, Done)],
        ),
        row(
            "a policy no longer disabled",
            route("sleeping", &[WORSE], 80),
            [
                does("label ingress NAME team=shop", Warned(UNFILED)),
                apply(
                    route("sleeping", &[WORSE, "api.unfiled.com"], 80),
                    Denied("api.unfiled.com: "),
                ),
                does("delete ingress NAME", Done),
            ],
        ),
        row(
            "annotation and field that differ",
            web(&[BAD]),
            [
                does(
                    "annotate ingress NAME kubernetes.io/ingress.class=other",
                    Warned(CANCELLED),
                ),
                does("label ingress NAME team=shop", Warned(CANCELLED)),
                does(
                    r#"patch ingress NAME -p={"spec":{"ingressClassName":null}}"#,
                    Denied(CANCELLED),
                ),
            ],
        ),
        row(
            "a record that is made up",
            route("free", &[WORSE], 80),
            [("create -f -", made_up, Denied(UNFILED))],
        ),
    ]
}

fn tools() -> Vec<Row> {
    let older = web(&[BAD]);
    let made_up = |host| web(&[host]).replace("name: NAME", "generateName: NAME-");
    let labelled = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: NAME, labels: {team: shop}}}";
    let by_a = "apply --server-side --field-manager=a --force-conflicts -f -";
    let by_b = "apply --server-side --field-manager=b --force-conflicts -f -";
    vec![
        row(
            "a rollback to the same hosts",
            older.clone(),
            [
                apply(route("nginx", &[BAD], 8080), Warned(CANCELLED)),
                apply(older.clone(), Warned(CANCELLED)),
            ],
        ),
        row(
            "a rollback to a host that was left",
            older.clone(),
            [apply(web(&[GOOD]), Done), apply(older, Denied(CANCELLED))],
        ),
        row(
            "server side apply by two managers",
            web(&[BAD]),
            [
                (by_a, web(&[BAD]), Warned(CANCELLED)),
                (by_b, labelled.to_owned(), Warned(CANCELLED)),
                (by_b, web(&[BAD, WORSE]), Denied(UNFILED)),
                (by_b, web(&[GOOD]), Done),
                (by_a, web(&[BAD]), Denied(CANCELLED)),
            ],
        ),
        row(
            "dry run",
            web(&[BAD]),
            [
                ("apply --dry-run=server -f -", web(&[BAD, WORSE]), Denied(UNFILED)),
                ("apply --dry-run=server -f -", web(&[GOOD]), Done),
                // Nothing of that was done.
                does("label ingress NAME team=shop --dry-run=server", Warned(CANCELLED)),
            ],
        ),
        row(
            "replace",
            web(&[BAD]),
            [
                ("replace -f -", route("nginx", &[BAD], 8080), Warned(CANCELLED)),
                ("replace -f -", web(&[BAD, WORSE]), Denied(UNFILED)),
            ],
        ),
        row(
            "replace by force",
            web(&[BAD]),
            [
                ("replace --force -f -", web(&[BAD]), Denied(CANCELLED)),
                // It deletes first, and then creates.
                does("get ingress NAME", Missing),
            ],
        ),
        row(
            "generated names",
            web(&[GOOD]),
            [
                ("create -f -", made_up(BAD), Denied(CANCELLED)),
                ("create -f -", made_up(GOOD), Done),
            ],
        ),
    ]
}

#[tokio::test]
async fn a_change_is_answered_by_what_it_makes_worse() {
    let cluster = cluster().await;
    let namespace = cluster.temp_namespace("updates").await;
    let table: Vec<Row> = [hosts(), chores(), classes(), tools()].into_iter().flatten().collect();
    let routes: Vec<String> = table.iter().map(|row| row.was.replace("NAME", &row.name())).collect();
    namespace.kubectl("apply -f -", &routes.join("---\n")).succeeds();

    declare(&cluster.admin, "turned", "turned.com", &at_stage("Cancelled")).succeeds();
    let deny = r#"patch filingpolicy sleeping --type=merge -p={"spec":{"admission":"Deny"}}"#;
    cluster.kubectl(deny, "").succeeds();
    for manifest in [web(&[BAD]), route("sleeping", &[WORSE], 80)] {
        let manifest = manifest.replace("NAME", "tried");
        eventually("the webhook to know of what has changed", PATIENCE, async || {
            let tried = namespace.kubectl("create --dry-run=server -f -", &manifest);
            if tried.code == 0 { Err(tried.stderr) } else { Ok(()) }
        })
        .await;
    }

    let mut wrong = Vec::new();
    for row in &table {
        let fill = |text: &str| text.replace("NAMESPACE", &namespace.name).replace("NAME", &row.name());
        for (args, stdin, expected) in &row.steps {
            let output = namespace.kubectl(&fill(args), &fill(stdin));
            if !expected.is(&output) {
                wrong.push(format!("{}: {args}: {expected:?}, and it was {output:?}", row.item));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    namespace.kubectl("delete ingress --all", "").succeeds();
    let left = namespace.kubectl("get ingress -o name", "").succeeds();
    assert_eq!(left, "");
}

#[tokio::test]
async fn a_route_leaves_quarantine_only_once_it_complies() {
    let cluster = cluster().await;
    let kubectl = |args: &str, stdin: &str| cluster.kubectl(&format!("-n blocked {args}"), stdin);
    let web = route("nginx", &["www.parked.com"], 80).replace("NAME", "web");
    let is_in = async |class: &str| {
        eventually(&format!("the route to be in {class}"), PATIENCE, async || {
            let found = kubectl("get ingress web -o jsonpath={.spec.ingressClassName}", "").succeeds();
            if found == class { Ok(()) } else { Err(found) }
        })
        .await;
    };
    kubectl("apply -f -", &web).succeeds();
    declare(&cluster.admin, "parked", "parked.com", &at_stage("Cancelled")).succeeds();
    is_in("filing-quarantine").await;

    let kept = "this route is in quarantine";
    let steps: [Step; 8] = [
        does("label ingress web team=shop", Warned(CANCELLED)),
        does("annotate ingress web example.com/replicas=3", Warned(CANCELLED)),
        does(
            r#"patch ingress web -p={"metadata":{"finalizers":["example.com/address"]}}"#,
            Warned(CANCELLED),
        ),
        does(
            r#"patch ingress web --type=merge -p={"metadata":{"finalizers":null}}"#,
            Warned(CANCELLED),
        ),
        does(
            r#"patch ingress web -p={"spec":{"ingressClassName":"nginx"}}"#,
            Denied(kept),
        ),
        does(
            r#"patch ingress web -p={"spec":{"ingressClassName":"free"}}"#,
            Denied(kept),
        ),
        does(
            "annotate ingress web filing-operator.io/quarantined-class-",
            Denied(kept),
        ),
        apply(web.clone(), Denied(kept)),
    ];
    for (args, stdin, expected) in &steps {
        let output = kubectl(args, stdin);
        assert!(expected.is(&output), "{args}: {expected:?}, and it was {output:?}");
    }

    declare(&cluster.admin, "parked", "parked.com", APPROVED).succeeds();
    is_in("nginx").await;
    kubectl("apply -f -", &web).succeeds();
    kubectl("delete ingress web", "").succeeds();
}
