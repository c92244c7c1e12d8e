//! Logs: one line an event, on standard error, with times in UTC.

use std::io::{self, IsTerminal};

use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::traces::Traces;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, with the fields of the event beside its level, time and message.
    Json,
}

/// Logs can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter can't be read.
    #[error(
        "\"{filter}\" is no log filter; write a level, or levels by module, like info or warn,filing_operator=debug"
    )]
    Filter {
        /// As it was typed.
        filter: String,
        /// Why.
        source: ParseError,
    },
    /// Logs are set up already, and they can be once in a process.
    #[error("logs are set up already")]
    Again(#[from] SetGlobalDefaultError),
}

/// Sends the logs of the process to standard error, from now on, and its spans where `traces` says. `filter` says what is
/// logged: levels by module, in the syntax of `RUST_LOG`. Colour is for terminals only, and not where `NO_COLOR` is set.
pub fn init(format: LogFormat, filter: &str, traces: Option<&Traces>) -> Result<(), LogError> {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_coloured = io::stderr().is_terminal() && !no_color;
    let logs = logs(format, filter, is_coloured, io::stderr)?;
    // Spans are traced whatever is logged; and no event, for these are the logs.
    let ours = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with(env!("CARGO_CRATE_NAME")));
    let spans = traces.map(|traces| {
        tracing_opentelemetry::layer()
            .with_tracer(traces.tracer())
            .with_filter(ours)
    });
    let subscriber = tracing_subscriber::registry().with(logs).with(spans);
    Ok(tracing::subscriber::set_global_default(subscriber)?)
}

fn logs(
    format: LogFormat,
    filter: &str,
    is_coloured: bool,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> Result<impl Layer<Registry>, LogError> {
    let levels = EnvFilter::try_new(filter).map_err(|source| LogError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    // The format's own clock writes RFC 3339 in UTC.
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(is_coloured)
        .with_writer(writer);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    Ok(lines.with_filter(levels))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use rstest::rstest;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, is_coloured: bool) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let logs = logs(format, filter, is_coloured, move || writer.clone()).unwrap();
        let subscriber = tracing_subscriber::registry().with(logs);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(filing = "company/site", "the verdict has changed");
            tracing::debug!("nothing has changed");
        });
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    /// The time that a line begins with, as `2026-11-23T01:02:03.456789Z`.
    fn is_utc(time: &str) -> bool {
        time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok()
    }

    #[test]
    fn a_text_line_has_a_time_in_utc_a_level_a_sentence_and_fields() {
        let line = logged(LogFormat::Text, "info", false);
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(is_utc(time), "{time}");
        assert!(
            rest.trim_start()
                .starts_with("INFO filing_operator::telemetry::logs::tests: the verdict has changed"),
            "{rest}"
        );
        assert!(rest.contains(r#"filing="company/site""#), "{rest}");
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn a_json_line_has_the_fields_at_its_top() {
        let line: serde_json::Value = serde_json::from_str(&logged(LogFormat::Json, "info", false)).unwrap();
        assert!(is_utc(line["timestamp"].as_str().unwrap()), "{line}");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "the verdict has changed");
        assert_eq!(line["filing"], "company/site");
    }

    #[rstest]
    #[case::one_level("debug", 2)]
    #[case::levels_by_module("warn,filing_operator::telemetry=info", 1)]
    #[case::another_module("warn,kube=trace", 0)]
    #[case::off("off", 0)]
    fn the_filter_says_what_is_logged(#[case] filter: &str, #[case] lines: usize) {
        assert_eq!(logged(LogFormat::Text, filter, false).lines().count(), lines);
    }

    #[test]
    fn colour_is_there_only_when_asked_for() {
        assert!(!logged(LogFormat::Text, "info", false).contains('\x1b'));
        assert!(logged(LogFormat::Text, "info", true).contains('\x1b'));
        assert!(!logged(LogFormat::Json, "info", true).contains('\x1b'));
    }

    #[rstest]
    #[case("filing_operator=loud")]
    #[case("info,=")]
    #[case("[")]
    fn a_filter_that_cannot_be_read_is_named(#[case] filter: &str) {
        let Err(error) = logs(LogFormat::Text, filter, false, io::sink) else {
            panic!("{filter} was taken");
        };
        assert!(
            error.to_string().starts_with(&format!("\"{filter}\" is no log filter")),
            "{error}"
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}
