//! `filing-operator release`: lets every route go that quarantine holds, before the operator is taken away.
//!
//! It marks the FilingPolicies; the operator that leads then lets the routes go. What it leaves is told with the way to
//! put it back by hand: nothing is written to a route here.

mod held;
mod view;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use tokio::time::Instant;

use self::view::View;
use super::connection::{Connection, Home, SILENCE, block_on};
use super::output::Output;
use crate::api::FilingPolicy;
use crate::api::keys::{self, RELEASE};
use crate::controller::LEASE;
use crate::operator;
use crate::report::counted;

pub(super) use self::held::quoted;

/// How many routes a message lists. Whoever has more wants a script, not a page.
const SHOWN: usize = 50;

/// How long there must be nothing in quarantine before it is believed: whoever leads may be about to block something that
/// it decided on before it saw the marks.
const SETTLED: Duration = Duration::from_secs(3);

/// Let every route go that is in quarantine, and block nothing more
///
/// Marks every FilingPolicy, waits until the operator that leads has put each route back into the class that it had, and
/// reports. To be run before an uninstall, while the operator still runs. The exit code is 0 when nothing is left in
/// quarantine, 1 when something is; standard output then has the commands that put it back by hand.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  What would be let go:
    filing-operator release --dry-run

  Before an uninstall, and if it is not uninstalled after all:
    filing-operator release --timeout 10m
    filing-operator release --undo")]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    home: Home,
    /// How long to wait, as in `30s` or `10m`
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = timeout)]
    timeout: SignedDuration,
    /// Take the marks off again, so that policies with `running: Block` do block
    #[arg(long)]
    undo: bool,
    /// List what would be let go, and change nothing
    #[arg(long, conflicts_with = "undo")]
    dry_run: bool,
}

pub(super) fn timeout(typed: &str) -> Result<SignedDuration, String> {
    let duration = super::run::duration(typed)
        .ok()
        .filter(|duration| !duration.is_negative());
    duration.ok_or_else(|| "write it in hours, minutes and seconds, like 30s or 10m".to_owned())
}

pub(super) fn run(args: &Args, output: &Output) -> Result<ExitCode> {
    block_on(async {
        let client = args.connection.client(SILENCE).await?;
        let view = View::open(&client).await?;
        let mut release = Release {
            args,
            output,
            client,
            view,
        };
        if args.undo {
            release.undo().await
        } else if args.dry_run {
            release.preview()
        } else {
            release.release().await
        }
    })
}

/// One run of the command.
struct Release<'a> {
    args: &'a Args,
    output: &'a Output,
    client: Client,
    view: View,
}

