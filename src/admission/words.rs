//! What a person at kubectl reads: denials and warnings within the limits of those who carry them.

use std::fmt::{self, Write as _};

use crate::api::{RouteCounts, keys};
use crate::judge::HostVerdict;
use crate::registry::FilingKey;
use crate::route::Claimed;
use crate::rules::{self, Finding, Lang, Severity};

/// How many hosts or findings an answer tells of.
pub(super) const HOSTS: usize = 10;
/// How long a denial may be, in bytes: it lands in terminals, Events and logs.
const DENIAL: usize = 4096;
/// How long a warning may be, in characters: the API server cuts longer ones when there are many.
const WARNING: usize = 256;

/// How much of a policy's name a warning has, in characters.
pub(super) const NAME: usize = 50;

/// The first line of the answer to one who takes a route out of quarantine.
pub(super) const ESCAPE: &str = "this route is in quarantine for what it serves, and is let go by itself once it complies: \
    mend the filing, or leave the class and the annotations filing-operator.io/quarantined-… out of what you apply";

/// What one is told who asks to see who answers.
pub(crate) const PROBED: &str = concat!("filing-operator ", env!("CARGO_PKG_VERSION"), " answers");

/// The warnings to one whose denial the break-glass label of a namespace has lifted.
pub(super) fn lifted(namespace: &str, denial: &str) -> Vec<String> {
    let told: Vec<String> = denial.lines().map(str::to_owned).collect();
    let mut warnings = warnings(&told, told.len());
    let why = format!(
        "namespace {namespace} has the label {}=true, so this is let through; without it, it would be denied",
        keys::BREAK_GLASS
    );
    warnings.insert(0, one_line(&why, WARNING));
    warnings
}

/// A text in one line of at most so many characters.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::with_capacity(text.len());
    for (at, character) in text.chars().enumerate() {
        if at + 1 >= limit && text.chars().nth(limit).is_some() {
            line.push('…');
            break;
        }
        line.push(if character.is_control() { ' ' } else { character });
    }
    line
}

/// The findings of a host that are so bad.
pub(super) fn findings(host: &HostVerdict, severity: Severity) -> impl Iterator<Item = (&HostVerdict, &Finding)> {
    let bad = host.findings.iter().filter(move |finding| finding.severity == severity);
    bad.map(move |finding| (host, finding))
}

/// The findings of a host that are so bad, a line each.
pub(super) fn lines(host: &HostVerdict, severity: Severity) -> Vec<String> {
    findings(host, severity)
        .map(|(host, finding)| line(&named(&host.host), finding))
        .collect()
}

/// A host as a person reads it: in Unicode. Where it has letters that may look like others (а is not a), also as it is looked
/// up, so that nobody takes it for the name that it resembles. Chinese characters resemble no others.
pub(super) fn named(claimed: &Claimed) -> String {
    let shown = claimed.to_string();
    match claimed {
        Claimed::Host(host) if shown.chars().any(may_deceive) => format!("{shown} ({})", host.as_ascii()),
        _ => shown,
    }
}

fn may_deceive(letter: char) -> bool {
    let is_han = matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}');
    !letter.is_ascii() && !is_han
}

/// A finding on a host or an object.
pub(super) fn line(subject: &impl fmt::Display, finding: &Finding) -> String {
    format!("{subject}: {}", finding.sentence(Lang::En))
}

/// The message of a denial for so many hosts: the lines of each of the first [`HOSTS`], below one another.
pub(super) fn denial(hosts: &[Vec<String>], count: usize) -> String {
    const MORE: usize = "\nand 1000000 more hosts".len();
    let mut text = String::new();
    let mut told = 0_usize;
    for lines in hosts.iter().take(HOSTS) {
        let lines = lines
            .iter()
            .map(|line| one_line(line, WARNING * 3))
            .collect::<Vec<_>>()
            .join("\n");
        if !text.is_empty() && text.len() + 1 + lines.len() + MORE > DENIAL {
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&lines);
        told += 1;
    }
    text.truncate(text.floor_char_boundary(DENIAL - MORE));
    if let more @ 1.. = count.saturating_sub(told) {
        // Writing into a String cannot fail.
        let _ = write!(text, "\nand {more} more {}", if more == 1 { "host" } else { "hosts" });
    }
    text
}

/// The first [`HOSTS`] of so many warnings, each short enough to be carried whole.
pub(super) fn warnings(first: &[String], count: usize) -> Vec<String> {
    let mut told: Vec<String> = first.iter().take(HOSTS).map(|text| one_line(text, WARNING)).collect();
    if let more @ 1.. = count.saturating_sub(told.len()) {
        told.push(format!("and {more} more"));
    }
    told
}

/// The warning that there are policies that govern nothing, for they can't be read; none: there are none.
pub(super) fn unreadable_policies<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    const SHOWN: usize = 3;
    let mut names = names.map(|name| one_line(name, NAME));
    let first: Vec<String> = names.by_ref().take(SHOWN).collect();
    let more = names.count();
    match first.as_slice() {
        [] => None,
        [one] => Some(format!("policy {one} can't be read, so it governs nothing; mend it")),
        several => {
            let several = several.join(", ");
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            Some(format!(
                "policies {several}{more} can't be read, so they govern nothing; mend them"
            ))
        }
    }
}

