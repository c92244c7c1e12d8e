//! A rule as a code scanner explains it.

use super::form::{Configuration, Descriptor, Help, Level, Message, Properties};
use super::{HOME, words};
use crate::rules::{Lang, Rule, Severity};

pub(super) fn descriptor(rule: &Rule, lang: Lang) -> Descriptor {
    let title = rule.title.get(lang).to_owned() + words::full_stop(lang);
    let page = page(rule, lang);
    Descriptor {
        id: rule.id,
        short_description: Message::of(&title),
        full_description: Message::of(&format!("{title} {}{}", words::explained(lang)[2], rule.source)),
        help: Help {
            text: page.text,
            markdown: page.markdown,
        },
        help_uri: page.uri,
        default_configuration: Configuration {
            enabled: rule.severity.is_some(),
            level: Level::of(rule.severity.unwrap_or(Severity::Warning)),
        },
        properties: Properties {
            tags: ["icp-filing".to_owned(), rule.basis.as_str().to_lowercase()],
        },
    }
}

/// What is to be read about a rule, and where.
struct Page {
    text: String,
    markdown: String,
    uri: String,
}

fn page(rule: &Rule, lang: Lang) -> Page {
    let said = [rule.message.get(lang), rule.remedy.get(lang), rule.source];
    let said = || {
        words::explained(lang)
            .into_iter()
            .zip(said)
            .filter(|(_, words)| !words.is_empty())
    };
    let lines = |before: &str| -> String {
        let lines = said().map(|(label, words)| format!("{before}{label}{words}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let file = match lang {
        Lang::En => "docs/rules.md",
        Lang::Zh => "docs/zh/rules.md",
    };
    // Braces stay as they are: nobody puts arguments into help, and GitHub shows them as they stand.
    Page {
        text: lines(""),
        // Placeholders are no HTML.
        markdown: lines("- ").replace('<', "&lt;"),
        uri: format!("{HOME}/blob/main/{file}#{}", rule.id.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::rules::CATALOGUE;

    #[test]
    fn each_rule_has_a_page_that_is_there() {
        for rule in CATALOGUE {
            for lang in [Lang::En, Lang::Zh] {
                let page = page(rule, lang);
                let file = page
                    .uri
                    .strip_prefix(HOME)
                    .unwrap()
                    .strip_prefix("/blob/main/")
                    .unwrap();
                let (file, anchor) = file.split_once('#').unwrap();
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
                let text = std::fs::read_to_string(path).unwrap().to_lowercase();
                assert!(text.contains(&format!("\n## {anchor}\n")), "{}", page.uri);
                assert!(!page.text.is_empty() && !page.markdown.is_empty());
            }
        }
    }
}
