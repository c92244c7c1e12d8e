//! Notices and the digest in words, English and Chinese. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::digest::{Digest, Due, Listed, Seen, Why};
use super::document::{Document, Item, Section, Words};
use super::gathered::{Gathered, Group, GroupKey};
use crate::api::keys::{conditions, reasons};
use crate::domain::Day;
use crate::effects::Notice;
use crate::rules::{self, Lang};

/// What the title begins with, in every language: robots that ask for a keyword can be given this one.
const NAME: &str = "filing-operator";

fn counts(lang: Lang) -> Words {
    match lang {
        Lang::En => Words {
            more: "and {} more",
            beyond: "and {} more of other kinds",
        },
        Lang::Zh => Words {
            more: "另有 {} 条",
            beyond: "其他类别另有 {} 条",
        },
    }
}

/// Notices that are told together.
pub(super) fn notices(gathered: &Gathered, lang: Lang, cluster: Option<&str>) -> Document {
    let (count, warnings) = (gathered.count(), gathered.warnings());
    let said = match (lang, warnings) {
        (Lang::En, 0) => counted(count, "notice", "notices"),
        (Lang::En, _) if warnings == count => counted(count, "warning", "warnings"),
        (Lang::En, _) => format!("{}, {warnings} of them warnings", counted(count, "notice", "notices")),
        (Lang::Zh, 0) => format!("{count} 条通知"),
        (Lang::Zh, _) if warnings == count => format!("{count} 条警告"),
        (Lang::Zh, _) => format!("{count} 条通知，其中警告 {warnings} 条"),
    };
    let (first, last) = gathered.span().unwrap_or_default();
    let mut facts = facts(cluster);
    facts.insert("count".to_owned(), json!(count));
    facts.insert("warnings".to_owned(), json!(warnings));
    facts.insert("from".to_owned(), json!(first));
    facts.insert("to".to_owned(), json!(last));
    Document {
        kind: "notices",
        title: titled(&said, lang, cluster),
        sections: gathered
            .groups()
            .map(|(key, group)| section(key, group, lang))
            .collect(),
        beyond: gathered.beyond(),
        foot: span(first, last, lang),
        time: last,
        facts,
        words: counts(lang),
    }
}

fn section(key: &GroupKey, group: &Group, lang: Lang) -> Section {
    let what = reason(&key.reason, lang);
    let about = match lang {
        Lang::En => format!("{} {}", group.count, key.kind),
        Lang::Zh => format!("{} {} 个", key.kind, group.count),
    };
    let related = key.related.as_ref().map(|related| match lang {
        Lang::En => format!(" ({related})"),
        Lang::Zh => format!("（{related}）"),
    });
    let mark = match (lang, key.is_normal) {
        (Lang::En, false) => "Warning: ",
        (Lang::En, true) => "",
        (Lang::Zh, false) => "【警告】",
        (Lang::Zh, true) => "【通知】",
    };
    let comma = match lang {
        Lang::En => ": ",
        Lang::Zh => "：",
    };
    let mut facts = Map::new();
    facts.insert("reason".to_owned(), json!(key.reason));
    facts.insert(
        "type".to_owned(),
        json!(if key.is_normal { "Normal" } else { "Warning" }),
    );
    facts.insert("kind".to_owned(), json!(key.kind));
    facts.insert("related".to_owned(), json!(key.related));
    facts.insert("count".to_owned(), json!(group.count));
    let kept = u32::try_from(group.kept.len()).unwrap_or(u32::MAX);
    Section {
        heading: format!("{mark}{what}{comma}{about}{}", related.unwrap_or_default()),
        facts,
        items: group.kept.iter().map(|notice| item(notice, lang)).collect(),
        more: group.count.saturating_sub(kept),
    }
}

fn item(notice: &Notice, lang: Lang) -> Item {
    let object = &notice.regarding;
    let name = match &object.namespace {
        Some(namespace) => format!("{namespace}/{}", object.name),
        None => object.name.clone(),
    };
    let note = match (lang, &notice.note_zh) {
        (Lang::Zh, Some(note)) => note,
        _ => &notice.note,
    };
    let line = match lang {
        Lang::En => format!("{name}: {note}"),
        Lang::Zh => format!("{name}：{note}"),
    };
    let fact = json!({
        "apiVersion": object.api_version, "kind": object.kind, "namespace": object.namespace, "name": object.name,
        "note": note,
    });
    Item::new(&line, fact)
}

