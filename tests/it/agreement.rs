//! One judge, many mouths: whoever asks `check`, the webhook and the annotations about a route gets one answer.
//!
//! The corpus is all of examples/, and each example of each rule. An example is made for a cluster of its own, and here all of
//! them share one: each has its namespaces, servers and policies renamed, and a policy, ahead of all others, that
//! governs the example's namespaces and trusts nobody but them. `check` reads the same renamed manifests, and has to say of
//! them what it says of the example as it stands in the catalogue. The operator's clock is moved to the day of the examples.
//!
//! First everything is declared, and then the routes are made, with no webhook in their way; each is then sent to the webhook
//! as the API server has it. So the whole takes one operator, and waits a few times in all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use filing_operator::operator;
use filing_operator::rules::{CATALOGUE, Lang, Part};
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::operator::program;
use crate::support::review;
use crate::support::stage::{self, marker, objects};
use crate::support::wait::{PATIENCE, eventually};

/// Noon of the day that examples are told of.
const NOW: &str = "2026-11-23T12:00:00+08:00";
/// What the catalogue's examples without a policy are judged as.
const SITE: [&str; 4] = ["--provider", "alicloud", "--region", "cn-beijing"];
/// The label of an example's namespaces.
const LABEL: &str = "example.com/example";

/// What the API server refuses itself: the example, the kind, and why. No route is there then that could be annotated; the
/// webhook is sent what stands in the manifest.
const REFUSED: [(&str, &str, &str); 3] = [
    (
        "InvalidHost, bad",
        "Ingress",
        "a lowercase RFC 1123 subdomain must consist of",
    ),
    ("IpHost, bad", "Ingress", "must be a DNS name, not an IP address"),
    (
        "Unreadable, bad",
        "Ingress",
        "cannot unmarshal string into Go struct field IngressSpec.spec.rules",
    ),
];

/// How a route stands, and the rules that do not hold.
type Said = (String, BTreeSet<String>);
/// By namespace and name.
type Answers = BTreeMap<String, Said>;

/// An example of a rule, made to share a cluster with others.
struct Example {
    /// The rule, and which of its examples.
    of: String,
    /// As it stands in the catalogue.
    yaml: &'static str,
    /// What sets its names apart.
    suffix: String,
    documents: Vec<Value>,
}

impl Example {
    fn new(nth: usize, of: String, yaml: &'static str) -> Self {
        let suffix = format!("-{nth}");
        let mut documents = objects(yaml);
        let mut names = BTreeSet::new();
        let mut namespaces = BTreeSet::new();
        for document in &documents {
            let metadata = &document["metadata"];
            if let Some(namespace) = metadata["namespace"].as_str() {
                namespaces.insert(namespace.to_owned());
            } else {
                names.insert(metadata["name"].as_str().unwrap().to_owned());
            }
        }
        names.extend(namespaces.iter().cloned());
        for document in &mut documents {
            rename(document, &names, &suffix);
        }
        let labels = json!({LABEL: of.replace(", ", "-")});
        let selector = json!({"namespaceSelector": {"matchLabels": labels}});
        if !documents.iter().any(|document| document["kind"] == "FilingPolicy") {
            let site = json!({"provider": "alicloud", "region": "cn-beijing"});
            let spec = json!({"site": site, "filingsFrom": {"all": true}});
            documents.push(object(
                "filing-operator.io/v1alpha1",
                "FilingPolicy",
                &format!("example{suffix}"),
                &spec,
            ));
        }
        for policy in documents
            .iter_mut()
            .filter(|document| document["kind"] == "FilingPolicy")
        {
            let spec = &mut policy["spec"];
            assert_eq!(
                spec["filingsFrom"],
                json!({"all": true}),
                "{of}: whom else does it trust?"
            );
            assert_eq!(spec["match"], Value::Null, "{of}: what else does it govern?");
            spec["filingsFrom"] = selector.clone();
            spec["match"] = selector.clone();
            spec["precedence"] = json!(1000);
            spec["admission"] = json!("Deny");
        }
        for namespace in namespaces {
            let mut document = object("v1", "Namespace", &format!("{namespace}{suffix}"), &Value::Null);
            document["metadata"]["labels"] = labels.clone();
            documents.push(document);
        }
        Self {
            of,
            yaml,
            suffix,
            documents,
        }
    }

