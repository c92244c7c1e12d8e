//! A channel: to whom notices go, and how, as a Secret says it. Pure. What is in the Secret is never printed: its url
//! holds a token.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use http::uri::Scheme;
use k8s_openapi::ByteString;

use super::quiet::QuietHours;
use crate::rules::Lang;

/// The keys that a channel's Secret may have.
const KEYS: [&str; 8] = [
    "type",
    "url",
    "secret",
    "minimum",
    "quietHours",
    "digest",
    "language",
    "cluster",
];
/// The longest name of a cluster, in bytes: it stands in every title.
const MAX_CLUSTER: usize = 63;
/// How a key of Standard Webhooks begins; what follows is base64.
const STANDARD_WEBHOOKS: &str = "whsec_";

/// What listens at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A robot of a DingTalk group (钉钉自定义机器人).
    DingTalk,
    /// A robot of a Feishu group (飞书自定义机器人).
    Feishu,
    /// A robot of a WeCom group (企业微信群机器人).
    WeCom,
    /// Anything that takes CloudEvents over HTTP.
    CloudEvents,
}

/// To whom notices go, and how.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) kind: Kind,
    pub(super) url: Uri,
    /// What messages are signed with, as bytes.
    pub(super) secret: Option<Vec<u8>>,
    /// Whether what is no warning is told too.
    pub(super) takes_normal: bool,
    pub(super) quiet: Option<QuietHours>,
    pub(super) digest: bool,
    pub(super) lang: Lang,
    /// What people call the cluster, where several tell one channel.
    pub(super) cluster: Option<String>,
}

/// Neither url nor secret is for a log.
impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A Secret is no channel. It names the key and what would be right, and no value: whoever mixes up two keys must not
/// find the token in a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its key {key} {problem}")]
pub(super) struct ChannelError {
    key: String,
    problem: &'static str,
}

impl Channel {
    /// Reads the data of a Secret. White space around a value does not count, and an empty one is as good as none.
    pub(super) fn parse(data: &BTreeMap<String, ByteString>) -> Result<Self, ChannelError> {
        if let Some(unknown) = data.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(error(
                unknown,
                "is not known; there are type, url, secret, minimum, quietHours, digest, language and cluster",
            ));
        }
        let value = |key: &str| match data.get(key).map(|bytes| std::str::from_utf8(&bytes.0)) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(Err(_)) => Err(error(key, "is no text in UTF-8")),
        };
        let kind = match value("type")? {
            Some("dingtalk") => Kind::DingTalk,
            Some("feishu") => Kind::Feishu,
            Some("wecom") => Kind::WeCom,
            Some("cloudevents") => Kind::CloudEvents,
            _ => return Err(error("type", "has to be dingtalk, feishu, wecom or cloudevents")),
        };
        let url = value("url")?.ok_or_else(|| error("url", "is missing; it is the address to send to"))?;
        Ok(Self {
            kind,
            url: parse_url(url).map_err(|problem| error("url", problem))?,
            secret: value("secret")?
                .map(|typed| parse_secret(kind, typed))
                .transpose()
                .map_err(|problem| error("secret", problem))?,
            takes_normal: match value("minimum")? {
                None | Some("Warning") => false,
                Some("Normal") => true,
                Some(_) => return Err(error("minimum", "has to be Warning or Normal")),
            },
            quiet: value("quietHours")?.map(str::parse).transpose().map_err(|_| {
                error(
                    "quietHours",
                    "names no hours of a day; write them like 22:00-08:00, in China Standard Time",
                )
            })?,
            digest: match value("digest")? {
                None | Some("true") => true,
                Some("false") => false,
                Some(_) => return Err(error("digest", "has to be true or false")),
            },
            lang: match (value("language")?, kind) {
                (Some("en"), _) | (None, Kind::CloudEvents) => Lang::En,
                (Some("zh") | None, _) => Lang::Zh,
                (Some(_), _) => return Err(error("language", "has to be en or zh")),
            },
            cluster: match value("cluster")? {
                Some(name) if name.len() > MAX_CLUSTER || name.chars().any(char::is_control) => {
                    return Err(error("cluster", "has to be a name of at most 63 bytes in one line"));
                }
                name => name.map(str::to_owned),
            },
        })
    }
}

fn error(key: &str, problem: &'static str) -> ChannelError {
    ChannelError {
        key: key.to_owned(),
        problem,
    }
}

