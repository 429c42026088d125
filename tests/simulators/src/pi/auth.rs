//! Who may ask: authentication per request and the CSRF header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, header};

use super::answer::Refusal;
use super::config::{Auth, Config};

/// 401 with the challenge, unless the caller proves who it is.
pub(crate) fn authenticate(auth: &Auth, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, credentials) = given.split_once(' ').unwrap_or((given, ""));
    let (known, challenge) = match auth {
        Auth::Anonymous => return Ok(()),
        Auth::Basic { username, password } => (
            scheme.eq_ignore_ascii_case("basic") && is_user(credentials, username, password),
            "Basic realm=\"localhost\"",
        ),
        Auth::Bearer { token } => (scheme.eq_ignore_ascii_case("bearer") && credentials.trim() == token, "Bearer"),
    };
    if known {
        return Ok(());
    }
    let refusal = Refusal::of_status(401, false, None, true);
    Err(Refusal { headers: vec![("WWW-Authenticate", challenge.to_owned())], ..refusal })
}

fn is_user(credentials: &str, username: &str, password: &str) -> bool {
    let decoded = BASE64.decode(credentials.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((user, given)) = decoded.as_deref().and_then(|text| text.split_once(':')) else { return false };
    user.to_lowercase() == username.to_lowercase() && given == password
}

/// 400 for a POST without `X-Requested-With`, where the server defends against CSRF.
pub(crate) fn forgery(config: &Config, method: &http::Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let reads = matches!(*method, http::Method::GET | http::Method::HEAD | http::Method::OPTIONS);
    if reads || !config.knobs.csrf || headers.contains_key("x-requested-with") {
        return Ok(());
    }
    Err(Refusal::bad(
        "The required header 'X-Requested-With' is missing (cross-site request forgery defense).".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn basic_compares_users_without_case_and_passwords_exactly() {
        let auth = Auth::Basic { username: r"DOM\ops".into(), password: "p:w".into() };
        let given = |text: &str| headers(&format!("Basic {}", BASE64.encode(text)));
        assert!(authenticate(&auth, &given(r"dom\OPS:p:w")).is_ok());
        assert!(authenticate(&auth, &given(r"DOM\ops:P:W")).is_err());
        assert!(authenticate(&auth, &headers("Bearer p:w")).is_err());
        let refusal = authenticate(&auth, &HeaderMap::new()).unwrap_err();
        assert_eq!(refusal.status, 401);
        assert!(refusal.headers[0].1.starts_with("Basic realm="));
    }

    #[test]
    fn bearer_compares_exactly() {
        let auth = Auth::Bearer { token: "abc".into() };
        assert!(authenticate(&auth, &headers("bearer abc")).is_ok());
        assert!(authenticate(&auth, &headers("Bearer ABC")).is_err());
    }
}