    fn all() -> Vec<Self> {
        let examples = CATALOGUE.iter().flat_map(|rule| {
            let page = rule.page(Lang::En);
            assert!(NOW.starts_with(page.day()), "{}: all share one clock here", rule.id);
            [
                (rule.id, "bad", page.manifests(Part::Bad)),
                (rule.id, "good", page.manifests(Part::Good)),
            ]
        });
        let named = examples.enumerate();
        named
            .map(|(nth, (id, which, yaml))| Self::new(nth, format!("{id}, {which}"), yaml))
            .collect()
    }
}

fn object(api_version: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Sets apart every text that is one of these names.
fn rename(value: &mut Value, names: &BTreeSet<String>, suffix: &str) {
    match value {
        Value::String(text) if names.contains(text) => text.push_str(suffix),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names, suffix)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, names, suffix)),
        _ => {}
    }
}

/// What `check` says of manifests.
fn check(args: &[&str], stdin: &str) -> Answers {
    let mut child = Command::new(program())
        .args(["check", "-o", "json", "--now", NOW])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It may write before it has read everything, but not so much that it would have to wait for a reader.
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let routes = report["routes"].as_array().unwrap().iter();
    routes
        .map(|route| {
            let key = format!("{}/{}", text(&route["namespace"]), text(&route["name"]));
            let hosts = route["hosts"].as_array().unwrap().iter();
            let findings = hosts
                .chain([route])
                .filter_map(|found| found["findings"].as_array())
                .flatten();
            let rules = findings.map(|finding| text(&finding["rule"])).collect();
            (key, (text(&route["verdict"]), rules))
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The same manifests as one stream.
fn stream_of<'a>(documents: impl Iterator<Item = &'a Value>) -> String {
    documents.fold(String::new(), |stream, document| stream + &format!("---\n{document}\n"))
}

/// A cluster with an operator to which it is [`NOW`].
struct Stage {
    cluster: Cluster,
    operator: crate::support::operator::Operator,
}

impl Stage {
    async fn set_up() -> Self {
        let cluster = Cluster::own().await;
        let policy = fs::read_to_string("examples/dev/policy.yaml").unwrap();
        let ahead = NOW.parse::<Timestamp>().unwrap().duration_since(operator::now());
        let ahead = format!("{}s", ahead.as_secs());
        let more = ["--now-offset", &ahead, "--writes-per-second", "1000"];
        let operator = stage::operator(&cluster, &cluster.admin, &policy, &more).await;
        Self { cluster, operator }
    }

    /// Makes objects, several at once; gives those that the API server refuses, with why.
    async fn create<'a>(&self, objects: impl Iterator<Item = &'a Value>) -> BTreeMap<String, String> {
        let client = self.cluster.client().await;
        let create = |document: &'a Value| {
            let client = client.clone();
            async move {
                let (group, version) = {
                    let version = text(&document["apiVersion"]);
                    let parts = version
                        .split_once('/')
                        .map(|(group, version)| (group.to_owned(), version.to_owned()));
                    parts.unwrap_or((String::new(), version))
                };
                let resource =
                    ApiResource::from_gvk(&GroupVersionKind::gvk(&group, &version, &text(&document["kind"])));
                let api: Api<DynamicObject> = match document["metadata"]["namespace"].as_str() {
                    Some(namespace) => Api::namespaced_with(client, namespace, &resource),
                    None => Api::all_with(client, &resource),
                };
                let object: DynamicObject = serde_json::from_value(document.clone()).unwrap();
                match api.create(&PostParams::default(), &object).await {
                    Ok(_) => None,
                    // The namespace of filings is there already.
                    Err(kube::Error::Api(status)) if status.code == 409 && document["kind"] == "Namespace" => None,
                    Err(kube::Error::Api(status)) if [400, 422].contains(&status.code) => {
                        Some((key(document), status.message.clone()))
                    }
                    Err(error) => panic!("{document}: {error}"),
                }
            }
        };
        let refused = stream::iter(objects.map(create)).buffer_unordered(8);
        refused.filter_map(async |refused| refused).collect().await
    }

    async fn list(&self, kind: &str) -> Vec<Value> {
        let (group, version) = match kind {
            "Ingress" => ("networking.k8s.io", "v1"),
            _ => ("filing-operator.io", "v1alpha1"),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::all_with(self.cluster.client().await, &resource);
        let all = api.list(&ListParams::default()).await.unwrap();
        all.iter().map(|object| json!(object)).collect()
    }

    /// Waits until the operator has seen everything that is declared.
    async fn seen(&self) {
        for kind in ["Filing", "AccessServer", "FilingPolicy"] {
            eventually(&format!("each {kind} to have a status"), PATIENCE, async || {
                let all = self.list(kind).await;
                let is_seen =
                    |object: &&Value| object["status"]["observedGeneration"] == object["metadata"]["generation"];
                let unseen = all.iter().find(|object| !is_seen(object));
                unseen.map_or(Ok(()), |object| Err(name(object)))
            })
            .await;
        }
    }

    /// What the annotations say, once each route has been judged and everything that may follow is done.
    async fn annotated(&self, routes: usize) -> Vec<Value> {
        eventually("each route to be counted by its policy", PATIENCE, async || {
            let policies = self.list("FilingPolicy").await;
            let counted = policies
                .iter()
                .filter_map(|policy| policy["status"]["routes"].as_object());
            let counted: u64 = counted
                .flat_map(|routes| routes.values())
                .filter_map(Value::as_u64)
                .sum();
            if counted == routes as u64 {
                Ok(())
            } else {
                Err(format!("{counted} of {routes}"))
            }
        })
        .await;
        marker(&self.cluster, "everything-judged").await;
        self.list("Ingress").await
    }

    /// What the webhook answers to a route that is to be made.
    async fn ask(&self, route: &Value) -> Said {
        let webhook = self.cluster.by_way_of(self.operator.webhook()).client().await;
        let answer = review::ask(&webhook, route).await.unwrap();
        let response = &answer["response"];
        let noted = &response["auditAnnotations"];
        let rules = text(&noted["rules"]);
        let verdict = text(&noted["verdict"]);
        if response["allowed"] == false {
            assert_eq!(verdict, "Violating", "{}: {response}", name(route));
        }
        let rules = rules.split(',').filter(|rule| !rule.is_empty()).map(str::to_owned);
        (verdict, rules.collect())
    }
}

/// An object's namespace and name, as far as it has them.
fn name(object: &Value) -> String {
    let name = text(&object["metadata"]["name"]);
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name,
    }
}

