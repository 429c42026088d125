//! A bundle on one screen: at most 40 lines of 100 columns for any plugin of an ordinary size. What is cut for room says
//! so; requests and credentials never are.

use tidegate_bundle::Manifest;

use super::inspect::Inspected;
use crate::output;

/// Columns of the screen.
const WIDTH: usize = 100;
/// Columns of the names on the left.
const MARGIN: usize = 13;
/// Lines that tables and interfaces may take together with all others.
const LINES: usize = 40;

/// The sheet as text.
pub(super) fn render(inspected: &Inspected) -> String {
    let said = &inspected.said;
    let mut before = Vec::new();
    row(&mut before, "plugin", &[format!("{} {}", said.name, said.version)]);
    row(&mut before, "licence", &[or(&said.license, "not stated")]);
    row(
        &mut before,
        "digest",
        &[inspected.digest.as_ref().map_or("none: a bare component".to_owned(), ToString::to_string)],
    );
    row(&mut before, "component", &[said.component.digest.to_string()]);
    let size = format!("{} (component {})", output::bytes(inspected.size), output::bytes(said.component.size));
    row(&mut before, "size", &[size]);
    row(&mut before, "signed by", &[signers(inspected)]);
    row(&mut before, "state", std::slice::from_ref(&inspected.state));
    row(&mut before, "world", std::slice::from_ref(&said.world));
    let mut after = Vec::new();
    requests(&mut after, said);
    let credentials = said.credential_lines();
    if credentials.is_empty() {
        row(&mut after, "credentials", &["in a header of the host's only".to_owned()]);
    }
    for (index, line) in credentials.into_iter().enumerate() {
        row(&mut after, if index == 0 { "credentials" } else { "" }, &[line]);
    }
    row(&mut after, "limits", &limits(said));
    let mut middle = Vec::new();
    row(&mut middle, "imports", &said.component.imports);
    for (index, table) in said.tables.iter().enumerate() {
        let text = format!("{}_{}: {}, {} columns", said.name, table.name, table.shape, table.columns.len());
        row(&mut middle, if index == 0 { "tables" } else { "" }, &[text]);
    }
    let room = LINES.saturating_sub(before.len() + after.len()).max(4);
    if middle.len() > room {
        let more = middle.len() - (room - 1);
        middle.truncate(room - 1);
        middle.push(format!("{:MARGIN$}… and {more} lines more: --output json", ""));
    }
    before.into_iter().chain(middle).chain(after).collect::<Vec<_>>().join("\n")
}

fn or(text: &str, other: &str) -> String {
    if text.is_empty() { other.to_owned() } else { text.to_owned() }
}

fn signers(inspected: &Inspected) -> String {
    match (inspected.signatures, inspected.signers.as_slice()) {
        (0, _) => "nobody".to_owned(),
        (count, []) => format!("nobody who is known here ({count} signatures)"),
        (_, names) => names.join(", "),
    }
}

/// The requests, those of one method together.
fn requests(lines: &mut Vec<String>, said: &Manifest) {
    let mut methods: Vec<&str> = said.capabilities.iter().map(|one| one.method.as_str()).collect();
    methods.sort_unstable();
    methods.dedup();
    if methods.is_empty() {
        row(lines, "requests", &["none".to_owned()]);
    }
    for (index, method) in methods.into_iter().enumerate() {
        let mut paths: Vec<String> =
            said.capabilities.iter().filter(|one| one.method == method).map(|one| one.path.clone()).collect();
        paths.sort();
        paths.dedup();
        if let Some(first) = paths.first_mut() {
            *first = format!("{method} {first}");
        }
        row(lines, if index == 0 { "requests" } else { "" }, &paths);
    }
}

fn limits(said: &Manifest) -> Vec<String> {
    let limits = &said.limits;
    vec![
        limits.memory_bytes.map_or("memory as configured".to_owned(), |most| format!("{} memory", output::bytes(most))),
        format!("{} s computing", limits.busy_seconds),
        format!("{} request", output::bytes(limits.request_bytes)),
        format!("{} response", output::bytes(limits.response_bytes)),
        format!("{} batch", output::bytes(limits.batch_bytes)),
    ]
}

/// Words behind a name, wrapped; control characters in them are shown escaped.
fn row(lines: &mut Vec<String>, name: &str, words: &[String]) {
    let clean = |word: &String| -> String {
        if word.chars().any(char::is_control) { word.escape_debug().to_string() } else { word.clone() }
    };
    let mut line = format!("{name:MARGIN$}");
    let mut empty = true;
    let last = words.len().saturating_sub(1);
    for (index, word) in words.iter().enumerate() {
        let comma = if index == last { "" } else { "," };
        let mut word = format!("{}{comma}", clean(word));
        let length = line.chars().count();
        if !empty && length + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, format!("{:MARGIN$}", "")));
            empty = true;
        }
        // A word that is longer than a line goes on below.
        while word.chars().count() > WIDTH - MARGIN {
            let (head, tail): (String, String) =
                (word.chars().take(WIDTH - MARGIN).collect(), word.chars().skip(WIDTH - MARGIN).collect());
            line.push_str(&head);
            lines.push(std::mem::replace(&mut line, format!("{:MARGIN$}", "")));
            word = tail;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(&word);
        empty = false;
    }
    lines.push(line.trim_end().to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, words: &[&str]) -> Vec<String> {
        let mut lines = Vec::new();
        row(&mut lines, name, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        lines
    }

    #[test]
    fn words_are_wrapped_behind_their_name_and_long_ones_are_cut_nowhere() {
        assert_eq!(rows("size", &["1 B"]), ["size         1 B"]);
        let paths = vec!["/streams/*/recorded"; 9];
        let lines = rows("requests", &paths);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
        assert_eq!(lines.join(" ").matches("/streams/*/recorded").count(), 9);
        let long = "x".repeat(250);
        let lines = rows("world", &[&long]);
        assert_eq!(lines.iter().map(|line| line.matches('x').count()).sum::<usize>(), 250);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(rows("licence", &["a\u{1b}[2J"]), ["licence      a\\u{1b}[2J"]);
    }
}
