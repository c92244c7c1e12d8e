//! `check --fix` and `check --diff`: what has one right form is written so, in the files that it stands in.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::bail;
use rayon::prelude::*;
use similar::TextDiff;

use super::input;
use super::load::Loaded;
use super::progress::Progress;
use super::trouble::Trouble;
use super::write::replace;
use super::{Args, answered, source, whole};
use crate::api::{Filing, FilingPolicy, keys};
use crate::cli::FAILED;
use crate::cli::output::{self, Output};
use crate::domain::shown::shown;
use crate::manifest::{Input, Left, Mended, Object, Source, Strictness, Why};
use crate::mend::{self, Mend};
use crate::registry::{Registry, Snapshot};
use crate::report::Answer;
use crate::report::counted;
use crate::rules::Lang;

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();
const FILE: Style = Style::new().bold();

/// How long the shortest diff is looked for; then a longer one does.
const DIFF_TIME: Duration = Duration::from_secs(5);

/// The most fields of which it is told why they are left.
const MAX_LEFT: usize = 100;

/// What was mended, or would be.
pub(super) struct Outcome {
    is_written: bool,
    fields: usize,
    files: usize,
    left: Vec<Left>,
}

impl Outcome {
    /// What the reader should know of it.
    pub(super) fn notes(&self, lang: Lang) -> Vec<String> {
        let Self { fields, files, .. } = *self;
        let summary = match (self.is_written, fields, lang) {
            (true, 0, Lang::En) => "nothing was mended".to_owned(),
            (true, 0, Lang::Zh) => "没有修正任何内容".to_owned(),
            (true, _, Lang::En) => format!(
                "mended {} in {}",
                counted(fields, "field", "fields"),
                counted(files, "file", "files")
            ),
            (true, _, Lang::Zh) => format!("已修正 {files} 个文件中的 {fields} 处"),
            (false, 0, _) => return Vec::new(),
            (false, _, Lang::En) => format!(
                "{} can be mended by --fix; --diff shows how",
                counted(fields, "field", "fields")
            ),
            (false, _, Lang::Zh) => format!("{fields} 处可用 --fix 修正；--diff 显示修正内容"),
        };
        let left = self.left.iter().filter(|_| self.is_written);
        let mut notes = all_said(left, lang);
        notes.push(summary);
        notes
    }
}

/// Why fields are left as they are, of as many as a person reads.
fn all_said<'a>(left: impl Iterator<Item = &'a Left>, lang: Lang) -> Vec<String> {
    let mut said = left.filter_map(|left| said(left, lang));
    let mut notes: Vec<String> = said.by_ref().take(MAX_LEFT).collect();
    let more = said.count();
    if more > 0 {
        notes.push(match lang {
            Lang::En => format!("and {more} more are left as they are"),
            Lang::Zh => format!("另有 {more} 处未修正"),
        });
    }
    notes
}

/// Why a field is left as it is, where that is no error.
fn said(
    Left {
        location,
        path,
        to,
        why,
    }: &Left,
    lang: Lang,
) -> Option<String> {
    let because = match (why, lang) {
        (Why::Block, Lang::En) => "it is written as a block",
        (Why::Block, Lang::Zh) => "它以块的形式（| 或 >）书写",
        (Why::Shared, Lang::En) => "it is written at an anchor that other fields refer to",
        (Why::Shared, Lang::Zh) => "它写在其他栏目也引用的锚点处",
        (Why::Unsure, _) => return None,
    };
    Some(match lang {
        Lang::En => format!("{location}: {path} is left as it is, for {because}; write {to} by hand"),
        Lang::Zh => format!("{location}：{path} 未修正，因为{because}；请手工改为 {to}"),
    })
}

/// A field that can't be mended without knowing what would come of it.
fn trouble(
    Left {
        location,
        path,
        to,
        why,
    }: &Left,
) -> Option<Trouble> {
    let message =
        format!("{path} could not be mended alone: the rest of the document might change; write {to} by hand");
    (*why == Why::Unsure).then(|| Trouble::new(message, source(location.clone())))
}

/// What the object has that is to be mended. What can't be read is told when it is judged.
fn wanted(object: &Object) -> Vec<Mend> {
    let meta = object.meta();
    match meta.kind.as_str() {
        _ if meta.api_version != keys::API_VERSION => Vec::new(),
        "Filing" => {
            let filing = object.read::<Filing>(Strictness::Strict);
            filing.map_or_else(|_| Vec::new(), |filing| mend::of_filing(&filing.spec))
        }
        "FilingPolicy" => {
            let policy = object.read::<FilingPolicy>(Strictness::Strict);
            policy.map_or_else(|_| Vec::new(), |policy| mend::of_policy(&policy.spec))
        }
        _ => Vec::new(),
    }
}

/// What is to be mended in each of the inputs, beside it.
fn mended(loaded: &Loaded) -> Vec<Option<Mended>> {
    let sources = loaded.sources.par_iter();
    sources
        .map(|(_, source)| source.as_ref().ok().map(|source| source.mended(wanted)))
        .collect()
}

