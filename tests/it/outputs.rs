//! The outputs of `check`, and what else the command line has for those who type it: completions, the manual, the hooks of
//! pre-commit.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::cli::{self, program};
use crate::support::cluster::Output;

fn answer(command: &mut Command) -> Output {
    cli::answer(command, b"")
}

/// Checks everything in a folder, as of the day that the examples are told of.
fn check<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Output {
    let always = [
        "check",
        "deploy",
        "--now",
        "2026-11-23",
        "--provider",
        "alicloud",
        "--region",
        "cn-beijing",
    ];
    answer(program(folder).args(always).args(args))
}

const FILING: &str = "\
apiVersion: filing-operator.io/v1alpha1
kind: Filing
metadata: {name: example-com, namespace: filing-system}
spec:
  domains: [example.com]
  number: 京ICP备2021012345号-1
  stage: Approved
  subject: {name: 示例科技有限公司, nature: Enterprise}
  access: [{provider: alicloud, stage: Approved}]
";

fn ingress(hosts: &[&str]) -> String {
    let head = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n  rules:\n";
    let rules: Vec<String> = hosts.iter().map(|host| format!("    - host: {host}\n")).collect();
    head.to_owned() + &rules.concat()
}

/// A folder with a filing, and with an Ingress in a file whose name nobody would choose.
fn folder(hosts: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("deploy")).unwrap();
    fs::write(folder.path().join("deploy/filings.yaml"), FILING).unwrap();
    fs::write(folder.path().join(WEB), ingress(hosts)).unwrap();
    folder
}

const WEB: &str = "deploy/网站 #1.yaml";
const FORMATS: [&str; 5] = ["table", "json", "sarif", "junit", "github"];

fn sarif(folder: &Path) -> Value {
    serde_json::from_str(&check(folder, ["-o", "sarif"]).stdout).unwrap()
}

#[test]
fn several_outputs_are_written_at_once() {
    let folder = folder(&["www.example.com", "www.example.net", "192.0.2.1"]);
    let folder = folder.path();
    let files = FORMATS.map(|format| format!("{format}=out.{format}"));
    let mut args = vec!["-o", "table"];
    args.extend(files.iter().flat_map(|file| ["-o", file]));
    let answer = check(folder, args);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    for format in FORMATS {
        let alone = check(folder, ["-o", format]);
        assert_eq!(alone.code, 1, "{format}");
        let written = fs::read_to_string(folder.join(format!("out.{format}"))).unwrap();
        assert_eq!(written, alone.stdout, "{format}");
        if format == "table" {
            assert_eq!(answer.stdout, alone.stdout);
        }
    }
    // No unfinished file is left.
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1 + FORMATS.len());
}

#[test]
fn the_sarif_of_files_is_valid_and_names_them_by_relative_addresses() {
    let folder = folder(&["www.example.net"]);
    fs::write(folder.path().join("deploy/broken.yaml"), "kind: [").unwrap();
    let document = sarif(folder.path());
    let schema =
        serde_json::from_str(&fs::read_to_string("tests/it/schemas/sarif-schema-2.1.0.json").unwrap()).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let complaints: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(complaints, [""; 0]);
    let run = &document["runs"][0];
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "deploy/%E7%BD%91%E7%AB%99%20%231.yaml"
    );
    assert_eq!(place["region"]["startLine"], 6);
    let notifications = &run["invocations"][0]["toolExecutionNotifications"];
    let place = &notifications[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "deploy/broken.yaml");
    // However the files are typed.
    let absolute = folder.path().canonicalize().unwrap().join("deploy");
    let typed = |path: &OsStr| {
        let args = [OsStr::new("check"), path, OsStr::new("-o"), OsStr::new("sarif")];
        let answer = answer(program(folder.path()).args(args).args(["--now", "2026-11-23"]));
        let document: Value = serde_json::from_str(&answer.stdout).unwrap();
        document["runs"][0]["results"][0]["locations"].clone()
    };
    assert_eq!(typed(absolute.as_os_str()), typed(OsStr::new("./deploy/")));
}

