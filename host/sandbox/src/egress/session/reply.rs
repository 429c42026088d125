//! What a source answers to a login: a token, or why there is none. A token that is not where it should be is a token
//! all the same, and nobody has told the redactor of it: of an answer that may hold one only words are quoted.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};
use tidegate_model::{Domain, Fault, Retry};

use super::REFUSED;
use crate::describe::Session;
use crate::egress::credentials::Login;
use crate::egress::mask;

/// What is quoted of a server's words, in characters.
const QUOTED: usize = 200;
/// The members of an answer that are named.
const NAMED: usize = 8;
/// The longest word, in characters.
const LONGEST_WORD: usize = 24;
/// What stands in the place of that which is no word.
const HIDDEN: &str = "***";

/// The token in the answer to a login, or why there is none.
pub(super) fn token_in(
    calls: &Session,
    login: Option<&Login>,
    status: StatusCode,
    answer: &[u8],
) -> Result<Arc<str>, Fault> {
    let member = &calls.token_member;
    let object = serde_json::from_slice::<Map<String, Value>>(answer).ok();
    let token = object.as_ref().and_then(|object| object.get(member));
    if let Some(token) = token.and_then(Value::as_str).filter(|token| status.is_success() && !token.is_empty()) {
        return Ok(token.into());
    }
    let words = match (&object, token) {
        (_, Some(_)) => format!("no usable `{member}`"),
        _ if status.is_client_error() || status.is_server_error() => quoted(answer, login),
        (Some(object), None) => format!("no `{member}` among {}", outlined(calls, object, login)),
        (None, None) => "its answer is no JSON object".to_owned(),
    };
    let what = format!("POST /{}", calls.login.path);
    let refused = status.is_success() || matches!(status.as_u16(), 400 | 401 | 403);
    let (domain, retry, code, message) = if refused {
        let advice = match login {
            Some(_) => "check auth.username and auth.password",
            None => "it may want auth.username and auth.password",
        };
        let text = format!("{what}: the server refuses the login ({}): {words}; {advice}", status.as_u16());
        (Domain::User, Retry::Never, REFUSED, text)
    } else {
        let text = format!("{what}: no login, the server answers {}: {words}; check source.url", status.as_u16());
        (Domain::External, Retry::Later, "login-failed", text)
    };
    Err(Fault { domain, retry, code: code.to_owned(), message })
}

/// The server's own words, fit for a message: short, printable, and without what the login has told it.
fn quoted(answer: &[u8], login: Option<&Login>) -> String {
    let Some(text) = without_password(answer, login) else { return "in words that hold the password".to_owned() };
    match shortened(&text).as_str() {
        "" => "it says nothing".to_owned(),
        words => format!("`{words}`"),
    }
}

/// The members of an answer, and of what they hold the declared status and sentences.
fn outlined(calls: &Session, object: &Map<String, Value>, login: Option<&Login>) -> String {
    let member = |(name, value): (&String, &Value)| {
        let texts = match value {
            Value::String(text) if *name == calls.expired_member && is_word(text) => vec![text.clone()],
            Value::String(text) => sentence(text, login).into_iter().collect(),
            Value::Array(items) => items.iter().filter_map(|item| sentence(item.as_str()?, login)).collect(),
            _ => Vec::new(),
        };
        let name = if is_word(name) { name } else { HIDDEN };
        if texts.is_empty() { format!("`{name}`") } else { format!("`{name}` (`{}`)", shortened(&texts.join("; "))) }
    };
    match object.iter().take(NAMED).map(member).collect::<Vec<_>>().join(", ").as_str() {
        "" => "no members at all".to_owned(),
        members => members.to_owned(),
    }
}

/// A text of several words, without what is no word in it.
fn sentence(text: &str, login: Option<&Login>) -> Option<String> {
    let text = without_password(text.as_bytes(), login)?;
    let words: Vec<_> = text.split_whitespace().map(|word| if is_word(word) { word } else { HIDDEN }).collect();
    (words.len() > 1).then(|| words.join(" "))
}

