//! What a person has to look at before a plugin may run: how it differs from the one that is approved.

use super::Entry;

/// Lines `~` for what changes, `+` for what comes and `-` for what goes; none where nothing does.
pub(super) fn lines(old: Option<&Entry>, new: &Entry) -> Vec<String> {
    let mut lines = Vec::new();
    let signer = |entry: &Entry| entry.signer.clone().unwrap_or_else(|| "nobody".to_owned());
    let facts = |entry: &Entry| {
        [
            ("version", entry.version.clone()),
            ("digest", entry.digest.to_string()),
            ("signer", signer(entry)),
            ("source", entry.source.clone()),
        ]
    };
    match old.map(facts) {
        Some(old) => {
            for ((what, old), (_, new)) in old.into_iter().zip(facts(new)) {
                if old != new {
                    lines.push(format!("~ {what:<11} {old} -> {new}"));
                }
            }
        }
        None => {
            lines.push(format!("+ {:<11} {}", "plugin", new.name));
            lines.extend(facts(new).map(|(what, new)| format!("+ {what:<11} {new}")));
        }
    }
    let none = Vec::new();
    let lists = [
        ("capability", old.map_or(&none, |old| &old.capabilities), &new.capabilities),
        ("credentials", old.map_or(&none, |old| &old.credentials), &new.credentials),
    ];
    for (what, old, new) in lists {
        lines.extend(new.iter().filter(|line| !old.contains(line)).map(|line| format!("+ {what:<11} {line}")));
        lines.extend(old.iter().filter(|line| !new.contains(line)).map(|line| format!("- {what:<11} {line}")));
    }
    lines.iter().map(|line| printable_line(line)).collect()
}

/// A line for a terminal. What a bundle says that nobody has approved must not move its cursor.
fn printable_line(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