fn parse_url(typed: &str) -> Result<Uri, &'static str> {
    let url: Uri = typed
        .parse()
        .map_err(|_| "is no address; copy it whole, like https://…")?;
    let host = url.host().unwrap_or_default();
    if host.is_empty()
        || url
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err("has to name a host, and no user or password before it");
    }
    match url.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => Ok(url),
        Some(scheme) if *scheme == Scheme::HTTP && is_loopback(host) => Ok(url),
        _ => Err("has to begin with https://; http:// is for this machine alone (localhost, 127.0.0.1)"),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn parse_secret(kind: Kind, typed: &str) -> Result<Vec<u8>, &'static str> {
    match (kind, typed.strip_prefix(STANDARD_WEBHOOKS)) {
        (Kind::WeCom, _) => Err("is not for wecom, whose robots have no signature; leave it out"),
        (Kind::CloudEvents, Some(encoded)) => BASE64_STANDARD
            .decode(encoded)
            .map_err(|_| "has to be base64 after whsec_"),
        _ => Ok(typed.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Channel, ChannelError> {
        let data = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        Channel::parse(&data.collect())
    }

    const URL: (&str, &str) = ("url", "https://oapi.dingtalk.com/robot/send?access_token=0123");

    #[test]
    fn two_keys_are_enough() {
        let channel = parse(&[("type", "dingtalk"), URL]).unwrap();
        assert_eq!(channel.kind, Kind::DingTalk);
        assert_eq!(channel.url.to_string(), URL.1);
        assert!(!channel.takes_normal && channel.digest && channel.quiet.is_none() && channel.secret.is_none());
    }

    #[rstest]
    #[case("dingtalk", Lang::Zh)]
    #[case("feishu", Lang::Zh)]
    #[case("wecom", Lang::Zh)]
    #[case("cloudevents", Lang::En)]
    fn robots_speak_chinese_unless_told_otherwise(#[case] kind: &str, #[case] lang: Lang) {
        assert_eq!(parse(&[("type", kind), URL]).unwrap().lang, lang);
        assert_eq!(
            parse(&[("type", kind), URL, ("language", "en")]).unwrap().lang,
            Lang::En
        );
    }

    #[test]
    fn everything_can_be_said() {
        let all = [
            ("type", "feishu\n"),
            URL,
            ("secret", " k \n"),
            ("minimum", "Normal"),
            ("quietHours", "22:00-08:00"),
            ("digest", "false"),
            ("language", "zh"),
            ("cluster", "北京生产"),
        ];
        let channel = parse(&all).unwrap();
        assert_eq!(channel.secret.as_deref(), Some(b"k".as_slice()));
        assert_eq!(channel.quiet, "22:00-08:00".parse().ok());
        assert_eq!(channel.cluster.as_deref(), Some("北京生产"));
        assert!(channel.takes_normal && !channel.digest);
    }

    #[rstest]
    #[case::https("https://example.com/hook", true)]
    #[case::this_machine("http://127.0.0.1:8080/hook", true)]
    #[case::this_machine_in_full("http://[::1]:8080/", true)]
    #[case::this_machine_by_name("http://localhost/hook", true)]
    #[case::plain("http://example.com/hook", false)]
    #[case::plain_that_looks_like_this_machine("http://127.0.0.1.example.com/hook", false)]
    #[case::another_scheme("ftp://example.com/hook", false)]
    #[case::no_scheme("example.com/hook", false)]
    #[case::a_password("https://user:word@example.com/hook", false)]
    #[case::a_path("/hook", false)]
    #[case::spaces("https://example.com/a b", false)]
    fn the_address_is_https_or_of_this_machine(#[case] url: &str, #[case] is_right: bool) {
        let parsed = parse(&[("type", "cloudevents"), ("url", url)]);
        assert_eq!(parsed.is_ok(), is_right, "{parsed:?}");
    }

    #[rstest]
    #[case::no_type(&[URL], "its key type has to be dingtalk, feishu, wecom or cloudevents")]
    #[case::another_type(&[("type", "slack"), URL], "its key type has to be dingtalk, feishu, wecom or cloudevents")]
    #[case::no_url(&[("type", "wecom")], "its key url is missing; it is the address to send to")]
    #[case::a_slip(&[("type", "wecom"), URL, ("quiethours", "")], "its key quiethours is not known; there are type, url, secret, minimum, quietHours, digest, language and cluster")]
    #[case::no_hours(&[("type", "wecom"), URL, ("quietHours", "night")], "its key quietHours names no hours of a day; write them like 22:00-08:00, in China Standard Time")]
    #[case::no_level(&[("type", "wecom"), URL, ("minimum", "Error")], "its key minimum has to be Warning or Normal")]
    #[case::no_answer(&[("type", "wecom"), URL, ("digest", "yes")], "its key digest has to be true or false")]
    #[case::no_language(&[("type", "wecom"), URL, ("language", "fr")], "its key language has to be en or zh")]
    #[case::no_signature_there(&[("type", "wecom"), URL, ("secret", "k")], "its key secret is not for wecom, whose robots have no signature; leave it out")]
    #[case::no_base64(&[("type", "cloudevents"), URL, ("secret", "whsec_*")], "its key secret has to be base64 after whsec_")]
    #[case::two_lines(&[("type", "wecom"), URL, ("cluster", "a\nb")], "its key cluster has to be a name of at most 63 bytes in one line")]
    fn what_is_wrong_is_told_with_the_key_and_what_is_right(#[case] pairs: &[(&str, &str)], #[case] told: &str) {
        assert_eq!(parse(pairs).unwrap_err().to_string(), told);
    }

    #[rstest]
    #[case::url(&[("type", "dingtalk"), ("url", "http://example.com/token-0123")])]
    #[case::keys_mixed_up(&[("type", "https://example.com/token-0123"), ("url", "dingtalk")])]
    #[case::language(&[("type", "dingtalk"), URL, ("language", "token-0123")])]
    fn no_value_is_ever_printed(#[case] pairs: &[(&str, &str)]) {
        let error = parse(pairs).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("0123"), "{error:?}");
        let channel = parse(&[("type", "dingtalk"), URL, ("secret", "0123")]).unwrap();
        assert!(!format!("{channel:?}").contains("0123"), "{channel:?}");
    }

    #[test]
    fn the_documentations_examples_are_channels() {
        let page = include_str!("../../docs/notices.md").replace('…', "AAAA");
        let blocks = page
            .split("```yaml\n")
            .skip(1)
            .filter_map(|block| block.split("```").next());
        let kinds: Vec<Kind> = blocks
            .map(|block| serde_saphyr::from_str::<serde_json::Value>(block).unwrap())
            .filter(|document| document["kind"] == "Secret")
            .map(|document| {
                let pairs = document["stringData"].as_object().unwrap();
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
                    .collect();
                parse(&pairs).unwrap().kind
            })
            .collect();
        assert_eq!(kinds, [Kind::DingTalk, Kind::Feishu, Kind::WeCom, Kind::CloudEvents]);
    }
}
