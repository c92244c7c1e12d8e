//! `crds`: the definitions of the resources, printed, written, or compared with what was written.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::output::Output;
use crate::api;

/// Print the definitions of the resources as YAML, for `kubectl apply --server-side -f -`
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator crds | kubectl apply --server-side -f -
  filing-operator crds --write crds/
  filing-operator crds --check crds/")]
pub(super) struct Args {
    /// Write them to this folder instead, a file each
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    write: Option<PathBuf>,
    /// Compare them with the files of this folder; the exit code is 1 where they differ
    #[arg(long, value_name = "DIR")]
    check: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<ExitCode> {
    if let Some(folder) = &args.write {
        return write(folder, output);
    }
    if let Some(folder) = &args.check {
        return check(folder, output);
    }
    Output::plain(&api::crds_yaml()?)?;
    Ok(ExitCode::SUCCESS)
}

fn write(folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(folder).with_context(|| format!("can't make the folder {}", folder.display()))?;
    for (name, text) in api::crd_files()? {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
        output.note(&format!("wrote {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(folder: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let mut is_current = true;
    for (name, text) in api::crd_files()? {
        let path = folder.join(name);
        let held = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            held => Some(held.with_context(|| format!("can't read {}", path.display()))?),
        };
        if let Some(difference) = difference(&path, held.as_deref(), &text) {
            is_current = false;
            Output::plain(&difference)?;
        }
    }
    if is_current {
        return Ok(ExitCode::SUCCESS);
    }
    output.error(&format!(
        "the definitions in {0} are not those of this program; mend them with: filing-operator crds --write {0}",
        folder.display()
    ));
    Ok(ExitCode::FAILURE)
}

/// Where a file first differs from what it should be, if it does.
fn difference(path: &Path, held: Option<&str>, due: &str) -> Option<String> {
    let Some(held) = held else {
        return Some(format!("{} is missing\n", path.display()));
    };
    if held == due {
        return None;
    }
    let same = held
        .lines()
        .zip(due.lines())
        .take_while(|(held, due)| held == due)
        .count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(the end)").to_owned();
    Some(format!(
        "{}:{}\n- {}\n+ {}\n",
        path.display(),
        same + 1,
        line(held),
        line(due)
    ))
}
