//! Paths of AF, as the server writes them and as tables hold them.
//!
//! `\\SERVER\Database\Enterprise\Site1|Flow|Limit` becomes `/Enterprise/Site1|Flow|Limit`. AF allows a slash in a name
//! and no backslash, so a slash that belongs to the name of an element is written `\/`: the segments of a path stay
//! unambiguous. What stands behind the first `|` names attributes, and is left as it is.

/// `\\SERVER\Database\A\B` → `/A/B`; `None` for text that is no such path.
pub(crate) fn readable(path: &str) -> Option<String> {
    let (elements, attributes) = match path.find('|') {
        Some(bar) => path.split_at(bar),
        None => (path, ""),
    };
    let mut text = String::with_capacity(path.len());
    for name in segments(elements)? {
        text.push('/');
        for character in name.chars() {
            if character == '/' {
                text.push('\\');
            }
            text.push(character);
        }
    }
    text.push_str(attributes);
    (!text.is_empty()).then_some(text)
}

/// How far below the top: 0 for `\\SERVER\Database\A`.
pub(crate) fn depth(path: &str) -> Option<i32> {
    let elements = path.split('|').next().unwrap_or(path);
    i32::try_from(segments(elements)?.count()).ok()?.checked_sub(1).filter(|depth| *depth >= 0)
}

/// The path of the element above; `None` at the top.
pub(crate) fn parent(path: &str) -> Option<&str> {
    if depth(path)? == 0 {
        return None;
    }
    path.rsplit_once('\\').map(|(above, _)| above)
}

/// The names below the database.
fn segments(path: &str) -> Option<impl Iterator<Item = &str>> {
    let mut names = path.strip_prefix(r"\\")?.split('\\');
    names.next().filter(|server| !server.is_empty())?;
    names.next().filter(|database| !database.is_empty())?;
    Some(names.filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_server_and_database_and_stay_unambiguous() {
        let table = [
            (r"\\AF1\Production\Enterprise\Site1\Unit2\Pump-101", Some("/Enterprise/Site1/Unit2/Pump-101")),
            (r"\\AF1\Production\A", Some("/A")),
            (r"\\AF1\Production\In/Out\B", Some(r"/In\/Out/B")),
            (r"\\AF1\Production\In\Out\B", Some("/In/Out/B")),
            (r"\\AF1\Production\A|Flow m3/h|Limit", Some("/A|Flow m3/h|Limit")),
            (r"\\AF1\Production", None),
            (r"\\AF1", None),
            ("Pump", None),
            ("", None),
        ];
        for (path, expected) in table {
            assert_eq!(readable(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn depth_and_parent_follow_the_path() {
        assert_eq!(
            (depth(r"\\S\D\A"), depth(r"\\S\D\A\B\C"), depth(r"\\S\D"), depth("A")),
            (Some(0), Some(2), None, None)
        );
        assert_eq!(parent(r"\\S\D\A\B\C"), Some(r"\\S\D\A\B"));
        assert_eq!((parent(r"\\S\D\A"), parent(r"\\S\D"), parent("")), (None, None, None));
    }
}
