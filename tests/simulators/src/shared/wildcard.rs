//! PI name filters: `*` any run, `?` one character, `[..]` and `[!..]` sets; case does not matter.

/// Whether the whole of `text` matches `pattern`.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut at, mut pos) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while pos < text.len() {
        match step(&pattern, at, text[pos]) {
            Some(next) => (at, pos) = (next, pos + 1),
            None if pattern.get(at) == Some(&'*') => {
                star = Some((at, pos));
                at += 1;
            }
            None => match star {
                Some((back, from)) => {
                    (at, pos) = (back + 1, from + 1);
                    star = Some((back, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// Matches one character at `at`; the position after the pattern element.
fn step(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match pattern.get(at)? {
        '*' => None,
        '?' => Some(at + 1),
        '[' => {
            let close = pattern[at + 1..].iter().position(|p| *p == ']').map(|p| p + at + 1);
            let Some(close) = close else { return (c == '[').then_some(at + 1) };
            let (negated, from) = if pattern[at + 1] == '!' { (true, at + 2) } else { (false, at + 1) };
            let mut set = &pattern[from..close];
            let mut found = false;
            while let Some((first, rest)) = set.split_first() {
                match rest {
                    ['-', last, tail @ ..] => {
                        found |= (*first..=*last).contains(&c);
                        set = tail;
                    }
                    _ => {
                        found |= *first == c;
                        set = rest;
                    }
                }
            }
            (found != negated).then_some(close + 1)
        }
        other => (*other == c).then_some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn wildcards_match_as_pi_does() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*temp*", "Unit1.Temperature.7", true),
            ("FIC?01", "fic101", true),
            ("FIC?01", "fic01", false),
            ("a[1-3]b", "A2B", true),
            ("a[!1-3]b", "A2B", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b", "aXbY", false),
            ("Größe*", "GRÖSSE", false),
            ("größe*", "GRÖßE 7", true),
            ("[", "[", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} against {text}");
        }
    }
}
