//! Writes JSON straight into the answer's buffer, leaving out what `selectedFields` does not name.

use super::fields::Selection;
use crate::shared::text;
pub(crate) use crate::shared::text::strings;

/// An object being written; close it with [`Obj::close`].
#[derive(Debug)]
pub(crate) struct Obj<'o, 'f> {
    out: &'o mut Vec<u8>,
    selection: Selection<'f>,
    first: bool,
}

impl<'o, 'f> Obj<'o, 'f> {
    /// Opens an object.
    pub(crate) fn open(out: &'o mut Vec<u8>, selection: Selection<'f>) -> Obj<'o, 'f> {
        out.push(b'{');
        Obj { out, selection, first: true }
    }

    /// Closes the object.
    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    /// Writes the key if it is selected; the caller then writes the value.
    pub(crate) fn key(&mut self, name: &str) -> Option<(&mut Vec<u8>, Selection<'f>)> {
        let below = self.selection.pick(name)?;
        self.force(name);
        Some((self.out, below))
    }

    /// Writes the key, selected or not.
    pub(crate) fn force(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        text::string(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// A string member.
    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        if let Some((out, _)) = self.key(name) {
            text::string(out, value);
        }
        self
    }

    /// An integer member.
    pub(crate) fn int(&mut self, name: &str, value: i64) -> &mut Self {
        if let Some((out, _)) = self.key(name) {
            text::int(out, value);
        }
        self
    }

    /// A floating point member.
    pub(crate) fn float(&mut self, name: &str, value: f64) -> &mut Self {
        if let Some((out, _)) = self.key(name) {
            text::float64(out, value);
        }
        self
    }

    /// A boolean member.
    pub(crate) fn bool(&mut self, name: &str, value: bool) -> &mut Self {
        if let Some((out, _)) = self.key(name) {
            out.extend_from_slice(if value { b"true" } else { b"false" });
        }
        self
    }

    /// A timestamp member.
    pub(crate) fn time(&mut self, name: &str, ticks: i64) -> &mut Self {
        self.text(name, &super::time::format_ticks(ticks))
    }

    /// A string member in parts, for the links that every object has by the dozen.
    pub(crate) fn link(&mut self, name: &str, parts: &[&str]) -> &mut Self {
        if let Some((out, _)) = self.key(name) {
            out.push(b'"');
            parts.iter().for_each(|part| text::escaped(out, part));
            out.push(b'"');
        }
        self
    }

    /// A member that is a list of strings.
    pub(crate) fn texts(&mut self, name: &str, values: &[String]) -> &mut Self {
        if let Some((out, _)) = self.key(name) {
            text::strings(out, values);
        }
        self
    }

    /// An object member.
    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Obj<'_, 'f>)) -> &mut Self {
        if let Some((out, below)) = self.key(name) {
            let mut object = Obj::open(out, below);
            fill(&mut object);
            object.close();
        }
        self
    }

    /// An array member; `each` writes one element.
    pub(crate) fn array<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Vec<u8>, Selection<'f>, T),
    ) -> &mut Self {
        if let Some((out, below)) = self.key(name) {
            out.push(b'[');
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                each(out, below, item);
            }
            out.push(b']');
        }
        self
    }
}
