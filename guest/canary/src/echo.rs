//! What was asked for, found again under what the server writes: it may write a path in another case than it was asked for,
//! and names are alike whatever their case.

use std::collections::HashMap;

/// The places of paths in a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Echoes<'a> {
    exact: HashMap<&'a str, usize>,
    /// Made where the first path comes back in another case, which few do.
    folded: Option<HashMap<String, usize>>,
}

impl<'a> Echoes<'a> {
    /// Of paths in their order.
    pub(crate) fn of(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut exact = HashMap::new();
        for (at, path) in paths.into_iter().enumerate() {
            exact.entry(path).or_insert(at);
        }
        Self { exact, folded: None }
    }

    /// Where in the request `path` stands; a path that is exactly the same goes before one in another case.
    pub(crate) fn place(&mut self, path: &str) -> Option<usize> {
        if let Some(at) = self.exact.get(path) {
            return Some(*at);
        }
        let exact = &self.exact;
        let folded = self.folded.get_or_insert_with(|| {
            let mut paths: Vec<(&str, usize)> = exact.iter().map(|(path, at)| (*path, *at)).collect();
            // Of paths that differ in nothing but their case the first counts.
            paths.sort_unstable_by_key(|(_, at)| std::cmp::Reverse(*at));
            paths.into_iter().map(|(path, at)| (path.to_lowercase(), at)).collect()
        });
        folded.get(&path.to_lowercase()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_another_case_is_found_and_the_very_same_goes_first() {
        let mut echoes = Echoes::of(["V.Öl", "V.b", "V.B"]);
        assert_eq!((echoes.place("V.öL"), echoes.place("V.Öl")), (Some(0), Some(0)));
        assert_eq!((echoes.place("V.B"), echoes.place("v.b"), echoes.place("V.c")), (Some(2), Some(1), None));
    }
}
