//! The webhook's certificate while calls come in all the time: renewed, taken away, swapped, and made by several at once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use filing_operator::admission::{Authority, Pair};
use filing_operator::operator::now;
use jiff::ToSpan as _;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::support::cluster::Cluster;
use crate::support::operator::{Operator, program};
use crate::support::process::Process;
use crate::support::stage::{APPROVED, FILINGS, POLICY, declare, operator_that_is_asked};
use crate::support::wait::{PATIENCE, eventually};

const SECRET: &str = "filing-operator-ca";
/// An authority is renewed after 16 s, a certificate after 8, and an authority signs 1 s after the API server has heard of it.
const FAST: [&str; 2] = ["--tls-lifetimes", "24s,12s,1s"];

fn secrets(client: &Client) -> Api<Secret> {
    Api::namespaced(client.clone(), FILINGS)
}

fn value(secret: &Secret, key: &str) -> Option<String> {
    let value = secret.data.as_ref()?.get(key)?;
    Some(String::from_utf8(value.0.clone()).unwrap())
}

/// Whom the API server trusts by now, when it calls the first webhook.
async fn trusted(client: &Client) -> Vec<CertificateDer<'static>> {
    let configurations = Api::<ValidatingWebhookConfiguration>::all(client.clone());
    let configuration = configurations.get("filing-operator").await.unwrap();
    let webhooks = configuration.webhooks.unwrap_or_default();
    let bundle = webhooks
        .first()
        .and_then(|webhook| webhook.client_config.ca_bundle.clone());
    let bundle = bundle.unwrap_or(ByteString(Vec::new()));
    CertificateDer::pem_slice_iter(&bundle.0).map(Result::unwrap).collect()
}

/// Asks the webhook over a new connection, as someone who trusts these. Gives the certificate that is shown, and the first
/// line of the answer.
async fn call(
    address: SocketAddr,
    trusted: &[CertificateDer<'static>],
    shown: Option<Pair>,
) -> Result<(CertificateDer<'static>, String), String> {
    let mut roots = rustls::RootCertStore::empty();
    for authority in trusted {
        roots.add(authority.clone()).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        Some(pair) => config.with_client_auth_cert(pair.chain, pair.key).unwrap(),
        None => config.with_no_client_auth(),
    };
    let answered = async {
        let stream = TcpStream::connect(address).await?;
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(ServerName::from(address.ip()), stream).await?;
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
        let head =
            "POST /admission/ingresses HTTP/1.1\r\nhost: webhook\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(head.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok((shown, answer.lines().next().unwrap_or_default().to_owned()))
    };
    answered.await.map_err(|error: std::io::Error| error.to_string())
}

/// Calls that never cease: of the API server, which must be answered, and of someone who looks up whom it trusts, and then
/// connects anew each time.
struct Calls {
    stop: Arc<AtomicBool>,
    /// The certificates that were shown.
    shown: Arc<Mutex<BTreeSet<Vec<u8>>>>,
    tasks: JoinSet<Result<usize, String>>,
}

impl Calls {
    async fn begin(cluster: &Cluster, operators: &[&Operator]) -> Self {
        let (stop, shown) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut calls = Self {
            stop,
            shown,
            tasks: JoinSet::new(),
        };
        let client = cluster.client().await;
        let (stop, ingresses) = (
            Arc::clone(&calls.stop),
            Api::<Ingress>::namespaced(client.clone(), "default"),
        );
        calls.tasks.spawn(async move {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                let dry_run = PostParams {
                    dry_run: true,
                    ..PostParams::default()
                };
                match ingresses.create(&dry_run, &route()).await {
                    Err(kube::Error::Api(status)) if status.message.contains("[NoFiling]") => count += 1,
                    other => return Err(format!("admission {count}: {other:?}")),
                }
            }
            Ok(count)
        });
        for operator in operators {
            let (stop, client, address) = (Arc::clone(&calls.stop), client.clone(), operator.webhook());
            let shown = Arc::clone(&calls.shown);
            calls.tasks.spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    let trusted = trusted(&client).await;
                    let (certificate, _) = call(address, &trusted, None)
                        .await
                        .map_err(|error| format!("connection {count}: {error}"))?;
                    shown.lock().await.insert(certificate.to_vec());
                    count += 1;
                }
                Ok(count)
            });
        }
        calls
    }

    /// Fails if a call has.
    fn look(&mut self) {
        if let Some(ended) = self.tasks.try_join_next() {
            panic!("calls have ended: {:?}", ended.unwrap());
        }
    }

    async fn end(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let mut count = 0;
        while let Some(ended) = self.tasks.join_next().await {
            count += ended.unwrap().unwrap();
        }
        count
    }
}

