//! Name patterns, for lists that the server does not filter.

/// `*` for any run of characters, `?` for one, without regard to case, as servers read patterns.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // Which prefixes of the name the pattern so far can stand for.
    let mut reach: Vec<bool> = std::iter::once(true).chain(name.iter().map(|_| false)).collect();
    for wanted in pattern {
        let mut before = wanted == '*' && reach.first() == Some(&true);
        let mut next = vec![before];
        for (character, (here, last)) in name.iter().zip(reach.iter().skip(1).zip(reach.iter())) {
            before = if wanted == '*' { before || *here } else { *last && (wanted == '?' || wanted == *character) };
            next.push(before);
        }
        reach = next;
    }
    reach.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_server_would() {
        let table = [
            ("*", "", true),
            ("*", "Plant", true),
            ("plant", "Plant", true),
            ("P*t", "Plant", true),
            ("P*x", "Plant", false),
            ("Pl?nt", "Plant", true),
            ("Pl?t", "Plant", false),
            ("*a*t*", "Plant", true),
            ("?", "", false),
            ("Ö*", "ölwerk", true),
            ("**", "x", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
