//! Credentials as the egress attaches them, after its policy has let a request pass. They never cross into a plugin.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use tidegate_model::Fault;
use tidegate_sandbox::Credentials;

use crate::config::Auth;
use crate::exit::Failure;
use crate::secret;

/// The credentials that the configuration asks for.
///
/// # Errors
/// A type of `auth` that this version cannot use, or values that no HTTP header can carry.
pub fn credentials(auth: &Auth) -> Result<Arc<dyn Credentials>, Failure> {
    let header = match auth {
        Auth::Anonymous => None,
        Auth::Basic { username, password } => Some(basic(username, password.reveal())?),
        Auth::Bearer { token } => Some(bearer(token.reveal())?),
        Auth::Later(kind) => {
            return Err(Failure::usage(format!("auth.type `{kind}` is not available yet in this version")));
        }
    };
    Ok(Arc::new(Fixed(header)))
}

/// The same header with every request.
struct Fixed(Option<HeaderValue>);

#[async_trait]
impl Credentials for Fixed {
    async fn authorization(&self) -> Result<Option<HeaderValue>, Fault> {
        Ok(self.0.clone())
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
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn basic_credentials_are_encoded_and_never_shown() {
        let value = basic("CORP\\jo", "pässw0rd").unwrap();
        assert_eq!(value.as_bytes(), b"Basic Q09SUFxqbzpww6Rzc3cwcmQ=");
        assert!(value.is_sensitive());
        assert_eq!(secret::redact("got Q09SUFxqbzpww6Rzc3cwcmQ="), "got ***");
        assert!(basic("a:b", "c").is_err());
    }

    #[test]
    fn a_token_with_a_line_break_is_refused_without_quoting_it() {
        let failure = credentials(&Auth::Bearer { token: Secret::new("to\nken-x".to_owned()) }).err().unwrap();
        assert!(failure.message.contains("auth.token") && !failure.message.contains("ken-x"), "{failure}");
        assert_eq!(bearer("t0ken\n").unwrap().as_bytes(), b"Bearer t0ken");
    }

    #[test]
    fn a_type_of_a_later_version_is_a_clear_error() {
        let failure = credentials(&Auth::Later("kerberos")).err().unwrap();
        assert!(failure.message.contains("`kerberos` is not available yet"), "{failure}");
    }
}