/// The digest of a day.
pub(super) fn digest(digest: &Digest, lang: Lang, cluster: Option<&str>) -> Document {
    let day = digest.day;
    let (red, yellow, due) = (digest.red.count, digest.yellow.count, digest.due.count);
    let said = match (lang, red + yellow + due) {
        (Lang::En, 0) => "daily digest: nothing is Red, Yellow or due".to_owned(),
        (Lang::Zh, 0) => "日报：没有红色、黄色或即将到期的事项".to_owned(),
        (Lang::En, _) => format!("daily digest: {red} Red, {yellow} Yellow, {due} due"),
        (Lang::Zh, _) => format!("日报：红色 {red}，黄色 {yellow}，即将到期 {due}"),
    };
    let headings = match lang {
        Lang::En => ["Red", "Yellow", "Due in the next 30 days"],
        Lang::Zh => ["红色", "黄色", "30 天内到期"],
    };
    let [red, yellow, due] = headings;
    let listed = [
        listed("Red", red, &digest.red, |seen| seen_item(seen, lang), lang),
        listed("Yellow", yellow, &digest.yellow, |seen| seen_item(seen, lang), lang),
        listed("Due", due, &digest.due, |due| due_item(due, lang), lang),
    ];
    let mut facts = facts(cluster);
    facts.insert("day".to_owned(), json!(day));
    facts.insert("filings".to_owned(), json!(digest.filings));
    facts.insert("servers".to_owned(), json!(digest.servers));
    Document {
        kind: "digest",
        title: titled(&said, lang, cluster),
        sections: listed.into_iter().flatten().collect(),
        beyond: 0,
        foot: match lang {
            Lang::En => format!(
                "{day}, of {} and {}",
                counted(digest.filings, "filing", "filings"),
                counted(digest.servers, "server", "servers")
            ),
            Lang::Zh => format!("{day}，共 {} 个备案、{} 台服务器", digest.filings, digest.servers),
        },
        time: day.reminder_time(),
        facts,
        words: counts(lang),
    }
}

fn listed<T>(
    name: &'static str,
    heading: &str,
    listed: &Listed<T>,
    item: impl Fn(&T) -> Item,
    lang: Lang,
) -> Option<Section> {
    let mut facts = Map::new();
    facts.insert("list".to_owned(), json!(name));
    facts.insert("count".to_owned(), json!(listed.count));
    let kept = u32::try_from(listed.kept.len()).unwrap_or(u32::MAX);
    (listed.count > 0).then(|| Section {
        heading: match lang {
            Lang::En => format!("{heading}: {}", listed.count),
            Lang::Zh => format!("{heading}：{}", listed.count),
        },
        facts,
        items: listed.kept.iter().map(item).collect(),
        more: listed.count.saturating_sub(kept),
    })
}

fn seen_item(seen: &Seen, lang: Lang) -> Item {
    let why = match &seen.why {
        Why::Reason(of) => reason(of, lang),
        Why::Ends(day) => match lang {
            Lang::En => format!("ends on {day}"),
            Lang::Zh => format!("于 {day} 到期"),
        },
    };
    let line = match lang {
        Lang::En => format!("{} {}: {why}", seen.kind, seen.name),
        Lang::Zh => format!("{} {}：{why}", seen.kind, seen.name),
    };
    let (of, ends) = match &seen.why {
        Why::Reason(of) => (json!(of), Value::Null),
        Why::Ends(day) => (Value::Null, json!(day)),
    };
    Item::new(
        &line,
        json!({"kind": seen.kind, "name": seen.name, "reason": of, "ends": ends}),
    )
}

fn due_item(due: &Due, lang: Lang) -> Item {
    let Due { date, kind, name, end } = due;
    let what = end.of(name, lang);
    let line = match lang {
        Lang::En => format!("{date}: {what}"),
        Lang::Zh => format!("{date}：{what}"),
    };
    Item::new(
        &line,
        json!({"date": date, "kind": kind, "name": name, "what": what, "rule": end.rule()}),
    )
}

fn facts(cluster: Option<&str>) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("cluster".to_owned(), json!(cluster));
    facts
}

fn titled(said: &str, lang: Lang, cluster: Option<&str>) -> String {
    match (lang, cluster) {
        (Lang::En, None) => format!("{NAME}: {said}"),
        (Lang::En, Some(cluster)) => format!("{NAME}, {cluster}: {said}"),
        (Lang::Zh, None) => format!("{NAME}：{said}"),
        (Lang::Zh, Some(cluster)) => format!("{NAME}（{cluster}）：{said}"),
    }
}

/// The reason of an Event for people: what the catalogue says of a rule, and the reason itself to search for.
fn reason(of: &str, lang: Lang) -> String {
    let said = match (days_of_reminder(of), lang) {
        (Some(days), Lang::En) => Some(format!("reminder, {days} days")),
        (Some(days), Lang::Zh) => Some(format!("到期提醒，{days} 天")),
        (None, _) => {
            let rule = rules::find(of).map(|rule| rule.title(lang));
            rule.or_else(|| plain(of, lang)).map(str::to_owned)
        }
    };
    match (said, lang) {
        (None, _) => of.to_owned(),
        (Some(said), Lang::En) => format!("{said} ({of})"),
        (Some(said), Lang::Zh) => format!("{said}（{of}）"),
    }
}

/// The days of a reminder's reason, as in `ServerExpiringIn30Days`.
fn days_of_reminder(reason: &str) -> Option<u32> {
    let (_, days) = reason.strip_suffix("Days")?.rsplit_once("In")?;
    days.parse().ok()
}