/// An Ingress that is denied.
fn route() -> Ingress {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
    let rules = json!([{"host": "unfiled.com", "http": {"paths": paths}}]);
    serde_json::from_value(json!({"metadata": {"generateName": "web-"}, "spec": {"rules": rules}})).unwrap()
}

/// Waits until the API server asks, and an Ingress is denied.
async fn asked(cluster: &Cluster) {
    let ingresses = Api::<Ingress>::namespaced(cluster.client().await, "default");
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    eventually("an Ingress to be denied", PATIENCE, async || {
        match ingresses.create(&dry_run, &route()).await {
            Err(kube::Error::Api(status)) if status.message.contains("[NoFiling]") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// An operator that denies, and is asked.
async fn denying(cluster: &Cluster, more: &[&str]) -> Operator {
    let operator = operator_that_is_asked(cluster, POLICY, more).await;
    declare(&cluster.admin, "filed", "filed.com", APPROVED).succeeds();
    asked(cluster).await;
    operator
}

/// Another replica.
async fn another(cluster: &Cluster, more: &[&str]) -> Operator {
    let account = cluster.service_account(FILINGS, "filing-operator");
    let mut args = vec!["--namespace", FILINGS];
    args.extend(more);
    Operator::start(&account, &args).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_authorities_and_certificates_are_renewed() {
    let cluster = Cluster::own().await;
    let first = denying(&cluster, &FAST).await;
    let second = another(&cluster, &FAST).await;
    let client = cluster.client().await;
    let mut calls = Calls::begin(&cluster, &[&first, &second]).await;
    let mut signing = BTreeSet::new();
    let mut at_once = 0;
    eventually("three authorities to have signed", PATIENCE * 4, async || {
        calls.look();
        let secret = secrets(&client).get(SECRET).await.map_err(|error| error.to_string())?;
        signing.insert(value(&secret, "tls.crt"));
        at_once = at_once.max(trusted(&client).await.len());
        let trusts = value(&secret, "ca.crt").unwrap().matches("BEGIN CERTIFICATE").count();
        // One that has signed is trusted no longer in the end.
        if signing.len() >= 3 && trusts == 1 {
            Ok(())
        } else {
            Err(format!("{} have, and {trusts} are trusted", signing.len()))
        }
    })
    .await;
    let shown = calls.shown.lock().await.len();
    let count = calls.end().await;
    assert!(at_once >= 2, "the API server was never told of two");
    // Each replica has a certificate of its own, and more than one of each authority.
    assert!(shown > 6, "{shown} certificates were shown");
    assert!(count > 100, "{count} calls");
    let (_, metrics) = first.get("/metrics");
    let authority = "filing_operator_certificate_expiry_timestamp_seconds{certificate=\"authority\"} ";
    let ends = metrics.lines().find_map(|line| line.strip_prefix(authority)).unwrap();
    let ends: i64 = ends.parse().unwrap();
    assert!((0..30).contains(&(ends - now().as_second())), "it ends at {ends}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_the_secret_gets_another_authority_and_no_call_fails() {
    let cluster = Cluster::own().await;
    let lifetimes = ["--tls-lifetimes", "1h,30m,1s"];
    let operator = denying(&cluster, &lifetimes).await;
    let client = cluster.client().await;
    let before = secrets(&client).get(SECRET).await.unwrap();
    let mut calls = Calls::begin(&cluster, &[&operator]).await;
    secrets(&client).delete(SECRET, &DeleteParams::default()).await.unwrap();
    let after = eventually("another authority to sign", PATIENCE, async || {
        calls.look();
        let secret = secrets(&client).get(SECRET).await.map_err(|error| error.to_string())?;
        if value(&secret, "tls.crt") == value(&before, "tls.crt") {
            return Err("the same does".to_owned());
        }
        Ok(secret)
    })
    .await;
    eventually("a certificate of it to be shown", PATIENCE, async || {
        calls.look();
        let certificate = value(&after, "tls.crt").unwrap();
        let authority = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        call(operator.webhook(), &[authority], None).await
    })
    .await;
    calls.end().await;
    // What has signed before may still be shown by others.
    assert!(
        value(&after, "ca.crt")
            .unwrap()
            .contains(value(&before, "tls.crt").unwrap().trim())
    );
}

fn secret_of(name: &str, type_: &str, labels: &[(&str, &str)], data: &[(&str, &str)]) -> Secret {
    let text = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Some(pairs.collect())
    };
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: text(labels),
            ..ObjectMeta::default()
        },
        type_: Some(type_.to_owned()),
        string_data: text(data),
        ..Secret::default()
    }
}

fn home(cluster: &Cluster) {
    cluster
        .kubectl("apply -f examples/00-filing-system.yaml", "")
        .succeeds();
}

#[tokio::test]
async fn an_authority_that_is_over_is_made_anew() {
    let cluster = Cluster::own().await;
    home(&cluster);
    let now = now();
    let old = Authority::generate(now - 48.hours(), now - 1.hour()).unwrap();
    let (certificate, key) = (old.certificate_pem(), old.key_pem());
    let labels = [("app.kubernetes.io/managed-by", "filing-operator")];
    let data = [("tls.crt", certificate.as_str()), ("tls.key", key.as_str())];
    let secret = secret_of(SECRET, "kubernetes.io/tls", &labels, &data);
    let client = cluster.client().await;
    secrets(&client).create(&PostParams::default(), &secret).await.unwrap();
    let _operator = denying(&cluster, &[]).await;
    let made = secrets(&client).get(SECRET).await.unwrap();
    assert_ne!(value(&made, "tls.crt").unwrap(), certificate);
    assert_eq!(value(&made, "ca.crt"), value(&made, "tls.crt"));
}

#[tokio::test]
async fn a_secret_of_something_else_is_left_alone_and_named() {
    let cluster = Cluster::shared().await;
    let namespace = cluster.temp_namespace("foreign").await;
    let client = cluster.client().await;
    let secrets = Api::<Secret>::namespaced(client, &namespace.name);
    let secret = secret_of(SECRET, "Opaque", &[], &[("password", "0123")]);
    let before = secrets.create(&PostParams::default(), &secret).await.unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let kubeconfig = cluster.admin.kubeconfig.to_str().unwrap();
    let mut args = vec!["run", "--namespace", &namespace.name, "--kubeconfig", kubeconfig];
    args.extend(["--webhook-address", "127.0.0.1:0", "--metrics-address", "127.0.0.1:0"]);
    let mut process = Process::start("filing-operator", &program(), args, &folder.path().join("log"), None);
    let ended = eventually("it to end by itself", PATIENCE, async || {
        process.ended().ok_or_else(|| "it still runs".to_owned())
    })
    .await;
    assert!(!ended.success());
    let said = process.log();
    let expected = format!(
        "secret {}/{SECRET} can't be used: it is not the operator's own, without the label \
         app.kubernetes.io/managed-by=filing-operator; delete it, and a new one is made, or name another with --tls-secret",
        namespace.name
    );
    assert!(said.contains(&expected), "{said}");
    assert_eq!(secrets.get(SECRET).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_start_at_once_share_one_authority() {
    let cluster = Cluster::own().await;
    home(&cluster);
    let args = ["--namespace", FILINGS];
    let (mut first, mut second) = (
        Operator::launch(&cluster.admin, &args),
        Operator::launch(&cluster.admin, &args),
    );
    first.ready().await;
    second.ready().await;
    let kept = secrets(&cluster.client().await).get(SECRET).await.unwrap();
    let authority = CertificateDer::from_pem_slice(value(&kept, "tls.crt").unwrap().as_bytes()).unwrap();
    let (one, _) = call(first.webhook(), std::slice::from_ref(&authority), None)
        .await
        .unwrap();
    let (other, _) = call(second.webhook(), &[authority], None).await.unwrap();
    assert_ne!(one, other);
}

/// A certificate for loopback as somebody else makes it, and its authority.
fn given() -> (Authority, String, String) {
    let now = now();
    let authority = Authority::generate(now, now + 1.hour()).unwrap();
    let (certificate, key) = signed(&authority, "127.0.0.1");
    (authority, certificate, key)
}

/// In PEM.
fn signed(authority: &Authority, name: &str) -> (String, String) {
    let now = now();
    let pair = authority.sign(&[name.to_owned()], now, now + 1.hour()).unwrap();
    let PrivateKeyDer::Pkcs8(key) = &pair.key else {
        panic!("{:?}", pair.key)
    };
    let key = rcgen::KeyPair::try_from(key.secret_pkcs8_der()).unwrap();
    (pem(&pair.chain[0]), key.serialize_pem())
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_someone_else_keeps_is_served_and_when_it_is_swapped_no_call_fails() {
    let cluster = Cluster::own().await;
    home(&cluster);
    let client = cluster.client().await;
    let (authority, certificate, key) = given();
    let ca = authority.certificate_pem();
    let data = [("tls.crt", &*certificate), ("tls.key", &*key), ("ca.crt", &*ca)];
    let secret = secret_of(SECRET, "kubernetes.io/tls", &[], &data);
    secrets(&client).create(&PostParams::default(), &secret).await.unwrap();
    let operator = denying(&cluster, &["--tls-mode", "secret", FAST[0], FAST[1]]).await;
    assert_eq!(trusted(&client).await, [authority.certificate().clone()]);

    let mut calls = Calls::begin(&cluster, &[&operator]).await;
    let (other, certificate, key) = given();
    let ca = other.certificate_pem();
    let swapped = json!({"stringData": {"tls.crt": certificate, "tls.key": key, "ca.crt": ca}});
    let swapped = secrets(&client)
        .patch(SECRET, &PatchParams::default(), &Patch::Merge(&swapped))
        .await
        .unwrap();
    eventually("the other one to be trusted alone", PATIENCE, async || {
        calls.look();
        let trusted = trusted(&client).await;
        if trusted == [other.certificate().clone()] {
            Ok(())
        } else {
            Err(format!("{} are", trusted.len()))
        }
    })
    .await;
    calls.end().await;
    assert_eq!(secrets(&client).get(SECRET).await.unwrap(), swapped, "it was only read");
}

#[tokio::test]
async fn files_are_read_again_when_they_change() {
    let cluster = Cluster::own().await;
    home(&cluster);
    let (authority, certificate, key) = given();
    let (certificate, key) = (cluster.keep("tls.crt", &certificate), cluster.keep("tls.key", &key));
    let files = [
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let operator = Operator::start(&cluster.admin, &[&["--namespace", FILINGS][..], &files[..]].concat()).await;
    let shown = async |authority: &Authority| {
        let authority = authority.certificate().clone();
        call(operator.webhook(), &[authority], None).await
    };
    shown(&authority).await.unwrap();
    let (other, certificate, key) = given();
    // While the two don't go together the last pair is served.
    cluster.keep("tls.crt", &certificate);
    shown(&authority).await.unwrap();
    cluster.keep("tls.key", &key);
    eventually("the other one to be shown", PATIENCE, async || shown(&other).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_client_authority_only_the_api_server_may_call() {
    let now = now();
    let clients = Authority::generate(now, now + 1.hour()).unwrap();
    let pair = |name: &str| clients_pair(&clients, name);
    let (certificate, key) = pair("the-api-server");
    let cluster = Cluster::own_with(|folder| {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let user = json!({
            "client-certificate": write("webhooks.crt", &certificate), "client-key": write("webhooks.key", &key),
        });
        let kubeconfig = json!({"apiVersion": "v1", "kind": "Config", "users": [{"name": "*", "user": user}]});
        let configuration = json!({
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "WebhookAdmissionConfiguration",
            "kubeConfigFile": write("webhooks.kubeconfig", &kubeconfig.to_string()),
        });
        let admission = json!({
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration",
            "plugins": [{"name": "ValidatingAdmissionWebhook", "configuration": configuration}],
        });
        let file = write("admission.yaml", &admission.to_string());
        vec![format!("--admission-control-config-file={file}")]
    })
    .await;
    let ca = cluster.keep("clients.crt", &clients.certificate_pem());
    let only = ["--client-ca", ca.to_str().unwrap(), "--client-name", "the-api-server"];
    // That it denies shows that the API server is let in.
    let operator = denying(&cluster, &only).await;
    let trusted = trusted(&cluster.client().await).await;
    let known = client(&clients, "the-api-server");
    let (_, answer) = call(operator.webhook(), &trusted, Some(known)).await.unwrap();
    assert!(answer.contains(" 415 "), "{answer}");

    let stranger = client(&Authority::generate(now, now + 1.hour()).unwrap(), "the-api-server");
    let colleague = client(&clients, "some-kubelet");
    for (shown, said) in [
        (None, "CertificateRequired"),
        (Some(stranger), "DecryptError"),
        (Some(colleague), "AccessDenied"),
    ] {
        let refused = call(operator.webhook(), &trusted, shown).await.unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
    for (reason, count) in [("no_client_certificate", 1), ("other_client_certificate", 2)] {
        eventually("each to be counted", PATIENCE, async || {
            let (_, metrics) = operator.get("/metrics");
            let label = format!("decision=\"{reason}\"");
            let line = metrics.lines().find(|line| line.contains(&label)).unwrap_or_default();
            line.ends_with(&format!(" {count}"))
                .then_some(())
                .ok_or_else(|| line.to_owned())
        })
        .await;
    }
}

/// A certificate of a client under a name.
fn client(authority: &Authority, name: &str) -> Pair {
    let (certificate, key) = clients_pair(authority, name);
    Pair {
        chain: vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
        key: PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
    }
}

/// The same in PEM.
fn clients_pair(authority: &Authority, name: &str) -> (String, String) {
    let issuer = rcgen::KeyPair::from_pem(&authority.key_pem()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_der(authority.certificate(), issuer).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (certificate.pem(), key.serialize_pem())
}

#[test]
fn a_file_that_is_not_there_is_told_of_with_its_flag_before_anything_starts() {
    let started = Command::new(program())
        .args(["run", "--client-ca", "no/such.pem", "--client-name", "kube-apiserver"])
        .output()
        .unwrap();
    let told = String::from_utf8(started.stderr).unwrap();
    assert!(!started.status.success());
    assert!(told.contains("reading the file of --client-ca, no/such.pem"), "{told}");
    assert!(told.contains("No such file"), "{told}");
}
