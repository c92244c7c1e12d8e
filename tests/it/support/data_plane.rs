//! A real data plane beside a test cluster: skipper, which proxies what the Ingresses of its class say, and one HTTP server
//! behind all of them.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use axum::Router;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    cluster::{Cluster, Namespace},
    operator::http_get,
    process::{Process, free_address},
    programs::{Programs, skipper},
    wait::{PATIENCE, eventually},
};

/// The class whose Ingresses it serves.
pub(crate) const CLASS: &str = "skipper";

/// How often skipper asks the API server what to serve, in milliseconds.
const POLL: u32 = 500;

/// Skipper, the door through which it reaches the API server, and the server behind it. It ends when it is dropped.
pub(crate) struct DataPlane {
    address: SocketAddr,
    backend: SocketAddr,
    serving: JoinHandle<()>,
    // Dropped in this order: skipper first, or it would log what it misses.
    skipper: Process,
    _proxy: Process,
    _folder: TempDir,
}

impl DataPlane {
    /// Starts it beside `cluster`, and waits until it answers.
    pub(crate) async fn start(cluster: &Cluster) -> Self {
        let folder = TempDir::with_prefix("filing-operator-skipper-").expect("a temporary folder can be made");
        let log = |name: &str| -> PathBuf { folder.path().join(name) };

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let backend = listener.local_addr().expect("it listens");
        let app = Router::new().fallback(async || "served");
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("the backend serves");
        });

        let api = free_address();
        let kubeconfig = cluster.admin.kubeconfig.display();
        let args = [
            format!("--kubeconfig={kubeconfig}"),
            "proxy".into(),
            format!("--port={}", api.port()),
        ];
        let proxy = Process::start("kubectl proxy", &Programs::get().kubectl, args, &log("proxy.log"), None);
        eventually("kubectl proxy to answer", PATIENCE, async || {
            match http_get(api, "localhost", "/readyz") {
                Ok((200, _)) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;

        let address = free_address();
        let args = [
            format!("-address={address}"),
            format!("-support-listener={}", free_address()),
            "-kubernetes".into(),
            format!("-kubernetes-url=http://{api}"),
            format!("-kubernetes-ingress-class=^{CLASS}$"),
            format!("-source-poll-timeout={POLL}"),
            "-access-log-disabled".into(),
        ];
        let mut skipper = Process::start("skipper", skipper(), args, &log("skipper.log"), None);
        eventually("skipper to answer", PATIENCE, async || {
            if let Some(status) = skipper.ended() {
                panic!("skipper ended ({status})\n{}", skipper.last_words());
            }
            http_get(address, "nobody.example.com", "/").map_err(|error| error.to_string())
        })
        .await;
        Self {
            address,
            backend,
            serving,
            skipper,
            _proxy: proxy,
            _folder: folder,
        }
    }

    /// Makes the Service `web` in a namespace, behind which the backend is.
    pub(crate) fn serve_in(&self, namespace: &Namespace) {
        let service = format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: web}}, spec: {{type: ExternalName, externalName: localhost, \
             ports: [{{name: http, port: {}}}]}}}}",
            self.backend.port()
        );
        namespace.kubectl("apply -f -", &service).succeeds();
    }

    /// The port of the Service `web`, for an Ingress.
    pub(crate) fn port(&self) -> u16 {
        self.backend.port()
    }

    /// The status with which a host answers now.
    pub(crate) async fn get(&self, host: &str) -> Result<u16, String> {
        let (address, host) = (self.address, host.to_owned());
        // Not on this thread: the backend may be a task of it.
        let asked = tokio::task::spawn_blocking(move || http_get(address, &host, "/")).await;
        let answer = asked.expect("asking does not panic");
        answer.map(|(status, _)| status).map_err(|error| error.to_string())
    }

    /// Waits until a host answers with that status.
    pub(crate) async fn answers(&self, host: &str, status: u16, patience: Duration) {
        eventually(&format!("{host} to answer {status}"), patience, async || {
            match self.get(host).await {
                Ok(found) if found == status => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
}

impl Drop for DataPlane {
    #[allow(clippy::print_stderr, reason = "what a failed test prints is what a person reads")]
    fn drop(&mut self) {
        self.serving.abort();
        if std::thread::panicking() {
            eprintln!("{}", self.skipper.last_words());
        }
    }
}