fn plain(reason: &str, lang: Lang) -> Option<&'static str> {
    let (en, zh) = match reason {
        "Compliant" => ("every host may be served", "所有主机名均合规"),
        "Exempt" => ("nothing is asked of it", "已豁免"),
        reasons::APPROVED => ("it is approved", "备案已通过"),
        reasons::ACTIVE => ("it is in use", "正常使用"),
        reasons::PENDING => ("it is not approved yet", "尚未通过审核"),
        reasons::REJECTED => ("it has been sent back", "已被驳回"),
        reasons::CANCELLED => ("it has been cancelled", "已注销"),
        reasons::SELF_CHECK_DUE => ("the quarterly self-check is due", "季度自查"),
        conditions::BRAKE_HELD => ("too many routes to block at once", "一次要封停的路由过多"),
        "PutBack" => ("someone else takes it out of quarantine", "被他人移出隔离"),
        reasons::BREAK_GLASS => (
            "it runs though it may not be served: the break-glass label",
            "应急标签生效，违规路由恢复服务",
        ),
        "Restored" => ("it has left quarantine", "已解除隔离"),
        _ => return None,
    };
    Some(match lang {
        Lang::En => en,
        Lang::Zh => zh,
    })
}

fn span(first: Timestamp, last: Timestamp, lang: Lang) -> String {
    let ((day, begins), (last_day, ends)) = (minute(first), minute(last));
    let to = match (day == last_day, begins == ends, lang) {
        (true, true, _) => String::new(),
        (true, false, Lang::En) => format!(" to {ends}"),
        (true, false, Lang::Zh) => format!(" 至 {ends}"),
        (false, _, Lang::En) => format!(" to {last_day} {ends}"),
        (false, _, Lang::Zh) => format!(" 至 {last_day} {ends}"),
    };
    match lang {
        Lang::En => format!("{day} {begins}{to} in China"),
        Lang::Zh => format!("北京时间 {day} {begins}{to}"),
    }
}

/// The day and the minute that it is in China at a moment.
fn minute(moment: Timestamp) -> (Day, String) {
    let day = Day::of(moment);
    let minutes = moment.duration_since(day.start()).as_mins();
    (day, format!("{:02}:{:02}", minutes / 60, minutes % 60))
}

fn counted(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::notify::fixture::notice;
    use crate::support::{at, now};

    #[rstest]
    #[case::a_rule(
        "FilingCancelled",
        "The filing has been cancelled (FilingCancelled)",
        "备案已注销（FilingCancelled）"
    )]
    #[case::a_reminder(
        "ServerExpiringIn30Days",
        "reminder, 30 days (ServerExpiringIn30Days)",
        "到期提醒，30 天（ServerExpiringIn30Days）"
    )]
    #[case::a_stage("Approved", "it is approved (Approved)", "备案已通过（Approved）")]
    #[case::something_else("InOtherDays", "InOtherDays", "InOtherDays")]
    fn a_reason_is_told_in_words_and_as_it_is(#[case] of: &str, #[case] en: &str, #[case] zh: &str) {
        assert_eq!((reason(of, Lang::En).as_str(), reason(of, Lang::Zh).as_str()), (en, zh));
    }

    #[rstest]
    #[case::a_minute(
        "2026-11-23T09:05:59+08:00",
        "2026-11-23 09:05 in China",
        "北京时间 2026-11-23 09:05"
    )]
    #[case::a_while(
        "2026-11-23T10:00:00+08:00",
        "2026-11-23 09:05 to 10:00 in China",
        "北京时间 2026-11-23 09:05 至 10:00"
    )]
    #[case::a_night(
        "2026-11-24T08:00:00+08:00",
        "2026-11-23 09:05 to 2026-11-24 08:00 in China",
        "北京时间 2026-11-23 09:05 至 2026-11-24 08:00"
    )]
    fn a_span_is_told_in_chinas_time(#[case] last: &str, #[case] en: &str, #[case] zh: &str) {
        let first = at("2026-11-23T09:05:00+08:00");
        assert_eq!(
            (
                span(first, at(last), Lang::En).as_str(),
                span(first, at(last), Lang::Zh).as_str()
            ),
            (en, zh)
        );
    }

    #[rstest]
    #[case::one_warning(&[true], "filing-operator: 1 warning", "filing-operator：1 条警告")]
    #[case::no_warning(&[false, false], "filing-operator: 2 notices", "filing-operator：2 条通知")]
    #[case::both(&[true, false], "filing-operator: 2 notices, 1 of them warnings", "filing-operator：2 条通知，其中警告 1 条")]
    fn a_title_counts(#[case] warnings: &[bool], #[case] en: &str, #[case] zh: &str) {
        let mut gathered = Gathered::default();
        for is_warning in warnings {
            gathered.add(notice("shop/web", "FilingCancelled", *is_warning), now());
        }
        assert_eq!(notices(&gathered, Lang::En, None).title, en);
        assert_eq!(notices(&gathered, Lang::Zh, None).title, zh);
    }
}
