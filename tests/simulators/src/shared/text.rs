//! JSON texts and numbers as Json.NET writes them: both servers are .NET programs.

/// Appends a JSON string as Json.NET escapes it.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// Appends the inside of a JSON string.
pub(crate) fn escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let special = match byte {
            b'"' | b'\\' | 0..=0x1f => true,
            0xC2 => bytes.get(at + 1) == Some(&0x85),
            0xE2 => matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xA8 | 0xA9])),
            _ => false,
        };
        if special {
            out.extend_from_slice(&bytes[from..at]);
            from = at + escape(out, &bytes[at..]);
        }
    }
    out.extend_from_slice(&bytes[from..]);
}

/// Escapes the character at the head of `bytes`; how many bytes it had.
fn escape(out: &mut Vec<u8>, bytes: &[u8]) -> usize {
    let (text, len): (&[u8], usize) = match bytes {
        [b'"', ..] => (b"\\\"", 1),
        [b'\\', ..] => (b"\\\\", 1),
        [b'\n', ..] => (b"\\n", 1),
        [b'\r', ..] => (b"\\r", 1),
        [b'\t', ..] => (b"\\t", 1),
        [0x08, ..] => (b"\\b", 1),
        [0x0c, ..] => (b"\\f", 1),
        [0xC2, ..] => (b"\\u0085", 2),
        [0xE2, _, last, ..] => (if *last == 0xA8 { b"\\u2028" } else { b"\\u2029" }, 3),
        [byte, ..] => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            (&HEX[usize::from(byte & 15)..][..1], 1)
        }
        [] => (b"", 0),
    };
    out.extend_from_slice(text);
    len
}

/// Appends an integer.
pub(crate) fn int(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a double with the fewest digits that tell it, as .NET writes exponents; NaN and infinities as strings.
pub(crate) fn float64(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        finite(out, zmij::Buffer::new().format_finite(value));
    } else {
        not_finite(out, value);
    }
}

/// Appends a single with the fewest digits that tell it.
pub(crate) fn float32(out: &mut Vec<u8>, value: f32) {
    if value.is_finite() {
        finite(out, zmij::Buffer::new().format_finite(value));
    } else {
        not_finite(out, f64::from(value));
    }
}

fn not_finite(out: &mut Vec<u8>, value: f64) {
    let text: &[u8] = if value.is_nan() {
        b"\"NaN\""
    } else if value > 0.0 {
        b"\"Infinity\""
    } else {
        b"\"-Infinity\""
    };
    out.extend_from_slice(text);
}

fn finite(out: &mut Vec<u8>, text: &str) {
    match text.split_once('e') {
        None => out.extend_from_slice(text.as_bytes()),
        Some((digits, exponent)) => {
            let (sign, exponent) = exponent.strip_prefix('-').map_or((b'+', exponent), |rest| (b'-', rest));
            out.extend_from_slice(digits.as_bytes());
            out.extend_from_slice(&[b'E', sign]);
            if exponent.len() < 2 {
                out.push(b'0');
            }
            out.extend_from_slice(exponent.trim_start_matches('+').as_bytes());
        }
    }
}

/// An array of strings.
pub(crate) fn strings(out: &mut Vec<u8>, texts: &[String]) {
    out.push(b'[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, text);
    }
    out.push(b']');
}
