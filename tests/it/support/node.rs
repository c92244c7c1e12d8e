//! A whole node: a control plane with its controllers and scheduler, a kubelet, kube-proxy and containerd, so that Pods run
//! and Services carry what is asked of them.
//!
//! It lives in namespaces of the kernel of its own (processes, mounts, network), which end when this process does, for
//! whatever reason, and take all with them: shims, containers, mounts, the bridge, kube-proxy's tables. What reaches beyond
//! them, a link to the network, cgroups and settings of the kernel, node.sh puts back. There is one such node at a time.

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    net::SocketAddr,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use super::{
    cluster::Cluster,
    image, operator,
    programs::{NodePrograms, Programs, say, skipper},
    wait::{PATIENCE, eventually},
};

/// Set by a person who does without the tests of a node; not heard where `CI` is set.
const WITHOUT: &str = "WITHOUT_NODE";
/// The link that leads to the node, and its ends. Link-local, so that it is in no other network's way.
const LINK: &str = "filing-node";
const LINK_HERE: &str = "169.254.88.1";
const LINK_THERE: &str = "169.254.88.2";
/// The network of the Pods, and the node's own address in it.
const PODS: &str = "10.88.0.0/24";
const ADDRESS: &str = "10.88.0.1";
const SERVICES: &str = "10.96.0.0/24";
/// The address of the Service `kubernetes`.
const FIRST_SERVICE: &str = "10.96.0.1";
/// How long another test may have the machine's one node.
const TURN: Duration = Duration::from_mins(10);
/// What Debian has, each with a file of it.
const PACKAGES: [(&str, &str); 5] = [
    ("buildah", "/usr/bin/buildah"),
    ("runc", "/usr/sbin/runc"),
    ("containernetworking-plugins", "/usr/lib/cni/bridge"),
    ("nftables", "/usr/sbin/nft"),
    ("iproute2", "/sbin/ip"),
];

/// A node that runs, and ends with the test process at the latest.
pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    /// What a shell in the node's namespaces does next; they end when it is closed.
    shell: Option<ChildStdin>,
    keeper: Child,
    folder: PathBuf,
}

impl Node {
    /// Starts a node with images of the operator and of an ingress data plane, and nothing of this project in it: some 10 s
    /// and 1 GB. None where a person does without; where something is missing the test fails, and says what.
    pub(crate) async fn start() -> Option<Self> {
        if !can_be_had() {
            return None;
        }
        let (programs, _) = (NodePrograms::get(), Programs::get());
        let folder = TempDir::with_prefix("filing-operator-node-").expect("a temporary folder can be made");
        let names = [LINK_THERE, ADDRESS, FIRST_SERVICE, "127.0.0.1", "localhost"];
        let cluster = Cluster::at(
            Self::address(6443),
            Self::address(2379),
            folder.path().to_owned(),
            &names,
        );
        let (keeper, shell) = keep(folder.path());
        let mut node = Self {
            cluster,
            shell: Some(shell),
            keeper,
            folder: folder.keep(),
        };
        node.have_turn().await;
        node.make_network().await;
        node.start_control_plane().await;
        node.start_containerd(programs).await;
        node.start_node(programs);
        node.load_images(programs);
        let ready = "wait --for=create node/node-1 --timeout=60s";
        node.cluster.kubectl(ready, "").succeeds();
        let ready = "wait --for=condition=Ready node/node-1 --timeout=60s";
        node.cluster.kubectl(ready, "").succeeds();
        Some(node)
    }

    /// Waits until no other process has a node.
    async fn have_turn(&mut self) {
        let mut was_told = false;
        let asked = std::time::Instant::now();
        eventually("another process's node to end", TURN, async || {
            let log = self.log("node");
            if !was_told && asked.elapsed() > Duration::from_secs(5) {
                say("another process has this machine's one node; waiting for it");
                was_told = true;
            }
            log.contains("this node's turn").then_some(()).ok_or(log)
        })
        .await;
    }

    /// Does something in the node's namespaces.
    fn shell(&mut self, script: &str) {
        let shell = self.shell.as_mut().expect("it is closed at the end only");
        let heard = writeln!(shell, "{script}");
        assert!(heard.is_ok(), "the node has ended\n{}", self.log("node"));
    }

    /// Starts a program in the node's namespaces, which ends with them.
    fn spawn(&mut self, name: &str, program: &Path, args: &[String]) {
        let log = self.file(&format!("{name}.log"));
        let words = [program.display().to_string()].into_iter().chain(args.iter().cloned());
        let command: Vec<_> = words.map(|word| quoted(&word)).collect();
        self.shell(&format!("{} >{} 2>&1 &", command.join(" "), quoted(&log)));
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        self.cluster.keep(name, text);
    }

