//! `import` and `export` as they are typed, on sheets as they are kept, and on a real API server.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use filing_operator::domain::shown::shown;
use rstest::rstest;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Value, json};

use crate::support::cluster::{Account, Cluster, Output};
use crate::support::stage::home;

/// Runs the program, or its plugin's name, in a folder.
fn run(program: &Path, args: &str, stdin: &[u8], folder: &Path, account: Option<&Account>) -> Output {
    let mut command = Command::new(program);
    command
        .args(args.split_whitespace())
        .current_dir(folder)
        .env_remove("CLICOLOR_FORCE")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(account) = account {
        command.env("KUBECONFIG", &account.kubeconfig);
    }
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that does not read it may be gone already.
        let _ = pipe.write_all(&bytes);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.into()
}

fn typed(args: &str, stdin: &[u8], folder: &Path) -> Output {
    run(
        Path::new(env!("CARGO_BIN_EXE_filing-operator")),
        args,
        stdin,
        folder,
        None,
    )
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap()]
    }
}

const COLUMNS: [&str; 14] = [
    "序号",
    "域名",
    "备案号",
    "主体备案号",
    "主办单位",
    "单位性质",
    "审核通过日期",
    "域名到期日期",
    "接入商",
    "地域",
    "服务器名称",
    "服务器IP",
    "服务器到期日期",
    "自动续费",
];

/// A sheet of 200 rows as a company keeps it, below a title: a day is a triple, and written as a cell of its own in a workbook.
fn rows() -> Vec<Vec<String>> {
    let mut chance = Chance(20_210_220);
    let places = [
        ("华北2（北京）", "阿里云"),
        ("华东1（杭州）", "阿里云"),
        ("ap-guangzhou", "腾讯云"),
        ("cn-north-4", "华为云"),
    ];
    let companies = [
        "示例科技有限公司",
        "示例（北京）商贸有限公司",
        "=示例&合作社",
        "示例协会",
    ];
    let natures = ["企业", "企业", "企业", "社会团体"];
    (0..200_u64)
        .map(|nth| {
            let who = usize::try_from(chance.below(4)).unwrap();
            let main = 2_021_000_000 + chance.below(3) * 7 + nth / 2;
            let number = format!("京ICP备{main}号-{}", nth + 1);
            let day = |chance: &mut Chance, year: u64| {
                format!(
                    "{}-{:02}-{:02}",
                    year + chance.below(3),
                    1 + chance.below(12),
                    1 + chance.below(28)
                )
            };
            let server = chance.below(20);
            // What is known of a server is the same on each of its rows.
            let (region, provider) = places[usize::try_from(server % 4).unwrap()];
            vec![
                (nth + 1).to_string(),
                format!("site-{nth}.{}", chance.of(&["com", "cn", "com.cn", "net"])),
                number,
                format!("京ICP备{main}号"),
                companies[who].to_owned(),
                natures[who].to_owned(),
                day(&mut chance, 2021),
                day(&mut chance, 2030),
                provider.to_owned(),
                region.to_owned(),
                format!("slb-{server}"),
                format!("203.0.113.{server}"),
                format!("2027-01-{:02}", 1 + server),
                if server < 5 { "是" } else { "否" }.to_owned(),
            ]
        })
        .collect()
}

fn csv(rows: &[Vec<String>]) -> String {
    let mut text = format!(
        "集团备案台账{}\n\n{}\n",
        ",".repeat(COLUMNS.len() - 1),
        COLUMNS.join(",")
    );
    for row in rows {
        text += &(row.join(",") + "\n");
    }
    text
}

fn workbook(rows: &[Vec<String>]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("台账").unwrap();
    sheet.write(0, 0, "集团备案台账").unwrap();
    let at = |nth: usize| u16::try_from(nth).unwrap();
    for (nth, name) in COLUMNS.iter().enumerate() {
        sheet.write(2, at(nth), *name).unwrap();
    }
    let day = Format::new().set_num_format("yyyy/m/d");
    for (row, cells) in (3..).zip(rows) {
        for (nth, cell) in cells.iter().enumerate() {
            if COLUMNS[nth].ends_with("日期") {
                let date = ExcelDateTime::parse_from_str(cell).unwrap();
                sheet.write_with_format(row, at(nth), &date, &day).unwrap();
            } else {
                sheet.write_string(row, at(nth), cell).unwrap();
            }
        }
    }
    book.add_worksheet().set_name("说明").unwrap();
    book.save_to_buffer().unwrap()
}