#[test]
fn with_files_alone_standard_output_is_free_and_the_counts_are_told() {
    let folder = folder(&["www.example.com", "www.example.net"]);
    let answer = check(folder.path(), ["-o", "sarif=a.sarif", "-o", "junit=a.xml"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (1, ""));
    assert!(
        answer.stderr.contains("1 route, 2 hosts: 1 compliant, 1 violating"),
        "{}",
        answer.stderr
    );
    let quiet = check(folder.path(), ["-o", "sarif=a.sarif", "--quiet"]);
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (1, "", ""));
}

#[test]
fn a_file_that_cant_be_written_is_named_and_the_others_are_written() {
    let folder = folder(&["www.example.com"]);
    let answer = check(
        folder.path(),
        [
            "-o",
            "sarif=nowhere/a.sarif",
            "-o",
            "json=a.json",
            "-o",
            "table",
            "-o",
            "junit=deploy",
        ],
    );
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.contains("error: can't write nowhere/a.sarif: "),
        "{}",
        answer.stderr
    );
    assert!(
        answer.stderr.contains("error: can't write deploy: "),
        "{}",
        answer.stderr
    );
    assert!(answer.stdout.contains("1 compliant"), "{}", answer.stdout);
    let json = fs::read_to_string(folder.path().join("a.json")).unwrap();
    assert!(serde_json::from_str::<Value>(&json).is_ok());
}

#[rstest]
#[case::to_standard_output(&["-o", "json", "-o", "sarif"], "-o json and -o sarif both go to standard output")]
#[case::to_a_file(&["-o", "json=a", "-o", "sarif=a"], "-o json=a and -o sarif=a both go to one file")]
#[case::to_no_file(&["-o", "json="], "json= names no file")]
#[case::no_format(&["-o", "yaml=a"], "invalid value 'yaml'")]
fn what_cant_be_meant_is_refused_before_anything_is_done(#[case] args: &[&str], #[case] told: &str) {
    let folder = folder(&["www.example.com"]);
    let answer = check(folder.path(), args);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[rstest]
#[case::all_is_well("www.example.com", &[], 0)]
#[case::a_violation("www.example.net", &[], 1)]
#[case::a_violation_that_is_only_told("www.example.net", &["--fail-on", "never"], 0)]
#[case::a_warning("192.0.2.1", &[], 0)]
#[case::a_warning_that_is_not_let_pass("192.0.2.1", &["--fail-on", "warning"], 1)]
#[case::input_that_cant_be_read("[", &[], 2)]
fn the_exit_code_is_the_same_whatever_the_format(#[case] host: &str, #[case] args: &[&str], #[case] code: i32) {
    let folder = folder(&[host]);
    for format in FORMATS {
        for output in [format.to_owned(), format!("{format}=a")] {
            let answer = check(folder.path(), [&["-o", &output], args].concat());
            assert_eq!(answer.code, code, "{output}: {}", answer.stderr);
        }
        let quiet = check(folder.path(), [&["-q", "-o", format], args].concat());
        assert_eq!(quiet.code, code, "{format}");
    }
}

#[rstest]
fn a_reader_that_has_seen_enough_is_no_error(#[values("table", "json", "sarif", "junit", "github")] format: &str) {
    let folder = folder(&["www.example.net"]);
    let mut child = program(folder.path())
        .args(["check", "deploy", "-q", "-o", format])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(1), b"".as_slice())
    );
}