    async fn make_network(&mut self) {
        let done = self.file("network");
        self.shell(&format!(
            "set -e
            for folder in /run /var/log /var/lib; do mount -t tmpfs tmpfs $folder; done
            ip link set lo up
            ip link add uplink type veth peer name {LINK} netns /proc/self/fd/4
            ip address add {LINK_THERE}/30 dev uplink
            ip link set uplink up
            nsenter --net=/proc/self/fd/4 ip address add {LINK_HERE}/30 dev {LINK}
            nsenter --net=/proc/self/fd/4 ip link set {LINK} up
            exec 4<&-
            ip link add cni0 type bridge
            ip address add {ADDRESS}/24 dev cni0
            ip link set cni0 up
            ip route add {SERVICES} dev cni0
            echo 1 >/proc/sys/net/ipv4/ip_forward
            set +e
            touch {}",
            quoted(&done)
        ));
        let log = || self.log("node");
        eventually("the node's network", PATIENCE, async || {
            Path::new(&done).exists().then_some(()).ok_or_else(log)
        })
        .await;
    }

    async fn start_control_plane(&mut self) {
        let Programs {
            etcd, kube_apiserver, ..
        } = Programs::get();
        let etcd_url = format!("http://{LINK_THERE}:2379");
        let args = [
            format!("--data-dir={}", self.file("etcd")),
            format!("--listen-client-urls={etcd_url}"),
            format!("--advertise-client-urls={etcd_url}"),
            "--listen-peer-urls=http://127.0.0.1:2380".into(),
            "--unsafe-no-fsync".into(),
        ];
        self.spawn("etcd", etcd, &args);
        let args = [
            format!("--etcd-servers={etcd_url}"),
            "--bind-address=0.0.0.0".into(),
            "--secure-port=6443".into(),
            format!("--advertise-address={ADDRESS}"),
            format!("--tls-cert-file={}", self.file("api.crt")),
            format!("--tls-private-key-file={}", self.file("api.key")),
            format!("--cert-dir={}", self.file("certificates")),
            format!("--token-auth-file={}", self.file("tokens.csv")),
            "--authorization-mode=RBAC".into(),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-key-file={}", self.file("service-accounts.pub")),
            format!(
                "--service-account-signing-key-file={}",
                self.file("service-accounts.key")
            ),
            format!("--service-cluster-ip-range={SERVICES}"),
            "--kubelet-preferred-address-types=InternalIP".into(),
        ];
        self.spawn("kube-apiserver", kube_apiserver, &args);
        self.cluster.await_api_server(|| {}).await;
    }

    async fn start_containerd(&mut self, programs: &NodePrograms) {
        let folder = self.folder.display();
        let config = format!(
            r#"version = 3
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
[grpc]
  address = "{folder}/containerd.sock"
[ttrpc]
  address = "{folder}/containerd.ttrpc.sock"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{}"
[plugins.'io.containerd.cri.v1.runtime']
  # Where CAP_SYS_RESOURCE is missing.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "{folder}/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"#,
            image::PAUSE
        );
        self.write("containerd.toml", &config);
        fs::create_dir(self.folder.join("cni")).expect("the folder can be written");
        let network = serde_json::json!({"cniVersion": "1.0.0", "name": "pods", "plugins": [{
            "type": "bridge", "bridge": "cni0", "isGateway": true, "ipam": {
                "type": "host-local", "ranges": [[{"subnet": PODS, "rangeStart": "10.88.0.10"}]],
                "routes": [{"dst": "0.0.0.0/0"}]}}]});
        self.write("cni/pods.conflist", &network.to_string());
        let args = ["--config".into(), self.file("containerd.toml")];
        self.spawn("containerd", &programs.containerd, &args);
        let socket = self.folder.join("containerd.sock");
        eventually("containerd to listen", PATIENCE, async || {
            socket.exists().then_some(()).ok_or_else(|| self.log("containerd"))
        })
        .await;
    }

    fn start_node(&mut self, programs: &NodePrograms) {
        let folder = self.folder.display();
        let config = format!(
            "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://{folder}/containerd.sock
podLogsDir: {folder}/pods
volumePluginDir: {folder}/volume-plugins
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
evictionHard: {{}}
resolvConf: ''
clusterDNS: []
# Nobody but the API server is in its network.
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
"
        );
        self.write("kubelet.yaml", &config);
        let kubeconfig = format!("--kubeconfig={}", self.file("admin.kubeconfig"));
        let args = [
            kubeconfig.clone(),
            format!(
                "--service-account-private-key-file={}",
                self.file("service-accounts.key")
            ),
            format!("--root-ca-file={}", self.file("ca.crt")),
            "--leader-elect=false".into(),
        ];
        self.spawn("kube-controller-manager", &programs.controller_manager, &args);
        let args = [kubeconfig.clone(), "--leader-elect=false".into()];
        self.spawn("kube-scheduler", &programs.scheduler, &args);
        let args = [
            kubeconfig.clone(),
            format!("--config={}", self.file("kubelet.yaml")),
            format!("--root-dir={}", self.file("kubelet")),
            format!("--cert-dir={}", self.file("kubelet-certificates")),
            format!("--node-ip={ADDRESS}"),
            "--hostname-override=node-1".into(),
        ];
        self.spawn("kubelet", &programs.kubelet, &args);
        let args = [
            kubeconfig,
            "--proxy-mode=nftables".into(),
            "--hostname-override=node-1".into(),
            format!("--cluster-cidr={PODS}"),
            // Limits of the whole machine.
            "--conntrack-max-per-core=0".into(),
            "--conntrack-min=0".into(),
        ];
        self.spawn("kube-proxy", &programs.kube_proxy, &args);
    }

