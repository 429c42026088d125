//! `${NAME}` and `${file:PATH}`: values that do not stand in the configuration itself, most of them secrets.
//!
//! An error names the variable or the file, never what was read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where values come from.
pub(super) struct Lookup<'a> {
    /// Relative paths start here: the folder of the configuration.
    pub folder: &'a Path,
    /// Reads one environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
}

/// `text` with each `${…}` replaced, or `None` where it holds none. `$${` stands for a literal `${`.
///
/// # Errors
/// Everything that could not be replaced, one message each.
pub(super) fn interpolate(text: &str, lookup: &Lookup<'_>) -> Result<Option<String>, Vec<String>> {
    if !text.contains("${") {
        return Ok(None);
    }
    let (mut out, mut problems) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((expression, behind)) = after.split_once('}') else {
            problems.push("`${` without a closing `}`; write `$${` for a literal `${`".to_owned());
            rest = "";
            break;
        };
        match value(expression, lookup) {
            Ok(value) => out.push_str(&value),
            Err(problem) => problems.push(problem),
        }
        rest = behind;
    }
    out.push_str(rest);
    if problems.is_empty() { Ok(Some(out)) } else { Err(problems) }
}

fn value(expression: &str, lookup: &Lookup<'_>) -> Result<String, String> {
    if let Some(path) = expression.strip_prefix("file:") {
        return file(path.trim(), lookup.folder);
    }
    if !is_name(expression) {
        return Err(
            "between `${` and `}` stands NAME (an environment variable) or file:PATH; write `$${` for a literal `${`"
                .to_owned(),
        );
    }
    let value = (lookup.environment)(expression)
        .ok_or_else(|| format!("the environment variable {expression} is not set; set it, or write the value here"))?;
    value.into_string().map_err(|_| format!("the environment variable {expression} is not valid UTF-8"))
}

/// The text of a file without the line break that editors leave at its end.
fn file(path: &str, folder: &Path) -> Result<String, String> {
    let path: PathBuf = folder.join(path);
    let bytes = std::fs::read(&path).map_err(|error| format!("cannot read the file {}: {error}", path.display()))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("the file {} is not valid UTF-8", path.display()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<Option<String>, Vec<String>> {
        let environment = |name: &str| (name == "USER_X").then(|| OsString::from("jo"));
        interpolate(text, &Lookup { folder: Path::new("/nowhere"), environment: &environment })
    }

    #[test]
    fn variables_are_replaced_anywhere_in_the_text() {
        assert_eq!(run("a ${USER_X} b${USER_X}").unwrap().unwrap(), "a jo bjo");
        assert_eq!(run("no variable, $5").unwrap(), None);
    }

    #[test]
    fn a_doubled_dollar_is_a_literal_one() {
        assert_eq!(run("$${USER_X} ${USER_X}").unwrap().unwrap(), "${USER_X} jo");
    }

    #[test]
    fn every_unset_variable_is_named() {
        let problems = run("${ONE}:${USER_X}:${TWO}").unwrap_err();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].contains("variable ONE is not set"), "{problems:?}");
        assert!(problems[1].contains("variable TWO is not set"), "{problems:?}");
    }

    #[test]
    fn an_open_brace_and_a_strange_name_are_errors_that_quote_nothing() {
        assert!(run("pre${USER_X").unwrap_err()[0].contains("closing"));
        let strange = run("${pa ss}").unwrap_err();
        assert!(!strange[0].contains("pa ss"), "{strange:?}");
    }

    #[test]
    fn a_file_is_read_relative_to_the_configuration_without_its_last_line_break() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "t0k3n\r\n").unwrap();
        let lookup = Lookup { folder: folder.path(), environment: &|_| None };
        assert_eq!(interpolate("${file:token}", &lookup).unwrap().unwrap(), "t0k3n");
        let missing = interpolate("${file:absent}", &lookup).unwrap_err();
        assert!(missing[0].contains("absent"), "{missing:?}");
    }
}
