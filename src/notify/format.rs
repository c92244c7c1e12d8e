//! What is sent to each kind of channel: the form of the message, its bounds, and its signature. Pure.
//!
//! Each robot's page bounds what it takes; a message is cut to it, and says how much is left out. How often one may
//! send is kept by gathering: at most one message in ten seconds.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use http::uri::PathAndQuery;
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};

use super::channel::{Channel, Kind};
use super::document::Document;

/// DingTalk (钉钉): 20 messages a minute, or the robot is silenced for ten
/// (<https://open.dingtalk.com/document/group/custom-robot-access>). That page gives no size; a robot's other way to send
/// takes 15,000 bytes (<https://open.dingtalk.com/document/orgapp/the-robot-sends-a-group-message>).
const DINGTALK_BODY: usize = 15_000;
/// Feishu (飞书): 100 messages a minute and five a second, a body of 20 KB
/// (<https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>).
const FEISHU_BODY: usize = 20_000;
/// WeCom (企业微信): 20 messages a minute, 4096 bytes of Markdown
/// (<https://developer.work.weixin.qq.com/document/path/91770>).
const WECOM_CONTENT: usize = 4096;
/// CloudEvents 1.0.2, section "Size Limits": whoever hands events on takes 64 KiB.
const CLOUDEVENTS_BODY: usize = 64 * 1024;

/// A request, but for what every request has.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) url: Uri,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// What makes a message this one, whatever is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'a> {
    /// The same for each try.
    pub(super) id: &'a str,
    /// The operator's own namespace.
    pub(super) namespace: &'a str,
}

/// The request that tells a channel of a document at a moment: signatures hold for an hour.
pub(super) fn outgoing(channel: &Channel, document: Document, envelope: Envelope<'_>, now: Timestamp) -> Outgoing {
    match channel.kind {
        Kind::DingTalk => dingtalk(channel, document, now),
        Kind::Feishu => feishu(channel, document, now),
        Kind::WeCom => wecom(channel, document),
        Kind::CloudEvents => cloudevents(channel, document, envelope, now),
    }
}

fn dingtalk(channel: &Channel, document: Document, now: Timestamp) -> Outgoing {
    let body = |document: &Document| {
        let text = markdown(document, "- ", "\n\n");
        json!({"msgtype": "markdown", "markdown": {"title": document.title, "text": text}}).to_string()
    };
    let document = document.fitted(|document| body(document).len() <= DINGTALK_BODY);
    let url = match &channel.secret {
        Some(secret) => with_query(&channel.url, &dingtalk_signature(secret, now)),
        None => channel.url.clone(),
    };
    Outgoing {
        url,
        headers: vec![json_header()],
        body: body(&document).into_bytes(),
    }
}

fn feishu(channel: &Channel, document: Document, now: Timestamp) -> Outgoing {
    let body = |document: &Document| {
        let mut body = json!({"msg_type": "post", "content": {"post": {"zh_cn": {
            "title": document.title, "content": rows(document),
        }}}});
        if let (Some(secret), Some(fields)) = (&channel.secret, body.as_object_mut()) {
            let second = now.as_second().to_string();
            fields.insert("sign".to_owned(), json!(feishu_signature(secret, &second)));
            fields.insert("timestamp".to_owned(), json!(second));
        }
        body.to_string()
    };
    let document = document.fitted(|document| body(document).len() <= FEISHU_BODY);
    Outgoing {
        url: channel.url.clone(),
        headers: vec![json_header()],
        body: body(&document).into_bytes(),
    }
}

fn wecom(channel: &Channel, document: Document) -> Outgoing {
    let content = |document: &Document| markdown(document, "> ", "\n");
    let document = document.fitted(|document| content(document).len() <= WECOM_CONTENT);
    let body = json!({"msgtype": "markdown", "markdown": {"content": content(&document)}});
    Outgoing {
        url: channel.url.clone(),
        headers: vec![json_header()],
        body: body.to_string().into_bytes(),
    }
}

