//! `check --fix` and `check --diff`: what is rewritten, and that nothing else is.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use rstest::rstest;
use tempfile::TempDir;

use crate::support::cli::{answer, program};
use crate::support::cluster::Output;

fn run(folder: &Path, args: &[&str], stdin: &str) -> Output {
    let mut command = program(folder);
    command.args(["check", "--now", "2026-11-23"]).args(args);
    answer(&mut command, stdin.as_bytes())
}

/// A filing as it comes from a spreadsheet, with the line breaks of the machine that the spreadsheet is on.
const PASTED: &str = "\u{feff}# 备案\r\napiVersion: filing-operator.io/v1alpha1\r\nkind: Filing\r\nmetadata: {name: example-com, namespace: filing-system}\r\nspec:\r\n  domains: [示例.中国, \"Example.com.\"]   # ours\r\n  number:   京icp备2021012345-1号\t# pasted: 京icp备2021012345-1号\r\n  stage: 'Approved'\r\n  subject: {name: 示例科技有限公司, nature: Enterprise, province: 北京市, mainNumber: '京ICP备２０２１０１２３４５号'}\r\n  licence: {number: \"\\u4eacb2-20203456\"}\r\n  publicSecurity:\r\n    number: &n 京公网安备 11010502030123\r\n  access: [{provider: alicloud, stage: Approved}]";

const MENDED: &str = "\u{feff}# 备案\r\napiVersion: filing-operator.io/v1alpha1\r\nkind: Filing\r\nmetadata: {name: example-com, namespace: filing-system}\r\nspec:\r\n  domains: [xn--fsq092h.xn--fiqs8s, \"example.com\"]   # ours\r\n  number:   京ICP备2021012345号-1\t# pasted: 京icp备2021012345-1号\r\n  stage: 'Approved'\r\n  subject: {name: 示例科技有限公司, nature: Enterprise, province: CN-BJ, mainNumber: '京ICP备2021012345号'}\r\n  licence: {number: \"\\u4eacB2-20203456\"}\r\n  publicSecurity:\r\n    number: &n 京公网安备11010502030123号\r\n  access: [{provider: alicloud, stage: Approved}]";

const POLICY: &str = "apiVersion: filing-operator.io/v1alpha1\nkind: FilingPolicy\nmetadata: {name: default}\nspec:\n  filingsFrom: {all: true}\n  site: {provider: idc-telecom, province: 上海} # ours\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn text(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn what_has_one_right_form_is_rewritten_and_not_a_byte_else() {
    let folder = folder(&[("a.yaml", PASTED), ("b.yaml", POLICY), ("c.yaml", "a: 1\n")]);
    let before = fs::metadata(folder.path().join("c.yaml")).unwrap().ino();
    let first = run(folder.path(), &["."], "");
    assert!(
        first.stdout.contains("NumberIrregular") && first.stdout.contains("hint: write 京ICP备2021012345号-1"),
        "{}",
        first.stdout
    );
    assert!(
        first
            .stderr
            .contains("note: 8 fields can be mended by --fix; --diff shows how\n"),
        "{}",
        first.stderr
    );

    let fixed = run(folder.path(), &["--fix", "."], "");
    assert_eq!(
        (fixed.code, fixed.stderr.as_str()),
        (
            0,
            "note: there is no route in the input\nnote: mended 8 fields in 2 files\n"
        ),
        "{}",
        fixed.stdout
    );
    assert!(!fixed.stdout.contains("NumberIrregular"), "{}", fixed.stdout);
    assert_eq!(text(&folder, "a.yaml"), MENDED);
    assert_eq!(text(&folder, "b.yaml"), POLICY.replace("上海", "CN-SH"));
    assert_eq!(
        fs::metadata(folder.path().join("c.yaml")).unwrap().ino(),
        before,
        "it was left alone"
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        3,
        "nothing is left beside them"
    );

    let again = run(folder.path(), &["--fix", "."], "");
    assert_eq!(
        (again.code, again.stderr.as_str()),
        (0, "note: there is no route in the input\nnote: nothing was mended\n")
    );
    assert_eq!(text(&folder, "a.yaml"), MENDED);
    let unchanged = run(folder.path(), &["--diff", "."], "");
    assert_eq!(
        (unchanged.code, unchanged.stdout.as_str(), unchanged.stderr.as_str()),
        (0, "", "")
    );
}

