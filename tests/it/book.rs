//! The book, docs/: every command in it is run and every manifest applied, as of the text, on a real API server with the operator
//! running. What a page says of its blocks, and what may stand in them, is in tests/README.md ("The book").

mod page;
mod run;

use std::fs;
use std::path::{Path, PathBuf};

use page::{Block, Mark, Page};
use run::Stage;

use crate::support::helm::{SITE, helm};

/// What is of the book: decisions speak of the past, and have no commands.
fn pages() -> Vec<Page> {
    let mut files = Vec::new();
    collect(Path::new("docs"), &mut files);
    files.sort();
    let pages: Vec<Page> = files.iter().map(|file| Page::read(file)).collect();
    assert!(pages.len() > 40, "{} pages", pages.len());
    pages
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

#[test]
fn each_page_says_for_whom_it_is() {
    for page in pages() {
        let is_inside = |folder: &str| page.file.starts_with(folder);
        if is_inside("docs/adr") || page.file.ends_with("SUMMARY.md") {
            continue;
        }
        let mut lines = page.text.lines().filter(|line| !line.trim().is_empty());
        assert!(
            lines.next().is_some_and(|line| line.starts_with("# ")),
            "{} has no title",
            page.file.display()
        );
        let reader = lines.next().unwrap_or_default();
        assert!(
            reader.starts_with('*') && !reader.starts_with("**"),
            "{}: {reader}",
            page.file.display()
        );
    }
}

#[test]
fn every_page_is_a_chapter() {
    let summary = fs::read_to_string("docs/SUMMARY.md").unwrap();
    for page in pages() {
        let name = page.file.strip_prefix("docs").unwrap().display().to_string();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name} is in no chapter"
        );
    }
}

#[test]
fn links_lead_somewhere() {
    const REPOSITORY: &str = "https://github.com/filing-operator/filing-operator/";
    let pages = pages();
    let mut broken = Vec::new();
    for page in &pages {
        for link in &page.links {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = match target.strip_prefix(REPOSITORY) {
                Some(rest) if rest.starts_with("blob/main/") || rest.starts_with("tree/main/") => {
                    PathBuf::from(&rest["blob/main/".len()..])
                }
                // What lies outside is not asked for.
                _ if target.contains("://") || target.starts_with("mailto:") => continue,
                _ if target.is_empty() => page.file.clone(),
                _ => normal(&page.file.parent().unwrap().join(target)),
            };
            let is_there = path.exists() && !(path.starts_with("docs") && path.is_dir());
            let known = pages.iter().find(|page| page.file == path);
            let has_anchor =
                anchor.is_empty() || known.is_none_or(|page| page.anchors.iter().any(|known| known == anchor));
            if !is_there || !has_anchor {
                broken.push(format!("{}: {link}", page.file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part.as_os_str().to_str() {
            Some("..") => drop(path.pop()),
            _ => path.push(part),
        }
        path
    })
}

#[test]
fn what_is_not_run_here_names_a_test_that_is_there() {
    for page in pages() {
        for (_, block) in page.blocks {
            if let Block::Console {
                mark: Mark::NotRun { test, .. },
                ..
            } = block
            {
                assert!(Path::new(&test).exists(), "{}: {test}", page.file.display());
            }
        }
    }
}

#[test]
fn every_fragment_is_a_field_as_its_definition_has_it() {
    let mut count = 0;
    for page in pages() {
        for (line, block) in &page.blocks {
            if let Block::Yaml {
                mark: Mark::In(path),
                text,
            } = block
            {
                page::fits(path, text).unwrap_or_else(|error| panic!("{}:{line}: {error}", page.file.display()));
                count += 1;
            }
        }
    }
    assert!(count >= 5, "{count}");
}

#[test]
fn the_chart_takes_all_values_that_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for page in pages() {
        for (line, block) in &page.blocks {
            if let Block::Yaml {
                mark: Mark::Values,
                text,
            } = block
            {
                let file = folder.path().join("values.yaml");
                fs::write(&file, text).unwrap();
                let rendered = helm(&format!(
                    "template filing-operator charts/filing-operator {SITE} --values {}",
                    file.display()
                ));
                assert_eq!(rendered.code, 0, "{}:{line}: {}", page.file.display(), rendered.stderr);
                count += 1;
            }
        }
    }
    assert!(count >= 2, "{count}");
}

#[tokio::test]
async fn every_command_does_what_its_page_says() {
    let stage = Stage::set_up().await;
    let mut complaints = Vec::new();
    // The examples of rules are for clusters of their own: the catalogue's tests judge them, and tests/it/agreement.rs applies them.
    for page in pages().iter().filter(|page| !page.file.starts_with("docs/rules")) {
        stage.reset(page);
        complaints.extend(stage.run(page));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}
