//! Keeps a secret out of text on its way to a guest: as it is, and in the spellings that JSON has for it, also where it
//! lies across two pieces. What may be its beginning waits for the next piece; everything else passes at once.

use std::sync::Arc;

use bytes::Bytes;
use memchr::memchr2;
use memchr::memmem::Finder;

/// What stands in the place of a secret.
const MASK: &[u8] = b"***";
/// Shorter texts would blot out ordinary words; a token of three characters protects nothing anyway.
const SHORTEST: usize = 4;
/// So many bytes of a secret are looked for in data; more would only make it dearer to tell what may be its beginning.
const HEAD: usize = 16;

/// Takes a secret out of a stream of text.
pub(super) struct Mask {
    secret: Arc<str>,
    /// How it begins, where only that is looked for.
    head: Option<Finder<'static>>,
    /// Whether as many bytes stand in its place.
    as_long: bool,
    /// May be the beginning of the secret.
    held: Vec<u8>,
}

/// Whether text begins with a spelling.
#[derive(Clone, Copy)]
enum Match {
    No,
    /// As far as the text goes.
    Begun,
    /// With so many bytes.
    Whole(usize),
}

impl Mask {
    /// Knows every spelling.
    pub(super) fn new(secret: Arc<str>) -> Self {
        Self { secret, head: None, as_long: false, held: Vec::new() }
    }

    /// For data, which come by the gigabyte: the letters and digits that the secret begins with stand for themselves,
    /// as all writers of JSON have it, and the text keeps its length.
    pub(super) fn quick(secret: Arc<str>) -> Self {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        let head: Vec<u8> = secret.bytes().take(HEAD).take_while(plain).collect();
        let head = (!head.is_empty()).then(|| Finder::new(&head).into_owned());
        Self { head, as_long: true, ..Self::new(secret) }
    }

    /// The next piece, as far as it can be told.
    pub(super) fn pass(&mut self, piece: Bytes) -> Bytes {
        if self.secret.len() < SHORTEST {
            return piece;
        }
        let text = if self.held.is_empty() {
            piece
        } else {
            self.held.extend_from_slice(&piece);
            Bytes::from(std::mem::take(&mut self.held))
        };
        let mut clean = Vec::new();
        let (mut from, mut at) = (0, 0);
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let Some(next) = self.next(rest) else {
                at = text.len();
                break;
            };
            at += next;
            match self.begins(text.get(at..).unwrap_or_default()) {
                Match::No => at += 1,
                Match::Begun => {
                    self.held = text.get(at..).unwrap_or_default().to_vec();
                    break;
                }
                Match::Whole(length) => {
                    clean.extend_from_slice(text.get(from..at).unwrap_or_default());
                    clean.extend_from_slice(&self.in_place_of(length));
                    at += length;
                    from = at;
                }
            }
        }
        let tail = text.slice(from..at);
        if clean.is_empty() {
            return tail;
        }
        clean.extend_from_slice(&tail);
        Bytes::from(clean)
    }

    /// What is left at the end; of a secret that is cut short nothing worth the name.
    pub(super) fn finish(&mut self) -> Bytes {
        let held = std::mem::take(&mut self.held);
        if held.len() < SHORTEST { Bytes::from(held) } else { self.in_place_of(held.len()) }
    }

    fn in_place_of(&self, length: usize) -> Bytes {
        if self.as_long { Bytes::from(vec![b'*'; length]) } else { Bytes::from_static(MASK) }
    }

    /// Where the secret may begin in `text`.
    fn next(&self, text: &[u8]) -> Option<usize> {
        let Some(head) = &self.head else {
            return memchr2(*self.secret.as_bytes().first()?, b'\\', text);
        };
        head.find(text).or_else(|| {
            let begun = |at: &usize| text.get(*at..).is_some_and(|end| head.needle().starts_with(end));
            (text.len().saturating_sub(head.needle().len() - 1)..text.len()).find(begun)
        })
    }

    fn begins(&self, text: &[u8]) -> Match {
        match (begins(text, self.secret.as_bytes(), |a, b| a == b), spelt(text, &self.secret)) {
            (Match::Whole(length), _) | (_, Match::Whole(length)) => Match::Whole(length),
            (Match::Begun, _) | (_, Match::Begun) => Match::Begun,
            _ => Match::No,
        }
    }
}

