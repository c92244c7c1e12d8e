//! Input that means harm, or is broken beyond reading: an error that names it, and the rest judged.
//!
//! Each case is checked beside a good file, within an address space and a time on the processor that the kernel holds it
//! to: a program that wants more is ended, and its test fails.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use filing_operator::domain::shown::shown;
use rstest::rstest;
use tempfile::TempDir;

/// What a run may take, in KiB and in seconds on the processor: of memory much less than the input could ask for, of time
/// what a busy machine and a program that is not optimised need.
const MEMORY: usize = 1536 << 10;
const SECONDS: usize = 120;

const GOOD: &str = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: www.example.com}]}
";

const INGRESS: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: bad}\n";
const FILING: &str = "apiVersion: filing-operator.io/v1alpha1\nkind: Filing\nmetadata: {name: bad}\n";

/// A folder with a good file in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.yaml"), GOOD).unwrap();
    folder
}

/// The program within its limits, in a folder.
fn limited(folder: &Path, args: &str) -> Command {
    let program = env!("CARGO_BIN_EXE_filing-operator");
    let mut command = Command::new("bash");
    command
        .args([
            "-c",
            &format!(
                "ulimit -v {MEMORY} -t {SECONDS} -c 0; exec {program} check --color always --now 2026-11-23 {args}"
            ),
        ])
        .current_dir(folder)
        .env_remove("CLICOLOR_FORCE")
        // A stack for each processor would count.
        .env("RAYON_NUM_THREADS", "2")
        .stdin(Stdio::null());
    command
}

/// Both streams, without the program's own colours. With these asked for nothing else is taken away either.
fn told(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| uncoloured(std::str::from_utf8(bytes).unwrap());
    (text(&output.stdout), text(&output.stderr))
}

fn uncoloured(text: &str) -> String {
    const BEGIN: &str = "\u{1b}[";
    let mut parts = text.split(BEGIN);
    let mut left = parts.next().unwrap().to_owned();
    for part in parts {
        let codes = part.trim_start_matches(|character: char| character.is_ascii_digit() || character == ';');
        match codes.strip_prefix('m') {
            Some(rest) => left.push_str(rest),
            None => left.extend([BEGIN, part]),
        }
    }
    left
}

/// It could not all be read, what could not is named and said, and the good file is judged.
fn is_refused(output: &Output, name: &str, message: &str) {
    let (out, err) = told(output);
    assert_eq!(output.status.code(), Some(2), "{:?}: {err}", output.status);
    assert!(err.contains(name) && err.contains(message), "{err}");
    assert!(out.contains("www.example.com  NoFiling"), "{out}");
    // However much of it there is, a person reads what is told.
    assert!(
        err.len() < 100_000 && out.len() < 100_000,
        "{} and {} bytes",
        err.len(),
        out.len()
    );
    // Of a longer text its middle would not be shown.
    let characters: Vec<char> = out.lines().chain(err.lines()).flat_map(str::chars).collect();
    for part in characters.chunks(500) {
        let part: String = part.iter().collect();
        assert_eq!(shown(&part), part);
    }
}

fn laughs() -> String {
    let level = |nth: usize| format!("x{nth}: &a{nth} [{}]\n", vec![format!("*a{}", nth - 1); 10].join(", "));
    let levels: String = (1..12).map(level).collect();
    format!("x0: &a0 [lol, lol]\n{levels}")
}

fn merges() -> String {
    let level = |nth: usize| format!("m{nth}: &m{nth} {{<<: [*m{0}, *m{0}, *m{0}]}}\n", nth - 1);
    let levels: String = (1..12).map(level).collect();
    format!("m0: &m0 {{k: 1, l: 2}}\n{levels}")
}

/// Many alike.
fn repeated(one: impl Fn(usize) -> String) -> String {
    (0..5000).map(one).collect::<Vec<String>>().concat()
}

fn tied(uses: usize) -> String {
    let item = "- {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: *x, spec: {rules: [{host: 'a b'}]}}\n";
    format!(
        "apiVersion: v1\nkind: List\nx: &x {{name: a}}\nitems:\n{}",
        item.repeat(uses)
    )
}

fn big_node() -> String {
    let keys: String = repeated(|nth| format!("k{nth}: v, "));
    format!("big: &b {{{keys}}}\nuses: [{}]\n", "*b, ".repeat(5000))
}

