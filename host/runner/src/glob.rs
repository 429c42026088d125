//! Patterns of tag names, as the command line takes them.

/// `*` for any run of characters, `?` for one, without regard to case, as historians read patterns.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    let (pattern, name) = (lower(pattern), lower(name));
    let (mut at, mut from) = (0, 0);
    // Where the last `*` stands, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = name.get(from) {
        match (pattern.get(at), star) {
            (Some('*'), _) => {
                star = Some((at, from));
                at += 1;
            }
            (Some(wanted), _) if *wanted == '?' || wanted == character => {
                at += 1;
                from += 1;
            }
            (_, Some((place, taken))) => {
                star = Some((place, taken + 1));
                at = place + 1;
                from = taken + 1;
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_a_historian_would() {
        let table = [
            ("*", "", true),
            ("*", "Plant", true),
            ("plant", "Plant", true),
            ("", "Plant", false),
            ("P*t", "Plant", true),
            ("P*x", "Plant", false),
            ("Pl?nt", "Plant", true),
            ("Pl?t", "Plant", false),
            ("*a*t*", "Plant", true),
            ("*ab", "aaab", true),
            ("?", "", false),
            ("Ö*", "ölwerk", true),
            ("**", "x", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