/// A CloudEvent in structured mode (CloudEvents 1.0.2 and its HTTP binding), signed as Standard Webhooks say
/// (<https://www.standardwebhooks.com>): their libraries check it, and a captured message can't be sent again later.
fn cloudevents(channel: &Channel, document: Document, envelope: Envelope<'_>, now: Timestamp) -> Outgoing {
    let Envelope { id, namespace } = envelope;
    let body = |document: &Document| {
        json!({
            "specversion": "1.0",
            "id": id,
            "source": format!("/filing-operator/{namespace}"),
            "type": format!("io.filing-operator.{}.v1", document.kind),
            "time": document.time,
            "datacontenttype": "application/json",
            "data": document.data(),
        })
        .to_string()
    };
    let document = document.fitted(|document| body(document).len() <= CLOUDEVENTS_BODY);
    let body = body(&document);
    let mut headers = vec![("content-type", "application/cloudevents+json; charset=utf-8".to_owned())];
    if let Some(secret) = &channel.secret {
        let second = now.as_second().to_string();
        let signature = standard_signature(secret, id, &second, &body);
        headers.push(("webhook-id", id.to_owned()));
        headers.push(("webhook-timestamp", second));
        headers.push(("webhook-signature", signature));
    }
    Outgoing {
        url: channel.url.clone(),
        headers,
        body: body.into_bytes(),
    }
}

/// What the robots take.
fn json_header() -> (&'static str, String) {
    ("content-type", "application/json; charset=utf-8".to_owned())
}

/// DingTalk's: of the moment and the secret, with the secret; at the end of the address.
fn dingtalk_signature(secret: &[u8], now: Timestamp) -> String {
    let milli = now.as_millisecond().to_string();
    let signed = sign(secret, &[milli.as_bytes(), b"\n", secret].concat());
    let in_query = signed.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("timestamp={milli}&sign={in_query}")
}

/// Feishu's: of nothing, with the moment and the secret.
fn feishu_signature(secret: &[u8], second: &str) -> String {
    sign(&[second.as_bytes(), b"\n", secret].concat(), b"")
}

/// That of Standard Webhooks: of the id, the moment and the body.
fn standard_signature(secret: &[u8], id: &str, second: &str, body: &str) -> String {
    format!("v1,{}", sign(secret, format!("{id}.{second}.{body}").as_bytes()))
}

/// HMAC-SHA256 in base64.
fn sign(key: &[u8], text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    BASE64_STANDARD.encode(hmac::sign(&key, text))
}

/// An address with more at the end of its query.
fn with_query(url: &Uri, more: &str) -> Uri {
    let mark = if url.query().is_some() { '&' } else { '?' };
    let path: Option<PathAndQuery> = format!("{}{mark}{more}", url.path_and_query().map_or("/", PathAndQuery::as_str))
        .parse()
        .ok();
    let mut parts = url.clone().into_parts();
    parts.path_and_query = path.or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| url.clone())
}

/// A document in the little Markdown that the robots have in common.
fn markdown(document: &Document, bullet: &str, paragraph: &str) -> String {
    let mut text = format!("### {}", tame(&document.title));
    for section in &document.sections {
        text.push_str(paragraph);
        text.push_str("**");
        text.push_str(&tame(&section.heading));
        text.push_str("**");
        // A list begins after an empty line, where that is what makes a paragraph.
        let mut between = paragraph;
        let lines = section.items.iter().map(|item| item.line.clone());
        for line in lines.chain(section.more(document.words)) {
            text.push_str(between);
            text.push_str(bullet);
            text.push_str(&tame(&line));
            between = "\n";
        }
    }
    for line in document.beyond().iter().chain([&document.foot]) {
        text.push_str(paragraph);
        text.push_str(&tame(line));
    }
    text
}

/// What a tenant has typed must not become a link or call people in: `<@all>`, `[text](address)`. Stars stand for
/// themselves in hosts, and would be swallowed. Robots take no backslashes, so that these become their wide forms.
fn tame(text: &str) -> String {
    let wide = |c: char| match c {
        '<' => '＜',
        '>' => '＞',
        '[' => '［',
        ']' => '］',
        '*' => '＊',
        '`' => '\'',
        '@' => '＠',
        other => other,
    };
    text.chars().map(wide).collect()
}

