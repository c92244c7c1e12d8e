//! The page of a rule: docs/rules/LANG/ID.md, which is its documentation, and whose examples are its test.

use super::rule::Lang;

/// The Markdown of a rule, in each language.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// English.
    pub en: &'static str,
    /// Simplified Chinese.
    pub zh: &'static str,
}

impl Pages {
    /// The Markdown in a language.
    pub fn get(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }
}

/// The pages of the rule of that name.
macro_rules! documented {
    ($id:literal) => {
        $crate::rules::Pages {
            en: include_str!(concat!("../../docs/rules/en/", $id, ".md")),
            zh: include_str!(concat!("../../docs/rules/zh/", $id, ".md")),
        }
    };
}
pub(super) use documented;

/// The parts of a page, which are the same in each language, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// When it fires, and what the words in it mean.
    Meaning,
    /// What comes of it, and where that can be read.
    Reason,
    /// Manifests in which it fires, and where.
    Bad,
    /// Manifests in which nothing fires.
    Good,
    /// What to do, where, and how long that takes.
    Remedy,
    /// What a policy can say of it.
    Settings,
}

impl Part {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 6] = [
        Self::Meaning,
        Self::Reason,
        Self::Bad,
        Self::Good,
        Self::Remedy,
        Self::Settings,
    ];

    /// Its heading.
    pub fn heading(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Meaning => ("What it means", "含义"),
            Self::Reason => ("Why it matters", "为什么重要"),
            Self::Bad => ("A bad example", "错误示例"),
            Self::Good => ("A good example", "正确示例"),
            Self::Remedy => ("How to mend it", "如何处理"),
            Self::Settings => ("Settings", "设置"),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

/// A page in one language. A test holds every page to this form.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The language.
    pub lang: Lang,
    /// All of it, in Markdown.
    pub text: &'static str,
}

impl Page {
    /// Where the pages of a language are published.
    pub fn folder(lang: Lang) -> &'static str {
        match lang {
            Lang::En => "https://github.com/filing-operator/filing-operator/blob/main/docs/rules/en/",
            Lang::Zh => "https://github.com/filing-operator/filing-operator/blob/main/docs/rules/zh/",
        }
    }

    /// When the rule fires, as one sentence without its full stop.
    pub fn title(&self) -> &'static str {
        let line = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix('*')?.strip_suffix('*'));
        line.unwrap_or_default().trim_end_matches(['.', '。'])
    }

    /// One part of it, in Markdown.
    pub fn part(&self, part: Part) -> &'static str {
        let sections = self.text.split("\n## ").skip(1);
        let mut parts = sections.filter_map(|section| section.split_once('\n'));
        let named = parts.find(|(heading, _)| *heading == part.heading(self.lang));
        named.map_or("", |(_, text)| text.trim())
    }

    /// The manifests of an example.
    pub fn manifests(&self, part: Part) -> &'static str {
        fenced(self.part(part), "```yaml\n").map_or("", |(manifests, _)| manifests)
    }

    /// The day on which the bad example is judged, as it is written; it begins at 00:00 in China.
    pub fn day(&self) -> &'static str {
        let words = self.after_manifests().split_whitespace();
        let is_date = |word: &&str| word.len() == 10 && word.starts_with("20");
        words.into_iter().find(is_date).unwrap_or_default()
    }

    /// Everywhere that something is found in the bad example: kind, namespace and name, field path, rule.
    pub fn found(&self) -> impl Iterator<Item = &'static str> {
        let found = fenced(self.after_manifests(), "```text\n").map_or("", |(found, _)| found);
        found.lines()
    }

    fn after_manifests(&self) -> &'static str {
        fenced(self.part(Part::Bad), "```yaml\n").map_or("", |(_, after)| after)
    }
}

/// What stands in the first fence that opens so, and what comes after it.
fn fenced(text: &'static str, open: &str) -> Option<(&'static str, &'static str)> {
    let (_, from) = text.split_once(open)?;
    from.split_once("```")
}

/// Markdown with the words of its links alone, for where a link leads nowhere.
///
/// ```
/// use filing_operator::rules::without_links;
///
/// assert_eq!(without_links("see [Policy](../../policy.md): `rules: {}`"), "see Policy: `rules: {}`");
/// ```
pub fn without_links(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once("](") {
        let Some((_, after)) = link.split_once(')') else { break };
        // The words of the link stand behind the last bracket that opens.
        match before.rsplit_once('[') {
            Some((before, words)) => {
                text.push_str(before);
                text.push_str(words);
            }
            None => text.push_str(before),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}
