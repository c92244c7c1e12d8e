//! What an answer to a message means: that it has arrived, that it is worth another try, or that it is not. Pure.

use http::StatusCode;
use serde_json::Value;

use super::channel::Kind;

/// The longest of a robot's words that is told, in characters.
const MAX_WORDS: usize = 200;

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has arrived.
    Sent,
    /// It has not, and may yet.
    Again(String),
    /// It has not, and the same will be refused again.
    Refused(String),
}

/// Judges an answer. A robot answers 200 whatever it thinks of a message: what counts is the code in the body.
pub(super) fn verdict(kind: Kind, status: StatusCode, body: &[u8]) -> Verdict {
    if status.is_redirection() {
        return Verdict::Refused(format!(
            "it answered {} and points elsewhere, where nothing is sent; set the url to where it leads",
            status.as_u16()
        ));
    }
    let answered = || format!("it answered {}", status.as_u16());
    if status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) {
        return Verdict::Again(answered());
    }
    if kind == Kind::CloudEvents {
        return if status.is_success() {
            Verdict::Sent
        } else {
            Verdict::Refused(answered())
        };
    }
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(code) = code(kind, &parsed) else {
        let told = format!(
            "{} without a code of its own, as no {} robot does",
            answered(),
            name(kind)
        );
        return Verdict::Refused(told);
    };
    if code == 0 && status.is_success() {
        return Verdict::Sent;
    }
    let words = words(&parsed);
    let told = format!("{} and code {code}: {words}", answered());
    if is_worth_another_try(kind, code, &words) {
        Verdict::Again(told)
    } else {
        Verdict::Refused(told)
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::DingTalk => "dingtalk",
        Kind::Feishu => "feishu",
        Kind::WeCom => "wecom",
        Kind::CloudEvents => "cloudevents",
    }
}

fn code(kind: Kind, body: &Value) -> Option<i64> {
    let keys: &[&str] = match kind {
        // Older answers have the second.
        Kind::Feishu => &["code", "StatusCode"],
        _ => &["errcode"],
    };
    keys.iter().find_map(|key| body.get(key)?.as_i64())
}

fn words(body: &Value) -> String {
    let said = ["errmsg", "msg", "StatusMessage"]
        .iter()
        .find_map(|key| body.get(key)?.as_str())
        .unwrap_or("no words");
    let tame = said.chars().map(|c| if c.is_control() { ' ' } else { c });
    tame.take(MAX_WORDS).collect()
}

/// Too many messages, and a robot that is busy.
///
/// DingTalk: -1 and 130101 (<https://open.dingtalk.com/document/orgapp/server-api-error-codes-1>). Feishu: 11232 and
/// 99991400 (<https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control>); 9499 says either of "too many
/// request" and "Bad Request". WeCom: -1 and 45009 (<https://developer.work.weixin.qq.com/document/path/90313>).
fn is_worth_another_try(kind: Kind, code: i64, words: &str) -> bool {
    match kind {
        Kind::DingTalk => matches!(code, -1 | 130_101),
        Kind::Feishu => matches!(code, 11_232 | 99_991_400) || (code == 9499 && words.contains("too many")),
        Kind::WeCom => matches!(code, -1 | 45_009),
        Kind::CloudEvents => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::dingtalk(Kind::DingTalk, 200, r#"{"errcode":0,"errmsg":"ok"}"#, "sent")]
    #[case::dingtalk_bad_signature(Kind::DingTalk, 200, r#"{"errcode":310000,"errmsg":"sign not match"}"#, "refused")]
    #[case::dingtalk_too_fast(
        Kind::DingTalk,
        200,
        r#"{"status":1111,"errcode":130101,"errmsg":"send too fast"}"#,
        "again"
    )]
    #[case::feishu(Kind::Feishu, 200, r#"{"code":0,"msg":"success","data":{}}"#, "sent")]
    #[case::feishu_of_old(Kind::Feishu, 200, r#"{"StatusCode":0,"StatusMessage":"success"}"#, "sent")]
    #[case::feishu_bad_signature(Kind::Feishu, 200, r#"{"code":19021,"msg":"sign match fail"}"#, "refused")]
    #[case::feishu_too_many(Kind::Feishu, 400, r#"{"code":9499,"msg":"too many request"}"#, "again")]
    #[case::feishu_bad(Kind::Feishu, 400, r#"{"code":9499,"msg":"Bad Request"}"#, "refused")]
    #[case::feishu_busy(Kind::Feishu, 200, r#"{"code":11232,"msg":"frequency limited"}"#, "again")]
    #[case::wecom(Kind::WeCom, 200, r#"{"errcode":0,"errmsg":"ok"}"#, "sent")]
    #[case::wecom_no_such_key(Kind::WeCom, 200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#, "refused")]
    #[case::wecom_too_many(Kind::WeCom, 200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#, "again")]
    #[case::a_page_of_something_else(Kind::WeCom, 200, "<html>sign in</html>", "refused")]
    #[case::nothing(Kind::DingTalk, 200, "", "refused")]
    #[case::a_code_that_is_no_number(Kind::DingTalk, 200, r#"{"errcode":"0"}"#, "refused")]
    #[case::well_but_not_found(Kind::DingTalk, 404, r#"{"errcode":0}"#, "refused")]
    #[case::cloudevents(Kind::CloudEvents, 202, "whatever", "sent")]
    #[case::cloudevents_no_content(Kind::CloudEvents, 204, "", "sent")]
    #[case::cloudevents_forbidden(Kind::CloudEvents, 403, "", "refused")]
    #[case::cloudevents_too_many(Kind::CloudEvents, 429, "", "again")]
    #[case::down(Kind::CloudEvents, 503, "", "again")]
    #[case::robot_down(Kind::Feishu, 502, "<html>", "again")]
    #[case::elsewhere(Kind::CloudEvents, 302, "", "refused")]
    #[case::robot_elsewhere(Kind::DingTalk, 301, r#"{"errcode":0}"#, "refused")]
    fn an_answer_is_what_its_code_says(#[case] kind: Kind, #[case] status: u16, #[case] body: &str, #[case] is: &str) {
        let verdict = verdict(kind, StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let said = match &verdict {
            Verdict::Sent => "sent",
            Verdict::Again(_) => "again",
            Verdict::Refused(_) => "refused",
        };
        assert_eq!(said, is, "{verdict:?}");
    }

    #[test]
    fn a_refusal_is_told_in_the_robots_own_words_and_in_one_row() {
        let body = br#"{"errcode":310000,"errmsg":"keywords not in content\nmore"}"#;
        let told = verdict(Kind::DingTalk, StatusCode::OK, body);
        let expected = "it answered 200 and code 310000: keywords not in content more";
        assert_eq!(told, Verdict::Refused(expected.to_owned()));
    }
}
