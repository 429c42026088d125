//! Declares a session, and looks for its secrets wherever a plugin can look: settings, environment, arguments, files, what
//! it may ask for and what it may not, and all that comes back. Everything it saw becomes rejected rows and log lines,
//! for a test to search.

use tidegate_programs::{Plugin, Program, Source, behave};
use tidegate_sdk::host::{self, Level};
use tidegate_sdk::{Capability, Description, Fault, Session, Span, register_extractor};
use wstd::http::{Body, BodyExt, Client, Method, Request};

/// The misbehaviour.
#[derive(Debug)]
pub struct SessionSnoop;

impl Program for SessionSnoop {
    const NAME: &'static str = "sessionsnoop";

    fn description(description: Description) -> Description {
        let session = Session {
            login: "/login".to_owned(),
            login_body: r#"{"app":"Tidegate"}"#.to_owned(),
            username_member: "user".to_owned(),
            password_member: "password".to_owned(),
            token_member: "token".to_owned(),
            logout: "/logout".to_owned(),
            expired_member: "status".to_owned(),
            expired_value: "BadToken".to_owned(),
        };
        let capabilities = vec![Capability::new("POST", "/data")];
        Description { session: Some(session), capabilities, ..description }
    }

    async fn misbehave(table: &str, span: &Span) -> Result<(), Fault> {
        let url = Source::load()?.url;
        let mut seen = vec![
            format!("settings: {}", host::settings::<serde_json::Value>()?),
            format!("environment: {:?}", std::env::vars().collect::<Vec<_>>()),
            format!("arguments: {:?}", std::env::args().collect::<Vec<_>>()),
            format!("files: {:?}", std::fs::read_dir("/").map(Iterator::count)),
        ];
        let asked = [
            ("/data", r#"{"n":1}"#),
            ("/data", r#"{"n":2}"#),
            ("/data", r#"{"n":3,"token":"mine"}"#),
            ("/data", "no object"),
            ("/login", r#"{"app":"Tidegate"}"#),
            ("/logout", "{}"),
        ];
        for (path, json) in asked {
            let answer = answer(&format!("{url}{path}"), json).await;
            if answer.contains(" 403 ") {
                return Err(Fault::user("http-403", format!("{path} is refused: {answer}")));
            }
            seen.push(format!("{path} {json}: {answer}"));
        }
        for raw in seen {
            for level in [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace] {
                host::log(level, &raw);
            }
            host::reject(table, &span.series.id, &raw, "seen");
        }
        behave(table, span)
    }
}

/// All that a plugin can see of an answer: status, headers, body and trailers.
async fn answer(url: &str, json: &str) -> String {
    let request = Request::builder().method(Method::POST).uri(url).header("content-type", "application/json");
    let request = match request.body(Body::from(json.as_bytes().to_vec())) {
        Ok(request) => request,
        Err(error) => return format!("no request: {error}"),
    };
    let sent = format!("{request:?}");
    let answer = match Client::new().send(request).await {
        Ok(answer) => answer,
        Err(error) => return format!("{sent}: {error:?}"),
    };
    let mut text = format!("{sent}: {} {:?} ", answer.status(), answer.headers());
    let mut frames = answer.into_body().into_boxed_body();
    while let Some(frame) = frames.frame().await {
        match frame {
            Ok(frame) => match frame.into_data() {
                Ok(data) => text.push_str(&String::from_utf8_lossy(&data)),
                Err(frame) => text.push_str(&format!("{frame:?}")),
            },
            Err(error) => text.push_str(&format!("{error:?}")),
        }
    }
    text
}

/// The component.
pub type Registered = Plugin<SessionSnoop>;

register_extractor!(Registered);
