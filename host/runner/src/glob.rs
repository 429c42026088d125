//! Patterns for names, as `--tag` takes them.

/// Whether `name` is one that `pattern` means: `*` stands for anything, `?` for one character, and case does not matter, as
/// it does not to historians.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let [pattern, name] = [pattern, name].map(|text| text.to_lowercase().chars().collect::<Vec<char>>());
    // For each length of the name: whether the pattern so far stands for a beginning that long.
    let mut reach: Vec<bool> = (0..=name.len()).map(|length| length == 0).collect();
    for wanted in pattern {
        let shifted = std::iter::once(false)
            .chain(name.iter().zip(&reach).map(|(c, before)| *before && (wanted == '?' || wanted == *c)));
        reach = match wanted {
            '*' => reach
                .iter()
                .scan(false, |any, here| {
                    *any |= *here;
                    Some(*any)
                })
                .collect(),
            _ => shifted.collect(),
        };
    }
    reach.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_people_expect() {
        let all =
            [("*", ""), ("*", "Plant"), ("plant", "PLANT"), ("P*t", "Plant"), ("Pl?nt", "Plant"), ("*a*t*", "Plant")];
        assert!(all.iter().all(|(pattern, name)| matches(pattern, name)));
        assert!(matches("Ö*", "ölwerk") && matches("**", "x") && matches("", "") && matches("*.PV", "a.b.pv"));
        let none = [("P*x", "Plant"), ("Pl?t", "Plant"), ("?", ""), ("lant", "Plant"), ("Plan", "Plant"), ("", "x")];
        assert!(none.iter().all(|(pattern, name)| !matches(pattern, name)));
    }
}
