//! `tidegate validate`: everything that can be wrong with a configuration, without a request.

use anyhow::Result;
use serde::Serialize;

use super::{Global, load, load::Unusable};
use crate::config::{Invalid, Origin};
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::secret::redact;

/// What `--output json` prints: one object.
#[derive(Serialize)]
struct Report {
    /// Whether there are no problems.
    valid: bool,
    /// Where, which key, what is wrong.
    problems: Vec<Line>,
    /// Accepted, but deserves a word.
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Line {
    /// As named on the command line.
    file: String,
    /// From 1; null for a `--set`.
    line: Option<usize>,
    key: String,
    message: String,
}

pub(super) async fn run(global: &Global) -> Result<Exit> {
    let checked = load::checked(load::document(global)?).await;
    let (problems, warnings, text) = match &checked {
        Ok((config, _)) => {
            let warnings: Vec<String> = config.warnings.iter().chain(&config.unavailable).cloned().collect();
            (Vec::new(), warnings, format!("{}: valid", config.file))
        }
        Err(Unusable::Invalid(invalid)) => (lines(invalid), Vec::new(), String::new()),
        Err(Unusable::Refused(failure)) => return Err(failure.clone().into()),
    };
    if global.output == Format::Json {
        let exit = if problems.is_empty() { Exit::Done } else { Exit::Usage };
        output::json(&Report { valid: problems.is_empty(), problems, warnings })?;
        return Ok(exit);
    }
    checked.map_err(Failure::from)?;
    if !global.quiet {
        warnings.iter().for_each(|warning| output::aside(&format!("warning: {warning}")));
    }
    output::line(&text)?;
    Ok(Exit::Done)
}

fn lines(invalid: &Invalid) -> Vec<Line> {
    let line = |problem: &crate::config::Problem| Line {
        file: invalid.file.clone(),
        line: match problem.origin {
            Origin::Line(line) => Some(line),
            Origin::Override => None,
        },
        key: problem.key.clone(),
        message: redact(&problem.what).into_owned(),
    };
    invalid.problems.iter().map(line).collect()
}
