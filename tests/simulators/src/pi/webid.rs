//! WebId 2.0: how PI Web API names objects in URLs (reference §11).
//!
//! `<form><version><type><parts…>`, each part on its own as unpadded URL-safe base64: GUIDs in Microsoft byte order,
//! point numbers as little-endian u32, paths as upper-cased UTF-8 without the leading `\\`. Case matters.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

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
}

impl Class {
    fn letters(self) -> &'static str {
        match self {
            Class::DataServer => "DS",
            Class::Point => "DP",
            Class::AssetServer => "RS",
            Class::AssetDatabase => "RD",
        }
    }
}

/// A number inside its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    /// The server itself.
    None,
    /// A point.
    Number(u32),
    /// An AF object.
    Guid(Guid),
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

/// Encodes one object; `path` with or without its leading backslashes.
pub(crate) fn encode(form: Form, class: Class, server: &Guid, local: Local, path: &str) -> String {
    let mut out = format!("{}1{}", form.letter(), class.letters());
    if matches!(form, Form::Full | Form::IdOnly) {
        BASE64.encode_string(swap(server), &mut out);
    }
    if form != Form::PathOnly {
        match local {
            Local::None => {}
            Local::Number(number) => BASE64.encode_string(number.to_le_bytes(), &mut out),
            Local::Guid(guid) => BASE64.encode_string(swap(&guid), &mut out),
        }
    }
    if matches!(form, Form::Full | Form::PathOnly) {
        BASE64.encode_string(path.trim_start_matches('\\').to_uppercase(), &mut out);
    }
    out
}

/// Decodes any of the five forms, strictly.
pub(crate) fn decode(text: &str) -> Result<WebId, Unknown> {
    let (head, rest) = text.split_at_checked(4).ok_or(Unknown::Garbage)?;
    if !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(Unknown::Garbage);
    }
    let form = match head.as_bytes() {
        [b'F' | b'I' | b'P' | b'L' | b'D', b'0', ..] => return Err(Unknown::Missing),
        [b'F', b'1', ..] => Form::Full,
        [b'I', b'1', ..] => Form::IdOnly,
        [b'P', b'1', ..] => Form::PathOnly,
        [b'L', b'1', ..] => Form::LocalIdOnly,
        [b'D', b'1', ..] => Form::DefaultIdOnly,
        _ => return Err(Unknown::Garbage),
    };
    let class = match &head[2..] {
        "DS" => Class::DataServer,
        "DP" => Class::Point,
        "RS" => Class::AssetServer,
        "RD" => Class::AssetDatabase,
        "Em" | "Ab" | "Fm" | "ET" | "AT" | "MS" | "MV" | "Xs" | "XT" | "XR" | "XP" | "XC" | "EC" | "AC" | "BC"
        | "Bl" | "TR" | "TP" | "SI" | "SM" | "Ut" | "UC" => return Err(Unknown::Missing),
        _ => return Err(Unknown::Garbage),
    };
    let mut rest = rest;
    let server = if matches!(form, Form::Full | Form::IdOnly) { Some(guid(&mut rest)?) } else { None };
    let local = match (form, class) {
        (Form::PathOnly, _) => None,
        (_, Class::DataServer | Class::AssetServer) => Some(Local::None),
        (_, Class::Point) => {
            let bytes = part(&mut rest, 6)?;
            Some(Local::Number(u32::from_le_bytes(bytes.try_into().map_err(|_| Unknown::Garbage)?)))
        }
        (_, Class::AssetDatabase) => Some(Local::Guid(guid(&mut rest)?)),
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
    fn the_documented_attribute_guids_hold() {
        let mut rest = "DqD5loBNH0erqeqJodtALAYIKyyz2F5BGAxQAVXYRDBAGyPedZG1sUmxOOclp3Flwg";
        let guids: Vec<String> = (0..3).map(|_| guid_text(&guid(&mut rest).unwrap())).collect();
        assert_eq!(
            guids,
            [
                "96f9a00e-4d80-471f-aba9-ea89a1db402c",
                "cbb28260-853d-11e4-80c5-00155d844304",
                "75de231b-b591-49b1-b138-e725a77165c2"
            ]
        );
        assert_eq!(
            decode("I1AbEDqD5loBNH0erqeqJodtALAYIKyyz2F5BGAxQAVXYRDBAGyPedZG1sUmxOOclp3Flwg"),
            Err(Unknown::Missing)
        );
    }

    #[test]
    fn garbage_is_told_from_a_missing_object() {
        for garbage in [
            "",
            "F1",
            "F2DPBd9A",
            "f1dpBd9Ab83Z90SNSjy4JtD5fQ0gQAAA",
            "I1DPBd9Ab83Z90SNSjy4JtD5fQ0gQAA",
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