/// The same with the kind, of a manifest; a list leaves it out.
fn key(manifest: &Value) -> String {
    format!("{} {}", text(&manifest["kind"]), name(manifest))
}

fn is_route(document: &Value) -> bool {
    document["kind"] == "Ingress"
}

/// What the annotations of a route say.
fn said_by_annotations(route: &Value) -> Said {
    let annotation = |key: &str| text(&route["metadata"]["annotations"][format!("filing-operator.io/{key}")]);
    let findings = annotation("findings");
    assert!(!findings.contains('…'), "{}: it is shortened: {findings}", name(route));
    let rule = |line: &str| {
        let told = line.split(" (exempt until ").next()?.strip_suffix(']')?;
        Some(told.rsplit_once('[')?.1.to_owned())
    };
    let rules = findings
        .lines()
        .map(|line| rule(line).unwrap_or_else(|| panic!("{line}")));
    (annotation("verdict"), rules.collect())
}

fn manifests_of_examples() -> Vec<Value> {
    let files = fs::read_dir("examples").unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file());
    let all = files.flat_map(|file| objects(&fs::read_to_string(file).unwrap()));
    // It says nothing to any of them.
    all.filter(|document| document["kind"] != "Service").collect()
}

/// Renamed, an example says what it says in the catalogue.
fn renamed_alike(examples: &[Example], renamed: &Answers) {
    for example in examples {
        let has_policy = example.yaml.contains("kind: FilingPolicy");
        let args = if has_policy { &[][..] } else { &SITE[..] };
        let alone = check(&[&["-"], args].concat(), example.yaml);
        assert!(
            !alone.is_empty() || example.of.ends_with("bad"),
            "{}: nothing was judged",
            example.of
        );
        for (key, said) in alone {
            let (namespace, name) = key.split_once('/').unwrap();
            let key = format!("{namespace}{}/{name}", example.suffix);
            assert_eq!(renamed.get(&key), Some(&said), "{}", example.of);
        }
    }
}

