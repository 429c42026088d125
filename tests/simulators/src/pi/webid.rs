//! WebId 2.0: how PI Web API names objects in URLs (reference §11).
//!
//! `<form><version><type><parts…>`, each part on its own as unpadded URL-safe base64: GUIDs in Microsoft byte order,
//! point numbers as little-endian u32, paths as upper-cased UTF-8 without the leading `\\`. Case matters.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::hash::mix;

/// A GUID in its textual byte order.
pub(crate) type Guid = [u8; 16];

/// Which of the five forms a WebId has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `F`: ids and path.
    Full,
    /// `I`: ids.
    IdOnly,
    /// `P`: path.
    PathOnly,
    /// `L`: ids without the server's.
    LocalIdOnly,
    /// `D`: ids without the server's, on the default server.
    DefaultIdOnly,
}

impl Form {
    /// All five.
    pub const ALL: [Form; 5] = [Form::Full, Form::IdOnly, Form::PathOnly, Form::LocalIdOnly, Form::DefaultIdOnly];

    /// Reads the `webIdType` parameter.
    pub(crate) fn parse(name: &str) -> Option<Form> {
        Some(match name.to_ascii_lowercase().as_str() {
            "full" => Form::Full,
            "idonly" => Form::IdOnly,
            "pathonly" => Form::PathOnly,
            "localidonly" => Form::LocalIdOnly,
            "defaultidonly" => Form::DefaultIdOnly,
            _ => return None,
        })
    }

    fn letter(self) -> char {
        match self {
            Form::Full => 'F',
            Form::IdOnly => 'I',
            Form::PathOnly => 'P',
            Form::LocalIdOnly => 'L',
            Form::DefaultIdOnly => 'D',
        }
    }
}

/// What kind of object a WebId names; the simulator holds these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// `DS`.
    DataServer,
    /// `DP`.
    Point,
    /// `RS`.
    AssetServer,
    /// `RD`.
    AssetDatabase,
    /// `Em`.
    Element,
    /// `AbE`: an attribute that an element owns.
    ElementAttribute,
    /// `AbF`: an attribute that an event frame owns.
    FrameAttribute,
    /// `Fm`.
    EventFrame,
    /// `ET`: a template of elements or of event frames.
    ElementTemplate,
}

impl Class {
    fn letters(self) -> &'static str {
        match self {
            Class::DataServer => "DS",
            Class::Point => "DP",
            Class::AssetServer => "RS",
            Class::AssetDatabase => "RD",
            Class::Element => "Em",
            Class::ElementAttribute => "AbE",
            Class::FrameAttribute => "AbF",
            Class::EventFrame => "Fm",
            Class::ElementTemplate => "ET",
        }
    }

    /// Reads the letters, the owner's included, off the head of `rest`.
    fn read(rest: &mut &str) -> Result<Class, Unknown> {
        let (letters, mut tail) = rest.split_at_checked(2).ok_or(Unknown::Garbage)?;
        let class = match letters {
            "DS" => Class::DataServer,
            "DP" => Class::Point,
            "RS" => Class::AssetServer,
            "RD" => Class::AssetDatabase,
            "Em" => Class::Element,
            "Fm" => Class::EventFrame,
            "ET" => Class::ElementTemplate,
            "Ab" => {
                let owner = tail.chars().next();
                tail = tail.get(1..).unwrap_or_default();
                match owner {
                    Some('E') => Class::ElementAttribute,
                    Some('F') => Class::FrameAttribute,
                    _ => return Err(Unknown::Garbage),
                }
            }
            "AT" | "MS" | "MV" | "Xs" | "XT" | "XR" | "XP" | "XC" | "EC" | "AC" | "BC" | "Bl" | "TR" | "TP" | "SI"
            | "SM" | "Ut" | "UC" => return Err(Unknown::Missing),
            _ => return Err(Unknown::Garbage),
        };
        *rest = tail;
        Ok(class)
    }
}