/// `text` without `secret`.
pub(super) fn masked(text: Bytes, secret: &str) -> Bytes {
    let mut mask = Mask::new(secret.into());
    let clean = mask.pass(text);
    let rest = mask.finish();
    if rest.is_empty() { clean } else { Bytes::from([clean, rest].concat()) }
}

/// Whether `text` holds `secret`.
pub(super) fn holds(text: &[u8], secret: &str) -> bool {
    masked(Bytes::copy_from_slice(text), secret) != text
}

fn begins(text: &[u8], spelling: &[u8], same: impl Fn(&[u8], &[u8]) -> bool) -> Match {
    let shared = text.len().min(spelling.len());
    match (text.get(..shared), spelling.get(..shared)) {
        (Some(one), Some(other)) if same(one, other) => {
            if shared < spelling.len() {
                Match::Begun
            } else {
                Match::Whole(shared)
            }
        }
        _ => Match::No,
    }
}

/// The whole of `secret` inside of a JSON string, each character spelt in whatever way.
fn spelt(text: &[u8], secret: &str) -> Match {
    let mut length = 0;
    for character in secret.chars() {
        match letter(text.get(length..).unwrap_or_default(), character) {
            Match::Whole(more) => length += more,
            other => return other,
        }
    }
    Match::Whole(length)
}

fn letter(text: &[u8], character: char) -> Match {
    match text {
        [] | [b'\\'] => Match::Begun,
        [b'\\', b'u', ..] => units(text, character),
        [b'\\', short, ..] if meant(*short) == Some(character) => Match::Whole(2),
        [b'\\', ..] => Match::No,
        _ => begins(text, character.encode_utf8(&mut [0; 4]).as_bytes(), |a, b| a == b),
    }
}

