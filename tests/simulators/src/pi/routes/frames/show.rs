//! An event frame as JSON: exactly the members of reference §6.2, and none that clients wish for.

use crate::pi::app::Call;
use crate::pi::assets::Tree;
use crate::pi::fields::Selection;
use crate::pi::frames::Record;
use crate::pi::json::Obj;
use crate::pi::render;
use crate::pi::routes::assets::show::SET;
use crate::pi::time::format_ticks;
use crate::pi::webid::{self, Class, Form, Local};

const RIGHTS: [&str; 10] = [
    "CanAnnotate",
    "CanDelete",
    "CanExecute",
    "CanRead",
    "CanReadData",
    "CanSubscribe",
    "CanSubscribeOthers",
    "CanWrite",
    "CanWriteData",
    "HasAdmin",
];

/// Where the elements are that the frame refers to and that the caller may see, the primary one first.
pub(super) fn references(tree: &Tree, frame: &Record) -> Vec<usize> {
    let seen = |at: &usize| tree.node(*at).is_some_and(|node| !node.hidden);
    frame.elements.iter().filter_map(|guid| tree.find(guid)).filter(seen).collect()
}

/// Appends an event frame.
pub(super) fn frame(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    selection: Selection<'_>,
    tree: &Tree,
    frame: &Record,
    form: Form,
) {
    let knobs = &call.app.config.knobs;
    let arrived = call.app.truth.clock().arrived();
    let (home, path) = (&tree.home, frame.path(&tree.home));
    let id = webid::encode(form, Class::EventFrame, &home.server, Local::Guid(frame.guid), &path);
    let open = if knobs.open_end_fraction { "9999-12-31T23:59:59.9999999Z" } else { "9999-12-31T23:59:59Z" };
    let end = frame.end(arrived).map_or_else(|| open.to_owned(), format_ticks);
    let acknowledged = frame.acknowledged(arrived);
    let date = acknowledged.map_or_else(|| knobs.unacknowledged_date.clone(), |(_, at)| format_ticks(*at));
    let mut object = Obj::open(out, selection);
    object.text("WebId", &id).text("Id", &webid::guid_text(&frame.guid)).text("Name", &frame.name);
    object.text("Description", &frame.description).text("Path", &path);
    object.text("TemplateName", frame.template_name(home)).bool("HasChildren", has_children(call, tree, frame));
    object.texts("CategoryNames", &frame.categories).object("ExtendedProperties", |_| {});
    object.time("StartTime", frame.start).text("EndTime", &end).text("Severity", frame.severity);
    object.text("AcknowledgedBy", acknowledged.map_or("", |(by, _)| by)).text("AcknowledgedDate", &date);
    object.bool("CanBeAcknowledged", frame.can_acknowledge).bool("IsAcknowledged", acknowledged.is_some());
    object.bool("IsAnnotated", frame.annotated).bool("IsLocked", frame.locked);
    object.bool("AreValuesCaptured", frame.end(arrived).is_some());
    let elements = references(tree, frame);
    object.array("RefElementWebIds", &elements, |out, _, at| render::string(out, &tree.web_id(*at, form)));
    object.object("Security", |security| {
        RIGHTS.iter().for_each(|right| {
            security.bool(right, true);
        });
        security.texts("Rights", &["Write", "Read"].map(str::to_owned));
    });
    object.object("Links", |links| write_links(call, links, tree, frame, &id, form));
    object.close();
}

fn has_children(call: &Call<'_>, tree: &Tree, frame: &Record) -> bool {
    if frame.children.is_empty() {
        return false;
    }
    let arrived = call.app.truth.clock().arrived();
    let store = call.app.truth.af().frames(tree.home.index, arrived);
    store.is_some_and(|store| {
        frame.children.iter().any(|guid| store.find(guid).is_some_and(|child| child.begun(arrived)))
    })
}

fn write_links(call: &Call<'_>, links: &mut Obj<'_, '_>, tree: &Tree, frame: &Record, id: &str, form: Form) {
    let home = &tree.home;
    let url = format!("{}/eventframes/{id}", call.base);
    links.link("Self", &[&url]);
    for (name, path) in [
        ("Attributes", "/attributes"),
        ("EventFrames", "/eventframes"),
        ("ReferencedElements", "/referencedelements"),
        ("Categories", "/categories"),
        ("Annotations", "/annotations"),
        ("Security", "/security"),
        ("SecurityEntries", "/securityentries"),
    ] {
        links.link(name, &[&url, path]);
    }
    links.link("Database", &[call.base, "/assetdatabases/", &home.web_id(form)]);
    let primary = frame.elements.first().and_then(|guid| tree.find(guid));
    if let Some(primary) = primary.filter(|at| tree.node(*at).is_some_and(|node| !node.hidden)) {
        links.link("PrimaryReferencedElement", &[call.base, "/elements/", &tree.web_id(primary, form)]);
    }
    if let Some(template) = frame.template.and_then(|at| home.templates.get(at)) {
        links.link("Template", &[call.base, "/elementtemplates/", &template.web_id(form)]);
    }
    if let Some((guid, name)) = &frame.parent {
        let path = format!(r"{}\EventFrames[{name}]", home.path);
        let parent = webid::encode(form, Class::EventFrame, &home.server, Local::Guid(*guid), &path);
        links.link("Parent", &[call.base, "/eventframes/", &parent]);
    }
    for (name, path) in SET {
        links.link(name, &[call.base, "/streamsets/", id, path]);
    }
}
