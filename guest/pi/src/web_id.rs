//! What a WebId of version 2.0 says about its object, without asking the server.
//!
//! `<form><version><type>[<owner type>]<part>…`: the form is Full, IDOnly, PathOnly, LocalIDOnly or DefaultIDOnly, and
//! each part of 22 characters is a GUID in unpadded base64 for URLs. A Full WebId goes on with the path of its object,
//! and so changes when the object is renamed or reached by another path: the GUIDs in it do not. A WebId of version 1.0
//! and one made of a path tell nothing here.

/// A GUID, or its like, as a number: compact enough to remember a million of them.
pub(crate) type Guid = u128;

/// Characters of a GUID in base64.
const GUID: usize = 22;

const ELEMENT: &str = "Em";
const ATTRIBUTE: &str = "Ab";

/// The parts of a WebId.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts<'a> {
    form: &'a str,
    kind: &'a str,
    /// `E` or `F` where an object belongs to an element or an event frame.
    owner: &'a str,
    server: Option<&'a str>,
    owner_id: Option<&'a str>,
    id: &'a str,
}

impl<'a> Parts<'a> {
    fn of(web_id: &'a str) -> Option<Self> {
        let (form, rest) = web_id.split_at_checked(1)?;
        let (kind, rest) = rest.strip_prefix('1')?.split_at_checked(2)?;
        if !matches!(kind, "RS" | "RD" | "Em" | "Ab" | "Fm") {
            return None;
        }
        let (owner, rest) = rest.split_at_checked(usize::from(kind == ATTRIBUTE))?;
        let (server, rest) = match form {
            "F" | "I" => rest.split_at_checked(GUID).map(|(server, rest)| (Some(server), rest))?,
            "L" | "D" => (None, rest),
            _ => return None,
        };
        let (owner_id, rest) = match owner {
            "" => (None, rest),
            _ => rest.split_at_checked(GUID).map(|(owner, rest)| (Some(owner), rest))?,
        };
        let (id, path) = rest.split_at_checked(GUID)?;
        (form == "F" || path.is_empty()).then_some(Self { form, kind, owner, server, owner_id, id })
    }
}

/// The GUID of the object: of an element, an event frame, a database, an attribute.
pub(crate) fn object(web_id: &str) -> Option<Guid> {
    decode(Parts::of(web_id)?.id)
}

/// The GUID of the element that an attribute belongs to.
pub(crate) fn owner_element(web_id: &str) -> Option<Guid> {
    let parts = Parts::of(web_id).filter(|parts| parts.kind == ATTRIBUTE && parts.owner == "E")?;
    decode(parts.owner_id?)
}

/// The WebId, in the form IDOnly, of the element that an attribute belongs to.
pub(crate) fn owner_id_only(web_id: &str) -> Option<String> {
    let parts = Parts::of(web_id).filter(|parts| parts.kind == ATTRIBUTE && parts.owner == "E")?;
    Some(format!("I1{ELEMENT}{}{}", parts.server?, parts.owner_id?))
}

/// The same object in the form IDOnly, where the WebId tells as much.
pub(crate) fn id_only(web_id: &str) -> Option<String> {
    let parts = Parts::of(web_id).filter(|parts| matches!(parts.form, "F" | "I"))?;
    let owner = parts.owner_id.unwrap_or_default();
    Some(format!("I1{}{}{}{owner}{}", parts.kind, parts.owner, parts.server?, parts.id))
}

/// Whether this WebId holds identities only: the form `IDOnly`, as asked for.
pub(crate) fn is_id_only(web_id: &str) -> bool {
    Parts::of(web_id).is_some_and(|parts| parts.form == "I")
}

/// `other` in the form of `own`, so that the two may be compared: links may come in another form than the objects.
pub(crate) fn alike(own: &str, other: &str) -> String {
    is_id_only(own).then(|| id_only(other)).flatten().unwrap_or_else(|| other.to_owned())
}

/// The last segment of a link such as `https://h/piwebapi/elements/F1Em…`, if it leads to objects of this kind.
pub(crate) fn in_link<'a>(link: &'a str, kind: &str) -> Option<&'a str> {
    let path = link.split(['?', '#']).next().unwrap_or(link).trim_end_matches('/');
    let (rest, web_id) = path.rsplit_once('/')?;
    let leads_there = rest.rsplit('/').next().is_some_and(|segment| segment.eq_ignore_ascii_case(kind));
    (leads_there && !web_id.is_empty()).then_some(web_id)
}

/// `96f9a00e-4d80-471f-aba9-ea89a1db402c`, with or without braces.
pub(crate) fn guid(text: &str) -> Option<Guid> {
    let text = text.trim().trim_start_matches('{').trim_end_matches('}');
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths != [8, 4, 4, 4, 12] || !groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return None;
    }
    u128::from_str_radix(&groups.concat(), 16).ok()
}

