//! The words of the table itself; those of findings are their rules'.

use std::fmt::Write as _;
use std::time::Duration;

use super::model::{Report, Tally};
use crate::api::Colour;
use crate::judge::{Declaration, Exemption, Outcome};
use crate::rules::{Basis, Lang, Severity};

/// What stands before a remedy.
pub(super) fn hint(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "hint: ",
        Lang::Zh => "建议：",
    }
}

/// What something is about, the fact and the remedy.
pub(super) fn line(subject: &str, fact: &str, remedy: &str, lang: Lang) -> String {
    let (colon, semicolon) = match lang {
        Lang::En => (": ", "; "),
        Lang::Zh => ("：", "；"),
    };
    let mut line = format!("{subject}{colon}{fact}");
    if !remedy.is_empty() {
        line.push_str(semicolon);
        line.push_str(remedy);
    }
    line
}

pub(super) fn full_stop(lang: Lang) -> &'static str {
    match lang {
        Lang::En => ".",
        Lang::Zh => "。",
    }
}

/// What the input as a whole is called, of which some can't be read.
pub(super) fn input(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "input",
        Lang::Zh => "输入",
    }
}

/// How a rule is explained: what it says, and what to do.
pub(super) fn explained(lang: Lang) -> [&'static str; 2] {
    match lang {
        Lang::En => ["It says: ", "What to do: "],
        Lang::Zh => ["提示：", "处理办法："],
    }
}

pub(super) fn standard_input(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "standard input",
        Lang::Zh => "标准输入",
    }
}

/// What the paths of a report are relative to.
pub(super) fn folder(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "the folder in which the command ran",
        Lang::Zh => "运行命令的目录",
    }
}

pub(super) fn ungoverned(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "not judged: no policy governs it",
        Lang::Zh => "未判断：没有策略管辖它",
    }
}

pub(super) fn no_hosts(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "it answers for no host",
        Lang::Zh => "不响应任何主机",
    }
}

pub(super) fn compliant(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "compliant",
        Lang::Zh => "合规",
    }
}

pub(super) fn exemption(exemption: &Exemption, lang: Lang) -> String {
    match (exemption, lang) {
        (Exemption::PrivateName, Lang::En) => "exempt: not a public name".to_owned(),
        (Exemption::PrivateName, Lang::Zh) => "豁免：不是公网名称".to_owned(),
        (Exemption::OutsideMainland, Lang::En) => "exempt: served from outside the mainland".to_owned(),
        (Exemption::OutsideMainland, Lang::Zh) => "豁免：从境外提供服务".to_owned(),
        (Exemption::Policy { reason, owner, until }, Lang::En) => {
            format!("exempt until {until}: {reason} ({owner})")
        }
        (Exemption::Policy { reason, owner, until }, Lang::Zh) => format!("豁免至 {until}：{reason}（{owner}）"),
    }
}

/// Told behind an exemption: what it keeps from counting.
pub(super) fn exempted(rules: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!("; otherwise {rules}"),
        Lang::Zh => format!("；否则为 {rules}"),
    }
}

/// Where an object stands that is in no file.
pub(super) fn cluster(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "cluster",
        Lang::Zh => "集群",
    }
}

/// The same, with how it stands without the files.
pub(super) fn before(outcome: Option<Outcome>, lang: Lang) -> String {
    let stood = match (outcome, lang) {
        (Some(Outcome::Exempt), Lang::En) => "exempt",
        (Some(Outcome::Exempt), Lang::Zh) => "豁免",
        (Some(Outcome::Compliant), _) => compliant(lang),
        (Some(Outcome::Warned), Lang::En) => "warned",
        (Some(Outcome::Warned), Lang::Zh) => "警告",
        (Some(Outcome::Violating), Lang::En) => "violating",
        (Some(Outcome::Violating), Lang::Zh) => "违规",
        (None, Lang::En) => "not judged",
        (None, Lang::Zh) => "未判断",
    };
    match lang {
        Lang::En => format!("{} ({stood} before)", cluster(lang)),
        Lang::Zh => format!("{}（此前{stood}）", cluster(lang)),
    }
}

pub(super) fn declarations(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "Filings and servers",
        Lang::Zh => "备案与服务器",
    }
}

pub(super) fn colour(colour: Colour, lang: Lang) -> &'static str {
    match (colour, lang) {
        (Colour::Red, Lang::En) => "Red",
        (Colour::Red, Lang::Zh) => "红",
        (Colour::Yellow, Lang::En) => "Yellow",
        (Colour::Yellow, Lang::Zh) => "黄",
        (Colour::Blue, Lang::En) => "Blue",
        (Colour::Blue, Lang::Zh) => "蓝",
    }
}

pub(super) fn left_out(count: usize, lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "{} without findings not shown; -o json lists them",
            counted(count, "route", "routes")
        ),
        Lang::Zh => format!("另有 {count} 条路由没有问题，未列出（-o json 会列出全部）"),
    }
}

