//! The hot path: samples as JSON, straight into the buffer that goes to the socket.

use super::sample::{NO_DATA, Value};
use super::tag::Tag;
use super::truth::Found;
use super::zone::{Clockface, Zone};
use crate::shared::series::Item;
use crate::shared::text;

/// Writes samples of one answer.
#[derive(Debug)]
pub(crate) struct Rows {
    arrays: bool,
    quality: bool,
    face: Clockface,
}

impl Rows {
    /// Arrays as version 1 has them, or objects; with quality where it was asked for.
    pub(crate) fn new(arrays: bool, quality: bool, zone: Zone) -> Rows {
        Rows { arrays, quality, face: Clockface::new(zone) }
    }

    /// A whole list of samples.
    pub(crate) fn list(&mut self, out: &mut Vec<u8>, tag: &Tag, items: &[Found]) {
        out.reserve(items.len() * 80);
        out.push(b'[');
        for (n, item) in items.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            match item {
                Item::Made(draft) => {
                    let value = tag.generator.value(*draft);
                    self.sample(out, draft.ticks, &value, draft.quality);
                }
                Item::Kept(sample) => self.sample(out, sample.ticks, &sample.value, sample.quality),
            }
        }
        out.push(b']');
    }

    /// One sample.
    pub(crate) fn sample(&mut self, out: &mut Vec<u8>, ticks: i64, value: &Value, quality: u32) {
        self.open(out);
        self.face.write(out, ticks);
        self.rest(out, value, quality);
    }

    /// The list of a tag that does not exist: one sample of the year 1, without offset as it was seen.
    pub(crate) fn unknown(&mut self, out: &mut Vec<u8>) {
        out.push(b'[');
        self.open(out);
        out.extend_from_slice(b"0001-01-01T00:00:00.0000000");
        self.rest(out, &Value::Null, NO_DATA);
        out.push(b']');
    }

    fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.arrays { b"[\"" } else { b"{\"t\":\"" });
    }

    fn rest(&self, out: &mut Vec<u8>, value: &Value, quality: u32) {
        out.extend_from_slice(if self.arrays { b"\"," } else { b"\",\"v\":" });
        value.write(out);
        if self.quality {
            out.extend_from_slice(if self.arrays { b"," } else { b",\"q\":" });
            text::int(out, i64::from(quality));
        }
        out.push(if self.arrays { b']' } else { b'}' });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::zone::UTC;

    fn row(arrays: bool, quality: bool, value: Value) -> String {
        let mut out = Vec::new();
        Rows::new(arrays, quality, UTC).sample(&mut out, 17_620_257_240_110_000, &value, 192);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn both_shapes_read_as_documented() {
        let value = Value::Float32(71.08);
        assert_eq!(
            row(false, true, value.clone()),
            r#"{"t":"2025-11-01T19:35:24.0110000+00:00","v":71.08000183105469,"q":192}"#
        );
        assert_eq!(row(false, false, Value::Null), r#"{"t":"2025-11-01T19:35:24.0110000+00:00","v":null}"#);
        assert_eq!(row(true, true, value), r#"["2025-11-01T19:35:24.0110000+00:00",71.08000183105469,192]"#);
        assert_eq!(row(true, false, Value::Bool(true)), r#"["2025-11-01T19:35:24.0110000+00:00",true]"#);
    }
}
