//! `filing-operator probe`: does the webhook answer through the API server?
//!
//! It asks as anyone would who creates something, by dry runs, and under a name by which the operator knows that it is meant.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use backon::{BackoffBuilder as _, ConstantBuilder};
use clap::builder::NonEmptyStringValueParser;
use http::HeaderMap;
use http::header::WARNING;
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Api, PostParams};
use kube::client::Body;
use kube::core::{Request, Resource as _};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::connection::{Connection, Home, block_on};
use super::output::Output;
use crate::admission::{PROBED, own_webhooks};
use crate::api::Filing;
use crate::api::keys::managers;

/// How long to wait before the next look.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an answer may take: more than the API server waits for the webhook.
const SILENCE: Duration = Duration::from_secs(35);
/// What it asks to create, and never does.
const NAME: &str = "filing-operator-probe";

/// Ask whether the webhook answers through the API server
///
/// Creates a Filing and an Ingress as dry runs, of which nothing is kept, and looks whether it was the operator who answered.
/// It tries again until it was, or the time is over. Needs the right to create both where it asks, and to get the webhook's
/// configuration. The exit code is 0 when the webhook answers, 1 when it does not.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator probe
  filing-operator probe --route-namespace shop --timeout 2m")]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    home: Home,
    /// The namespace in which it asks about an Ingress: one that the webhook is asked about
    #[arg(long, value_name = "NAMESPACE", default_value = "default", value_parser = NonEmptyStringValueParser::new())]
    route_namespace: String,
    /// The ValidatingWebhookConfiguration by which the API server knows the webhook
    #[arg(
        long,
        value_name = "NAME",
        default_value = "filing-operator",
        value_parser = NonEmptyStringValueParser::new()
    )]
    webhook_configuration: String,
    /// How long to wait for an answer, as in `30s` or `2m`
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = super::release::timeout)]
    timeout: SignedDuration,
}

pub(super) fn run(args: &Args, output: &Output) -> Result<ExitCode> {
    block_on(async {
        let client = args.connection.client(SILENCE).await?;
        let tries = args.timeout.unsigned_abs().as_secs() / PAUSE.as_secs();
        let mut pauses = ConstantBuilder::default()
            .with_delay(PAUSE)
            .with_max_times(usize::try_from(tries).unwrap_or(usize::MAX))
            .build();
        loop {
            let silent = match probe(&client, args).await {
                Ok(answered) => {
                    Output::plain(&answered)?;
                    return Ok(ExitCode::SUCCESS);
                }
                Err(silent) => silent,
            };
            let Some(pause) = pauses.next() else {
                output.error(&super::output::chain(&silent));
                return Ok(ExitCode::FAILURE);
            };
            tokio::time::sleep(pause).await;
        }
    })
}

/// Looks once. What it was told; an error: the webhook does not answer.
async fn probe(client: &Client, args: &Args) -> Result<String> {
    let configurations = Api::<ValidatingWebhookConfiguration>::all(client.clone());
    let name = &args.webhook_configuration;
    let configuration = configurations.get_opt(name).await;
    let configuration = configuration.with_context(|| format!("reading ValidatingWebhookConfiguration {name}"))?;
    let Some(configuration) = configuration else {
        bail!("there is no ValidatingWebhookConfiguration {name}: the API server does not ask the webhook");
    };
    let mut told = String::new();
    for webhook in own_webhooks(&configuration) {
        if webhook.client_config.ca_bundle.is_none() {
            bail!(
                "{} has no caBundle yet: no replica leads, or it may not write it",
                webhook.name
            );
        }
        let failure_policy = webhook.failure_policy.as_deref().unwrap_or("Fail");
        // Writing into a String cannot fail.
        let _ = writeln!(told, "{} answers; failurePolicy {failure_policy}", webhook.name);
    }
    if told.is_empty() {
        bail!(
            "ValidatingWebhookConfiguration {} names no webhook of filing-operator",
            configuration.name_any()
        );
    }
    let filings = Filing::url_path(&(), Some(&args.home.namespace));
    ask(client, &filings, &filing())
        .await
        .context("asking about a Filing")?;
    let routes = Ingress::url_path(&(), Some(&args.route_namespace));
    ask(client, &routes, &route())
        .await
        .context("asking about an Ingress")?;
    Ok(told)
}

/// Asks to create something. An error: it was not the operator who answered.
async fn ask(client: &Client, path: &str, object: &Value) -> Result<()> {
    let params = PostParams {
        dry_run: true,
        field_manager: Some(managers::PROBE.to_owned()),
    };
    let request = Request::new(path).create(&params, serde_json::to_vec(object)?)?;
    let answer = client.send(request.map(Body::from)).await?;
    if is_answered(answer.headers()) {
        return Ok(());
    }
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = said.get("message").and_then(Value::as_str);
    match message.filter(|_| !status.is_success()) {
        Some(message) => bail!("{}: {message}", status.canonical_reason().unwrap_or("refused")),
        None => bail!("the API server let it pass without a word of the operator's, as failurePolicy Ignore says"),
    }
}

/// Whether the operator is among those whose warnings an answer carries.
fn is_answered(headers: &HeaderMap) -> bool {
    let warnings = headers.get_all(WARNING).iter();
    let mut warnings = warnings.filter_map(|warning| warning.to_str().ok());
    warnings.any(|warning| warning.contains(PROBED))
}

fn filing() -> Value {
    json!({
        "apiVersion": Filing::api_version(&()),
        "kind": Filing::kind(&()),
        "metadata": {"name": NAME},
        "spec": {"domains": ["probe.invalid"], "stage": "Draft", "subject": {"name": NAME, "nature": "Enterprise"}},
    })
}

/// Of a name that is nobody's, so that no policy denies it.
fn route() -> Value {
    json!({
        "apiVersion": Ingress::api_version(&()),
        "kind": Ingress::kind(&()),
        "metadata": {"name": NAME},
        "spec": {"rules": [{"host": "probe.invalid"}]},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operator_s_own_word_counts() {
        let with = |texts: &[&str]| {
            let mut headers = HeaderMap::new();
            for text in texts {
                headers.append(WARNING, format!("299 - \"{text}\"").parse().unwrap());
            }
            headers
        };
        assert!(!is_answered(&with(&[])));
        assert!(!is_answered(&with(&["probe.invalid is reserved"])));
        assert!(is_answered(&with(&["probe.invalid is reserved", PROBED])));
    }
}
