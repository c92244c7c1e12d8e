//! Where answers go: data to standard output, everything else to standard error, colours only where they are wanted.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use crate::domain::shown::shown;

const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
const NOTE: Style = AnsiColor::BrightCyan.on_default().bold();

/// When to colour.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Both streams.
#[derive(Debug)]
pub(super) struct Output {
    choice: ColorChoice,
}

impl Output {
    pub(super) fn new(color: Color) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        Self { choice }
    }

    /// Writes what was asked for, with escapes left out where colours are not wanted.
    ///
    /// # Errors
    /// When it can't be written. A reader that has seen enough and closed the pipe is no error.
    pub(super) fn styled(&self, text: &str) -> io::Result<()> {
        let mut stdout = AutoStream::new(io::stdout().lock(), self.choice);
        taken(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
    }

    /// Writes what was asked for as it is.
    ///
    /// # Errors
    /// As [`Self::styled`].
    pub(super) fn plain(text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        taken(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
    }

    /// Writes a value as JSON, piece by piece.
    ///
    /// # Errors
    /// As [`Self::styled`].
    pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
        let mut stdout = BufWriter::new(io::stdout().lock());
        // What serde_json says of a writer is its error again.
        let written = serde_json::to_writer_pretty(&mut stdout, value).map_err(io::Error::from);
        taken(
            written
                .and_then(|()| stdout.write_all(b"\n"))
                .and_then(|()| stdout.flush()),
        )
    }

    /// A text as it is written to a file: with escapes only where colours are asked for.
    pub(super) fn for_file(&self, text: &str) -> String {
        match self.choice {
            ColorChoice::Always | ColorChoice::AlwaysAnsi => text.to_owned(),
            ColorChoice::Auto | ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        }
    }

    /// Says what went wrong. What others typed may be in it: it colours nothing.
    pub(super) fn error(&self, text: &str) {
        self.aside(&format!("{ERROR}error{ERROR:#}: {}", tame(text)));
    }

    /// Says what the reader should know. What others typed may be in it, as in an error.
    pub(super) fn note(&self, text: &str) {
        self.aside(&format!("{NOTE}note{NOTE:#}: {}", shown(text)));
    }

    /// Writes a line or more beside the data.
    pub(super) fn aside(&self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr().lock(), self.choice);
        // There is nobody left to tell.
        let _ = writeln!(stderr, "{text}");
    }

    /// How many cells a line of the terminal has, where a terminal reads the data.
    pub(super) fn width() -> Option<usize> {
        let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(io::stdout())?;
        Some(usize::from(width))
    }

    /// Whether what was asked for is coloured.
    pub(super) fn is_coloured(&self) -> bool {
        let choice = match self.choice {
            ColorChoice::Auto => AutoStream::choice(&io::stdout()),
            decided => decided,
        };
        choice != ColorChoice::Never
    }

    /// Whether a person watches.
    pub(super) fn is_watched() -> bool {
        io::stdout().is_terminal()
    }
}

/// An error and its causes in one line. Many an error repeats its cause in its own words; that one is not said again.
pub(super) fn chain(error: &anyhow::Error) -> String {
    // Some put their cause in brackets.
    let bare = |text: &str| text.trim_end_matches(')').to_owned();
    let mut told = String::new();
    for cause in error.chain() {
        // What the API server says is a sentence; the error around it, and its own cause, show the form that it has in a program.
        let refusal = match cause.downcast_ref() {
            Some(kube::Error::Api(status)) => Some(status.message.clone()),
            _ => None,
        };
        let is_last = refusal.is_some();
        let cause = refusal.unwrap_or_else(|| cause.to_string());
        if told.is_empty() {
            told = cause;
        } else if !bare(&told).ends_with(&bare(&cause)) {
            told.push_str(": ");
            told.push_str(&cause);
        }
        if is_last {
            break;
        }
    }
    told
}

/// A text of one line or more, each of which does nothing but be read.
fn tame(text: &str) -> String {
    // Some errors show an excerpt, in colours of ours.
    let plain = anstream::adapter::strip_str(text).to_string();
    let lines: Vec<_> = plain.lines().map(shown).collect();
    lines.join("\n")
}

fn taken(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::with_it("can't read a.yaml: no such file (2)")]
    #[case::in_brackets("can't read it: (a.yaml: no such file (2))")]
    fn a_cause_that_was_said_already_is_not_said_again(#[case] message: &'static str) {
        let error = anyhow!("no such file (2)").context(message).context("reading");
        assert_eq!(chain(&error), format!("reading: {message}"));
    }

    #[test]
    fn what_the_api_server_says_is_told_in_its_words_alone() {
        let status = kube::core::Status::failure("filings is forbidden", "Forbidden").with_code(403);
        let error = anyhow::Error::new(kube::Error::Api(Box::new(status))).context("listing filings");
        assert_eq!(chain(&error), "listing filings: filings is forbidden");
    }

    #[test]
    fn what_others_typed_does_nothing_in_an_error() {
        let text = "the policy \u{1b}[1;91merror\u{1b}[0m in a\u{202e}b\n  --> a.yaml\r\u{9b}2J";
        let told = tame(text);
        assert_eq!(told, "the policy error in a\u{fffd}b\n  --> a.yaml\u{fffd}\u{fffd}2J");
    }

    #[test]
    fn a_cause_that_was_not_said_yet_is() {
        let error = anyhow!("no such file").context("can't read a.yaml");
        assert_eq!(chain(&error), "can't read a.yaml: no such file");
    }
}
