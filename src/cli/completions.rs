//! `completions`: what a shell completes of this command line.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Cli;
use super::output::Output;

/// Print what makes a shell complete this command line
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator completions bash > ~/.local/share/bash-completion/completions/filing-operator
  filing-operator completions zsh > ~/.zfunc/_filing-operator
  filing-operator completions fish > ~/.config/fish/completions/filing-operator.fish")]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    let script = String::from_utf8(script)?;
    // clap_complete reads the dash in our name as a subcommand; bash then looks for a function that is not there.
    Output::plain(&script.replace("filing__subcmd__operator", "filing__operator"))?;
    Ok(ExitCode::SUCCESS)
}