#[tokio::test]
async fn a_sheet_of_200_filings_goes_into_a_cluster_and_comes_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows = rows();
    let text = csv(&rows);
    fs::write(folder.join("utf-8.csv"), &text).unwrap();
    fs::write(folder.join("gbk.csv"), encoding_rs::GB18030.encode(&text).0).unwrap();
    fs::write(folder.join("sheet.xlsx"), workbook(&rows)).unwrap();
    let turned: Vec<_> = rows.iter().rev().cloned().collect();
    fs::write(folder.join("turned.csv"), csv(&turned)).unwrap();

    let first = typed("import utf-8.csv", b"", folder);
    assert_eq!(
        first.stderr.lines().last(),
        Some("200 rows: 200 filings, 20 servers"),
        "{}",
        first.stderr
    );
    let yaml = first.succeeds();
    for file in ["gbk.csv", "sheet.xlsx", "turned.csv"] {
        let same = typed(&format!("import {file}"), b"", folder).succeeds();
        assert!(same == yaml, "{file} gives other resources");
    }

    let checked = typed("check - --now 2026-11-23 -o json", yaml.as_bytes(), folder);
    let report: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(report["errors"], json!([]));
    assert_eq!(report["filings"].as_array().unwrap().len(), 200);

    let cluster = Cluster::own().await;
    home(&cluster);
    let dry_run = "apply --server-side --validate=strict --dry-run=server -f -";
    let taken = cluster.kubectl(dry_run, &yaml).succeeds();
    assert_eq!(taken.lines().count(), 220, "{taken}");
    cluster
        .kubectl("apply --server-side --validate=strict -f -", &yaml)
        .succeeds();

    let plugin = folder.join("kubectl-filing");
    symlink(env!("CARGO_BIN_EXE_filing-operator"), &plugin).unwrap();
    for args in ["export --live -o csv", "export --lang zh"] {
        let exported = run(&plugin, args, b"", folder, Some(&cluster.admin));
        let again = typed("import - --from csv", exported.succeeds().as_bytes(), folder);
        assert_eq!(again.stderr, "220 rows: 200 filings, 20 servers\n");
        assert!(again.succeeds() == yaml, "{args}: other resources come back");
    }

    let nobody = cluster.user("nobody", &[]);
    let refused = run(&plugin, "export", b"", folder, Some(&nobody));
    assert_eq!(refused.code, 2);
    for kind in ["filings", "accessservers"] {
        assert!(
            refused.stderr.contains(&format!("error: listing {kind}: ")),
            "{}",
            refused.stderr
        );
    }
    // Of what is not exported nothing is asked.
    assert!(!refused.stderr.contains("filingpolicies"), "{}", refused.stderr);
    let named = run(
        &plugin,
        "export sheet.yaml --context nowhere",
        b"",
        folder,
        Some(&cluster.admin),
    );
    assert!(
        named.code == 2 && named.stderr.contains("here none is looked at"),
        "{}",
        named.stderr
    );
}

#[rstest]
#[case::export_of_nothing("export", "there is nothing to export")]
#[case::export_beside_files("export . --context nowhere", "--context and --kubeconfig say at which cluster")]
#[case::plan_beside_files("plan . --kubeconfig nowhere", "--context and --kubeconfig say at which cluster")]
fn a_cluster_is_read_where_it_is_asked_for_and_no_flag_is_ignored(#[case] args: &str, #[case] says: &str) {
    let folder = tempfile::tempdir().unwrap();
    let refused = typed(args, b"", folder.path());
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{}", refused.stderr);
    assert!(refused.stderr.contains(says), "{}", refused.stderr);
}

/// What is left of a text without the colours that are the program's own.
fn without_colours(text: &str) -> String {
    let own = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    own.replace_all(text, "").into_owned()
}

#[test]
fn nothing_in_a_table_does_anything_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\u{1b}]0;x\u{7}.csv";
    let text = "域名,备案号,主办单位,单位性质,审核通过日\u{1b}]0;x\u{7}期,a\u{202e}b,备案状\u{9b}2J态\n\
                a.com,京\u{1b}[2J,示\u{1b}[2J例,企\u{1b}[2J业,x,y,z\n";
    let twice = "域\u{1b}\u{7}名,域名,主办单位,单位性质\na.com,b.com,甲,企业\n";
    fs::write(folder.path().join(name), text).unwrap();
    fs::write(folder.path().join("twice.csv"), twice).unwrap();
    for args in [
        format!("import {name} --color always"),
        format!("import {name} --color always --lang zh"),
        format!("import {name} --color always --column \u{1b}]0;x\u{7}=域名"),
        "import twice.csv --color always".to_owned(),
    ] {
        let answer = typed(&args, b"", folder.path());
        assert_eq!(answer.code, 2, "{}", answer.stderr);
        for line in without_colours(&answer.stderr).lines() {
            assert_eq!(shown(line), line);
        }
    }
}

#[test]
fn the_hint_of_a_column_is_one_word_of_a_shell() {
    let text = "域名,主办单位,单位性质,registration.expireAt'\na.com,示例,企业,x\n";
    let answer = typed("import -", text.as_bytes(), Path::new("."));
    assert!(
        answer
            .stderr
            .contains(r"--column 'registration.expiresAt=registration.expireAt'\'''"),
        "{}",
        answer.stderr
    );
}