/// Nothing is left out but what [`REFUSED`] names, for the reason that it names.
fn as_known<'a>(examples: &[Example], left_out: impl Iterator<Item = &'a Value>, why: &BTreeMap<String, String>) {
    let mut unknown = Vec::new();
    let mut known = REFUSED.to_vec();
    for document in left_out {
        let of = examples.iter().find(|example| example.documents.contains(document));
        let of = of.map_or("examples/", |example| &example.of);
        let why = &why[&key(document)];
        let is_it = |(example, kind, says): &(&str, &str, &str)| {
            *example == of && document["kind"] == *kind && why.contains(says)
        };
        match known.iter().position(is_it) {
            Some(at) => drop(known.remove(at)),
            None => unknown.push(format!("{of}: {}: {why}", key(document))),
        }
    }
    assert!(unknown.is_empty(), "the API server refuses: {}", unknown.join("\n"));
    assert!(known.is_empty(), "the API server takes: {known:?}");
}

#[tokio::test]
async fn check_the_webhook_and_the_annotations_say_the_same_of_every_example() {
    let examples = Example::all();
    let renamed: Vec<&Value> = examples.iter().flat_map(|example| &example.documents).collect();
    let mut expected = check(&["-"], &stream_of(renamed.iter().copied()));
    renamed_alike(&examples, &expected);
    expected.extend(check(&["examples/"], ""));

    let stage = Stage::set_up().await;
    let others = manifests_of_examples();
    let all: Vec<&Value> = renamed.into_iter().chain(&others).collect();
    let of_kind = |is: fn(&Value) -> bool| all.iter().copied().filter(move |document| is(document));
    let mut refused = stage.create(of_kind(|document| document["kind"] == "Namespace")).await;
    let declared = of_kind(|document| document["kind"] != "Namespace" && document["kind"] != "Ingress");
    refused.extend(stage.create(declared).await);
    stage.seen().await;
    refused.extend(stage.create(of_kind(|document| document["kind"] == "Ingress")).await);

    let is_refused = |document: &&Value| refused.contains_key(&key(document));
    as_known(&examples, all.iter().copied().filter(is_refused), &refused);

    let routes: Vec<&Value> = all.iter().copied().filter(|document| is_route(document)).collect();
    let live = stage
        .annotated(routes.iter().filter(|route| !is_refused(route)).count())
        .await;
    let mut asked = Answers::new();
    for route in live.iter().chain(routes.iter().copied().filter(is_refused)) {
        asked.insert(name(route), stage.ask(route).await);
    }
    assert_eq!(differing(&asked, &expected), Vec::<String>::new(), "of the webhook");
    let annotated = live
        .iter()
        .map(|route| (name(route), said_by_annotations(route)))
        .collect();
    expected.retain(|name, _| !refused.contains_key(&format!("Ingress {name}")));
    assert_eq!(
        differing(&annotated, &expected),
        Vec::<String>::new(),
        "of the annotations"
    );
}

/// Where some answers are other than those of `check`, or there is only one of the two.
fn differing(answers: &Answers, expected: &Answers) -> Vec<String> {
    let names: BTreeSet<&String> = answers.keys().chain(expected.keys()).collect();
    let pairs = names
        .into_iter()
        .map(|name| (name, answers.get(name), expected.get(name)));
    let differing = pairs.filter(|(_, answer, expected)| answer != expected);
    let told = differing.map(|(name, answer, expected)| format!("{name}: {answer:?}, and check says {expected:?}"));
    told.collect()
}