/// A document as Feishu's rows of plain text.
fn rows(document: &Document) -> Value {
    let row = |text: &str, is_bold: bool| {
        if is_bold {
            json!([{"tag": "text", "text": text, "style": ["bold"]}])
        } else {
            json!([{"tag": "text", "text": text}])
        }
    };
    let mut rows = Vec::new();
    for section in &document.sections {
        rows.push(row(&section.heading, true));
        rows.extend(section.items.iter().map(|item| row(&format!("· {}", item.line), false)));
        rows.extend(
            section
                .more(document.words)
                .map(|more| row(&format!("· {more}"), false)),
        );
    }
    rows.extend(document.beyond().map(|beyond| row(&beyond, false)));
    rows.push(row(&document.foot, false));
    Value::Array(rows)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use rstest::rstest;

    use super::*;
    use crate::notify::digest::digest;
    use crate::notify::fixture::{channel, notice};
    use crate::notify::gathered::Gathered;
    use crate::notify::words;
    use crate::rules::Lang;
    use crate::support::{at, filing, now, policy, registry, server};

    const ENVELOPE: Envelope<'_> = Envelope {
        id: "ops-1-1",
        namespace: "filing-system",
    };

    fn lang(name: &str) -> Lang {
        if name == "zh" { Lang::Zh } else { Lang::En }
    }

    /// Some routes that have lost their filing, one that is well again, and a reminder.
    fn gathered(routes: usize) -> Gathered {
        let mut gathered = Gathered::default();
        for route in 0..routes {
            let moment = now().saturating_add(jiff::SignedDuration::from_secs(20)).unwrap();
            gathered.add(notice(&format!("shop/web-{route}"), "FilingCancelled", true), moment);
        }
        gathered.add(notice("shop/blog", "Compliant", false), at("2026-11-23T00:01:00+08:00"));
        let reminder = crate::effects::Notice::new(
            crate::effects::Reference::to_server("beijing-slb", "5b0c"),
            "ServerExpiringIn30Days".to_owned(),
            "Remind",
            "the server beijing-slb ends on 2026-12-23, within 30 days of this reminder",
            &[],
        );
        let reminder = crate::effects::Notice {
            is_warning: true,
            ..reminder.in_chinese("服务器 beijing-slb 的租期将于 2026-12-23 到期，距本次提醒不超过 30 天")
        };
        gathered.add(std::sync::Arc::new(reminder), now());
        gathered
    }

    fn notices(language: &str) -> Document {
        words::notices(&gathered(3), lang(language), Some("prod-beijing"))
    }

    fn daily(language: &str) -> Document {
        let registry = registry(&[
            filing("filing-system/example-com", json!({"stage": "Cancelled"})),
            filing(
                "filing-system/example-net",
                json!({"domains": ["example.net"], "expiresAt": "2026-12-20"}),
            ),
            filing(
                "filing-system/example-cn",
                json!({"domains": ["example.cn"], "stage": "Submitted", "number": null}),
            ),
            filing(
                "filing-system/shop",
                json!({"domains": ["shop.cn"], "registration": {"expiresAt": "2026-12-08"}}),
            ),
            server("beijing-slb", json!({"expiresAt": "2026-12-01", "autoRenew": true})),
            policy(
                "default",
                json!({"exemptions": [
                    {"hosts": ["*.intra.example.com"], "reason": "内部", "owner": "张三", "until": "2026-12-05"},
                ]}),
            ),
        ]);
        words::digest(&digest(registry.snapshot(), now()), lang(language), None)
    }

    /// A request as people read it: the address, the headers, the body, and what is Markdown in it as it is.
    fn told(outgoing: &Outgoing) -> String {
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
        let mut text = format!("POST {}\n", outgoing.url);
        for (name, value) in &outgoing.headers {
            writeln!(text, "{name}: {value}").unwrap();
        }
        let markdown = [&body["markdown"]["text"], &body["markdown"]["content"]];
        let markdown = markdown.into_iter().find_map(Value::as_str);
        match markdown {
            Some(markdown) => text + &format!("title: {}\n\n{markdown}\n", body["markdown"]["title"]),
            None => text + &format!("\n{body:#}\n"),
        }
    }

    #[rstest]
    fn each_kind_of_channel_is_told_in_its_own_form_in_each_language(
        #[values("dingtalk", "feishu", "wecom", "cloudevents")] kind: &str,
        #[values("en", "zh")] language: &str,
    ) {
        let mut pairs = vec![("type", kind), ("url", "https://robot.example.com/send?token=t")];
        if kind != "wecom" {
            pairs.push(("secret", "a secret"));
        }
        let channel = channel(&pairs);
        for (name, document) in [("notices", notices(language)), ("digest", daily(language))] {
            let outgoing = outgoing(&channel, document, ENVELOPE, at("2026-11-23T00:01:10+08:00"));
            insta::assert_snapshot!(format!("{name}_{kind}_{language}"), told(&outgoing));
        }
    }

    /// Computed with Python's hmac and, the first, with openssl.
    #[test]
    fn signatures_are_those_that_others_compute() {
        let moment = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(
            dingtalk_signature(b"SEC0123456789abcdef", moment),
            "timestamp=1700000000000&sign=TSZbRFUuvaSQaRKUpF970OPCb2%2FLcQAP3wOvwZIzBZk%3D"
        );
        assert_eq!(
            feishu_signature(b"a feishu secret", "1700000000"),
            "Zi5HVbx7cbQjnSobXF/9Sa9hoSnzfHBU9WZze4VoBdY="
        );
    }

    /// The example of Standard Webhooks' own libraries.
    #[test]
    fn a_cloudevent_is_signed_as_standard_webhooks_say() {
        let channel = channel(&[
            ("type", "cloudevents"),
            ("url", "https://example.com/"),
            ("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ]);
        let signature = standard_signature(
            channel.secret.as_deref().unwrap(),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[rstest]
    #[case("https://example.com", "https://example.com/?a=b")]
    #[case("https://example.com/send", "https://example.com/send?a=b")]
    #[case("https://example.com/send?token=t", "https://example.com/send?token=t&a=b")]
    fn a_signature_joins_the_query_that_is_there(#[case] url: &str, #[case] joined: &str) {
        assert_eq!(with_query(&url.parse().unwrap(), "a=b").to_string(), joined);
    }

    #[rstest]
    #[case("dingtalk", DINGTALK_BODY)]
    #[case("feishu", FEISHU_BODY)]
    #[case("cloudevents", CLOUDEVENTS_BODY)]
    fn a_body_stays_within_its_bounds_and_counts_the_rest(#[case] kind: &str, #[case] most: usize) {
        let channel = channel(&[("type", kind), ("url", "https://example.com/"), ("secret", "a secret")]);
        let sent = outgoing(&channel, long(), ENVELOPE, now());
        assert!((most / 4..=most).contains(&sent.body.len()), "{}", sent.body.len());
        let body = String::from_utf8(sent.body).unwrap();
        assert!(body.contains("4000"), "the count is told: {body}");
    }

    #[test]
    fn wecom_stays_within_its_4096_bytes_of_markdown() {
        let channel = channel(&[("type", "wecom"), ("url", "https://example.com/")]);
        let sent = outgoing(&channel, long(), ENVELOPE, now());
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        let content = body["markdown"]["content"].as_str().unwrap();
        assert!((1024..=WECOM_CONTENT).contains(&content.len()), "{}", content.len());
        assert!(content.contains("4000 条"), "{content}");
    }

    /// Far more than any channel takes, in the longest words.
    fn long() -> Document {
        let mut gathered = Gathered::default();
        for number in 0..4000 {
            let reason = format!("Reason{}", number % 40);
            let long = crate::effects::Notice::new(
                notice("shop/web", "", true).regarding.clone(),
                reason,
                "Judge",
                &"备案".repeat(300),
                &[],
            );
            gathered.add(std::sync::Arc::new(long), now());
        }
        words::notices(&gathered, Lang::Zh, None)
    }

    #[test]
    fn what_a_tenant_types_is_no_link_and_calls_nobody_in() {
        let typed = "see [this](https://evil.example) <@all> `*.example.com`\n# more";
        let mut gathered = Gathered::default();
        let mut notice = crate::effects::Notice::clone(&notice("shop/web", "NumberMalformed", true));
        typed.clone_into(&mut notice.note);
        gathered.add(std::sync::Arc::new(notice), now());
        for kind in ["dingtalk", "wecom"] {
            let channel = channel(&[("type", kind), ("url", "https://example.com/")]);
            let sent = outgoing(&channel, words::notices(&gathered, Lang::En, None), ENVELOPE, now());
            let text = told(&sent);
            assert!(
                !text.contains("](") && !text.contains("<@") && !text.contains("\n#  more"),
                "{text}"
            );
            assert!(text.contains("'＊.example.com' # more"), "{text}");
        }
    }
}