/// The warning that routes are served under a filing that is deleted; none: none are.
pub(super) fn routes_of_filing(routes: u32) -> Option<String> {
    let routes = match routes {
        0 => return None,
        1 => "1 route is".to_owned(),
        more => format!("{more} routes are"),
    };
    Some(format!(
        "{routes} served under this filing, and without one once it is gone, unless another covers the same hosts"
    ))
}

/// The warning that filings name a server that is deleted; none: none do.
pub(super) fn filings_on_server(filings: &[&FilingKey]) -> Option<String> {
    const NAME: usize = 60;
    let first = filings.iter().take(2).map(|key| one_line(&key.to_string(), NAME));
    let named = rules::list(first);
    match filings {
        [] => None,
        [_] => Some(format!(
            "Filing {named} names this server in its access; take the name out of it"
        )),
        [_, _] => Some(format!(
            "Filings {named} name this server in their access; take the name out of them"
        )),
        [_, _, more @ ..] => Some(format!(
            "Filings {named} and {} more name this server in their access; take the name out of them",
            more.len()
        )),
    }
}

/// The warning that a policy governs routes that is deleted; none: it governs none.
pub(super) fn routes_of_policy(routes: RouteCounts) -> Option<String> {
    let RouteCounts {
        compliant,
        warned,
        violating,
        exempt,
    } = routes;
    let all = [compliant, warned, violating, exempt]
        .into_iter()
        .fold(0_u32, u32::saturating_add);
    let routes = match all {
        0 => return None,
        1 => "1 route is".to_owned(),
        more => format!("{more} routes are"),
    };
    Some(format!(
        "{routes} governed by this policy ({violating} violating); once it is gone the next that matches governs, or none does"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_that_can_not_be_read_are_named_within_bounds() {
        let told = |names: &[&str]| unreadable_policies(names.iter().copied());
        assert_eq!(told(&[]), None);
        insta::assert_snapshot!(
            [told(&["a"]), told(&["a", "b"]), told(&["a", "b", "c", "d", "e"])].map(Option::unwrap).join("\n"),
            @r"
        policy a can't be read, so it governs nothing; mend it
        policies a, b can't be read, so they govern nothing; mend them
        policies a, b, c and 2 more can't be read, so they govern nothing; mend them
        "
        );
        let long = "x".repeat(253);
        assert!(told(&[long.as_str(); 1000]).unwrap().chars().count() <= WARNING);
    }

    #[test]
    fn what_hangs_on_a_server_is_named_within_bounds() {
        let told = |count: usize, name: &str| {
            let key = |at: usize| FilingKey::new("fs", format!("{name}{at}"));
            let keys: Vec<FilingKey> = (0..count).map(key).collect();
            filings_on_server(&keys.iter().collect::<Vec<_>>())
        };
        assert_eq!(told(0, "f"), None);
        insta::assert_snapshot!(
            [told(1, "f"), told(2, "f"), told(5, "f")].map(Option::unwrap).join("\n"),
            @r"
        Filing fs/f0 names this server in its access; take the name out of it
        Filings fs/f0, fs/f1 name this server in their access; take the name out of them
        Filings fs/f0, fs/f1 and 3 more name this server in their access; take the name out of them
        "
        );
        assert!(told(100_000, &"x".repeat(240)).unwrap().chars().count() <= WARNING);
        let most = RouteCounts {
            compliant: u32::MAX,
            warned: u32::MAX,
            violating: u32::MAX,
            exempt: u32::MAX,
        };
        assert!(routes_of_policy(most).unwrap().chars().count() <= WARNING);
    }

    #[test]
    fn a_line_is_cut_between_characters_and_has_no_line_breaks() {
        assert_eq!(one_line("示例.中国", 5), "示例.中国");
        assert_eq!(one_line("示例.中国\n", 5), "示例.中…");
        assert_eq!(one_line("a\nb\u{7}c", 10), "a b c");
        assert_eq!(one_line("", 10), "");
    }

    #[test]
    fn a_denial_tells_of_ten_hosts_and_counts_the_others() {
        let host = |at: usize| vec![format!("h{at}: bad")];
        let denial = |count: usize| super::denial(&(0..count.min(HOSTS)).map(host).collect::<Vec<_>>(), count);
        assert_eq!(denial(2), "h0: bad\nh1: bad");
        let ten = denial(10);
        assert!(ten.ends_with("\nh9: bad"), "{ten}");
        assert!(denial(11).ends_with("\nh9: bad\nand 1 more host"));
        assert!(denial(32).ends_with("\nh9: bad\nand 22 more hosts"));
    }

    #[test]
    fn a_denial_stays_within_its_bytes_at_a_character() {
        let long = vec!["备案".repeat(3000)];
        let text = denial(&vec![long; 10], 12);
        assert!(text.len() <= DENIAL, "{}", text.len());
        assert!(text.contains("…\nand "), "{text}");
        let many = vec!["备案".repeat(3000); 9];
        assert!(denial(&[many], 1).len() <= DENIAL);
    }

    #[test]
    fn warnings_are_short_and_few() {
        let told = warnings(&vec!["备".repeat(300); 10], 12);
        assert_eq!(told.len(), 11);
        assert!(told.iter().all(|warning| warning.chars().count() <= WARNING));
        assert_eq!(told.last().map(String::as_str), Some("and 2 more"));
        // The API server cuts them when all are longer than this.
        assert!(told.iter().map(|warning| warning.chars().count()).sum::<usize>() <= 4096);
    }
}
