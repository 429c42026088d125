//! Objects and arrays written straight into an answer's buffer, one member after the other.

use crate::shared::text;

/// The members of an object, or the elements of an array, being written.
#[derive(Debug)]
pub(crate) struct Members<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
    end: u8,
}

impl<'o> Members<'o> {
    /// Opens an object as the next member of the one around it.
    pub(crate) fn open(out: &'o mut Vec<u8>, name: &str) -> Members<'o> {
        named(out, name);
        Members::object(out)
    }

    /// Opens an array as the next member of the object around it.
    pub(crate) fn open_array(out: &'o mut Vec<u8>, name: &str) -> Members<'o> {
        named(out, name);
        out.push(b'[');
        Members { out, first: true, end: b']' }
    }

    /// Opens an object.
    pub(crate) fn object(out: &'o mut Vec<u8>) -> Members<'o> {
        out.push(b'{');
        Members { out, first: true, end: b'}' }
    }

    /// Begins an element; the caller then writes it.
    pub(crate) fn element(&mut self) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out
    }

    /// Writes a key; the caller then writes the value.
    pub(crate) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        let out = self.element();
        text::string(out, name);
        out.push(b':');
        out
    }

    /// A string member, or null.
    pub(crate) fn text(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        let out = self.key(name);
        match value {
            Some(value) => text::string(out, value),
            None => out.extend_from_slice(b"null"),
        }
        self
    }

    /// A boolean member.
    pub(crate) fn bool(&mut self, name: &str, value: bool) -> &mut Self {
        self.key(name).extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    /// Closes the object or array.
    pub(crate) fn close(self) {
        self.out.push(self.end);
    }
}

/// Begins a further member of the object around.
pub(crate) fn named(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    text::string(out, name);
    out.push(b':');
}