fn steps(levels: usize) -> String {
    (1..levels).fold("spec:\n".to_owned(), |text, nth| text + &" ".repeat(nth) + "a:\n")
}

#[rstest]
#[case::laughs(INGRESS.to_owned() + &laughs(), "the document's aliases stand for too much")]
#[case::laughs_of_another_kind(INGRESS.replace("Ingress", "Other") + &laughs(), "the document's aliases stand for too much")]
#[case::laughs_in_a_list(format!("apiVersion: v1\nkind: List\n{}items: [*a11]\n", laughs()), "the document's aliases stand for too much")]
#[case::one_large_node_and_many_aliases(INGRESS.to_owned() + &big_node(), "the document's aliases stand for too much")]
#[case::merge_keys(INGRESS.to_owned() + &merges(), "the document's aliases stand for too much")]
#[case::items_tied_by_aliases(tied(5000), "items of the list are tied together by aliases")]
#[case::deep_block(INGRESS.to_owned() + &steps(2000), "nested deeper than 64 levels")]
#[case::deep_sequence(format!("{INGRESS}x:\n {}a\n", "- ".repeat(10_000)), "nested deeper than 64 levels")]
#[case::deeper_sequence(format!("{INGRESS}x:\n {}a\n", "- ".repeat(1_000_000)), "nested deeper than 64 levels")]
#[case::deep_flow(format!("{INGRESS}x: {}{}\n", "[".repeat(10_000), "]".repeat(10_000)), "nested deeper than 64 levels")]
#[case::deeper_flow(format!("{INGRESS}x: {}{}\n", "[".repeat(1_000_000), "]".repeat(1_000_000)), "nested deeper than 64 levels")]
#[case::deep_mappings(format!("{INGRESS}x: {}1{}\n", "{a: ".repeat(500_000), "}".repeat(500_000)), "nested deeper than 64 levels")]
#[case::deep_keys("? ".repeat(1_000_000), "nested deeper than 64 levels")]
#[case::deep_json(format!("{{\"apiVersion\": \"v1\", \"kind\": \"X\", \"x\": {}1{}}}", "{\"a\":".repeat(1_000_000), "}".repeat(1_000_000)), "nested deeper than 64 levels")]
#[case::never_closed("[".repeat(5_000_000), "nested deeper than 64 levels")]
#[case::one_long_scalar(format!("{INGRESS}spec: {}\n", "x".repeat(20 << 20)), "the Ingress is 20 MiB large")]
#[case::one_long_key(format!("{INGRESS}spec: {{{}: 1}}\n", "x".repeat(2 << 20)), "while parsing a flow mapping")]
#[case::one_long_word(format!("{FILING}spec: {{domains: [a.cn], stage: {}, subject: {{name: a, nature: Individual}}}}\n", "x".repeat(2 << 20)), "is not among Draft")]
#[case::one_long_document(format!("a: {}\n", "x".repeat(65 << 20)), "the document is 65 MiB large")]
#[case::a_long_name(INGRESS.replace("bad", &"b".repeat(1 << 20)), "the name has more than 253 bytes")]
#[case::many_documents("---\na: 1\n".repeat(150_000), "the file holds more than 100000 documents")]
#[case::many_broken_documents("---\n[\n".repeat(90_000), "more errors in this file")]
#[case::many_broken_items(format!("apiVersion: v1\nkind: List\nitems:\n{}", "- 1\n".repeat(50_000)), "more errors in this file")]
#[case::many_unknown_fields(format!("{FILING}spec:\n  domains: [a.cn]\n  subject: {{name: a, nature: Individual}}\n{}", repeated(|nth| format!("  u{nth}: 1\n"))), "more errors in this file")]
#[case::many_domains(format!("{FILING}spec:\n  subject: {{name: a, nature: Individual}}\n  domains:\n{}", "  - com.cn\n".repeat(100_000)), "more than 1000 domains")]
#[case::escapes_in_a_value(format!("{FILING}spec: {{domains: [a.cn], stage: \"\\e[31m\\u202eX\", subject: {{name: a, nature: Individual}}}}\n"), "[31m")]
#[case::escapes_in_a_key(format!("{FILING}spec: {{domains: [a.cn], \"\\e[2J\\u2066k\": 1, subject: {{name: a, nature: Individual}}}}\n"), "[2J")]
#[case::escapes_in_a_policy("apiVersion: filing-operator.io/v1alpha1\nkind: FilingPolicy\nmetadata: {name: \"a\\e[2J\"}\nspec: {site: {provider: x, province: \"\\e[31m\\u202eX\"}}\n".to_owned(), "is no province")]
#[case::an_escape_as_it_is(format!("{INGRESS}spec: \u{1b}[31mred\n"), "unexpected character")]
fn a_text_that_means_harm_is_an_error(#[case] text: String, #[case] message: &str) {
    let folder = folder();
    fs::write(folder.path().join("bad.yaml"), text).unwrap();
    is_refused(&limited(folder.path(), ".").output().unwrap(), "bad.yaml", message);
}