/// What a short escape stands for.
fn meant(short: u8) -> Option<char> {
    Some(match short {
        b'"' | b'\\' | b'/' => char::from(short),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

/// An escape with four hex digits, two of them for a character beyond the first 65,536.
fn units(text: &[u8], character: char) -> Match {
    let mut length = 0;
    for unit in character.encode_utf16(&mut [0; 2]) {
        let digit = |shift: u32| {
            let value = usize::from(*unit >> shift & 0xf);
            b"0123456789abcdef".get(value).copied().unwrap_or_default()
        };
        let spelling = [b'\\', b'u', digit(12), digit(8), digit(4), digit(0)];
        match begins(text.get(length..).unwrap_or_default(), &spelling, <[u8]>::eq_ignore_ascii_case) {
            Match::Whole(more) => length += more,
            other => return other,
        }
    }
    Match::Whole(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "to/k+e\"n\\ä😀=";

    fn clean(text: &str, secret: &str) -> String {
        String::from_utf8(masked(Bytes::from(text.to_owned()), secret).to_vec()).unwrap()
    }

    /// As Rust, a .NET server, PHP and a server that escapes everything spell the secret.
    fn spellings() -> [String; 6] {
        let every = |upper: bool| -> String {
            let unit = |unit: u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
            SECRET.encode_utf16().map(unit).collect()
        };
        [
            SECRET.to_owned(),
            "to/k+e\\\"n\\\\ä😀=".to_owned(),
            "to/k\\u002Be\\u0022n\\\\\\u00E4\\uD83D\\uDE00=".to_owned(),
            "to\\/k+e\\\"n\\\\\\u00e4\\ud83d\\ude00=".to_owned(),
            every(true),
            every(false),
        ]
    }

    #[test]
    fn a_secret_is_masked_in_every_spelling_and_nothing_else_is_touched() {
        for spelling in spellings() {
            let text = clean(&format!("{{\"to\":\"{spelling}\",\"x\":\"\\u00e4\\\\{spelling}t\"}}"), SECRET);
            assert_eq!(text, r#"{"to":"***","x":"\u00e4\\***t"}"#, "{spelling}");
        }
        for (text, secret) in [("nothing here", "token"), ("abc", "abc"), ("to\\/k+e\"", SECRET), ("", "token")] {
            let end = if text.starts_with("to") { "***" } else { text };
            assert_eq!(clean(text, secret), end);
        }
        assert_eq!(clean("token-at-the-start to tokn toke", "token"), "***-at-the-start to tokn ***");
        assert!(holds(b"x token", "token") && !holds(b"x", "token") && !holds(b"abc", "abc"));
    }

    #[test]
    fn it_makes_no_difference_where_the_text_is_cut_into_pieces() {
        for spelling in spellings() {
            let text = format!("tt\\to{spelling}{spelling} to/k+ x");
            let whole = clean(&text, SECRET);
            assert_eq!(whole, "tt\\to****** to/k+ x");
            for size in 1..text.len() {
                let mut mask = Mask::new(SECRET.into());
                let pieces = text.as_bytes().chunks(size).map(|piece| mask.pass(Bytes::copy_from_slice(piece)));
                let mut passed = pieces.collect::<Vec<_>>().concat();
                passed.extend_from_slice(&mask.finish());
                assert_eq!(String::from_utf8(passed).unwrap(), whole, "{spelling} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_quick_mask_finds_what_writers_of_json_make_of_a_secret_wherever_the_text_is_cut() {
        let spelt: [(&str, &[&str]); 5] = [
            ("c0ffee00-1111-4222-8333-444455556666", &["c0ffee00-1111-4222-8333-444455556666"]),
            ("UExBTlRc+m/y==", &["UExBTlRc+m/y==", "UExBTlRc+m\\/y==", "UExBTlRc\\u002Bm/y\\u003D\\u003d"]),
            ("aaaaab", &["aaaaab"]),
            ("/+abc", &["/+abc", "\\/\\u002babc"]),
            ("ä-token", &["ä-token", "\\u00E4-token"]),
        ];
        for (secret, spellings) in spelt {
            for spelling in spellings {
                let text = format!("{{\"a\":\"c0ffee0 aaaaa {spelling}\",\"b\":\"{spelling}{spelling}c0\"}} aaa");
                let stars = "*".repeat(spelling.len());
                let clean = text.replace(spelling, &stars);
                for size in 1..=text.len() {
                    let mut mask = Mask::quick(secret.into());
                    let pieces = text.as_bytes().chunks(size).map(|piece| mask.pass(Bytes::copy_from_slice(piece)));
                    let mut passed = pieces.collect::<Vec<_>>().concat();
                    passed.extend_from_slice(&mask.finish());
                    assert_eq!(String::from_utf8(passed).unwrap(), clean, "{spelling} in pieces of {size}");
                }
            }
        }
    }

    #[test]
    fn data_without_the_secret_pass_without_being_copied() {
        let mut mask = Mask::quick("c0ffee00-1111".into());
        let piece = Bytes::from("c0ffee 00-1111 ".repeat(1_000));
        let passed = mask.pass(piece.clone());
        assert_eq!((passed.as_ptr(), passed.len()), (piece.as_ptr(), piece.len()));
    }

    #[test]
    fn what_cannot_be_the_secret_is_not_held_back() {
        let mut mask = Mask::new("token".into());
        assert_eq!(mask.pass(Bytes::from_static(b"a to b to")), "a to b ");
        assert_eq!(mask.pass(Bytes::from_static(b"p")), "top");
        assert!(mask.finish().is_empty());
    }
}