/// What tells an object from others inside its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    /// The server itself.
    None,
    /// A point.
    Number(u32),
    /// An AF object.
    Guid(Guid),
    /// An AF object inside its owner: first the owner, then itself.
    Owned(Guid, Guid),
}

/// What a WebId says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebId {
    /// The kind of object.
    pub(crate) class: Class,
    /// The server, unless the form leaves it out.
    pub(crate) server: Option<Guid>,
    /// The object inside the server; `None` for the path-only form.
    pub(crate) local: Option<Local>,
    /// The upper-cased path without `\\`, for the forms that hold one.
    pub(crate) path: Option<String>,
}

/// Why a text names nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Not a WebId: 400.
    Garbage,
    /// A WebId of something that this server does not hold: 404.
    Missing,
}

/// Microsoft byte order: the first three groups are little-endian.
fn swap(guid: &Guid) -> Guid {
    let g = guid;
    [g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]]
}

/// Hyphenated lower-case text of a GUID.
pub(crate) fn guid_text(guid: &Guid) -> String {
    let hex: String = guid.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Reads the hyphenated text of a GUID, in any case.
pub(crate) fn parse_guid(text: &str) -> Option<Guid> {
    let hyphens = [8, 13, 18, 23].iter().all(|at| text.as_bytes().get(*at) == Some(&b'-'));
    let hex: Vec<u8> = text
        .bytes()
        .filter(|byte| *byte != b'-')
        .map(|b| (b as char).to_digit(16))
        .map(|d| Some(d? as u8))
        .collect::<Option<_>>()?;
    if !hyphens || text.len() != 36 || hex.len() != 32 {
        return None;
    }
    let bytes: Vec<u8> = hex.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect();
    bytes.try_into().ok()
}

/// A GUID that follows from another one, a kind of object and a number; the same at every start.
pub(crate) fn derive(base: &Guid, kind: u8, number: u64) -> Guid {
    let hash = base.iter().fold(u64::from(kind), |hash, byte| mix(hash ^ u64::from(*byte)));
    let (high, low) = (mix(hash ^ number), mix(mix(hash) ^ number.wrapping_mul(0x9E37_79B9)));
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

/// Encodes one object; `path` with or without its leading backslashes.
pub(crate) fn encode(form: Form, class: Class, server: &Guid, local: Local, path: &str) -> String {
    let mut out = String::with_capacity(96 + path.len() * 4 / 3);
    out.push(form.letter());
    out.push('1');
    out.push_str(class.letters());
    if matches!(form, Form::Full | Form::IdOnly) {
        BASE64.encode_string(swap(server), &mut out);
    }
    if form != Form::PathOnly {
        match local {
            Local::None => {}
            Local::Number(number) => BASE64.encode_string(number.to_le_bytes(), &mut out),
            Local::Guid(guid) => BASE64.encode_string(swap(&guid), &mut out),
            Local::Owned(owner, guid) => {
                BASE64.encode_string(swap(&owner), &mut out);
                BASE64.encode_string(swap(&guid), &mut out);
            }
        }
    }
    if matches!(form, Form::Full | Form::PathOnly) {
        BASE64.encode_string(path.trim_start_matches('\\').to_uppercase(), &mut out);
    }
    out
}

/// Decodes any of the five forms, strictly.
pub(crate) fn decode(text: &str) -> Result<WebId, Unknown> {
    let (head, mut rest) = text.split_at_checked(2).ok_or(Unknown::Garbage)?;
    if !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(Unknown::Garbage);
    }
    let form = match head.as_bytes() {
        [b'F' | b'I' | b'P' | b'L' | b'D', b'0'] => return Err(Unknown::Missing),
        [b'F', b'1'] => Form::Full,
        [b'I', b'1'] => Form::IdOnly,
        [b'P', b'1'] => Form::PathOnly,
        [b'L', b'1'] => Form::LocalIdOnly,
        [b'D', b'1'] => Form::DefaultIdOnly,
        _ => return Err(Unknown::Garbage),
    };
    let class = Class::read(&mut rest)?;
    let server = if matches!(form, Form::Full | Form::IdOnly) { Some(guid(&mut rest)?) } else { None };
    let local = match (form, class) {
        (Form::PathOnly, _) => None,
        (_, Class::DataServer | Class::AssetServer) => Some(Local::None),
        (_, Class::Point) => {
            let bytes = part(&mut rest, 6)?;
            Some(Local::Number(u32::from_le_bytes(bytes.try_into().map_err(|_| Unknown::Garbage)?)))
        }
        (_, Class::ElementAttribute | Class::FrameAttribute) => Some(Local::Owned(guid(&mut rest)?, guid(&mut rest)?)),
        (_, Class::AssetDatabase | Class::Element | Class::EventFrame | Class::ElementTemplate) => {
            Some(Local::Guid(guid(&mut rest)?))
        }
    };
    let path = if matches!(form, Form::Full | Form::PathOnly) {
        let len = rest.len();
        let bytes = part(&mut rest, len)?;
        Some(String::from_utf8(bytes).map_err(|_| Unknown::Garbage)?).filter(|path| !path.is_empty())
    } else {
        None
    };
    let complete = rest.is_empty() && (path.is_some() == matches!(form, Form::Full | Form::PathOnly));
    if complete { Ok(WebId { class, server, local, path }) } else { Err(Unknown::Garbage) }
}

fn part(rest: &mut &str, len: usize) -> Result<Vec<u8>, Unknown> {
    let (head, tail) = rest.split_at_checked(len).ok_or(Unknown::Garbage)?;
    *rest = tail;
    BASE64.decode(head).map_err(|_| Unknown::Garbage)
}

fn guid(rest: &mut &str) -> Result<Guid, Unknown> {
    let bytes: Guid = part(rest, 22)?.try_into().map_err(|_| Unknown::Garbage)?;
    Ok(swap(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guid_of(text: &str) -> Guid {
        parse_guid(text).unwrap()
    }

    fn text(class: Class, form: Form) -> String {
        let server = BASE64.decode("Bd9Ab83Z90SNSjy4JtD5fQ").unwrap().try_into().unwrap();
        let local = if class == Class::Point { Local::Number(1234) } else { Local::None };
        encode(form, class, &swap(&server), local, r"\\SIMPI\Tag1")
    }

    #[test]
    fn the_documented_point_vectors_hold() {
        assert_eq!(text(Class::Point, Form::Full), "F1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAAU0lNUElcVEFHMQ");
        assert_eq!(text(Class::Point, Form::IdOnly), "I1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAA");
        assert_eq!(text(Class::Point, Form::PathOnly), "P1DPU0lNUElcVEFHMQ");
        assert_eq!(text(Class::Point, Form::LocalIdOnly), "L1DP0gQAAA");
        assert_eq!(text(Class::Point, Form::DefaultIdOnly), "D1DP0gQAAA");
        let full = decode("F1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAAU0lNUElcVEFHMQ").unwrap();
        assert_eq!(full.local, Some(Local::Number(1234)));
        assert_eq!(full.path.as_deref(), Some(r"SIMPI\TAG1"));
    }

    #[test]
    fn the_documented_server_vector_holds() {
        let server = decode("F1DSBd9Ab83Z90SNSjy4JtD5fQVk0tVFMtUEk").unwrap();
        assert_eq!(server.path.as_deref(), Some("VM-TS-PI"));
        assert_eq!(
            encode(Form::Full, Class::DataServer, &server.server.unwrap(), Local::None, "vm-ts-pi"),
            "F1DSBd9Ab83Z90SNSjy4JtD5fQVk0tVFMtUEk"
        );
    }

    #[test]
    fn the_documented_attribute_vector_holds() {
        let text = "I1AbEDqD5loBNH0erqeqJodtALAYIKyyz2F5BGAxQAVXYRDBAGyPedZG1sUmxOOclp3Flwg";
        let id = decode(text).unwrap();
        let Some(Local::Owned(owner, attribute)) = id.local else { panic!("{id:?}") };
        assert_eq!(guid_text(&id.server.unwrap()), "96f9a00e-4d80-471f-aba9-ea89a1db402c");
        assert_eq!(guid_text(&owner), "cbb28260-853d-11e4-80c5-00155d844304");
        assert_eq!(guid_text(&attribute), "75de231b-b591-49b1-b138-e725a77165c2");
        let again =
            encode(Form::IdOnly, Class::ElementAttribute, &id.server.unwrap(), Local::Owned(owner, attribute), "");
        assert_eq!(again, text);
    }

    #[test]
    fn the_examples_of_elements_and_attributes_hold() {
        let server = guid_of("11111111-2222-3333-4444-555555555555");
        let element = Local::Guid(guid_of("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"));
        let write = |form| encode(form, Class::Element, &server, element, r"\\SIMAF\Plant\Unit1");
        assert_eq!(write(Form::Full), "F1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7gU0lNQUZcUExBTlRcVU5JVDE");
        assert_eq!(write(Form::IdOnly), "I1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g");
        let path = r"\\SIMAF\Plant\Unit1|Temp";
        let local = Local::Owned(
            guid_of("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"),
            guid_of("01234567-89ab-cdef-0123-456789abcdef"),
        );
        let write = |form| encode(form, Class::ElementAttribute, &server, local, path);
        assert_eq!(write(Form::PathOnly), "P1AbEU0lNQUZcUExBTlRcVU5JVDF8VEVNUA");
        assert_eq!(write(Form::IdOnly), "I1AbEERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7gZ0UjAauJ780BI0VniavN7w");
    }

    #[test]
    fn every_class_goes_there_and_back_in_every_form() {
        let [a, b, c] = [[1; 16], [2; 16], [3; 16]];
        for (class, local) in [
            (Class::DataServer, Local::None),
            (Class::Point, Local::Number(77)),
            (Class::AssetServer, Local::None),
            (Class::AssetDatabase, Local::Guid(b)),
            (Class::Element, Local::Guid(b)),
            (Class::EventFrame, Local::Guid(b)),
            (Class::ElementTemplate, Local::Guid(b)),
            (Class::ElementAttribute, Local::Owned(b, c)),
            (Class::FrameAttribute, Local::Owned(b, c)),
        ] {
            for form in Form::ALL {
                let id = decode(&encode(form, class, &a, local, r"\\Srv\Größe|x")).unwrap();
                assert_eq!(id.class, class);
                assert_eq!(id.server, matches!(form, Form::Full | Form::IdOnly).then_some(a));
                assert_eq!(id.local, (form != Form::PathOnly).then_some(local));
                let path = matches!(form, Form::Full | Form::PathOnly).then_some(r"SRV\GRÖSSE|X");
                assert_eq!(id.path.as_deref(), path);
            }
        }
    }

    #[test]
    fn garbage_is_told_from_a_missing_object() {
        for garbage in [
            "",
            "F1",
            "F2DPBd9A",
            "f1dpBd9Ab83Z90SNSjy4JtD5fQ0gQAAA",
            "I1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAA",
            "I1AbXERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7gZ0UjAauJ780BI0VniavN7w",
            "I1Ab",
            "L1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g",
            "I1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAAA",
            "F1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAA",
            "P1DP",
            "I1DP!d9Ab83Z90SNSjy4JtD5fQ0gQAAA",
            "I1XXBd9Ab83Z90SNSjy4JtD5fQ0gQAAA",
            "L1DP0gQAAB",
        ] {
            assert_eq!(decode(garbage), Err(Unknown::Garbage), "{garbage}");
        }
        assert!(decode("I1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAA").is_ok());
        assert!(decode("i1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAAA").is_err());
    }
}
