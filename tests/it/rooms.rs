//! The rooms of the house: which may use which, and that the pure ones touch neither the world nor the clock.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in their order, and whether each is pure. A room may use itself and those before it.
const ROOMS: [(&str, bool); 18] = [
    ("domain", true),
    ("api", true),
    ("route", true),
    ("registry", true),
    ("mend", true),
    ("rules", true),
    ("judge", true),
    ("effects", true),
    ("plan", true),
    ("report", true),
    ("exchange", true),
    ("manifest", false),
    ("admission", false),
    ("notify", false),
    ("controller", false),
    ("telemetry", false),
    ("operator", false),
    ("cli", false),
];

/// What a pure room has no use for.
const WORLD: [&str; 20] = [
    "std::fs",
    "std::env",
    "std::io",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "::now(",
    "tokio",
    "tracing",
    "rayon",
    "kube::Client",
    "kube::client",
    "println!",
    "eprintln!",
    "print!",
];

/// What reads bytes in memory as if they were a file: the world is not in it.
const IN_MEMORY: &str = "use std::io::{Cursor, Read, Seek};";

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file, without comments and without the module of its tests, which ends it.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let is_attribute = |line: &str| line.starts_with("#[");
    let lines: Vec<&str> = text.lines().collect();
    let tests = (0..lines.len()).find(|at| {
        let behind = lines[*at..].iter().find(|line| !is_attribute(line));
        lines[*at] == "#[cfg(test)]" && behind.is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
    });
    let code = lines[..tests.unwrap_or(lines.len())].iter().enumerate();
    code.map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default().to_owned()))
        .collect()
}

/// The rooms that a line of code names after `crate::`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|after| {
        let end = after.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        &after[..end.unwrap_or(after.len())]
    })
}

fn complaints() -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut complaints = Vec::new();
    for (place, (room, is_pure)) in ROOMS.into_iter().enumerate() {
        let alone = source.join(room).with_extension("rs");
        let files = if alone.exists() {
            vec![alone]
        } else {
            files(&source.join(room))
        };
        for path in files {
            let is_test = |part: &OsStr| part == "tests" || part == "tests.rs";
            if path.components().any(|part| is_test(part.as_os_str())) {
                continue;
            }
            let shown = path.strip_prefix(&source).unwrap().display();
            for (at, line) in code(&path) {
                for other in named(&line) {
                    match ROOMS.iter().position(|(name, _)| *name == other) {
                        Some(other_place) if other_place > place => {
                            complaints.push(format!("src/{shown}:{at}: {room} uses {other}, which comes after it"));
                        }
                        Some(_) => {}
                        None => complaints.push(format!("src/{shown}:{at}: {other} is no room")),
                    }
                }
                for word in WORLD
                    .iter()
                    .filter(|word| is_pure && line.trim() != IN_MEMORY && line.contains(**word))
                {
                    complaints.push(format!("src/{shown}:{at}: {room} is pure, and has no use for {word}"));
                }
            }
        }
    }
    complaints
}

#[test]
fn a_room_uses_only_those_before_it_and_a_pure_one_does_nothing_but_think() {
    let complaints = complaints();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_folder_of_the_source_is_a_room() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(&source).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            assert!(ROOMS.iter().any(|(room, _)| *room == name), "src/{name} is no room");
        }
    }
}

#[test]
fn the_names_after_crate_are_found() {
    let found: Vec<&str> = named("use crate::domain::{Day, crate::api::x}; crate::rules").collect();
    assert_eq!(found, ["domain", "api", "rules"]);
}
