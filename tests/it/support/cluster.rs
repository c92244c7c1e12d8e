//! A real control plane (etcd and kube-apiserver), accounts on it, and namespaces for tests.
//!
//! There are no controllers: nothing gives a namespace its default service account or empties it when it is deleted,
//! nothing fills the aggregated roles `view`, `edit` and `admin`, no pod runs. What a test needs of those it writes
//! itself, as with Node objects.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use axum::http::Request;
use k8s_openapi::api::core::v1::Namespace as NamespaceObject;
use kube::{
    Api, Client, Config,
    api::{ObjectMeta, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::{
    process::{Process, free_address},
    programs::Programs,
    wait::{PATIENCE, eventually},
};

const ADMIN_TOKEN: &str = "admin-of-a-test-cluster";

/// A control plane with this project's CRDs, which ends with the test process at the latest.
pub(crate) struct Cluster {
    address: SocketAddr,
    etcd_address: SocketAddr,
    /// All files of this cluster; removed by etcd's keeper, or whoever else keeps etcd.
    folder: PathBuf,
    /// What its API server is started with beside the usual.
    arguments: Vec<String>,
    /// The account that may do everything.
    pub(crate) admin: Account,
    accounts: AtomicUsize,
    // Dropped in this order: the API server first, or it would log what it misses.
    api_server: Option<Process>,
    _etcd: Option<Process>,
}

impl Cluster {
    /// The one control plane that tests share, started by the first that asks.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_init(Self::own).await
    }

    /// A control plane of the test's own (4 s, 320 MB): to stop its API server, or where cluster-wide objects of other
    /// tests would be in the way.
    pub(crate) async fn own() -> Self {
        Self::own_with(|_| Vec::new()).await
    }

    /// The same, with further arguments for its API server; what they name can be written into the folder.
    pub(crate) async fn own_with(arguments: impl FnOnce(&Path) -> Vec<String>) -> Self {
        install_tls();
        let programs = Programs::get();
        let folder = TempDir::with_prefix("filing-operator-test-").expect("a temporary folder can be made");
        let (address, etcd_address) = (free_address(), free_address());
        let folder = folder.keep();
        let mut cluster = Self {
            arguments: arguments(&folder),
            _etcd: Some(start_etcd(&programs.etcd, &folder, etcd_address)),
            ..Self::at(address, etcd_address, folder, &["127.0.0.1", "localhost"])
        };
        cluster.start_api_server().await;
        cluster.apply_crds().await;
        cluster
    }

    /// A control plane of which nothing runs yet, and its credentials, in a folder. `names` are the API server's.
    pub(super) fn at(address: SocketAddr, etcd_address: SocketAddr, folder: PathBuf, names: &[&str]) -> Self {
        let ca = write_credentials(&folder, names);
        let admin = Account::write(
            folder.join("admin.kubeconfig"),
            json!({"server": format!("https://{address}"), "certificate-authority-data": k8s_openapi::ByteString(ca.into())}),
            &json!({"token": ADMIN_TOKEN}),
        );
        Self {
            address,
            etcd_address,
            folder,
            arguments: Vec::new(),
            admin,
            accounts: AtomicUsize::new(0),
            api_server: None,
            _etcd: None,
        }
    }

    /// Starts the API server again on the same address and data, and waits until it is ready.
    pub(crate) async fn start_api_server(&mut self) {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let args = [
            format!("--etcd-servers=http://{}", self.etcd_address),
            format!("--bind-address={}", self.address.ip()),
            format!("--secure-port={}", self.address.port()),
            format!("--tls-cert-file={}", file("api.crt")),
            format!("--tls-private-key-file={}", file("api.key")),
            format!("--cert-dir={}", file("certificates")),
            format!("--token-auth-file={}", file("tokens.csv")),
            "--authorization-mode=RBAC".into(),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-key-file={}", file("service-accounts.pub")),
            format!("--service-account-signing-key-file={}", file("service-accounts.key")),
            "--service-cluster-ip-range=10.0.0.0/24".into(),
            // It wants a default service account in each namespace, which a controller makes.
            "--disable-admission-plugins=ServiceAccount".into(),
        ];
        let args = args.into_iter().chain(self.arguments.iter().cloned());
        let log = self.folder.join("kube-apiserver.log");
        let mut api_server = Process::start("kube-apiserver", &Programs::get().kube_apiserver, args, &log, None);
        self.await_api_server(|| {
            if let Some(status) = api_server.ended() {
                panic!("kube-apiserver ended ({status})\n{}", api_server.last_words());
            }
        })
        .await;
        self.api_server = Some(api_server);
    }

    /// Waits until the API server is ready; `still_runs` panics where there is nothing to wait for.
    pub(super) async fn await_api_server(&self, mut still_runs: impl FnMut()) {
        let client = self.client().await;
        eventually("the API server to be ready", PATIENCE * 4, async || {
            still_runs();
            let request = Request::get("/readyz")
                .body(Vec::new())
                .map_err(|error| error.to_string())?;
            client.request_text(request).await.map_err(|error| error.to_string())
        })
        .await;
    }

    /// Kills the API server, as an outage does; etcd keeps its data.
    pub(crate) fn stop_api_server(&mut self) {
        self.api_server = None;
    }

    /// Makes etcd forget all but the newest version of everything.
    pub(crate) async fn compact(&self) {
        let etcd = format!("http://{}", self.etcd_address)
            .parse()
            .expect("it is an address");
        let client = Client::try_from(Config::new(etcd)).expect("a client can be made");
        let ask = async |path: &str, body: serde_json::Value| {
            let request = Request::post(path).body(body.to_string().into_bytes());
            let answer = client
                .request::<serde_json::Value>(request.expect("it is a request"))
                .await;
            answer.unwrap_or_else(|error| panic!("etcd does not answer {path}: {error}"))
        };
        let now = ask("/v3/kv/range", json!({"key": "AA=="})).await;
        let revision = now["header"]["revision"].clone();
        ask("/v3/kv/compaction", json!({"revision": revision, "physical": true})).await;
    }

    /// Applies crds/ as a user does, and waits until the API server serves the kinds.
    async fn apply_crds(&self) {
        if !Path::new("crds").is_dir() {
            return;
        }
        self.kubectl("apply --server-side -f crds", "").succeeds();
        self.kubectl("wait --for=condition=Established --timeout=30s -f crds", "")
            .succeeds();
        let kinds = self
            .kubectl("get -f crds -o jsonpath={.items[*].metadata.name}", "")
            .succeeds();
        let list = format!("get {} --all-namespaces", kinds.replace(' ', ","));
        // A kind is established a moment before it is served.
        eventually("the kinds to be served", PATIENCE, async || {
            let listed = self.kubectl(&list, "");
            (listed.code == 0).then_some(()).ok_or(listed.stderr)
        })
        .await;
    }

    /// Runs kubectl as admin.
    pub(crate) fn kubectl(&self, args: &str, stdin: &str) -> Output {
        self.admin.kubectl(args, stdin)
    }

    /// A client as admin, of the runtime that it is made in.
    pub(crate) async fn client(&self) -> Client {
        self.admin.client().await
    }

    /// An account of that name and groups, which may do what RBAC gives it.
    pub(crate) fn user(&self, name: &str, groups: &[&str]) -> Account {
        self.account(&json!({"token": ADMIN_TOKEN, "as": name, "as-groups": groups}))
    }

    /// The account of a service account, with a real token of it; it is made if it does not exist.
    pub(crate) fn service_account(&self, namespace: &str, name: &str) -> Account {
        let made = self.kubectl(&format!("create serviceaccount {name} -n {namespace}"), "");
        assert!(made.code == 0 || made.stderr.contains("already exists"), "{made:?}");
        let token = self
            .kubectl(&format!("create token {name} -n {namespace}"), "")
            .succeeds();
        self.account(&json!({"token": token.trim()}))
    }

    fn account(&self, user: &serde_json::Value) -> Account {
        let number = self.accounts.fetch_add(1, Ordering::Relaxed);
        let cluster = self.admin.cluster.clone();
        Account::write(self.folder.join(format!("account-{number}.kubeconfig")), cluster, user)
    }

    /// Writes a file that goes when this cluster does.
    pub(crate) fn keep(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("the folder can be written");
        path
    }

    /// The account of whoever asks another address in place of the API server's, and does not look whose it is.
    pub(crate) fn by_way_of(&self, address: SocketAddr) -> Account {
        let number = self.accounts.fetch_add(1, Ordering::Relaxed);
        let cluster = json!({"server": format!("https://{address}"), "insecure-skip-tls-verify": true});
        let kubeconfig = self.folder.join(format!("account-{number}.kubeconfig"));
        Account::write(kubeconfig, cluster, &json!({"token": "none"}))
    }

    /// A new namespace whose name begins with `prefix`.
    pub(crate) async fn temp_namespace(&self, prefix: &str) -> Namespace {
        self.temp_namespace_labelled(prefix, &[]).await
    }

    /// The same, with labels.
    pub(crate) async fn temp_namespace_labelled(&self, prefix: &str, labels: &[(&str, &str)]) -> Namespace {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("{prefix}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let metadata = ObjectMeta {
            name: Some(name.clone()),
            labels: Some(labels),
            ..ObjectMeta::default()
        };
        let namespace = NamespaceObject {
            metadata,
            ..NamespaceObject::default()
        };
        let api = Api::<NamespaceObject>::all(self.client().await);
        api.create(&PostParams::default(), &namespace)
            .await
            .expect("a namespace can be made");
        Namespace {
            name,
            admin: self.admin.clone(),
        }
    }
}

/// A namespace of one test; its routes and filings are deleted with it, as far as that is possible.
pub(crate) struct Namespace {
    pub(crate) name: String,
    admin: Account,
}

impl Namespace {
    /// Runs kubectl as admin in this namespace.
    pub(crate) fn kubectl(&self, args: &str, stdin: &str) -> Output {
        self.admin.kubectl(&format!("-n {} {args}", self.name), stdin)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nothing waits for it: it only keeps an operator that another test runs from what nobody needs any more.
        let args = "delete ingresses.networking.k8s.io,filings.filing-operator.io --all --wait=false";
        let mut kubectl = self.admin.kubectl_command(&format!("-n {} {args}", self.name));
        let _ = kubectl
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
}

/// Somebody whom the API server knows, as a kubeconfig.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) kubeconfig: PathBuf,
    cluster: serde_json::Value,
}

impl Account {
    /// Of whatever listens at an address, for tests of what does not answer. Its kubeconfig is put into `folder`.
    pub(crate) fn at(address: SocketAddr, folder: &Path) -> Self {
        let cluster = json!({"server": format!("https://{address}"), "insecure-skip-tls-verify": true});
        Self::write(folder.join("kubeconfig"), cluster, &json!({"token": "none"}))
    }

    /// Of a stand-in at an address that speaks no TLS.
    #[allow(dead_code, reason = "a benchmark has one")]
    pub(crate) fn without_tls(address: SocketAddr, folder: &Path) -> Self {
        let cluster = json!({"server": format!("http://{address}")});
        Self::write(folder.join("kubeconfig"), cluster, &json!({}))
    }

    fn write(kubeconfig: PathBuf, cluster: serde_json::Value, user: &serde_json::Value) -> Self {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        fs::write(&kubeconfig, config.to_string()).expect("the kubeconfig can be written");
        Self { kubeconfig, cluster }
    }

    /// A client of this account, of the runtime that it is made in: each test has its own runtime, so none is kept.
    pub(crate) async fn client(&self) -> Client {
        Client::try_from(self.config().await).expect("a client can be made")
    }

    /// The same, which asks once and takes 503 for an answer.
    pub(crate) async fn client_that_asks_once(&self) -> Client {
        let mut config = self.config().await;
        config.default_retry = false;
        Client::try_from(config).expect("a client can be made")
    }

    async fn config(&self) -> Config {
        install_tls();
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig).expect("it was written by this harness");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        config.expect("it names a cluster and a user")
    }

    /// Runs kubectl in the package's folder with these arguments, separated by spaces; `stdin` is for `-f -`.
    pub(crate) fn kubectl(&self, args: &str, stdin: &str) -> Output {
        let mut child = self
            .kubectl_command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl starts");
        let mut pipe = child.stdin.take().expect("stdin is a pipe");
        let out = thread::scope(|scope| {
            // kubectl may print before it has read all; one that reads nothing breaks the pipe, which is its right.
            scope.spawn(move || pipe.write_all(stdin.as_bytes()));
            child.wait_with_output().expect("kubectl can be waited for")
        });
        out.into()
    }

    /// kubectl as a program that the caller starts, with these arguments.
    pub(crate) fn kubectl_command(&self, args: &str) -> Command {
        let mut command = Command::new(&Programs::get().kubectl);
        // Its discovery cache stays in this cluster's folder: another cluster may have had the same address.
        let cache = self.kubeconfig.with_file_name("kubectl-cache");
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(args.split_whitespace())
            .env("KUBECACHEDIR", cache);
        command
    }
}

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl From<std::process::Output> for Output {
    fn from(out: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
        Self {
            stdout: text(out.stdout),
            stderr: text(out.stderr),
            code: out.status.code().unwrap_or(-1),
        }
    }
}