/// What would be mended.
pub(super) fn would_write(loaded: &Loaded) -> Outcome {
    let mended = mended(loaded).into_iter().flatten();
    let mut outcome = Outcome {
        is_written: false,
        fields: 0,
        files: 0,
        left: Vec::new(),
    };
    for file in mended {
        outcome.fields += file.fields;
        outcome.files += usize::from(file.source.is_some());
        outcome.left.extend(file.left);
    }
    outcome
}

/// Mends the files, and what was loaded of them.
///
/// # Errors
/// Where standard input is to be mended. A file that can't be written is a trouble of its own.
pub(super) fn write(loaded: &mut Loaded) -> anyhow::Result<Outcome> {
    if loaded.sources.iter().any(|(input, _)| *input == Input::Stdin) {
        bail!("standard input can't be rewritten; name files, or see with --diff what would be");
    }
    let mended = mended(loaded);
    let mut outcome = Outcome {
        is_written: true,
        fields: 0,
        files: 0,
        left: Vec::new(),
    };
    for ((input, loaded_source), mended) in loaded.sources.iter_mut().zip(mended) {
        let (Input::File(path), Ok(before), Some(mended)) = (&*input, &*loaded_source, mended) else {
            continue;
        };
        loaded.troubles.extend(mended.left.iter().filter_map(trouble));
        outcome.left.extend(mended.left);
        let Some(after) = mended.source else { continue };
        match rewrite(path, before.text().as_bytes(), after.text().as_bytes()) {
            Ok(()) => {
                outcome.fields += mended.fields;
                outcome.files += 1;
                *loaded_source = Ok(after);
            }
            Err(error) => {
                let message = format!("it can't be rewritten: {}", output::chain(&error));
                loaded.troubles.push(Trouble::new(message, whole(before.file())));
            }
        }
    }
    Ok(outcome)
}

/// Rewrites one that still says what was read of it.
fn rewrite(path: &Path, before: &[u8], after: &[u8]) -> anyhow::Result<()> {
    if !fs::metadata(path)?.is_file() {
        bail!("it is no regular file; write what it gives to one");
    }
    replace(path, after, Some(before))
}

/// Shows what would be mended, and judges nothing.
pub(super) fn show(mut loaded: Loaded, args: &Args, lang: Lang, output: &Output) -> anyhow::Result<ExitCode> {
    let mended = mended(&loaded);
    let mut diffs = Vec::new();
    for ((_, source), mended) in loaded.sources.iter().zip(&mended) {
        if let (
            Ok(before),
            Some(Mended {
                source: Some(after), ..
            }),
        ) = (source, mended)
        {
            diffs.push(unified(before, after));
        }
    }
    let left = || mended.iter().flatten().flat_map(|mended| &mended.left);
    loaded.troubles.extend(left().filter_map(trouble));
    let progress = Progress::new(args.quiet);
    let namespace = args.namespace.as_deref().unwrap_or("default");
    let known = Registry::new(Snapshot::new(&args.home_namespace, false));
    let mut facts = input::read(&loaded, namespace, known, &progress);
    // Routes are read for what can't be read of them.
    answered(&mut facts, |_, _| Answer::Ungoverned, &progress);
    progress.finish();
    for trouble in &facts.troubles {
        output.aside(&format!("{}\n", trouble.rendered));
    }
    if !args.quiet {
        for note in all_said(left(), lang) {
            output.note(&note);
        }
    }
    if output.is_coloured() {
        let coloured: String = diffs.iter().map(|diff| coloured(diff)).collect();
        output.styled(&coloured)?;
    } else {
        // As it is, for patch.
        Output::plain(&diffs.concat())?;
    }
    Ok(match (facts.troubles.is_empty(), diffs.is_empty()) {
        (false, _) => ExitCode::from(FAILED),
        (true, false) => ExitCode::FAILURE,
        (true, true) => ExitCode::SUCCESS,
    })
}

fn unified(before: &Arc<Source>, after: &Arc<Source>) -> String {
    let mut config = TextDiff::configure();
    let lines = config.timeout(DIFF_TIME).diff_lines(before.text(), after.text());
    lines.unified_diff().header(before.file(), before.file()).to_string()
}

/// The diff of one file for a terminal: what the file has of control characters is shown, not done.
fn coloured(diff: &str) -> String {
    let mut coloured = String::with_capacity(diff.len().saturating_mul(2));
    for (nth, line) in diff.lines().enumerate() {
        let style = match line.as_bytes() {
            // The two lines that name it.
            _ if nth < 2 => FILE,
            [b'@', ..] => PLACE,
            [b'-', ..] => REMOVED,
            [b'+', ..] => ADDED,
            _ => Style::new(),
        };
        let shown = line.split('\t').map(shown).collect::<Vec<_>>().join("\t");
        // Writing to a String can't fail.
        let _ = writeln!(coloured, "{style}{shown}{style:#}");
    }
    coloured
}