#[rstest]
#[case::nul(b"a: \0b\n".to_vec(), "the file is binary")]
#[case::nul_far_in([INGRESS.as_bytes(), &[b'#'; 9000], b"\na: \0b\n"].concat(), "this is a NUL byte")]
#[case::gbk([INGRESS.as_bytes(), b"spec: \xb1\xb8\xb0\xb8\n"].concat(), "bad.yaml:4:7")]
#[case::bad_bytes_alone(vec![0xff; 20 << 20], "bad.yaml:1:1")]
#[case::bad_documents([INGRESS.as_bytes(), &b"---\n\xff\n".repeat(200_000)].concat(), "the file is binary")]
#[case::utf16("a: 1\n".encode_utf16().fold(vec![0xff, 0xfe], |mut text, unit| { text.extend(unit.to_le_bytes()); text }), "the file is UTF-16")]
#[case::utf16_without_a_mark("a: 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect(), "the file is binary")]
#[case::utf32(vec![0xff, 0xfe, 0, 0, b'a', 0, 0, 0], "the file is UTF-32")]
fn bytes_that_are_no_text_are_an_error(#[case] bytes: Vec<u8>, #[case] message: &str) {
    let folder = folder();
    fs::write(folder.path().join("bad.yaml"), bytes).unwrap();
    is_refused(&limited(folder.path(), ".").output().unwrap(), "bad.yaml", message);
}

#[test]
fn a_file_of_gigabytes_is_not_read() {
    let folder = folder();
    File::create(folder.path().join("bad.yaml"))
        .unwrap()
        .set_len(8 << 30)
        .unwrap();
    is_refused(
        &limited(folder.path(), ".").output().unwrap(),
        "bad.yaml",
        "larger than 256 MiB",
    );
    // Nor are many that together are as large.
    fs::remove_file(folder.path().join("bad.yaml")).unwrap();
    let ends_within = |nth: u32| {
        let mut file = File::create(folder.path().join(format!("z{nth}.yaml"))).unwrap();
        file.write_all(b"\0").unwrap();
        file.set_len(250 << 20).unwrap();
    };
    (0..5).for_each(ends_within);
    let output = limited(folder.path(), ".").output().unwrap();
    is_refused(&output, "z4.yaml", "the input is larger than 1 GiB");
}

#[rstest]
#[case::standard_input("yes | head -c 1G |", "good.yaml -", "<stdin>", "larger than 256 MiB")]
#[case::a_device("", "good.yaml /dev/zero", "/dev/zero", "larger than 256 MiB")]
#[case::a_pipe_of_the_shell("", "good.yaml <(yes | head -c 1G)", "/dev/fd/", "larger than 256 MiB")]
#[case::a_missing_file("", "good.yaml gone.yaml", "gone.yaml", "no such file or folder")]
#[case::an_empty_folder("mkdir empty;", "good.yaml empty", "empty", "the folder has no *.yaml")]
#[case::a_pipe_in_a_folder("mkfifo p.yaml;", ".", "p.yaml", "it is no regular file")]
#[case::a_pipe_that_nobody_writes_to("mkfifo p;", "good.yaml p", "p", "nobody writes to this pipe")]
fn what_has_no_end_is_read_no_further(
    #[case] before: &str,
    #[case] args: &str,
    #[case] name: &str,
    #[case] message: &str,
) {
    let folder = folder();
    let limited = limited(folder.path(), args);
    let script = limited.get_args().nth(1).unwrap().to_str().unwrap();
    let output = Command::new("bash")
        .args(["-c", &format!("{before} ( {script} )")])
        .current_dir(folder.path())
        .env("RAYON_NUM_THREADS", "2")
        .output()
        .unwrap();
    is_refused(&output, name, message);
}

