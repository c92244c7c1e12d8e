//! The programs of a real control plane and data plane: found, or built from the Go modules in tests/programs/ and kept.
//!
//! Each module pins its programs in its go.mod and go.sum, and is built once a machine, into a folder named after both, and after
//! its main.go where the program is our own.

use std::{
    env,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{LazyLock, OnceLock},
    time::Instant,
};

use sha2::{Digest as _, Sha256};

/// Where the programs of a control plane are.
pub(crate) struct Programs {
    pub(crate) etcd: PathBuf,
    pub(crate) kube_apiserver: PathBuf,
    pub(crate) kubectl: PathBuf,
}

impl Programs {
    /// Finds or builds them, on first use; fails with what to install when neither can be done.
    pub(crate) fn get() -> &'static Self {
        static PROGRAMS: OnceLock<Programs> = OnceLock::new();
        PROGRAMS.get_or_init(|| {
            let [etcd] = ETCD.programs();
            let [kube_apiserver, kubectl] = KUBERNETES.programs();
            Self {
                etcd,
                kube_apiserver,
                kubectl,
            }
        })
    }
}

/// An ingress data plane that needs nothing but an API server; found or built when the first test asks for it.
pub(crate) fn skipper() -> &'static Path {
    static SKIPPER: LazyLock<PathBuf> = LazyLock::new(|| SKIPPER_MODULE.program());
    &SKIPPER
}

/// What installs the chart; found or built when the first test asks for it.
pub(crate) fn helm() -> &'static Path {
    static HELM: LazyLock<PathBuf> = LazyLock::new(|| HELM_MODULE.program());
    &HELM
}

/// What checks alerts; found or built when the first test asks for it.
pub(crate) fn promtool() -> &'static Path {
    static PROMTOOL: LazyLock<PathBuf> = LazyLock::new(|| PROMTOOL_MODULE.program());
    &PROMTOOL
}

/// What holds a dashboard to Grafana's schema (tests/programs/dashboard/main.go); built when the first test asks for it.
pub(crate) fn dashboard() -> &'static Path {
    static DASHBOARD: LazyLock<PathBuf> = LazyLock::new(|| DASHBOARD_MODULE.program());
    &DASHBOARD
}

/// What says how Argo CD and Flux take an object (tests/programs/gitops/main.go); built when the first test asks for it.
pub(crate) fn gitops() -> &'static Path {
    static GITOPS: LazyLock<PathBuf> = LazyLock::new(|| GITOPS_MODULE.program());
    &GITOPS
}

/// What makes a node of a control plane, beside what Debian has.
pub(crate) struct NodePrograms {
    pub(crate) controller_manager: PathBuf,
    pub(crate) scheduler: PathBuf,
    pub(crate) kubelet: PathBuf,
    pub(crate) kube_proxy: PathBuf,
    /// Finds its shim beside it.
    pub(crate) containerd: PathBuf,
    pub(crate) ctr: PathBuf,
}

impl NodePrograms {
    /// Finds or builds them, when the first test asks for a node.
    pub(crate) fn get() -> &'static Self {
        static PROGRAMS: OnceLock<NodePrograms> = OnceLock::new();
        PROGRAMS.get_or_init(|| {
            let [controller_manager, scheduler, kubelet, kube_proxy] = NODE.programs();
            let [containerd, _, ctr] = CONTAINERD.programs();
            Self {
                controller_manager,
                scheduler,
                kubelet,
                kube_proxy,
                containerd,
                ctr,
            }
        })
    }
}

const ETCD: Module<1> = Module {
    name: "etcd",
    versioned: "go.etcd.io/etcd/server/v3",
    programs: [("etcd", &["--version"])],
    tags: "",
    cold: "30 seconds",
};

/// Names the Kubernetes of the test cluster by its minor version, one for which tests/programs/ has a folder; without it, the newest.
const KUBERNETES_VERSION: &str = "KUBERNETES_VERSION";

