//! What tells one object of a listing from another, in sixteen bytes.
//!
//! A plant has millions of attributes, and all of them must be remembered for as long as their listing lasts: an offset
//! listing over a set that changes meanwhile may show one of them twice.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::web_id;

/// The same for the same object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity(u128);

impl Identity {
    /// Of an object of AF: by its GUID, which it keeps under every path; else by its WebId.
    pub(crate) fn of_object(id: Option<&str>, web_id: &str) -> Self {
        match id.and_then(web_id::guid).or_else(|| web_id::object(web_id)) {
            Some(guid) => Self(guid),
            None => Self::of_text(web_id),
        }
    }

    /// Of an object of AF by its GUID alone.
    pub(crate) fn of_guid(guid: web_id::Guid) -> Self {
        Self(guid)
    }

    /// Of a number that is unique where it is listed.
    pub(crate) fn of_number(number: i64) -> Self {
        Self(u128::from(number.cast_unsigned()))
    }

    /// Of any text: 128 bits of hash, which do not meet by chance.
    pub(crate) fn of_text(text: &str) -> Self {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, text).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        Self(half(0) << 64 | half(1))
    }

    /// Of a path: AF does not care about case.
    pub(crate) fn of_path(path: &str) -> Self {
        Self::of_text(&path.to_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_one_whatever_its_web_id_looks_like() {
        let guid = Some("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
        let full = "F1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7gU0lNQUZcUExBTlRcVU5JVDE";
        assert_eq!(Identity::of_object(guid, "x"), Identity::of_object(None, full));
        assert_ne!(Identity::of_object(None, "x"), Identity::of_object(None, "y"));
        assert_eq!(Identity::of_path(r"\\AF\Db\ölwerk"), Identity::of_path(r"\\af\DB\Ölwerk"));
    }
}
