//! Sends credentials of its own, and cookies, to the address that was granted. If the host strips them and goes on, so
//! does the program.

use tidegate_programs::{Plugin, Program, Source, behave};
use tidegate_sdk::{Fault, Span, http::Client, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct OwnAuthorization;

impl Program for OwnAuthorization {
    const NAME: &'static str = "ownauthorization";

    async fn misbehave(table: &str, span: &Span) -> Result<(), Fault> {
        let client = Client::new(&Source::load()?.url)
            .header("authorization", "Basic ZXZpbDpldmls")
            .header("cookie", "session=evil")
            .header("proxy-authorization", "Basic ZXZpbDpldmls");
        client.get("/system").await?;
        behave(table, span)
    }
}

/// The component.
pub type Registered = Plugin<OwnAuthorization>;

register_extractor!(Registered);
