//! The PI point behind an attribute, as far as the listing itself tells.
//!
//! `associations=DataReference` brings the point that the server resolved, in the server's own form of WebIds. Where it
//! does not, because the server is too old or could not resolve it, `Links.Point` names the point in the same form, and
//! the reference may be written out as `\\SERVER\TAG`: then the point is looked up.

use crate::{
    api::{Attribute, Point},
    web_id::in_link,
};

/// What is known of the point behind an attribute.
#[derive(Clone, Debug)]
pub(crate) enum Link {
    /// The attribute does not come from a PI point.
    None,
    /// The point with all its fields, as the server resolved it.
    Resolved(Point),
    /// Its WebId and name.
    Known { web_id: String, name: String },
    /// To be looked up.
    Unknown(Target),
    /// It refers to a PI point that cannot be told from here.
    Lost,
}

/// How a point is named where it must be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    WebId(String),
    /// `\\SERVER\TAG`
    Path(String),
}

/// Which point `attribute` refers to.
pub(crate) fn link(attribute: &Attribute) -> Link {
    let reference = attribute.data_reference.as_ref();
    if let Some(point) = reference.and_then(|reference| reference.pi_point.as_ref())
        && !point.web_id.is_empty()
    {
        return Link::Resolved(point.clone());
    }
    if !plug_in(attribute).is_some_and(|name| name.eq_ignore_ascii_case("PI Point")) {
        return Link::None;
    }
    let path = attribute.config_string.as_deref().and_then(written_out);
    let link = attribute.links.as_ref().and_then(|links| in_link(links.point.as_deref()?, "points"));
    match (link, path) {
        (Some(web_id), Some(path)) => match path.rsplit_once('\\') {
            Some((_, name)) => Link::Known { web_id: web_id.to_owned(), name: name.to_owned() },
            None => Link::Unknown(Target::WebId(web_id.to_owned())),
        },
        (Some(web_id), None) => Link::Unknown(Target::WebId(web_id.to_owned())),
        (None, Some(path)) => Link::Unknown(Target::Path(path)),
        (None, None) => Link::Lost,
    }
}

/// What the value comes from; `None` for a static one.
pub(crate) fn plug_in(attribute: &Attribute) -> Option<&str> {
    let by_association = || attribute.data_reference.as_ref()?.plug_in.as_deref();
    attribute.data_reference_plug_in.as_deref().or_else(by_association).filter(|name| !name.is_empty())
}

/// `\\SERVER\TAG` of a reference without placeholders. AF may add identities, `\\SERVER?id\TAG?id`, and settings,
/// `;UOM=bar`.
fn written_out(config: &str) -> Option<String> {
    let reference = config.split([';', '|']).next()?.trim();
    let (server, tag) = reference.strip_prefix(r"\\")?.split_once('\\')?;
    let bare = |text: &str| text.split('?').next().unwrap_or(text).trim().to_owned();
    let (server, tag) = (bare(server), bare(tag));
    // `%Element%` and its like are filled in by AF alone.
    let placeholder = |text: &str| text.matches('%').count() > 1;
    if server.is_empty() || tag.is_empty() || placeholder(&server) || placeholder(&tag) {
        return None;
    }
    Some(format!(r"\\{server}\{tag}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{AttributeLinks, DataReference};

    fn attribute(config: &str, link: Option<&str>) -> Attribute {
        Attribute {
            data_reference_plug_in: Some("PI Point".into()),
            config_string: Some(config.into()),
            links: Some(AttributeLinks { point: link.map(|id| format!("https://h/points/{id}")), element: None }),
            ..Attribute::default()
        }
    }

    fn said(attribute: &Attribute) -> String {
        match link(attribute) {
            Link::None => "none".into(),
            Link::Resolved(point) => format!("resolved {} {}", point.web_id, point.name),
            Link::Known { web_id, name } => format!("known {web_id} {name}"),
            Link::Unknown(Target::WebId(web_id)) => format!("by id {web_id}"),
            Link::Unknown(Target::Path(path)) => format!("by path {path}"),
            Link::Lost => "lost".into(),
        }
    }

    #[test]
    fn the_point_that_the_server_resolved_comes_before_all_else() {
        let point = Point { web_id: "F1DPa".into(), name: "Flow".into(), ..Point::default() };
        let mut resolved = attribute(r"\\OTHER\TAG", Some("F1DPb"));
        resolved.data_reference = Some(DataReference { plug_in: Some("PI Point".into()), pi_point: Some(point) });
        assert_eq!(said(&resolved), "resolved F1DPa Flow");
        resolved.data_reference_plug_in = None;
        assert_eq!(plug_in(&resolved), Some("PI Point"));
    }

    #[test]
    fn then_the_link_and_then_the_path() {
        let table = [
            (r"\\SRV\Flow;UOM=m3/h", Some("F1DPb"), "known F1DPb Flow"),
            (r"\\%Server%\%Element%.PV", Some("F1DPb"), "by id F1DPb"),
            (r"\\SRV\Flow", None, r"by path \\SRV\Flow"),
            (r"\\SRV?6b0cb1a0\Flow?1234;UOM=bar", None, r"by path \\SRV\Flow"),
            (r"\\SRV\100% open", None, r"by path \\SRV\100% open"),
            (r"\\%Server%\%Element%.PV", None, "lost"),
            ("Flow", None, "lost"),
            ("", None, "lost"),
        ];
        for (config, link, expected) in table {
            assert_eq!(said(&attribute(config, link)), expected, "{config}");
        }
    }

    #[test]
    fn another_reference_or_none_has_no_point() {
        for plug_in in [Some("Formula"), Some(""), None] {
            let other = Attribute {
                data_reference_plug_in: plug_in.map(str::to_owned),
                ..attribute(r"\\SRV\Flow", Some("F1DPb"))
            };
            assert_eq!(said(&other), "none");
        }
    }
}
