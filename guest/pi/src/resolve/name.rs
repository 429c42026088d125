//! How a tag is written in the configuration: as a WebId, a path, or a name.

/// A tag by the way it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    WebId(String),
    /// `\\SERVER\TAG`
    Path(String),
    /// `TAG`, on the data server of the configuration.
    Bare(String),
}

impl Name {
    /// A WebId is recognised by what it must be made of, because a plant may well call a tag `F1DP-101`; in doubt, a
    /// path says for certain what is meant.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.trim();
        if text.starts_with(r"\\") {
            Self::Path(text.to_owned())
        } else if is_web_id(text) {
            Self::WebId(text.to_owned())
        } else {
            Self::Bare(text.to_owned())
        }
    }

    pub(crate) fn is_bare(&self) -> bool {
        matches!(self, Self::Bare(_))
    }
}

/// Of a point, in one of the five forms of version 1: `F1DP…`.
fn is_web_id(text: &str) -> bool {
    // A server's GUID and a point's number in base64.
    const SERVER: usize = 22;
    const NUMBER: usize = 6;
    let Some((form, parts)) = text.split_at_checked(1).and_then(|(form, rest)| Some((form, rest.strip_prefix("1DP")?)))
    else {
        return false;
    };
    if !parts.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return false;
    }
    match form {
        "F" => parts.len() > SERVER + NUMBER,
        "I" => parts.len() == SERVER + NUMBER,
        // Numbers are below 2^24, so that their highest byte is zero.
        "L" | "D" => parts.len() == NUMBER && parts.ends_with("AA"),
        "P" => holds_path(parts),
        _ => false,
    }
}

/// Whether this is base64 of a text with a backslash in it: `SERVER\TAG`.
fn holds_path(base64: &str) -> bool {
    let (mut bits, mut count) = (0_u32, 0);
    for byte in base64.bytes() {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            _ => 63,
        };
        (bits, count) = (bits << 6 | u32::from(sextet), count + 6);
        if count >= 8 {
            count -= 8;
            if bits >> count & 0xff == u32::from(b'\\') {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_recognised_by_the_way_they_are_written() {
        let table = [
            ("F1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAAU0lNUElcVEFHMQ", Name::WebId as fn(String) -> Name),
            ("I1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAA", Name::WebId),
            ("P1DPU0lNUElcVEFHMQ", Name::WebId),
            ("D1DP0gQAAA", Name::WebId),
            ("F1DP-101", Name::Bare),
            ("P1DPumpInletPressure", Name::Bare),
            ("L1DP-10101", Name::Bare),
            ("I1DP_A_LONG_NAME", Name::Bare),
            ("é1DP", Name::Bare),
            (r"\\PISRV1\SINUSOID", Name::Path),
            (r"\\PISRV1\100% a&b#c;d+e", Name::Path),
            ("SINUSOID", Name::Bare),
            ("F1DP.PV", Name::Bare),
            ("F2DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAA", Name::Bare),
            ("Ölstand", Name::Bare),
        ];
        for (text, kind) in table {
            assert_eq!(Name::of(text), kind(text.to_owned()), "{text}");
        }
    }
}
