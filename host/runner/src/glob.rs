//! Patterns over names, as historians read them.

use crate::exit::Failure;

/// `*` for any run of characters, `?` for one, without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    pattern: Vec<char>,
}

impl Glob {
    /// A pattern; any text is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), pattern: text.to_lowercase().chars().collect() }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The refusal of a pattern of tags that fits none of them: a misspelt one must not pass for a job done.
    pub(crate) fn stands_for_nothing(&self) -> Failure {
        Failure::usage(format!(
            "--tags: no configured tag has a name like `{}`; `tidegate plan` lists those there are",
            self.text
        ))
    }

    /// Whether all of `name` fits.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.to_lowercase().chars().collect();
        let (mut at, mut next) = (0, 0);
        // The last `*`, and how much of the name it stands for so far.
        let mut star = None;
        while next < name.len() {
            match self.pattern.get(at) {
                Some('*') => {
                    star = Some((at, next));
                    at += 1;
                }
                Some(wanted) if *wanted == '?' || name.get(next) == Some(wanted) => {
                    at += 1;
                    next += 1;
                }
                _ => {
                    let Some((place, taken)) = star else { return false };
                    star = Some((place, taken + 1));
                    (at, next) = (place + 1, taken + 1);
                }
            }
        }
        self.pattern.iter().skip(at).all(|rest| *rest == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_without_regard_to_case() {
        let table = [
            ("*", "", true),
            ("*", "Plant", true),
            ("plant", "PLANT", true),
            ("plan", "Plant", false),
            ("P*t", "Plant", true),
            ("P*x", "Plant", false),
            ("*an*t", "Planant", true),
            ("*a*t*", "Plant", true),
            ("Pl?nt", "Plant", true),
            ("Pl?t", "Plant", false),
            ("?", "", false),
            ("", "", true),
            ("", "x", false),
            ("Ö*", "ölwerk", true),
            ("**", "x", true),
            ("a*b*c", "aXbYbZc", true),
            ("[ab]", "a", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_one() {
        let pattern = Glob::new(&"*a".repeat(40));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(10_000))));
    }
}