/// The closing lines, the first of which has the counts that matter most.
pub(super) fn summary(report: &Report, elapsed: Option<Duration>, lang: Lang) -> Vec<String> {
    let mut lines = vec![routes(report.routes.len(), report.tally(), lang)];
    let colours = report.filings.iter().map(|declared| declared.answer.colour);
    let colours: Vec<Colour> = colours
        .chain(report.servers.iter().map(|declared| declared.answer.colour))
        .collect();
    if !colours.is_empty() {
        let counts = [Colour::Blue, Colour::Yellow, Colour::Red].map(|one| {
            let count = colours.iter().filter(|colour| **colour == one).count();
            (count, colour_in_row(one, lang))
        });
        lines.push(declared(report, lang) + &row(&counts, lang));
    }
    if report.skipped > 0 {
        lines.push(match lang {
            Lang::En => format!(
                "{} of other kinds skipped",
                counted(report.skipped, "document", "documents")
            ),
            Lang::Zh => format!("跳过其他类型的文档 {} 个", report.skipped),
        });
    }
    if !report.errors.is_empty() {
        lines.push(match lang {
            Lang::En => format!(
                "{} in the input: this is not the whole answer",
                counted(report.errors.len(), "error", "errors")
            ),
            Lang::Zh => format!("输入中有 {} 处错误，以上结论不完整", report.errors.len()),
        });
    }
    if let (Some(elapsed), Some(first)) = (elapsed, lines.first_mut()) {
        let millis = elapsed.as_millis();
        // Writing into a String cannot fail.
        let _ = match lang {
            Lang::En => write!(first, "   in {millis} ms"),
            Lang::Zh => write!(first, "   用时 {millis} 毫秒"),
        };
    }
    lines
}

fn declared(report: &Report, lang: Lang) -> String {
    let (filings, servers) = (report.filings.len(), report.servers.len());
    let told = match lang {
        Lang::En => [
            counted(filings, "filing", "filings"),
            counted(servers, "server", "servers"),
        ],
        Lang::Zh => [format!("{filings} 个备案"), format!("{servers} 台服务器")],
    };
    let told: Vec<&str> = [filings, servers]
        .iter()
        .zip(&told)
        .filter_map(|(count, told)| (*count > 0).then_some(told.as_str()))
        .collect();
    match lang {
        Lang::En => told.join(", ") + ": ",
        Lang::Zh => told.join("，") + "：",
    }
}

fn routes(routes: usize, tally: Tally, lang: Lang) -> String {
    let words = match lang {
        Lang::En => ["compliant", "warned", "violating", "exempt"],
        Lang::Zh => ["合规", "警告", "违规", "豁免"],
    };
    let counts = [tally.compliant, tally.warned, tally.violating, tally.exempt];
    let counts: Vec<(usize, &str)> = counts.into_iter().zip(words).collect();
    let (head, colon) = match lang {
        Lang::En => {
            let hosts = counted(tally.hosts, "host", "hosts");
            (format!("{}, {hosts}", counted(routes, "route", "routes")), ": ")
        }
        Lang::Zh => (format!("{routes} 条路由，{} 个主机", tally.hosts), "："),
    };
    match row(&counts, lang) {
        row if row.is_empty() => head,
        row => head + colon + &row,
    }
}

fn row(counts: &[(usize, &str)], lang: Lang) -> String {
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| match lang {
            Lang::En => format!("{count} {word}"),
            Lang::Zh => format!("{word} {count}"),
        })
        .collect();
    told.join(match lang {
        Lang::En => ", ",
        Lang::Zh => "，",
    })
}

fn colour_in_row(one: Colour, lang: Lang) -> &'static str {
    match (one, lang) {
        (Colour::Red, Lang::En) => "red",
        (Colour::Yellow, Lang::En) => "yellow",
        (Colour::Blue, Lang::En) => "blue",
        (_, Lang::Zh) => colour(one, lang),
    }
}

/// So many of something, by its name for one and for many.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The severity that a rule has by itself.
pub(super) fn severity(severity: Option<Severity>, lang: Lang) -> &'static str {
    match (severity, lang) {
        (Some(Severity::Violation), Lang::En) => "Violation",
        (Some(Severity::Violation), Lang::Zh) => "违规",
        (Some(Severity::Warning), Lang::En) => "Warning",
        (Some(Severity::Warning), Lang::Zh) => "警告",
        (None, Lang::En) => "off",
        (None, Lang::Zh) => "关闭",
    }
}

/// Why a light is Red or Yellow where no rule found anything.
pub(super) fn light(answer: &Declaration, lang: Lang) -> Option<String> {
    if !answer.findings.is_empty() || answer.colour == Colour::Blue {
        return None;
    }
    Some(match (answer.ends_soon, answer.colour, lang) {
        (Some(day), _, Lang::En) => format!("what it rests on ends on {day}"),
        (Some(day), _, Lang::Zh) => format!("其所依据的内容将于 {day} 到期"),
        (None, Colour::Red, Lang::En) => "it is rejected or cancelled".to_owned(),
        (None, Colour::Red, Lang::Zh) => "已被驳回或已注销".to_owned(),
        (None, _, Lang::En) => "it is not approved yet".to_owned(),
        (None, _, Lang::Zh) => "尚未通过审核".to_owned(),
    })
}

pub(super) fn basis(basis: Basis, lang: Lang) -> &'static str {
    match (basis, lang) {
        (Basis::Regulation, Lang::Zh) => "法规",
        (Basis::Practice, Lang::Zh) => "惯例",
        (Basis::Advice, Lang::Zh) => "建议",
        (basis, Lang::En) => basis.as_str(),
    }
}
