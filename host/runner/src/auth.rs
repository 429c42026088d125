//! Credentials as the egress attaches them, after its policy has let a request pass. They never cross into a plugin.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use tidegate_model::Fault;
use tidegate_sandbox::{Authorization, Credentials, Description, Login};

use crate::config::{Auth, Place};
use crate::exit::Failure;
use crate::secret;

/// The credentials that the configuration asks for, as the plugin's historian takes them.
///
/// # Errors
/// A type of `auth` that this version cannot use or the historian does not take, or values that no HTTP header can carry.
pub fn credentials(auth: &Auth, plugin: &Description) -> Result<Credentials, Failure> {
    let header = |value, password| Credentials::Header(Arc::new(Fixed { value, password }) as _);
    Ok(match auth {
        Auth::Anonymous => Credentials::Anonymous,
        Auth::Basic { username, password } => {
            header(basic(username, password.reveal())?, Some(password.reveal().into()))
        }
        Auth::Bearer { token, place: Place::Header } => header(bearer(token.reveal())?, None),
        Auth::Bearer { token, place: Place::Body } => Credentials::Member {
            name: plugin.token_member.clone().ok_or_else(|| unsupported("in: body", "bearer", plugin))?,
            token: token.reveal().trim().into(),
        },
        Auth::Session { login } => Credentials::Session {
            calls: plugin.session.clone().ok_or_else(|| unsupported("session", "session", plugin))?,
            login: login
                .as_ref()
                .map(|login| Login { username: login.username.clone(), password: login.password.reveal().into() }),
        },
        Auth::Later(kind) => {
            return Err(Failure::usage(format!("auth.type `{kind}` is not available yet in this version")));
        }
    })
}

/// What the plugin's historian takes instead.
fn unsupported(what: &str, kind: &str, plugin: &Description) -> Failure {
    let mut taken = vec!["basic", "bearer"];
    if plugin.token_member.is_some() {
        taken.push("bearer with `in: body`");
    }
    if plugin.session.is_some() {
        taken.push("session");
    }
    taken.push("anonymous");
    let what = if what == kind { format!("auth.type `{kind}`") } else { format!("auth.type `{kind}` with `{what}`") };
    let taken = taken.join(", ");
    Failure::usage(format!("{what}: plugin `{}` knows no such way to log in; it takes {taken}", plugin.name))
}

/// The same header with every request.
struct Fixed {
    value: HeaderValue,
    password: Option<Arc<str>>,
}

#[async_trait]
impl Authorization for Fixed {
    async fn authorization(&self) -> Result<HeaderValue, Fault> {
        Ok(self.value.clone())
    }

    fn password(&self) -> Option<Arc<str>> {
        self.password.clone()
    }
}

/// RFC 7617, in UTF-8.
fn basic(username: &str, password: &str) -> Result<HeaderValue, Failure> {
    if username.contains(':') {
        return Err(Failure::usage("auth.username must not hold `:`, which basic authentication cannot carry"));
    }
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    secret::register(&encoded);
    sensitive(&format!("Basic {encoded}"), "auth.password")
}

fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    sensitive(&format!("Bearer {}", token.trim()), "auth.token")
}

/// Marked, so that HTTP libraries leave it out of their logs.
fn sensitive(text: &str, key: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Failure::usage(format!("{key} holds characters that an HTTP header cannot carry, such as a line break"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_sandbox::{Capability, Session};

    use super::*;
    use crate::config;
    use crate::secret::Secret;

    /// A plugin whose historian takes what is said here.
    fn plugin(token_member: Option<&str>, session: bool) -> Description {
        let capability = |path: &str| Capability { method: "POST".to_owned(), path: path.to_owned() };
        Description {
            name: "x".to_owned(),
            version: "1".to_owned(),
            license: String::new(),
            root: String::new(),
            starter: String::new(),
            tables: Vec::new(),
            kinds: Vec::new(),
            config_schema: json!({}),
            capabilities: Vec::new(),
            token_member: token_member.map(str::to_owned),
            session: session.then(|| Session {
                login: capability("login"),
                login_body: serde_json::Map::new(),
                username_member: "user".to_owned(),
                password_member: "password".to_owned(),
                token_member: "token".to_owned(),
                logout: None,
                expired_member: "status".to_owned(),
                expired_value: "expired".to_owned(),
            }),
        }
    }

    fn refusal(auth: &Auth, plugin: &Description) -> String {
        let failure = credentials(auth, plugin).err().unwrap();
        assert_eq!(failure.exit, crate::exit::Exit::Usage);
        failure.message
    }

    #[test]
    fn basic_credentials_are_encoded_and_never_shown() {
        let value = basic("CORP\\jo", "pässw0rd").unwrap();
        assert_eq!(value.as_bytes(), b"Basic Q09SUFxqbzpww6Rzc3cwcmQ=");
        assert!(value.is_sensitive());
        assert_eq!(secret::redact("got Q09SUFxqbzpww6Rzc3cwcmQ="), "got ***");
        assert!(basic("a:b", "c").is_err());
    }

    #[test]
    fn the_egress_learns_which_password_the_header_holds() {
        let password = |auth: &Auth| match credentials(auth, &plugin(None, false)) {
            Ok(Credentials::Header(header)) => header.password(),
            _ => None,
        };
        let basic = Auth::Basic { username: "jo".to_owned(), password: Secret::new("pässw0rd".to_owned()) };
        assert_eq!(password(&basic).as_deref(), Some("pässw0rd"));
        let bearer = Auth::Bearer { token: Secret::new("t0ken".to_owned()), place: Place::Header };
        assert_eq!(password(&bearer), None);
    }

    #[test]
    fn a_token_with_a_line_break_is_refused_without_quoting_it() {
        let auth = Auth::Bearer { token: Secret::new("to\nken-x".to_owned()), place: Place::Header };
        let message = refusal(&auth, &plugin(None, false));
        assert!(message.contains("auth.token") && !message.contains("ken-x"), "{message}");
        assert_eq!(bearer("t0ken\n").unwrap().as_bytes(), b"Bearer t0ken");
    }

    #[test]
    fn a_type_of_a_later_version_is_a_clear_error() {
        let message = refusal(&Auth::Later("kerberos"), &plugin(None, false));
        assert!(message.contains("`kerberos` is not available yet"), "{message}");
    }

    #[test]
    fn a_way_that_the_historian_does_not_take_names_those_that_it_does() {
        let session = Auth::Session { login: None };
        let body = Auth::Bearer { token: Secret::new("t0ken".to_owned()), place: Place::Body };
        assert_eq!(
            refusal(&session, &plugin(Some("apiToken"), false)),
            "auth.type `session`: plugin `x` knows no such way to log in; it takes basic, bearer, bearer with `in: body`, anonymous"
        );
        assert_eq!(
            refusal(&body, &plugin(None, true)),
            "auth.type `bearer` with `in: body`: plugin `x` knows no such way to log in; it takes basic, bearer, session, anonymous"
        );
        assert!(matches!(
            credentials(&body, &plugin(Some("apiToken"), false)),
            Ok(Credentials::Member { name, token }) if name == "apiToken" && &*token == "t0ken"
        ));
        let login = config::Login { username: "u".to_owned(), password: Secret::new("p4ss".to_owned()) };
        assert!(matches!(
            credentials(&Auth::Session { login: Some(login) }, &plugin(None, true)),
            Ok(Credentials::Session { login: Some(login), .. }) if login.username == "u"
        ));
    }
}
