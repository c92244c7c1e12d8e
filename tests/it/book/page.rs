//! A page: its blocks with what is said of them, its links, and where it can be linked to.

use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;

/// A page of the book.
pub(super) struct Page {
    pub(super) file: PathBuf,
    pub(super) text: String,
    /// Each with the line that it begins in.
    pub(super) blocks: Vec<(usize, Block)>,
    pub(super) links: Vec<String>,
    pub(super) anchors: Vec<String>,
}

/// A block that a test reads.
pub(super) enum Block {
    Yaml {
        mark: Mark,
        text: String,
    },
    Console {
        mark: Mark,
        commands: Vec<Command>,
    },
    /// What a command that follows reads.
    File {
        name: String,
        text: String,
    },
}

/// What stands in a comment before a block.
pub(super) enum Mark {
    None,
    /// It is written into a file of that name.
    File(String),
    /// It is that field of a kind, like `filing.spec.access`.
    In(String),
    /// It is for the chart.
    Values,
    /// It is not ours.
    ReadOnly,
    /// Its last command exits so.
    Exits(i32),
    /// A test file runs it or its like.
    NotRun {
        test: String,
    },
}

/// A command, and what it prints: nothing is said where that is empty.
pub(super) struct Command {
    pub(super) typed: String,
    pub(super) prints: Vec<String>,
}

impl Page {
    pub(super) fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        let mut page = Self {
            file: file.to_owned(),
            text: String::new(),
            blocks: Vec::new(),
            links: Vec::new(),
            anchors: Vec::new(),
        };
        let mut comment = None;
        let mut heading: Option<String> = None;
        let mut fence: Option<(usize, String, String)> = None;
        for (event, range) in Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = text[..range.start].matches('\n').count() + 1;
            match event {
                Event::Html(html) => comment = Some(html.trim().to_owned()),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    fence = Some((line, language.to_string(), String::new()));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => {
                    panic!("{}:{line}: write a fence, with a language", file.display())
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.anchors.push(anchor(&heading.take().unwrap())),
                Event::Start(Tag::Link { dest_url, .. }) => page.links.push(dest_url.to_string()),
                Event::Text(part) | Event::Code(part) => {
                    if let Some((_, _, text)) = &mut fence {
                        text.push_str(&part);
                    } else if let Some(heading) = &mut heading {
                        heading.push_str(&part);
                    }
                }
                Event::End(TagEnd::CodeBlock) => {
                    let (line, language, text) = fence.take().unwrap();
                    let block = block(&language, comment.take().as_deref(), text);
                    let block = block.unwrap_or_else(|error| panic!("{}:{line}: {error}", file.display()));
                    page.blocks.extend(block.map(|block| (line, block)));
                }
                Event::Start(Tag::Paragraph) => comment = None,
                _ => {}
            }
        }
        page.text = text;
        page
    }
}

/// As GitHub and mdBook make it of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// None: it is nothing that a test could run.
fn block(language: &str, comment: Option<&str>, text: String) -> Result<Option<Block>, String> {
    let mark = comment.map_or(Ok(Mark::None), mark)?;
    match (language, &mark) {
        ("yaml", Mark::Exits(_) | Mark::NotRun { .. })
        | ("console", Mark::File(_) | Mark::In(_) | Mark::Values | Mark::ReadOnly) => {
            Err(format!("{} does not fit {language}", comment.unwrap_or_default()))
        }
        ("yaml", _) => Ok(Some(Block::Yaml { mark, text })),
        ("console", _) => Ok(Some(Block::Console {
            mark,
            commands: commands(&text)?,
        })),
        ("csv" | "json", Mark::File(name)) => Ok(Some(Block::File {
            name: name.clone(),
            text,
        })),
        ("text" | "json" | "lua" | "toml" | "dockerfile", _) => Ok(None),
        (other, _) => Err(format!(
            "a fence of \"{other}\": write console, yaml, text or another that a test knows"
        )),
    }
}

fn mark(comment: &str) -> Result<Mark, String> {
    let said = comment.strip_prefix("<!--").and_then(|said| said.strip_suffix("-->"));
    let said = said
        .ok_or_else(|| format!("{comment} is no comment of one line"))?
        .trim();
    if said == "values" {
        return Ok(Mark::Values);
    }
    let (key, rest) = said
        .split_once(": ")
        .ok_or_else(|| format!("\"{said}\" says nothing of a block"))?;
    match key {
        "file" => Ok(Mark::File(rest.to_owned())),
        "in" => Ok(Mark::In(rest.to_owned())),
        "read only" => Ok(Mark::ReadOnly),
        "exits" => rest.parse().map(Mark::Exits).map_err(|error| error.to_string()),
        "not run" => {
            let test = rest.rsplit_once('(').and_then(|(_, test)| test.strip_suffix(')'));
            let test = test.ok_or("name the test that runs it, in brackets at the end")?;
            Ok(Mark::NotRun { test: test.to_owned() })
        }
        other => Err(format!("\"{other}\" says nothing of a block")),
    }
}

fn commands(text: &str) -> Result<Vec<Command>, String> {
    let mut commands: Vec<Command> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(typed), _) => commands.push(Command {
                typed: typed.to_owned(),
                prints: Vec::new(),
            }),
            (None, Some(command)) if command.prints.is_empty() && command.typed.ends_with('\\') => {
                command.typed.push('\n');
                command.typed.push_str(line);
            }
            (None, Some(command)) => command.prints.push(line.to_owned()),
            (None, None) => return Err(format!("\"{line}\" comes before any command")),
        }
    }
    Ok(commands)
}

/// Whether a text is a field of a kind as the definition in crds/ says: no other fields, and the types that are due.
pub(super) fn fits(path: &str, text: &str) -> Result<(), String> {
    let value: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut parts = path.split('.');
    let file = match parts.next() {
        Some("filing") => "filings",
        Some("accessserver") => "accessservers",
        Some("filingpolicy") => "filingpolicies",
        other => return Err(format!("{other:?} is no kind")),
    };
    let crd: Value = serde_saphyr::from_str(&fs::read_to_string(format!("crds/{file}.yaml")).unwrap()).unwrap();
    let mut schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    for part in parts {
        schema = &schema["properties"][part];
        if schema.is_null() {
            return Err(format!("{path} is no field"));
        }
    }
    is_of(schema, &value, path)
}

fn is_of(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let inner = match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (Value::Null, Value::Null) => return Err(format!("{path} has no field {name}")),
                    (Value::Null, values) => values,
                    (inner, _) => inner,
                };
                is_of(inner, value, &format!("{path}.{name}"))?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| is_of(&schema["items"], item, path)),
        plain => {
            let fits = match schema["type"].as_str() {
                Some("string") => plain.is_string(),
                Some("integer") => plain.is_i64(),
                Some("boolean") => plain.is_boolean(),
                _ => false,
            };
            let values = schema["enum"].as_array();
            let is_known = values.is_none_or(|values| values.contains(plain));
            (fits && is_known)
                .then_some(())
                .ok_or_else(|| format!("{path} can't be {plain}"))
        }
    }
}