#[test]
fn notes_have_an_end() {
    let rows = "a.com,示例,企业\n".repeat(301);
    let text = format!("域名,主办单位,单位性质\n{rows}");
    for (lang, last) in [
        ("en", "note: <stdin>: and 200 more like these"),
        ("zh", "note: <stdin>: 另有 200 条类似提示"),
    ] {
        let answer = typed(&format!("import - --lang {lang}"), text.as_bytes(), Path::new("."));
        let notes: Vec<&str> = answer
            .stderr
            .lines()
            .filter(|line| line.starts_with("note: "))
            .collect();
        assert_eq!(
            (notes.len(), notes.last().copied()),
            (101, Some(last)),
            "{}",
            answer.stderr
        );
        answer.succeeds();
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let answer = typed("import pipe", b"", folder.path());
    assert_eq!(answer.code, 2);
    assert_eq!(answer.stderr, "error: can't read pipe: nobody writes to this pipe\n");
}

#[tokio::test]
async fn what_the_api_server_takes_comes_back_and_is_taken_again() {
    let cluster = Cluster::shared().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let exported = typed("export examples", b"", root).succeeds();
    let imported = typed("import -", exported.as_bytes(), root);
    let yaml = imported.succeeds();
    assert_eq!(typed("export -", yaml.as_bytes(), root).succeeds(), exported);
    let list = typed("import - -o json", exported.as_bytes(), root).succeeds();
    let objects: Value = serde_json::from_str(&list).unwrap();
    let namespaces = objects["items"].as_array().unwrap().iter();
    for namespace in namespaces.filter_map(|object| object["metadata"]["namespace"].as_str()) {
        // Where it is there already, it says so.
        cluster.kubectl(&format!("create namespace {namespace}"), "");
    }
    let dry_run = "apply --server-side --force-conflicts --validate=strict --dry-run=server -f -";
    let taken = cluster.kubectl(dry_run, &yaml).succeeds();
    assert_eq!(cluster.kubectl(dry_run, &list).succeeds(), taken);

    let shapes: Vec<Value> =
        serde_saphyr::from_str(&fs::read_to_string("tests/it/shapes/right.yaml").unwrap()).unwrap();
    let objects: Vec<String> = shapes
        .into_iter()
        .enumerate()
        .map(|(nth, shape)| {
            let mut object = shape["object"].clone();
            object["apiVersion"] = json!("filing-operator.io/v1alpha1");
            object["metadata"]["name"] = json!(format!("shape-{nth}"));
            object.to_string()
        })
        .collect();
    let shapes = objects.join("\n---\n");
    let exported = typed("export - -n default", shapes.as_bytes(), root).succeeds();
    let yaml = typed("import -", exported.as_bytes(), root).succeeds();
    assert_eq!(typed("export -", yaml.as_bytes(), root).succeeds(), exported);
    cluster.kubectl(dry_run, &yaml).succeeds();
}

const BROKEN: &str = "域名,备案号,主办单位,单位性质,接入伤,接入商
a.com,京ICP备12345678号-1,示例科技有限公司,企业,x,阿里云

b.com,京ICP备12345678号-2,示例科技有限公司,公司啊,,阿里云
a.com,京ICP备12345678号-1,示例科技有限公司,企业,x,阿里云
";

#[test]
fn a_row_that_can_not_be_read_is_reported_and_the_others_are_imported() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sheet.csv"), BROKEN).unwrap();
    for (lang, name) in [("en", "report"), ("zh", "report_zh")] {
        let answer = typed(&format!("import sheet.csv --lang {lang}"), b"", folder.path());
        assert_eq!(answer.code, 2);
        assert!(answer.stdout.contains("name: a-com"), "{}", answer.stdout);
        insta::assert_snapshot!(name, answer.stderr);
    }
}

#[test]
fn what_is_no_table_is_told_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("empty.csv"), "").unwrap();
    fs::write(folder.join("old.xls"), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1").unwrap();
    fs::write(folder.join("other.csv"), "甲,乙\n1,2\n").unwrap();
    for (args, says) in [
        ("import empty.csv", "error: can't read empty.csv: it is empty"),
        (
            "import old.xls",
            "error: can't read old.xls: it is a workbook of the old kind (.xls), or has a password",
        ),
        ("import other.csv", "it has 甲, 乙"),
        ("import nowhere.csv", "error: can't read nowhere.csv: No such file"),
        (
            "import other.csv --lang zh",
            "error: 无法读取 other.csv：前几行中没有域名列或服务器列",
        ),
        ("import other.csv --sheet 一", "only a workbook (.xlsx) has sheets"),
        ("import other.csv --provider 某机房", "某机房 is no provider"),
        ("import other.csv --column 域名", "write it as FIELD=COLUMN"),
    ] {
        let answer = typed(args, b"", folder);
        assert_eq!(answer.code, 2, "{args}");
        assert!(answer.stderr.contains(says), "{args}: {}", answer.stderr);
    }
}
