//! `man`: the manual, made of what the command line says of itself.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;

use super::Cli;
use super::output::Output;

/// Print the page of the manual, or write one for each command
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  filing-operator man | man -l -
  filing-operator man --write ~/.local/share/man/man1")]
pub(super) struct Args {
    /// Write the pages of the program and of each command to this folder
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<ExitCode> {
    // The command `help` is in none of the others, and says what they say.
    let program = Cli::command().disable_help_subcommand(true);
    let Some(folder) = &args.write else {
        let mut page = Vec::new();
        Man::new(program).render(&mut page)?;
        Output::plain(&String::from_utf8(page)?)?;
        return Ok(ExitCode::SUCCESS);
    };
    fs::create_dir_all(folder).with_context(|| format!("can't make the folder {}", folder.display()))?;
    clap_mangen::generate_to(program, folder).with_context(|| format!("can't write to {}", folder.display()))?;
    output.note(&format!("wrote the pages to {}", folder.display()));
    Ok(ExitCode::SUCCESS)
}
