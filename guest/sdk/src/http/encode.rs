//! Percent-encoding of a path segment or a query value.

/// `text` with everything encoded but the letters, digits and `-._~` that RFC 3986 leaves alone everywhere: tag names
/// hold `%`, `&`, `#`, `;`, `+`, `\` and letters of any script.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 8);
    push_encoded(&mut encoded, text);
    encoded
}

/// Appends what [`encode`] returns.
pub fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(nibble), 16).map_or('0', |digit| digit.to_ascii_uppercase()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_names_survive_a_url() {
        assert_eq!(encode(r"\\SRV\a%b&c#d;e+f g"), "%5C%5CSRV%5Ca%25b%26c%23d%3Be%2Bf%20g");
        assert_eq!(encode("Ölstand"), "%C3%96lstand");
        assert_eq!(encode("F1DP-_.~"), "F1DP-_.~");
    }
}