#[test]
fn a_diff_shows_what_would_be_and_changes_nothing() {
    let pasted = PASTED.replace("\r\n", "\n").replace('\u{feff}', "");
    let folder = folder(&[("a.yaml", &pasted), ("b.yaml", POLICY)]);
    let diff = run(folder.path(), &["--diff", "a.yaml", "b.yaml"], "");
    insta::assert_snapshot!("diff", diff.stdout);
    assert_eq!((diff.code, diff.stderr.as_str()), (1, ""));
    assert_eq!(
        run(folder.path(), &["--fix", "--diff", "a.yaml", "b.yaml"], "").stdout,
        diff.stdout
    );
    assert_eq!(
        (text(&folder, "a.yaml"), text(&folder, "b.yaml")),
        (pasted.clone(), POLICY.to_owned())
    );

    let coloured = run(folder.path(), &["--diff", "b.yaml", "--color", "always"], "");
    assert!(
        coloured.stdout.contains("\u{1b}[31m-  site:") && coloured.stdout.contains("\u{1b}[32m+  site:"),
        "{:?}",
        coloured.stdout
    );
    let stdin = run(folder.path(), &["--diff", "-"], POLICY);
    assert!(
        stdin.code == 1 && stdin.stdout.starts_with("--- <stdin>\n+++ <stdin>\n@@ "),
        "{}",
        stdin.stdout
    );
    let broken = run(folder.path(), &["--diff", "b.yaml", "-"], "[");
    assert!(
        broken.code == 2 && broken.stdout.contains("+  site:") && broken.stderr.contains("<stdin>"),
        "{}",
        broken.stderr
    );

    // What patch makes of it is what --fix does.
    fs::write(folder.path().join("p"), diff.stdout).unwrap();
    let patch = Command::new("patch")
        .args(["-p0", "-i", "p"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(patch.status.success(), "{}", String::from_utf8_lossy(&patch.stdout));
    assert_eq!(
        text(&folder, "a.yaml"),
        MENDED.replace("\r\n", "\n").replace('\u{feff}', "")
    );
}

#[test]
fn what_can_not_be_rewritten_is_named_and_the_others_are_mended() {
    let folder = folder(&[("a.yaml", POLICY), ("b.yaml", PASTED)]);
    fs::set_permissions(folder.path().join("a.yaml"), fs::Permissions::from_mode(0o444)).unwrap();
    let fixed = run(folder.path(), &["--fix", "."], "");
    assert_eq!(fixed.code, 2);
    assert!(
        fixed
            .stderr
            .contains("it can't be rewritten: it is read-only; make it writable\n --> a.yaml\n"),
        "{}",
        fixed.stderr
    );
    assert!(
        fixed.stderr.contains("note: mended 7 fields in 1 file\n"),
        "{}",
        fixed.stderr
    );
    assert_eq!(
        (text(&folder, "a.yaml").as_str(), text(&folder, "b.yaml").as_str()),
        (POLICY, MENDED)
    );

    let stdin = run(folder.path(), &["--fix", "-", "a.yaml"], POLICY);
    assert_eq!((stdin.code, stdin.stdout.as_str()), (2, ""));
    assert!(
        stdin.stderr.contains("standard input can't be rewritten"),
        "{}",
        stdin.stderr
    );
}

#[test]
fn a_link_stays_and_its_target_keeps_its_mode_and_owner() {
    let folder = folder(&[("a.txt", POLICY)]);
    let target = folder.path().join("a.txt");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    // Tests run as root, who may give it to somebody.
    std::os::unix::fs::chown(&target, Some(65534), Some(65534)).unwrap();
    symlink("a.txt", folder.path().join("a.yaml")).unwrap();
    assert_eq!(run(folder.path(), &["--fix", "a.yaml"], "").code, 0);
    assert!(fs::symlink_metadata(folder.path().join("a.yaml")).unwrap().is_symlink());
    let about = fs::metadata(&target).unwrap();
    assert_eq!((about.mode() & 0o7777, about.uid(), about.gid()), (0o640, 65534, 65534));
    assert_eq!(text(&folder, "a.txt"), POLICY.replace("上海", "CN-SH"));
}

#[test]
fn a_file_with_other_names_is_left_to_the_person() {
    let folder = folder(&[("a.yaml", POLICY), ("c.yaml", &POLICY.replace("default", "other"))]);
    fs::hard_link(folder.path().join("a.yaml"), folder.path().join("b.txt")).unwrap();
    let fixed = run(folder.path(), &["--fix", "."], "");
    assert_eq!(fixed.code, 2);
    assert!(
        fixed.stderr.contains(
            "it can't be rewritten: it has other names (hard links) that would keep the old text; mend it by hand
 --> a.yaml
"
        ),
        "{}",
        fixed.stderr
    );
    assert_eq!([text(&folder, "a.yaml"), text(&folder, "b.txt")], [POLICY, POLICY]);
    assert!(text(&folder, "c.yaml").contains("CN-SH"));
}

#[rstest]
#[case::a_cluster(&["--live"])]
#[case::a_policy(&["--policy", "a.yaml"])]
#[case::a_provider(&["--provider", "alicloud"])]
fn a_diff_judges_nothing_and_takes_nothing_to_judge_by(#[case] args: &[&str]) {
    let folder = folder(&[("a.yaml", POLICY)]);
    let refused = run(folder.path(), &[&["--diff", "a.yaml"], args].concat(), "");
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(refused.stderr.contains("cannot be used with"), "{}", refused.stderr);
}

#[test]
fn a_diff_tells_of_routes_that_can_not_be_read() {
    let route = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: none}\n";
    let folder = folder(&[("a.yaml", POLICY), ("b.yaml", route), ("c.yaml", route)]);
    let diff = run(folder.path(), &["--diff", "a.yaml", "b.yaml"], "");
    assert!(diff.code == 2 && diff.stdout.contains("+  site:"), "{}", diff.stdout);
    assert!(diff.stderr.contains("b.yaml:4:"), "{}", diff.stderr);
    let twice = run(folder.path(), &["--diff", "b.yaml", "c.yaml"], "");
    assert!(
        twice.stderr.contains("Ingress default/web stands twice"),
        "{}",
        twice.stderr
    );
}

/// Filings whose numbers are written as blocks.
fn blocks(count: usize) -> String {
    let one = |nth: usize| {
        format!(
            "---\napiVersion: filing-operator.io/v1alpha1\nkind: Filing\nmetadata: {{name: a{nth}}}\nspec:\n  domains: [a{nth}.com]\n  \
             subject: {{name: a, nature: Enterprise}}\n  number: >-\n    京icp备2021012345-1号\n"
        )
    };
    (1..=count).map(one).collect()
}

#[rstest]
#[case::fixed("--fix")]
#[case::shown("--diff")]
fn of_many_that_are_left_no_more_is_said_than_a_person_reads(#[case] flag: &str) {
    let folder = folder(&[("a.yaml", &blocks(150))]);
    let left = run(folder.path(), &[flag, "a.yaml"], "");
    assert_eq!(
        left.stderr.matches("it is written as a block").count(),
        100,
        "{}",
        left.stderr
    );
    assert!(
        left.stderr.contains("note: and 50 more are left as they are\n"),
        "{}",
        left.stderr
    );
    let chinese = run(folder.path(), &[flag, "a.yaml", "--lang", "zh"], "");
    assert!(
        chinese.stderr.contains("note: 另有 50 处未修正\n"),
        "{}",
        chinese.stderr
    );
    let quiet = run(folder.path(), &[flag, "a.yaml", "--quiet"], "");
    assert_eq!(quiet.stderr, "");
}

#[test]
fn what_is_left_says_why_and_what_to_write() {
    let filing = |rest: &str| {
        format!(
            "apiVersion: filing-operator.io/v1alpha1\nkind: Filing\nmetadata: {{name: a, namespace: filing-system}}\nspec:\n  \
             domains: [example.com]\n  stage: Approved\n  access: [{{provider: alicloud, stage: Approved}}]\n{rest}"
        )
    };
    let block = filing("  number: >-\n    京icp备2021012345-1号\n  subject: {name: a, nature: Enterprise}\n");
    let shared = filing("  number: &n 京icp备2021012345-1号\n  subject: {name: *n, nature: Enterprise}\n");
    let folder = folder(&[("block.yaml", &block), ("shared.yaml", &shared)]);
    let left = run(folder.path(), &["--fix", "block.yaml"], "");
    assert!(left.stderr.contains("note: block.yaml:9:5: spec.number is left as it is, for it is written as a block; write 京ICP备2021012345号-1 by hand\n"), "{}", left.stderr);
    let left = run(folder.path(), &["--fix", "shared.yaml", "--lang", "zh"], "");
    assert!(
        left.stderr
            .contains("spec.number 未修正，因为它写在其他栏目也引用的锚点处；请手工改为 京ICP备2021012345号-1\n"),
        "{}",
        left.stderr
    );
    assert_eq!(
        (text(&folder, "block.yaml"), text(&folder, "shared.yaml")),
        (block, shared)
    );
}