/// Whether another Kubernetes than the newest is asked for.
pub(crate) fn kubernetes_is_chosen() -> bool {
    env::var_os(KUBERNETES_VERSION).is_some_and(|version| !version.is_empty())
}

const KUBERNETES: Module<2> = Module {
    name: "kubernetes",
    versioned: "k8s.io/kubernetes",
    programs: [
        ("kube-apiserver", &["--version"]),
        ("kubectl", &["version", "--client"]),
    ],
    tags: "",
    cold: "10 minutes",
};

/// The rest of the same module: most of it is compiled for the API server already, and one build makes all.
const NODE: Module<4> = Module {
    programs: [
        ("kube-controller-manager", &["--version"]),
        ("kube-scheduler", &["--version"]),
        ("kubelet", &["--version"]),
        ("kube-proxy", &["--version"]),
    ],
    name: KUBERNETES.name,
    versioned: KUBERNETES.versioned,
    tags: KUBERNETES.tags,
    cold: KUBERNETES.cold,
};

const CONTAINERD: Module<3> = Module {
    name: "containerd",
    versioned: "github.com/containerd/containerd/v2",
    programs: [
        ("containerd", &["--version"]),
        ("containerd-shim-runc-v2", &["-v"]),
        ("ctr", &["--version"]),
    ],
    // File systems that no test uses, and that would need C.
    tags: "no_btrfs no_zfs no_devmapper",
    cold: "3 minutes",
};

/// Definitions of resources that are other projects', each of which ships them as files of its Go module, in the version that
/// tests/programs/definitions/ pins; fetched on first use and kept, as the programs are.
pub(crate) struct Definitions {
    module: &'static str,
    files: &'static [&'static str],
}

/// OpenReports' Report.
pub(crate) const OPEN_REPORTS: Definitions = Definitions {
    module: "github.com/openreports/reports-api",
    files: &["config/crd/openreports.io_reports.yaml"],
};
/// What a Prometheus is told to read, and when to alert.
pub(crate) const PROMETHEUS_OPERATOR: Definitions = Definitions {
    module: "github.com/prometheus-operator/prometheus-operator",
    files: &[
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    ],
};
/// Certificates and who signs them.
pub(crate) const CERT_MANAGER: Definitions = Definitions {
    module: "github.com/cert-manager/cert-manager",
    files: &[
        "deploy/crds/cert-manager.io_certificates.yaml",
        "deploy/crds/cert-manager.io_issuers.yaml",
    ],
};

impl Definitions {
    /// As YAML.
    pub(crate) fn yaml(&self) -> String {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/definitions");
        let read = |path: &Path| {
            fs::read_to_string(path).unwrap_or_else(|error| panic!("can't read {}: {error}", path.display()))
        };
        let (go_mod, go_sum) = (read(&source.join("go.mod")), read(&source.join("go.sum")));
        let programs = cache().join("programs");
        let name = self.module.rsplit('/').next().unwrap_or_default();
        let kept = programs.join(format!("{name}-{}.yaml", digest(&[&go_mod, &go_sum])));
        if !kept.exists() {
            let folder = self.fetch(&source, required_version(&go_mod, self.module));
            let files = self.files.iter().map(|file| read(&folder.join(file)));
            let all = files.collect::<Vec<_>>().join("\n---\n");
            fs::create_dir_all(&programs).expect("the cache can be written");
            let unfinished = kept.with_extension(format!("unfinished-{}", std::process::id()));
            fs::write(&unfinished, all).expect("the cache can be written");
            fs::rename(&unfinished, &kept).expect("the cache can be written");
        }
        read(&kept)
    }

    /// The folder into which go unpacks the module.
    fn fetch(&self, source: &Path, version: &str) -> PathBuf {
        let out = Command::new("go")
            .current_dir(source)
            .env("GOFLAGS", "-mod=readonly")
            .env("GOWORK", "off")
            .args(["mod", "download", "-json", &format!("{}@{version}", self.module)])
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("can't run go, which fetches definitions of {}: {error}", self.module));
        let said = String::from_utf8_lossy(&out.stdout);
        let module: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
        let folder = module["Dir"].as_str().filter(|_| out.status.success());
        let folder =
            folder.unwrap_or_else(|| panic!("go mod download failed: {said}{}", String::from_utf8_lossy(&out.stderr)));
        PathBuf::from(folder)
    }
}

