//! The command line: what was typed, read and handed on. One file a command; what the commands answer comes from the
//! rooms above, and nothing is decided here but the exit code.

mod check;
mod cluster;
mod connection;
mod crds;
mod declarations;
mod export;
mod import;
mod output;
mod probe;
mod release;
mod rules;
mod run;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use self::output::{Color, Output};
use crate::rules::Lang;

/// Makes the ICP filing (备案) of a domain a fact that a Kubernetes cluster knows.
#[derive(Debug, Parser)]
#[command(name = "filing-operator", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to colour what is printed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Rules(rules::Args),
    Crds(crds::Args),
    Run(Box<run::Args>),
    Probe(probe::Args),
    Release(release::Args),
    Import(import::Args),
    #[command(flatten)]
    Cluster(cluster::Command),
}

/// Where the filings (备案) of this cluster stand: kubectl's plugin of filing-operator.
#[derive(Debug, Parser)]
#[command(name = "kubectl filing", bin_name = "kubectl filing", version, max_term_width = 100)]
struct Plugin {
    #[command(subcommand)]
    command: cluster::Command,
    /// When to colour what is printed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

/// The name by which kubectl finds its plugin.
const PLUGIN: &str = "kubectl-filing";

/// The language of what is printed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Language {
    /// English
    #[default]
    En,
    /// 简体中文
    Zh,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::En,
            Language::Zh => Self::Zh,
        }
    }
}

/// What went wrong where nothing could be answered at all; 1 means an answer that is bad.
const FAILED: u8 = 2;

/// Runs the command that was typed: 0 where all is well, 1 where what was asked about is not, 2 where it could not be
/// told.
pub fn main() -> ExitCode {
    let called = std::env::args_os().next().map(PathBuf::from);
    if called.as_deref().and_then(Path::file_stem) == Some(OsStr::new(PLUGIN)) {
        let plugin = Plugin::parse();
        let output = Output::new(plugin.color);
        return ended(cluster::run(&plugin.command, &output), &output);
    }
    let cli = Cli::parse();
    let output = Output::new(cli.color);
    let outcome = match cli.command {
        Command::Check(args) => check::run(&args, &output),
        Command::Rules(args) => rules::run(&args, &output),
        Command::Crds(args) => crds::run(&args, &output),
        Command::Run(args) => run::run(*args),
        Command::Probe(args) => probe::run(&args, &output),
        Command::Release(args) => release::run(&args, &output),
        Command::Import(args) => import::run(&args, &output),
        Command::Cluster(command) => cluster::run(&command, &output),
    };
    ended(outcome, &output)
}

fn ended(outcome: anyhow::Result<ExitCode>, output: &Output) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        output.error(&output::chain(&error));
        ExitCode::from(FAILED)
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_reference_of_the_command_line_is_what_it_says_of_itself() {
        let mut program = Cli::command().term_width(100);
        program.build();
        let mut page = String::from(
            "# The command line\n\n*For those who type it. Generated from the program.*\n\n\
             The views of a cluster, from `status` on, are kubectl's plugin too: [kubectl filing](plugin.md).\n",
        );
        write!(page, "\n```text\n{}```\n", program.render_help()).unwrap();
        for command in program
            .get_subcommands_mut()
            .filter(|command| command.get_name() != "help")
        {
            let name = command.get_name().to_owned();
            let help = command.render_long_help().to_string();
            let help: Vec<&str> = help.lines().map(str::trim_end).collect();
            write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n")).unwrap();
        }
        crate::support::is_generated("docs/reference/cli.md", &page);
    }
}