impl Release<'_> {
    /// Tells what a release would do.
    fn preview(&self) -> Result<ExitCode> {
        let marks = self.view.policies().filter(|(_, marked)| !marked).count();
        let mut told = String::new();
        for held in self.view.held() {
            let _ = writeln!(told, "{}  {}", held.title(), held.outcome());
        }
        Output::plain(&told)?;
        let lost = self.view.held().filter(|held| held.trouble().is_some()).count();
        let left = match lost {
            0 => String::new(),
            _ => format!(", {} left whose class is not known", routes(lost)),
        };
        self.output.note(&format!(
            "{} would be let go{left}, {} marked; nothing was changed",
            routes(self.view.held().len().saturating_sub(lost)),
            policies(marks)
        ));
        Ok(ExitCode::SUCCESS)
    }

    /// Takes the marks off.
    async fn undo(&mut self) -> Result<ExitCode> {
        let count = self.mark(false).await?;
        Output::plain(&format!("{} unmarked\n", policies(count)))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Marks, waits and reports.
    async fn release(&mut self) -> Result<ExitCode> {
        let began = Instant::now();
        let deadline = began + self.args.timeout.unsigned_abs();
        self.mark(true).await?;
        let marked = self.view.policies().count();
        self.output.note(&format!(
            "{} {} marked: nothing is blocked until `filing-operator release --undo`",
            policies(marked),
            if marked == 1 { "is" } else { "are" }
        ));
        if self.view.held().len() > 0
            && let Err(absence) = self.leader().await
        {
            self.output
                .note(&format!("{absence}; waiting for an operator that lets them go"));
        }
        let bar = progress();
        let mut ever = BTreeSet::new();
        let mut empty_since = None;
        loop {
            let now = Instant::now();
            ever.extend(self.view.held().map(held::Held::title));
            let left = self.view.held().len();
            show(&bar, ever.len(), left);
            empty_since = if left == 0 { empty_since.or(Some(now)) } else { None };
            let settled = empty_since.map(|since| since + SETTLED);
            // What is empty is only believed once it has stayed so, also when the time is over.
            let until = settled.unwrap_or(deadline);
            if until <= now {
                break;
            }
            if let Ok(changed) = tokio::time::timeout_at(until, self.view.changed()).await {
                changed?;
                // Policies that appear meanwhile, or whose owner took the mark off.
                self.mark(true).await?;
            }
        }
        bar.finish_and_clear();
        let left = self.view.held().len();
        let gone = ever.len().saturating_sub(left);
        if left == 0 {
            Output::plain(&format!("{} let go; none is in quarantine\n", routes(gone)))?;
            return Ok(ExitCode::SUCCESS);
        }
        self.give_up(left, gone).await
    }

    /// Says what is left in quarantine, why, and how to put it back by hand.
    async fn give_up(&self, left: usize, gone: usize) -> Result<ExitCode> {
        let why = match (self.view.failure(), self.leader().await) {
            (Some(failure), _) => failure.to_owned(),
            (None, Err(absence)) => absence,
            (None, Ok(leader)) if self.view.held().all(|held| held.trouble().is_some()) => {
                format!("{leader} leads, and no record says which class they had")
            }
            (None, Ok(leader)) => format!("{leader} leads, and has not let them go; its log says why"),
        };
        self.output.error(&format!(
            "{} still in quarantine after {:#}, {gone} let go: {why}",
            routes(left),
            self.args.timeout
        ));
        self.output.note(
            "standard output has the commands that put back by hand what is left. The marks stay: an operator that starts lets go what is left then. Where no \
             operator runs and the API server can't do without its webhook, delete the ValidatingWebhookConfiguration first",
        );
        let mut told = String::new();
        for held in self.view.held().take(SHOWN) {
            told.push_str(&held.command(&self.args.connection));
            told.push('\n');
        }
        if left > SHOWN {
            let more = left - SHOWN;
            let _ = writeln!(
                told,
                "# and {more} more; once these are back, `filing-operator release` tells of the next"
            );
        }
        Output::plain(&told)?;
        Ok(ExitCode::FAILURE)
    }

    /// Marks every policy that is not, or takes the marks off; gives how many were written.
    async fn mark(&mut self, marked: bool) -> Result<usize> {
        let due: Vec<String> = self
            .view
            .policies()
            .filter(|(_, is_marked)| *is_marked != marked)
            .map(|(name, _)| name.to_owned())
            .collect();
        let api = Api::<FilingPolicy>::all(self.client.clone());
        let value = marked.then(|| operator::now().to_string());
        let patch = Patch::Merge(json!({"metadata": {"annotations": {RELEASE: value}}}));
        let mut written = 0;
        for name in due {
            // Metadata only: a policy that can't be read is marked like any other.
            let params = PatchParams {
                field_manager: Some(keys::managers::RELEASE.to_owned()),
                ..PatchParams::default()
            };
            match api.patch_metadata(&name, &params, &patch).await {
                Ok(_) => written += 1,
                // It is gone, and so is what it asked for.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(error).with_context(|| format!("marking FilingPolicy {name}")),
            }
            self.view.set_marked(&name, marked);
        }
        Ok(written)
    }

    /// Who leads; or, in words, that nobody does.
    async fn leader(&self) -> Result<String, String> {
        let namespace = &self.args.home.namespace;
        let api = Api::<Lease>::namespaced(self.client.clone(), namespace);
        match api.get_opt(LEASE).await {
            Ok(lease) => holder(lease.and_then(|lease| lease.spec), operator::now())
                .map_err(|absence| format!("{absence} (lease {namespace}/{LEASE})")),
            Err(error) => Err(format!(
                "whether an operator runs can't be told: reading lease {namespace}/{LEASE}: {error}"
            )),
        }
    }
}

