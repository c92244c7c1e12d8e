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