#[test]
fn quiet_says_what_is_found_and_nothing_else() {
    let well = folder(&["www.example.com"]);
    let answer = check(well.path(), ["--quiet"]);
    assert_eq!(
        (answer.code, answer.stdout.as_str(), answer.stderr.as_str()),
        (0, "", "")
    );
    let found = folder(&["www.example.com", "www.example.net"]);
    let answer = check(found.path(), ["-q"]);
    assert_eq!(answer.stderr, "");
    assert!(answer.stdout.contains("NoFiling"), "{}", answer.stdout);
    assert!(
        !answer.stdout.contains("www.example.com") && !answer.stdout.contains("1 route"),
        "{}",
        answer.stdout
    );
    // What can't be read is told all the same, and formats for programs are whole.
    fs::write(found.path().join("deploy/broken.yaml"), "kind: [").unwrap();
    let broken = check(found.path(), ["-q"]);
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains("broken.yaml"), "{}", broken.stderr);
    let json = |args: &[&str]| check(found.path(), [&["-o", "json"], args].concat()).stdout;
    assert_eq!(json(&["-q"]), json(&[]));
}

#[test]
fn the_locale_says_the_language_where_nobody_else_does() {
    let folder = folder(&["www.example.net"]);
    let told = |args: &[&str], locale: &str| {
        let mut command = program(folder.path());
        command
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env("LANG", locale);
        answer(command.args(args)).stdout
    };
    let check = ["check", "deploy", "--provider", "alicloud"];
    assert!(told(&check, "zh_CN.UTF-8").contains("没有受信任的备案覆盖"));
    assert!(told(&check, "C").contains("no trusted filing covers"));
    let english = told(&[&check[..], &["--lang", "en"]].concat(), "zh_CN.UTF-8");
    assert!(english.contains("no trusted filing covers"), "{english}");
    assert!(told(&["rules", "NoFiling"], "zh_CN.UTF-8").contains("依据"));
}