/// Who holds a lease at that time; or why nobody does.
fn holder(lease: Option<LeaseSpec>, now: Timestamp) -> Result<String, String> {
    let Some(lease) = lease else {
        return Err("no operator has led here; --namespace says where its lease is".to_owned());
    };
    let Some(holder) = lease.holder_identity.filter(|holder| !holder.is_empty()) else {
        return Err("no operator leads: the last one has given its lease up".to_owned());
    };
    let seconds = SignedDuration::from_secs(lease.lease_duration_seconds.unwrap_or_default().into());
    let ends = lease.renew_time.and_then(|renewed| renewed.0.checked_add(seconds).ok());
    match ends {
        Some(ends) if ends >= now => Ok(holder),
        Some(ends) => Err(format!("no operator leads: the lease of {holder} ended at {ends:.0}")),
        None => Err("no operator leads".to_owned()),
    }
}

/// A bar on standard error, where a person watches.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} routes let go") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, all: usize, left: usize) {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    bar.set_length(count(all));
    bar.set_position(count(all.saturating_sub(left)));
}

fn routes(count: usize) -> String {
    counted(count, "route", "routes")
}

fn policies(count: usize) -> String {
    counted(count, "FilingPolicy", "FilingPolicies")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use rstest::rstest;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn it_waits_two_minutes_in_the_operators_namespace_unless_told() {
        let typed = Typed::try_parse_from(["release"]).unwrap().args;
        assert_eq!(
            (typed.home.namespace.as_str(), typed.timeout),
            ("filing-system", SignedDuration::from_mins(2))
        );
        assert!(!typed.undo && !typed.dry_run);
    }

    #[rstest]
    #[case::negative(&["release", "--timeout=-1s"], "write it in hours, minutes and seconds, like 30s or 10m")]
    #[case::no_duration(&["release", "--timeout", "soon"], "write it in hours, minutes and seconds, like 30s or 10m")]
    #[case::both(&["release", "--undo", "--dry-run"], "cannot be used with")]
    #[case::no_context(&["release", "--context", ""], "a value is required for '--context")]
    fn what_can_not_be_meant_is_refused(#[case] typed: &[&str], #[case] says: &str) {
        let refused = Typed::try_parse_from(typed).unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }

    #[rstest]
    #[case::held(
        json!({"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-11-24T00:00:00.000000Z"}),
        Ok("a".to_owned())
    )]
    #[case::ended(
        json!({"holderIdentity": "a", "leaseDurationSeconds": 9, "renewTime": "2026-11-24T00:00:00.000000Z"}),
        Err("no operator leads: the lease of a ended at 2026-11-24T00:00:09Z".to_owned())
    )]
    #[case::given_up(
        json!({"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": "2026-11-24T00:00:00.000000Z"}),
        Err("no operator leads: the last one has given its lease up".to_owned())
    )]
    #[case::never(Value::Null, Err("no operator has led here; --namespace says where its lease is".to_owned()))]
    fn who_leads_is_who_holds_the_lease(#[case] lease: Value, #[case] leads: Result<String, String>) {
        let lease = serde_json::from_value(lease).unwrap();
        assert_eq!(holder(lease, "2026-11-24T00:00:10Z".parse().unwrap()), leads);
    }

    #[rstest]
    #[case(0, "0 FilingPolicies")]
    #[case(1, "1 FilingPolicy")]
    #[case(2, "2 FilingPolicies")]
    fn things_are_counted_in_words(#[case] count: usize, #[case] said: &str) {
        assert_eq!(policies(count), said);
    }
}