#[test]
fn what_a_pipe_gives_is_judged() {
    let folder = folder();
    let output = limited(folder.path(), "<(sleep 0.2; cat good.yaml)").output().unwrap();
    let (out, err) = told(&output);
    assert!(out.contains("www.example.com  NoFiling"), "{out}{err}");
    assert_eq!(output.status.code(), Some(1));
    // Also one with a name, once somebody writes to it.
    let output = limited(folder.path(), "p; wait");
    let script = output
        .get_args()
        .nth(1)
        .unwrap()
        .to_str()
        .unwrap()
        .replace("exec ", "mkfifo p; cat good.yaml > p & ");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (out, err) = told(&output);
    assert!(out.contains("www.example.com  NoFiling"), "{out}{err}");
}

#[test]
fn sockets_and_links_that_lead_nowhere_are_named() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let socket = UnixListener::bind(path("socket.yaml")).unwrap();
    symlink("round.yaml", path("about.yaml")).unwrap();
    symlink("about.yaml", path("round.yaml")).unwrap();
    symlink("nowhere", path("dangling.yaml")).unwrap();
    symlink(".", path("loop")).unwrap();
    fs::create_dir(path("deep")).unwrap();
    symlink("..", path("deep/up")).unwrap();
    let output = limited(folder.path(), ".").output().unwrap();
    for (name, message) in [
        ("socket.yaml", "it is no regular file"),
        ("about.yaml", "can't be read"),
        ("round.yaml", "can't be read"),
        ("dangling.yaml", "the link points to nothing"),
    ] {
        is_refused(&output, name, message);
    }
    let (out, err) = told(&output);
    assert_eq!(
        (out.matches("www.example.com").count(), err.matches("error: ").count()),
        (1, 4),
        "{out}{err}"
    );
    is_refused(
        &limited(folder.path(), "good.yaml socket.yaml").output().unwrap(),
        "socket.yaml",
        "can't be read",
    );
    drop(socket);
}

#[test]
fn a_name_that_is_no_text_is_shown_and_does_nothing() {
    let folder = folder();
    for name in [&b"a\x1b[2J\x07.yaml"[..], "b\u{202e}.yaml".as_bytes(), b"c\xff\n.yaml"] {
        fs::write(folder.path().join(OsStr::from_bytes(name)), "[\n").unwrap();
    }
    let output = limited(folder.path(), ".").output().unwrap();
    for name in ["a\u{fffd}[2J\u{fffd}.yaml", "b\u{fffd}.yaml", "c\u{fffd}\u{fffd}.yaml"] {
        is_refused(&output, name, "unclosed bracket");
    }
}

#[test]
fn what_one_has_no_right_to_is_named() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(path("secret")).unwrap();
    fs::write(path("secret/a.yaml"), GOOD).unwrap();
    fs::write(path("closed.yaml"), GOOD).unwrap();
    fs::set_permissions(path("secret"), fs::Permissions::from_mode(0o0)).unwrap();
    fs::set_permissions(path("closed.yaml"), fs::Permissions::from_mode(0o0)).unwrap();
    // Nothing is closed to root, who runs this: the program is run as nobody, from where nobody may run it.
    fs::copy(env!("CARGO_BIN_EXE_filing-operator"), path("program")).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"])
        .args(["./program", "check", "--now", "2026-11-23", "."])
        .current_dir(folder.path())
        .output()
        .expect("setpriv of util-linux takes the rights away");
    is_refused(&output, "secret", "permission denied");
    is_refused(&output, "closed.yaml", "permission denied");
}

#[test]
fn a_folder_that_is_gone_is_named() {
    let folder = folder();
    let script = format!(
        "mkdir gone; cd gone; rmdir ../gone; {} check --now 2026-11-23 {} .",
        env!("CARGO_BIN_EXE_filing-operator"),
        folder.path().join("good.yaml").display()
    );
    let mut child = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(out.contains("www.example.com  NoFiling"), "{out}");
}