const SKIPPER_MODULE: Module<1> = Module {
    name: "skipper",
    versioned: "github.com/zalando/skipper",
    programs: [("skipper", &["-version"])],
    tags: "",
    cold: "3 minutes",
};

const HELM_MODULE: Module<1> = Module {
    name: "helm",
    versioned: "helm.sh/helm/v4",
    programs: [("helm", &["version", "--template={{.Version}}"])],
    tags: "",
    cold: "3 minutes",
};

const PROMTOOL_MODULE: Module<1> = Module {
    name: "promtool",
    versioned: "github.com/prometheus/prometheus",
    programs: [("promtool", &["--version"])],
    tags: "",
    cold: "4 minutes",
};

const DASHBOARD_MODULE: Module<1> = Module {
    name: "dashboard",
    versioned: "github.com/grafana/grafana-foundation-sdk/go",
    // It is of these tests alone, and prints no version: none that is found elsewhere will do.
    programs: [("filing-operator-dashboard", &[])],
    tags: "",
    cold: "30 seconds",
};

const GITOPS_MODULE: Module<1> = Module {
    name: "gitops",
    versioned: "github.com/argoproj/argo-cd/v3",
    // It is of these tests alone, and prints no version: none that is found elsewhere will do.
    programs: [("filing-operator-gitops", &[])],
    tags: "",
    cold: "2 minutes",
};