impl Output {
    /// Its stdout; a failure of the test unless the command succeeded.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!(
            self.code, 0,
            "it should succeed, and said: {}{}",
            self.stdout, self.stderr
        );
        self.stdout
    }

    /// Its stderr; a failure of the test if the command succeeded.
    #[track_caller]
    pub(crate) fn fails(self) -> String {
        assert_ne!(self.code, 0, "it should fail, and said: {}", self.stdout);
        self.stderr
    }
}

fn start_etcd(program: &Path, folder: &Path, address: SocketAddr) -> Process {
    let args = [
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls=http://{address}"),
        format!("--advertise-client-urls=http://{address}"),
        format!("--listen-peer-urls=http://{}", free_address()),
        "--unsafe-no-fsync".into(),
    ];
    Process::start("etcd", program, args, &folder.join("etcd.log"), Some(folder))
}

/// Writes what an API server of these names proves itself with and knows others by; gives the certificate to trust, as PEM.
fn write_credentials(folder: &Path, names: &[&str]) -> String {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("the folder can be written");
    let key = || KeyPair::generate().expect("a key can be made");

    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, key()).expect("a certificate can be signed");
    let api_key = key();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let params = CertificateParams::new(names).expect("they are names");
    let certificate = params.signed_by(&api_key, &ca).expect("a certificate can be signed");
    write("api.crt", &certificate.pem());
    write("api.key", &api_key.serialize_pem());

    let service_accounts = key();
    write("service-accounts.key", &service_accounts.serialize_pem());
    write("service-accounts.pub", &service_accounts.public_key_pem());
    write("tokens.csv", &format!("{ADMIN_TOKEN},admin,1,system:masters\n"));
    write("ca.crt", &ca.pem());
    ca.pem()
}

/// Makes ring the TLS provider of this process, as the program's `main` does for its own.
pub(super) fn install_tls() {
    // It is an error only if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
