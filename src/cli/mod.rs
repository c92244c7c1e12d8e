//! The command line: what was typed, read and handed on. One file a command; what the commands answer comes from the
//! rooms above, and nothing is decided here but the exit code.

mod check;
mod cluster;
mod completions;
mod connection;
mod crds;
mod declarations;
mod export;
mod import;
mod language;
mod man;
mod output;
mod plan;
mod probe;
mod release;
mod rules;
mod run;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use self::language::Language;
use self::output::{Color, Output};

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
    Plan(plan::Args),
    Crds(crds::Args),
    Run(Box<run::Args>),
    Probe(probe::Args),
    Release(release::Args),
    Import(import::Args),
    #[command(flatten)]
    Cluster(cluster::Command),
    Completions(completions::Args),
    Man(man::Args),
}

/// Where the filings (备案) of this cluster stand: kubectl's plugin of filing-operator.
#[derive(Debug, Parser)]
#[command(name = "kubectl filing", bin_name = "kubectl filing", version, max_term_width = 100)]
struct Plugin {
    #[command(subcommand)]
    command: PluginCommand,
    /// When to colour what is printed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    #[command(flatten)]
    Cluster(cluster::Command),
    Plan(plan::Args),
}

/// The plugin's command line, its examples in its own name.
fn plugin() -> clap::Command {
    Plugin::command().mut_subcommands(|command| match command.get_after_long_help() {
        Some(examples) => {
            let examples = examples.to_string().replace("filing-operator ", "kubectl filing ");
            command.after_long_help(examples)
        }
        None => command,
    })
}

/// The name by which kubectl finds its plugin.
const PLUGIN: &str = "kubectl-filing";

/// What went wrong where nothing could be answered at all; 1 means an answer that is bad.
const FAILED: u8 = 2;

/// Runs the command that was typed: 0 where all is well, 1 where what was asked about is not, 2 where it could not be
/// told.
pub fn main() -> ExitCode {
    let called = std::env::args_os().next().map(PathBuf::from);
    if called.as_deref().and_then(Path::file_stem) == Some(OsStr::new(PLUGIN)) {
        let plugin = Plugin::from_arg_matches(&plugin().get_matches()).unwrap_or_else(|error| error.exit());
        let output = Output::new(plugin.color);
        let outcome = match &plugin.command {
            PluginCommand::Cluster(command) => cluster::run(command, true, &output),
            PluginCommand::Plan(args) => plan::run(args, true, &output),
        };
        return ended(outcome, &output);
    }
    let cli = Cli::parse();
    let output = Output::new(cli.color);
    let outcome = match cli.command {
        Command::Check(args) => check::run(&args, &output),
        Command::Rules(args) => rules::run(&args, &output),
        Command::Plan(args) => plan::run(&args, false, &output),
        Command::Crds(args) => crds::run(&args, &output),
        Command::Run(args) => run::run(*args),
        Command::Probe(args) => probe::run(&args, &output),
        Command::Release(args) => release::run(&args, &output),
        Command::Import(args) => import::run(&args, &output),
        Command::Cluster(command) => cluster::run(&command, false, &output),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args, &output),
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

    use super::*;

    #[test]
    fn each_command_shows_examples_that_it_takes() {
        for (mut program, name) in [(Cli::command(), "filing-operator"), (plugin(), "kubectl filing")] {
            program.build();
            for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
                let help = command
                    .get_after_long_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let examples = help
                    .lines()
                    .filter_map(|line| line.split_once(name).map(|(_, rest)| rest));
                let mut count = 0;
                for example in examples {
                    // What a shell makes of the rest of a line is not ours.
                    let ours = example.split(['|', '<', '>']).next().unwrap();
                    let typed = std::iter::once(name).chain(ours.split_whitespace());
                    let read = program.clone().try_get_matches_from(typed);
                    let read = read.unwrap_or_else(|error| panic!("{name}{example}: {error}"));
                    assert_eq!(read.subcommand_name(), Some(command.get_name()), "{example}");
                    count += 1;
                }
                assert!(count >= 2, "{name} {} has {count} examples", command.get_name());
            }
        }
    }

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
