//! Small fields read without an error: one of an unexpected type is unknown, and must not cost the page it stands on.
//!
//! Seven of them make a row, so each is read straight from the text, by a visitor that builds nothing else.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a field may be read from; by default, from nothing.
pub(super) trait Lenient<'de>: Default {
    /// From `true` or `false`.
    fn from_flag(_: bool) -> Self {
        Self::default()
    }

    /// From a string.
    fn from_text(_: Cow<'de, str>) -> Self {
        Self::default()
    }
}

/// Reads a field; for `deserialize_with`.
#[inline]
pub(super) fn read<'de, T: Lenient<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(LenientVisitor(PhantomData))
}

impl<'de> Lenient<'de> for Option<bool> {
    #[inline]
    fn from_flag(flag: bool) -> Self {
        Some(flag)
    }
}

impl<'de: 'a, 'a> Lenient<'de> for Option<Cow<'a, str>> {
    #[inline]
    fn from_text(text: Cow<'de, str>) -> Self {
        Some(text)
    }
}

struct LenientVisitor<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> Visitor<'de> for LenientVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    #[inline]
    fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
        Ok(T::from_flag(flag))
    }

    #[inline]
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::from_text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::from_text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }
}
