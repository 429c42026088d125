//! Asks an address that was not granted: `source.other`, or else the metadata service of a cloud.

use tidegate_programs::{Plugin, Program, Source};
use tidegate_sdk::{Fault, Span, http::Client, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct AnotherHost;

impl Program for AnotherHost {
    const NAME: &'static str = "anotherhost";

    async fn misbehave(_table: &str, _span: &Span) -> Result<(), Fault> {
        let other = Source::load()?.other.unwrap_or_else(|| "http://169.254.169.254".to_owned());
        let answer = Client::new(&other).get("/system").await?;
        Err(Fault::internal("escaped", format!("another host answered with status {}", answer.status())))
    }
}

/// The component.
pub type Registered = Plugin<AnotherHost>;

register_extractor!(Registered);
