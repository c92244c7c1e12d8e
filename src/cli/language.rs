//! The language of what is printed: as it is typed, or else as the locale has it.

use clap::ValueEnum;

use crate::rules::Lang;

/// The language of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// English
    #[default]
    En,
    /// 简体中文
    Zh,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::En,
            Language::Zh => Self::Zh,
        }
    }
}

impl Language {
    /// What was typed, or else the language of the locale.
    pub(super) fn or_locale(typed: Option<Self>) -> Lang {
        let asked = |name: &str| std::env::var_os(name)?.into_string().ok();
        typed.unwrap_or_else(|| Self::of_locale(asked)).into()
    }

    /// As POSIX has it: the first of these variables that is set and not empty says which it is.
    fn of_locale(asked: impl Fn(&str) -> Option<String>) -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(asked);
        let locale = set.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
        // zh_CN.UTF-8, zh-Hans, zh
        match locale.split(['_', '-', '.', '@']).next() {
            Some(language) if language.eq_ignore_ascii_case("zh") => Self::Zh,
            _ => Self::En,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(&[], Language::En)]
    #[case::china(&[("LANG", "zh_CN.UTF-8")], Language::Zh)]
    #[case::bare(&[("LANG", "zh")], Language::Zh)]
    #[case::script(&[("LANG", "zh-Hans")], Language::Zh)]
    #[case::other(&[("LANG", "de_DE.UTF-8")], Language::En)]
    #[case::zhuang_is_no_chinese(&[("LANG", "zha_CN.UTF-8")], Language::En)]
    #[case::messages_before_the_rest(&[("LC_MESSAGES", "zh_CN.UTF-8"), ("LANG", "en_US.UTF-8")], Language::Zh)]
    #[case::all_before_messages(&[("LC_ALL", "C.UTF-8"), ("LC_MESSAGES", "zh_CN.UTF-8"), ("LANG", "zh_CN.UTF-8")], Language::En)]
    #[case::empty_is_not_set(&[("LC_ALL", ""), ("LANG", "zh_CN.UTF-8")], Language::Zh)]
    fn the_locale_says_which_language(#[case] variables: &[(&str, &str)], #[case] expected: Language) {
        let asked = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(Language::of_locale(asked), expected);
    }
}
