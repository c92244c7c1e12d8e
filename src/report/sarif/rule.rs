//! A rule as a code scanner explains it.

use super::form::{Configuration, Descriptor, Help, Level, Message, Properties};
use super::{HOME, words};
use crate::rules::{CATALOGUE, Lang, Part, Rule, Severity, without_links};

pub(super) fn descriptor(rule: &Rule, lang: Lang) -> Descriptor {
    Descriptor {
        id: rule.id,
        short_description: Message::of(&(rule.title(lang).to_owned() + words::full_stop(lang))),
        full_description: Message::of(&meaning(rule, lang)),
        help: Help {
            text: text(rule, lang),
            markdown: markdown(rule, lang),
        },
        help_uri: rule.url(lang),
        default_configuration: Configuration {
            enabled: rule.severity.is_some(),
            level: Level::of(rule.severity.unwrap_or(Severity::Warning)),
        },
        properties: Properties {
            tags: ["icp-filing".to_owned(), rule.basis.as_str().to_lowercase()],
        },
    }
}

/// The first paragraph of what it means, as one line.
fn meaning(rule: &Rule, lang: Lang) -> String {
    let page = rule.page(lang);
    let paragraph = page.part(Part::Meaning).split("\n\n").next().unwrap_or_default();
    let glue = match lang {
        Lang::En => " ",
        Lang::Zh => "",
    };
    let plain = without_links(paragraph).replace('`', "");
    plain.lines().collect::<Vec<_>>().join(glue)
}

/// Braces stay as they are: nobody puts arguments into help, and GitHub shows them as they stand.
fn text(rule: &Rule, lang: Lang) -> String {
    let [says, to_do] = words::explained(lang);
    let (message, remedy) = (rule.message.get(lang), rule.remedy.get(lang));
    format!("{says}{message}\n{to_do}{remedy}\n{}", rule.url(lang))
}

/// The rule's page, with links that lead somewhere from wherever it is shown.
fn markdown(rule: &Rule, lang: Lang) -> String {
    let page = rule.page(lang).text;
    let page = page.replace("](../../", &format!("]({HOME}/blob/main/docs/"));
    CATALOGUE.iter().fold(page, |page, other| {
        page.replace(&format!("]({}.md", other.id), &format!("]({}", other.url(lang)))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_a_rule_means_is_one_plain_line() {
        for rule in CATALOGUE {
            for lang in [Lang::En, Lang::Zh] {
                let told = serde_json::to_string(&descriptor(rule, lang).full_description).unwrap();
                assert!(
                    !told.contains('\u{fffd}') && !told.contains("]("),
                    "{}: {told}",
                    rule.id
                );
                assert!(told.len() > 60, "{}: {told}", rule.id);
            }
        }
    }

    #[test]
    fn each_link_of_a_rule_leads_to_a_page_that_is_there() {
        for rule in CATALOGUE {
            for lang in [Lang::En, Lang::Zh] {
                let page = markdown(rule, lang);
                let links = page.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
                for link in links.map(|(link, _)| link).chain([&*rule.url(lang)]) {
                    let Some(file) = link.strip_prefix(HOME) else {
                        assert!(link.starts_with("https://"), "{}: {link}", rule.id);
                        continue;
                    };
                    let file = file.strip_prefix("/blob/main/").unwrap();
                    let file = file.split('#').next().unwrap();
                    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
                    assert!(path.is_file(), "{}: {link}", rule.id);
                }
            }
        }
    }
}
