//! How a historian gives out tokens: what the host needs to log in, to carry the token and to log out by itself, so that
//! no credential has to cross into the plugin.

use serde_json::{Map, Value};

use super::capability::Capability;
use super::printable;
use crate::bindings::plugin as wit;

/// The longest name of a member, in bytes.
const LONGEST_MEMBER: usize = 64;
/// The longest body of a login call, in bytes, and the longest text that says that a token is not valid.
const LONGEST_BODY: usize = 4_096;

/// The calls that open and end a session, and where its token goes. Paths are relative to the configured URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The `POST` that opens a session.
    pub login: Capability,
    /// What its body holds besides the user's name and password.
    pub login_body: Map<String, Value>,
    /// The member that takes the user's name.
    pub username_member: String,
    /// The member that takes the password.
    pub password_member: String,
    /// The member that carries the token: in the answer to `login`, in each later request and in `logout`.
    pub token_member: String,
    /// The `POST` that ends a session.
    pub logout: Option<Capability>,
    /// An answer in which this member
    pub expired_member: String,
    /// holds this text says that the token is not valid (any more).
    pub expired_value: String,
}

impl Session {
    /// Checks what the guest returned; the error says which statement cannot be.
    pub(crate) fn check(said: wit::Session) -> Result<Self, String> {
        let members = [&said.username_member, &said.password_member, &said.token_member, &said.expired_member]
            .map(String::as_str);
        members.iter().try_for_each(|name| member(name))?;
        let body: Value = serde_json::from_str(&said.login_body)
            .map_err(|error| format!("the body of its login call is not JSON: {error}"))?;
        let Value::Object(login_body) = body else {
            return Err("the body of its login call is not a JSON object".to_owned());
        };
        if said.login_body.len() > LONGEST_BODY || said.expired_value.len() > LONGEST_BODY {
            return Err(format!("its session says more than {LONGEST_BODY} bytes at once"));
        }
        if let Some(name) =
            [&said.username_member, &said.password_member].into_iter().find(|name| login_body.contains_key(*name))
        {
            return Err(format!("the body of its login call holds `{name}`, which only the host fills in"));
        }
        if said.expired_value.is_empty() {
            return Err("it does not say which answer means that a token is not valid".to_owned());
        }
        let logout = (!said.logout.is_empty()).then(|| post(said.logout)).transpose()?;
        Ok(Self {
            login: post(said.login)?,
            login_body,
            username_member: said.username_member,
            password_member: said.password_member,
            token_member: said.token_member,
            logout,
            expired_member: said.expired_member,
            expired_value: said.expired_value,
        })
    }

    /// Whether an answer says that the token of its request is not valid (any more).
    pub(crate) fn expired(&self, answer: &[u8]) -> bool {
        let object = serde_json::from_slice::<Map<String, Value>>(answer).unwrap_or_default();
        object.get(&self.expired_member).and_then(Value::as_str) == Some(self.expired_value.as_str())
    }

    /// Whether only the host may make requests that this capability stands for. Capitals make no difference: they make none
    /// to many a server.
    pub(crate) fn reserves(&self, capability: &Capability) -> bool {
        let small = |it: &Capability| Capability { path: it.path.to_ascii_lowercase(), ..it.clone() };
        let asked = small(capability);
        [Some(&self.login), self.logout.as_ref()].into_iter().flatten().any(|own| asked.covers(&small(own)))
    }
}

/// A name of a JSON object's member that means the same to everybody.
pub(crate) fn member(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() > LONGEST_MEMBER || !name.chars().all(plain) {
        return Err(format!(
            "`{}` is no name of a member that a token can go to (A-Z, a-z, 0-9, _ - .)",
            printable(name)
        ));
    }
    Ok(())
}

fn post(path: String) -> Result<Capability, String> {
    let call = Capability::check(wit::Capability { method: "POST".to_owned(), path })?;
    if call.path.is_empty() || call.segments().any(|segment| segment == "*") {
        return Err(format!("its session calls `{call}`, which names no single path"));
    }
    Ok(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> wit::Session {
        wit::Session {
            login: "/getToken".to_owned(),
            login_body: r#"{"application":"Tidegate"}"#.to_owned(),
            username_member: "username".to_owned(),
            password_member: "password".to_owned(),
            token_member: "userToken".to_owned(),
            logout: "/revokeToken".to_owned(),
            expired_member: "statusCode".to_owned(),
            expired_value: "BadToken".to_owned(),
        }
    }

    fn refusal(change: impl FnOnce(&mut wit::Session)) -> String {
        let mut session = said();
        change(&mut session);
        Session::check(session).unwrap_err()
    }

    #[test]
    fn a_session_keeps_its_calls_to_the_host() {
        let session = Session::check(said()).unwrap();
        let capability = |method: &str, path: &str| Capability { method: method.to_owned(), path: path.to_owned() };
        for path in ["getToken", "revokeToken", "*", "GETTOKEN", "REVOKEtoken"] {
            assert!(session.reserves(&capability("POST", path)), "{path}");
        }
        for (method, path) in [("GET", "getToken"), ("POST", "getTagData"), ("POST", "*/getToken")] {
            assert!(!session.reserves(&capability(method, path)), "{method} {path}");
        }
        assert_eq!(Session::check(wit::Session { logout: String::new(), ..said() }).unwrap().logout, None);
    }

    #[test]
    fn only_an_object_with_the_declared_words_says_that_a_token_is_not_valid() {
        let session = Session::check(said()).unwrap();
        assert!(session.expired(br#" {"x":1, "statusCode" : "BadToken"}"#));
        for other in [r#"{"statusCode":"Good"}"#, r#"{"data":{"statusCode":"BadToken"}}"#, r#"["BadToken"]"#, "", "{"] {
            assert!(!session.expired(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn what_could_lead_a_credential_astray_is_refused() {
        assert!(refusal(|it| it.login = "/a/*".to_owned()).contains("names no single path"));
        assert!(refusal(|it| it.login = String::new()).contains("names no single path"));
        assert!(refusal(|it| it.login = "/../x".to_owned()).contains("no plain path"));
        assert!(refusal(|it| it.logout = "/a?b".to_owned()).contains("no plain path"));
        assert!(refusal(|it| it.token_member = String::new()).contains("no name of a member"));
        assert!(refusal(|it| it.username_member = "a\"b".to_owned()).contains("no name of a member"));
        assert!(refusal(|it| it.login_body = "[]".to_owned()).contains("not a JSON object"));
        assert!(refusal(|it| it.login_body = "{".to_owned()).contains("not JSON"));
        assert!(refusal(|it| it.login_body = r#"{"password":"x"}"#.to_owned()).contains("only the host fills in"));
        assert!(refusal(|it| it.expired_value = String::new()).contains("not valid"));
    }
}