/// A GUID in base64, in the byte order of Microsoft: the first three groups are turned round.
fn decode(base64: &str) -> Option<Guid> {
    let mut number: u128 = 0;
    let mut sextets = base64.bytes();
    for sextet in sextets.by_ref().take(GUID - 1) {
        number = number << 6 | u128::from(value_of(sextet)?);
    }
    // 22 characters hold 132 bits, the last 4 of which are zero.
    let last = value_of(sextets.next()?)?;
    if last & 15 != 0 {
        return None;
    }
    let [a0, a1, a2, a3, b0, b1, c0, c1, rest @ ..] = (number << 2 | u128::from(last >> 4)).to_be_bytes();
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip([a3, a2, a1, a0, b1, b0, c1, c0].into_iter().chain(rest)) {
        *place = byte;
    }
    Some(u128::from_be_bytes(bytes))
}

fn value_of(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTRIBUTE_ID: &str = "I1AbEDqD5loBNH0erqeqJodtALAYIKyyz2F5BGAxQAVXYRDBAGyPedZG1sUmxOOclp3Flwg";
    const FULL_ELEMENT: &str = "F1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7gU0lNQUZcUExBTlRcVU5JVDE";
    const ELEMENT_ID: &str = "I1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g";

    #[test]
    fn the_documented_attribute_names_its_element_and_itself() {
        assert_eq!(owner_element(ATTRIBUTE_ID), guid("cbb28260-853d-11e4-80c5-00155d844304"));
        assert_eq!(object(ATTRIBUTE_ID), guid("75de231b-b591-49b1-b138-e725a77165c2"));
        let server = Parts::of(ATTRIBUTE_ID).and_then(|parts| decode(parts.server?));
        assert_eq!(server, guid("96f9a00e-4d80-471f-aba9-ea89a1db402c"));
        assert_eq!(owner_id_only(ATTRIBUTE_ID).as_deref(), Some("I1EmDqD5loBNH0erqeqJodtALAYIKyyz2F5BGAxQAVXYRDBA"));
    }

    #[test]
    fn the_forms_of_one_element_are_one_object() {
        let id = guid("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
        for form in [FULL_ELEMENT, ELEMENT_ID, "L1Emqqqqqru7zMzd3e7u7u7u7g", "D1Emqqqqqru7zMzd3e7u7u7u7g"] {
            assert_eq!(object(form), id, "{form}");
        }
        assert_eq!(alike(ELEMENT_ID, FULL_ELEMENT), ELEMENT_ID);
        assert_eq!(alike(FULL_ELEMENT, ELEMENT_ID), ELEMENT_ID);
        let own = "F1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7gQQ";
        assert_eq!(alike(own, FULL_ELEMENT), FULL_ELEMENT, "a server that does not obey is left as it is");
    }

    #[test]
    fn what_is_no_such_web_id_tells_nothing() {
        for text in [
            "",
            "P1AbEU0lNQUZcUExBTlRcVU5JVDF8VEVNUA",
            "F0EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g",
            "I1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7",
            "I1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7gX",
            "I1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAA",
            "W1ÖmERERES",
            "element-17",
        ] {
            assert_eq!((object(text), owner_element(text)), (None, None), "{text}");
        }
        let frame = "I1AbFERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7gZ0UjAauJ780BI0VniavN7w";
        assert_eq!(owner_element(frame), None, "its owner is an event frame");
        assert_eq!(object(frame), guid("01234567-89ab-cdef-0123-456789abcdef"));
    }

    #[test]
    fn guids_are_read_as_the_server_writes_them() {
        assert_eq!(guid("{96F9A00E-4D80-471F-ABA9-EA89A1DB402C}"), guid("96f9a00e-4d80-471f-aba9-ea89a1db402c"));
        for text in ["", "96f9a00e", "96f9a00e-4d80-471f-aba9-ea89a1db402g", "+6f9a00e-4d80-471f-aba9-ea89a1db402c"] {
            assert_eq!(guid(text), None, "{text}");
        }
    }

    #[test]
    fn a_link_is_followed_only_to_the_kind_it_must_lead_to() {
        let link = "https://h/piwebapi/elements/F1EmX";
        assert_eq!(in_link(link, "elements"), Some("F1EmX"));
        assert_eq!(in_link(link, "eventframes"), None);
        assert_eq!(in_link("https://h/piwebapi/Elements/F1EmX/?a=b", "elements"), Some("F1EmX"));
        assert_eq!(in_link("https://h/piwebapi/elements/", "elements"), None);
        assert_eq!(in_link("", "elements"), None);
    }
}