/// A folder of tests/programs/, and what is wanted of that which its `tool` lines build.
struct Module<const N: usize> {
    name: &'static str,
    /// The required Go module whose version is the programs' version.
    versioned: &'static str,
    /// Each program, with the arguments that make it print its version.
    programs: [(&'static str, &'static [&'static str]); N],
    /// Go's build tags.
    tags: &'static str,
    /// How long the first build takes on two cores.
    cold: &'static str,
}

impl Module<1> {
    /// Its only program.
    fn program(&self) -> PathBuf {
        let [program] = self.programs();
        program
    }
}

impl<const N: usize> Module<N> {
    fn programs(&self) -> [PathBuf; N] {
        let asked =
            env::var_os(KUBERNETES_VERSION).filter(|version| self.name == KUBERNETES.name && !version.is_empty());
        let folder = match asked {
            Some(version) => format!("{}-{}", self.name, version.display()),
            None => self.name.to_owned(),
        };
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/programs")
            .join(&folder);
        let read = |file: &str| {
            let path = source.join(file);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("can't read {}: {error}", path.display()))
        };
        let (go_mod, go_sum) = (read("go.mod"), read("go.sum"));
        let version = required_version(&go_mod, self.versioned);
        // A program of our own.
        let main = fs::read_to_string(source.join("main.go")).ok();
        let files: Vec<&str> = [&go_mod, &go_sum]
            .into_iter()
            .chain(&main)
            .map(String::as_str)
            .collect();
        let built = cache().join("programs").join(format!("{folder}-{}", digest(&files)));
        if !built.exists() {
            if let Some(found) = self.installed(version) {
                return found;
            }
            self.build(&source, version, &built);
        }
        self.programs.map(|(program, _)| built.join(program))
    }

    /// The programs where envtest keeps them or on PATH, if all are there in the pinned version.
    fn installed(&self, version: &str) -> Option<[PathBuf; N]> {
        let assets = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        let folders: Vec<_> = assets.into_iter().chain(env::split_paths(&path)).collect();
        let number = version.trim_start_matches('v');
        let found = self.programs.map(|(program, version_args)| {
            folders.iter().map(|folder| folder.join(program)).find(|candidate| {
                let printed = Command::new(candidate).args(version_args).stdin(Stdio::null()).output();
                printed.is_ok_and(|out| {
                    let text = String::from_utf8_lossy(&out.stdout).into_owned();
                    text.split_whitespace()
                        .any(|word| word.trim_start_matches('v') == number)
                })
            })
        });
        found
            .iter()
            .all(Option::is_some)
            .then(|| found.map(Option::unwrap_or_default))
    }

    /// Builds all programs of the module into the folder `built`, which appears only when it is complete.
    fn build(&self, source: &Path, version: &str, built: &Path) {
        let parent = built.parent().expect("it is in the cache");
        fs::create_dir_all(parent).unwrap_or_else(|error| panic!("can't make {}: {error}", parent.display()));
        let lock = File::create(built.with_added_extension("lock")).expect("the cache can be written");
        if lock.try_lock().is_err() {
            say(&format!(
                "another process builds {} {version}; waiting for it",
                self.name
            ));
            lock.lock().expect("a lock can be waited for");
        }
        if built.exists() {
            return;
        }
        let began = Instant::now();
        let names = self.programs.map(|(program, _)| program).join(", ");
        say(&format!(
            "building {} {version} ({names}): about {} on two cores, once on this machine",
            self.name, self.cold
        ));
        let unfinished = built.with_added_extension("unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished).expect("the cache can be written");
        // With one program the output's name is given: Go would call etcd `server`, after its folder.
        let output = if N == 1 {
            unfinished.join(self.programs[0].0)
        } else {
            unfinished.join("")
        };
        let status = Command::new("go")
            .current_dir(source)
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "-mod=readonly -buildvcs=false")
            .env("GOWORK", "off")
            .args(["build", "-trimpath", "-tags", self.tags])
            .args(["-ldflags", &link_flags(self.versioned, version), "-o"])
            .arg(output)
            .arg("tool")
            .stdin(Stdio::null())
            .status();
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => panic!(
                "go build in {} failed ({status}); its own words are above",
                source.display()
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => panic!(
                "Go is not on PATH, and {names} {version} is neither there nor in KUBEBUILDER_ASSETS: \
                 install Go 1.26 or later (https://go.dev/dl/), the tests then build what they need"
            ),
            Err(error) => panic!("can't run go: {error}"),
        }
        for (program, _) in self.programs {
            assert!(
                unfinished.join(program).exists(),
                "go build in {} made no {program}",
                source.display()
            );
        }
        fs::rename(&unfinished, built).expect("the cache can be written");
        say(&format!(
            "built {names} in {} s, into {}",
            began.elapsed().as_secs(),
            built.display()
        ));
    }
}

/// What tells the programs of a module their version: without it the API server calls itself v0.0.0, and clients that look
/// for features find none. etcd has its version in its source, skipper in its main package, containerd in a package of its
/// own; a package without the variable is left as it is.
fn link_flags(module: &str, version: &str) -> String {
    let mut numbers = version.trim_start_matches('v').split('.');
    let mut number = || numbers.next().unwrap_or_default();
    let (major, minor) = (number(), number());
    let package = "k8s.io/component-base/version";
    format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor} \
         -X main.version={version} -X {module}/version.Version={version}"
    )
}

/// The version that a go.mod requires of a module.
fn required_version<'a>(go_mod: &'a str, module: &str) -> &'a str {
    go_mod
        .lines()
        .find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(module)).then(|| words.next())?
        })
        .unwrap_or_else(|| panic!("no version of {module} in its go.mod"))
}

/// Where what is built once a machine is kept, outside of any checkout.
fn cache() -> PathBuf {
    env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cache")))
        .expect("XDG_CACHE_HOME or HOME is set")
        .join("filing-operator")
}

fn digest(files: &[&str]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.len().to_be_bytes());
        hash.update(file);
    }
    format!("{:x}", hash.finalize()).chars().take(16).collect()
}

/// Tells the person who waits: straight to stderr, because what a running test prints is held back.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "filing-operator tests: {text}");
}
