//! Real helm, with this project's chart.

use std::path::Path;
use std::process::{Command, Stdio};

use super::cluster::{Account, Output};
use super::programs;

/// The chart, from the package's folder.
pub(crate) const CHART: &str = "charts/filing-operator";
/// The two values that are enough.
pub(crate) const SITE: &str = "--set policy.site.provider=alicloud --set policy.site.region=cn-beijing";

/// Runs helm in the package's folder with these arguments, separated by spaces, and nobody's settings.
pub(crate) fn helm(args: &str) -> Output {
    let mut command = Command::new(programs::helm());
    run(command.args(args.split_whitespace()))
}

/// The same, for a cluster.
pub(crate) fn helm_as(account: &Account, args: &str) -> Output {
    let mut command = Command::new(programs::helm());
    command.arg("--kubeconfig").arg(&account.kubeconfig);
    run(command.args(args.split_whitespace()))
}

/// Renders the chart as the release `filing-operator` in the namespace `filing-system`.
pub(crate) fn render(args: &str) -> String {
    helm(&format!(
        "template filing-operator {CHART} --namespace filing-system {args}"
    ))
    .succeeds()
}

fn run(command: &mut Command) -> Output {
    let nowhere = Path::new("/nonexistent");
    for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(variable, nowhere);
    }
    command.stdin(Stdio::null()).output().expect("helm can be run").into()
}