/// What a result is known by again.
fn fingerprints(document: &Value) -> BTreeSet<String> {
    let results = document["runs"][0]["results"].as_array().unwrap();
    let all = results.iter().map(|result| {
        result["partialFingerprints"]["filingOperator/v1"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    let set: BTreeSet<String> = all.collect();
    assert_eq!(set.len(), results.len(), "each has its own");
    set
}

proptest! {
    // Each starts the program.
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_finding_is_known_again_wherever_it_has_moved(
        before in prop::collection::vec("(|# [a-z网站 ]{0,20})", 0..20),
        host in "[a-z]{1,8}\\.example\\.(com|org)",
        file in "[a-z]{1,8}\\.yaml",
    ) {
        let folder = folder(&["www.example.net", "192.0.2.1"]);
        let found = fingerprints(&sarif(folder.path()));
        prop_assert_eq!(found.len(), 2);
        // Lines before it, another host before its own, another file.
        let moved = before.join("\n") + "\n" + &ingress(&[&host, "www.example.net", "192.0.2.1"]);
        fs::remove_file(folder.path().join(WEB)).unwrap();
        fs::write(folder.path().join("deploy").join(file), moved).unwrap();
        let again = fingerprints(&sarif(folder.path()));
        prop_assert!(again.is_superset(&found), "{found:?} {again:?}");
        prop_assert_eq!(again.len(), 2 + usize::from(host.ends_with("org")));
    }
}

/// What bash would complete the words to, the last of which is being typed.
fn completed(words: &[&str]) -> Vec<String> {
    let script = answer(program(Path::new(".")).args(["completions", "bash"]));
    assert_eq!(script.code, 0);
    let ask = r#"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
[[ $(complete -p filing-operator) =~ -F\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;
    let output = Command::new("bash")
        .args(["--norc", "-euc", &(script.stdout + ask), "bash"])
        .args(words)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text.split_whitespace().map(str::to_owned).collect()
}

#[rstest]
#[case::a_command(&["filing-operator", "che"], &["check"])]
#[case::a_flag(&["filing-operator", "check", "--fail"], &["--fail-on"])]
#[case::a_value(&["filing-operator", "check", "--fail-on", "w"], &["warning"])]
#[case::a_format(&["filing-operator", "check", "-o", "s"], &["sarif"])]
fn bash_completes_what_is_typed(#[case] words: &[&str], #[case] expected: &[&str]) {
    assert_eq!(completed(words), expected);
}

#[rstest]
fn each_shell_has_a_script_that_knows_the_commands(
    #[values("bash", "zsh", "fish", "powershell", "elvish")] shell: &str,
) {
    let script = answer(program(Path::new(".")).args(["completions", shell]));
    assert_eq!(script.code, 0, "{}", script.stderr);
    for word in ["check", "timeline", "fail-on", "sarif"] {
        // These two know no values of flags.
        let is_known = word != "sarif" || !matches!(shell, "powershell" | "elvish");
        assert_eq!(script.stdout.contains(word), is_known, "{shell}: {word}");
    }
}

#[test]
fn each_command_has_a_page_in_the_manual() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    let written = answer(program(folder.path()).args(["man", "--write", "share/man1"]));
    assert_eq!(written.code, 0, "{}", written.stderr);
    let help = answer(program(folder.path()).arg("--help")).stdout;
    let commands = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '));
    let mut count = 0;
    for name in names
        .map(|line| line.split_whitespace().next().unwrap())
        .filter(|name| *name != "help")
    {
        let page = fs::read_to_string(pages.join(format!("filing-operator-{name}.1"))).unwrap();
        assert!(page.contains(".TH") && page.contains("Examples:"), "{name}");
        count += 1;
    }
    assert!(count >= 13, "{count}");
    let main = fs::read_to_string(pages.join("filing-operator.1")).unwrap();
    assert_eq!(answer(program(folder.path()).arg("man")).stdout, main);
}

/// Runs what the book's pipelines run, where there is what they speak of.
#[test]
fn the_pipelines_of_the_book_write_what_they_hand_on() {
    let page = fs::read_to_string("docs/ci.md").unwrap();
    let folder = folder(&["www.example.com"]);
    let folder = folder.path();
    fs::create_dir(folder.join("filings")).unwrap();
    fs::rename(folder.join("deploy/filings.yaml"), folder.join("filings/filings.yaml")).unwrap();
    let policy = "site: {provider: alicloud, region: cn-beijing}\nfilingsFrom: {all: true}\n";
    fs::write(folder.join("policy.yaml"), policy).unwrap();
    let pipelines = page.split_once("## GitHub Actions").unwrap().1;
    let mut written = Vec::new();
    for line in pipelines.lines() {
        let Some((_, args)) = line.split_once("check deploy/ ") else {
            continue;
        };
        // The other day is a shell's to say.
        let args: Vec<&str> = args.split(" --now").next().unwrap().split_whitespace().collect();
        let answer = answer(program(folder).args(["check", "deploy/"]).args(&args));
        assert_eq!(answer.code, 0, "{line}: {}{}", answer.stdout, answer.stderr);
        written.extend(args.iter().filter_map(|arg| arg.split_once('=')).map(|(_, file)| file));
    }
    assert_eq!(written, ["filings.sarif", "filings.xml"]);
    for file in written {
        assert!(!fs::read_to_string(folder.join(file)).unwrap().is_empty());
        assert!(pipelines.contains(&format!(": {file}\n")), "{file} is handed on");
    }
}

#[test]
fn the_hooks_of_pre_commit_run_what_there_is() {
    let hooks = fs::read_to_string(".pre-commit-hooks.yaml").unwrap();
    let hooks: Value = serde_saphyr::from_str(&hooks).unwrap();
    let folder = folder(&["www.example.com"]);
    for hook in hooks.as_array().unwrap() {
        let args = hook["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap());
        let entry: Vec<&str> = hook["entry"].as_str().unwrap().split_whitespace().chain(args).collect();
        assert_eq!(entry[0], "filing-operator");
        let answer = answer(program(folder.path()).args(&entry[1..]));
        assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
        assert_eq!(hook["pass_filenames"], false, "one file alone lacks the filings");
    }
}