    fn load_images(&self, programs: &NodePrograms) {
        let archive = |name: &str| self.folder.join(format!("{name}.tar"));
        image::pause(&archive("pause"));
        image::of_operator(&operator::program(), &archive("operator"));
        image::of_static_program(skipper(), image::SKIPPER, &archive("skipper"));
        for archive in ["pause", "operator", "skipper"].map(archive) {
            let out = Command::new(&programs.ctr)
                .arg("--address")
                .arg(self.folder.join("containerd.sock"))
                .args(["--namespace", "k8s.io", "images", "import"])
                .arg(&archive)
                .output()
                .expect("ctr can be run");
            let said = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success(), "ctr can't import {}: {said}", archive.display());
            fs::remove_file(archive).expect("it can be removed");
        }
    }

    /// Where a Pod in the node's own network is reached.
    pub(crate) fn address(port: u16) -> SocketAddr {
        SocketAddr::new(LINK_THERE.parse().expect("it is an address"), port)
    }

    /// What a program of the node has printed.
    fn log(&self, name: &str) -> String {
        let path = self.folder.join(format!("{name}.log"));
        fs::read_to_string(&path).unwrap_or_else(|error| format!("({}: {error})", path.display()))
    }

    /// The state of the Pods and the ends of the logs, for whoever reads why a test failed.
    fn last_words(&self) -> String {
        let mut text = String::new();
        for args in ["get pods --all-namespaces -o wide", "get events --all-namespaces"] {
            let said = self.cluster.kubectl(&format!("{args} --request-timeout=5s"), "");
            let _ = writeln!(text, "--- kubectl {args} ---\n{}{}", said.stdout, said.stderr);
        }
        let logs = Command::new("find")
            .arg(&self.folder)
            .args(["-maxdepth", "5", "-name", "*.log"])
            .output();
        let logs = logs.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
        for log in logs.unwrap_or_default().lines() {
            let words = fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<_> = words.lines().map(|line| line.get(..400).unwrap_or(line)).collect();
            let last = lines.len().saturating_sub(20);
            let _ = writeln!(text, "--- the end of {log} ---\n{}", lines[last..].join("\n"));
        }
        text
    }
}

impl Drop for Node {
    #[allow(clippy::print_stderr, reason = "what a failed test prints is what a person reads")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.last_words());
        }
        self.shell.take();
        let _ = self.keeper.wait();
    }
}

/// The id of the process of a program in a Pod's container, by what the kernel says; none while it does not run.
pub(crate) fn process_in(pod: &str, program: &str) -> Option<u32> {
    let processes = fs::read_dir("/proc").expect("there is /proc");
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut found = ids.filter(|id| {
        let read = |file| fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        let is_of_pod = || {
            let name = format!("POD_NAME={pod}");
            read("environ")
                .split(|byte| *byte == 0)
                .any(|entry| entry == name.as_bytes())
        };
        read("cmdline").split(|byte| *byte == 0).next() == Some(program.as_bytes()) && is_of_pod()
    });
    found.next()
}

/// Starts what keeps the node's namespaces; gives it, and what they hear.
fn keep(folder: &Path) -> (Child, ChildStdin) {
    let log = File::create(folder.join("node.log")).expect("the log can be written");
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    let mut keeper = Command::new("sh")
        .args(["-c", include_str!("node.sh"), "node"])
        .arg(folder)
        .arg(env::temp_dir().join("filing-operator-node.lock"))
        .arg(LINK)
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a file handle can be cloned"))
        .stderr(log)
        // Ctrl-C is for the test process; the keeper then finds the pipe closed, and tidies up.
        .process_group(0)
        .spawn()
        .expect("sh can be run");
    let shell = keeper.stdin.take().expect("stdin is a pipe");
    (keeper, shell)
}

/// Whether this machine has what a node and its images take; a failure of the test where it has not, unless a person does without.
pub(crate) fn can_be_had() -> bool {
    let Some(missing) = missing() else { return true };
    let ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(
        env::var_os(WITHOUT).is_some() && !ci,
        "no whole node can be started: {missing}. {WITHOUT}=1 does without its tests, where CI is not set"
    );
    say(&format!(
        "NOT TESTED, for {WITHOUT} is set: what needs a whole node ({missing})"
    ));
    false
}

/// Why there can be no node on this machine, and what mends it.
fn missing() -> Option<String> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root {
        return Some("it needs root".into());
    }
    let absent = |file: &Path| matches!(file.try_exists(), Ok(false) | Err(_));
    let packages: Vec<_> = PACKAGES
        .iter()
        .filter(|(_, file)| absent(Path::new(file)))
        .map(|(package, _)| *package)
        .collect();
    (!packages.is_empty()).then(|| {
        format!(
            "it needs `apt-get install --no-install-recommends {}`",
            packages.join(" ")
        )
    })
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
