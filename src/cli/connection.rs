//! Which cluster a command speaks to, as kubectl is told.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::builder::NonEmptyStringValueParser;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// How long a connection may say nothing: an idle watch has a bookmark every 60 to 75 s.
pub(super) const SILENCE: Duration = Duration::from_secs(90);

/// The flags that name a cluster.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct Connection {
    /// The kubeconfig file; without it the files of the environment's KUBECONFIG, else ~/.kube/config, else the pod's
    /// service account
    // Not read as `env`: it may be a list of files, which clap would take for one.
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; without it the current one
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) context: Option<String>,
}

/// The flag that names where the operator is.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Home {
    /// The operator's own namespace: of its lease and Secret, and of the Filings that count where no policy says whose
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "POD_NAMESPACE",
        default_value = "filing-system",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(super) namespace: String,
}

/// Runs a command that speaks to a cluster and ends.
pub(super) fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("starting the runtime")?.block_on(command)
}

impl Connection {
    /// Refuses a cluster that is named where none is looked at.
    ///
    /// # Errors
    /// When a flag names one and `is_used` is false.
    pub(super) fn checked(&self, is_used: bool) -> Result<()> {
        ensure!(
            is_used || (self.kubeconfig.is_none() && self.context.is_none()),
            "--context and --kubeconfig say at which cluster --live looks, and here none is looked at; leave them out, or add \
             --live"
        );
        Ok(())
    }

    /// A client of that cluster, which gives a connection up that says nothing for so long. Nothing is asked of it yet.
    pub(super) async fn client(&self, silence: Duration) -> Result<Client> {
        let config = self.config(silence).await?;
        Client::try_from(config).context("connecting to the API server")
    }

    /// What that client is made of.
    pub(super) async fn config(&self, silence: Duration) -> Result<Config> {
        let mut config = if self.kubeconfig.is_none() && self.context.is_none() {
            Config::infer()
                .await
                .context("finding a cluster, by a kubeconfig or as a pod")?
        } else {
            let options = KubeConfigOptions {
                context: self.context.clone(),
                ..KubeConfigOptions::default()
            };
            let config = match &self.kubeconfig {
                Some(file) => {
                    let read = Kubeconfig::read_from(file).with_context(|| format!("reading {}", file.display()))?;
                    Config::from_custom_kubeconfig(read, &options).await
                }
                None => Config::from_kubeconfig(&options).await,
            };
            config.context("reading the kubeconfig")?
        };
        // Without it an answer that never comes would be waited for for ever, and a dead watch for five minutes.
        config.read_timeout = Some(silence);
        // The time that a connection was idle before it is used again does not count.
        config.reset_reader_on_write = true;
        Ok(config)
    }

    /// The context and the address of that cluster, for messages. Nothing else that an address may hold is told.
    pub(super) fn named(&self, config: &Config) -> String {
        let url = &config.cluster_url;
        let scheme = url.scheme_str().unwrap_or("https");
        let host = url.host().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let address = format!("{scheme}://{host}{port}");
        let context = self.context.clone().or_else(|| {
            let read = match &self.kubeconfig {
                Some(file) => Kubeconfig::read_from(file),
                None => Kubeconfig::read(),
            };
            read.ok()?.current_context
        });
        match context {
            Some(context) => format!("context {context} ({address})"),
            None => address,
        }
    }
}