/// Whether it is a word such as people write or programs call their members. Tokens hold digits, or are longer.
fn is_word(text: &str) -> bool {
    let word = text.trim_matches(|c: char| c.is_ascii_punctuation());
    word.chars().count() <= LONGEST_WORD && word.chars().all(|c| c.is_alphabetic() || "_-'".contains(c))
}

/// `text` without the password, where it does not hold one that is too short to be masked.
fn without_password(text: &[u8], login: Option<&Login>) -> Option<String> {
    let text = Bytes::copy_from_slice(text);
    let Some(login) = login else { return Some(String::from_utf8_lossy(&text).into_owned()) };
    let masked = mask::masked(text, &login.password);
    let text = String::from_utf8_lossy(&masked).into_owned();
    (login.password.is_empty() || !text.contains(&*login.password)).then_some(text)
}

fn shortened(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capability;

    const TOKEN: &str = "6f1c0ffee-1111-4222";

    fn refusal(status: u16, answer: &str, password: &str) -> Fault {
        let post = |path: &str| Capability { method: "POST".into(), path: path.into() };
        let calls = Session {
            login: post("login"),
            login_body: Map::new(),
            username_member: "user".into(),
            password_member: "password".into(),
            token_member: "userToken".into(),
            logout: None,
            expired_member: "statusCode".into(),
            expired_value: "BadToken".into(),
        };
        let login = Login { username: "jo".into(), password: password.into() };
        token_in(&calls, Some(&login), StatusCode::from_u16(status).unwrap(), answer.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_token_that_is_not_where_it_should_be_is_quoted_nowhere() {
        let answers = [
            format!(r#"{{"statusCode":"Good","errors":[],"UserToken":"{TOKEN}"}}"#),
            format!(r#"{{"statusCode":"Good","data":{{"userToken":"{TOKEN}"}}}}"#),
            format!(r#"{{"statusCode":"{TOKEN}","errors":["your token is {TOKEN}, keep it","{TOKEN}"]}}"#),
            format!(r#"{{"{TOKEN}":"Bearer {TOKEN}","x":["abcdefghijklmnopqrstuvwxyz is it"]}}"#),
            format!("[\"{TOKEN}\"]"),
            format!("\"{TOKEN}\""),
            format!("<html>{TOKEN}</html>"),
            TOKEN.to_owned(),
        ];
        for answer in answers {
            for status in [200, 201, 302] {
                let said = refusal(status, &answer, "pass").message;
                assert!(!said.contains("6f1") && !said.contains("1111") && !said.contains("ghij"), "{answer}: {said}");
            }
        }
        let said = refusal(200, r#"{"statusCode":"Good","errors":[],"UserToken":"abc"}"#, "pass").message;
        for words in ["no `userToken` among", "`statusCode` (`Good`)", "`UserToken`", "`errors`"] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }

    #[test]
    fn the_servers_reasons_are_quoted_and_what_is_no_word_in_them_is_not() {
        let errors = r#"{"statusCode":"Errors","errors":["the user's name is\nunknown: jo / horse 17","try later"]}"#;
        let said = refusal(200, errors, "horse").message;
        assert!(said.contains("`errors` (`the user's name is unknown: jo / *** ***; try later`)"), "{said}");
        assert!(said.contains("`statusCode` (`Errors`)"), "{said}");
        let short = refusal(200, r#"{"errors":["it is abc alas"]}"#, "abc").message;
        assert!(short.contains("among `errors`;"), "{short}");
    }

    #[test]
    fn an_answer_that_is_an_error_is_quoted_as_it_is() {
        let fault = refusal(503, "the service 17 starts; horse", "horse");
        assert_eq!((fault.code.as_str(), fault.retry), ("login-failed", Retry::Later));
        assert!(fault.message.contains("answers 503: `the service 17 starts; ***`"), "{fault}");
        assert!(refusal(401, "", "horse").message.contains("it says nothing"));
        assert!(refusal(401, "abc", "abc").message.contains("in words that hold the password"));
    }
}
