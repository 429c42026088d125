//! Elements, attributes and templates as JSON (reference §5.2).

use crate::pi::app::Call;
use crate::pi::assets::{Attribute, Makes, Template, Tree};
use crate::pi::fields::Selection;
use crate::pi::json::Obj;
use crate::pi::names;
use crate::pi::routes::{points, servers};
use crate::pi::webid::{self, Class, Form, Local};

/// Links to what a stream set of the object holds.
pub(in crate::pi::routes) const SET: [(&str, &str); 6] = [
    ("InterpolatedData", "/interpolated"),
    ("RecordedData", "/recorded"),
    ("PlotData", "/plot"),
    ("SummaryData", "/summary"),
    ("Value", "/value"),
    ("EndValue", "/end"),
];

/// Appends an element.
pub(in crate::pi::routes) fn element(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    selection: Selection<'_>,
    tree: &Tree,
    at: usize,
    form: Form,
    paths: bool,
) {
    let Some(node) = tree.node(at) else { return };
    let path = tree.path(at);
    let id = webid::encode(form, Class::Element, &tree.home.server, Local::Guid(node.guid), &path);
    let mut object = Obj::open(out, selection);
    object.text("WebId", &id).text("Id", &webid::guid_text(&node.guid)).text("Name", &node.name);
    object.text("Description", &node.description).text("Path", &path);
    if paths && selection.has("Paths") {
        object.texts("Paths", &tree.paths(at));
    }
    object.text("TemplateName", tree.template_name(node));
    if selection.has("HasChildren") {
        object.bool("HasChildren", !tree.below(Some(at), true).is_empty());
    }
    object.texts("CategoryNames", &node.categories);
    object.object("ExtendedProperties", |properties| {
        if let Some((key, value)) = node.extended() {
            properties.object(key, |property| {
                property.text("Value", &value);
            });
        }
    });
    object.object("Links", |links| {
        let url = format!("{}/elements/{id}", call.base);
        links.link("Self", &[&url]);
        for (name, path) in [
            ("Analyses", "/analyses"),
            ("Attributes", "/attributes"),
            ("Elements", "/elements"),
            ("Categories", "/categories"),
            ("EventFrames", "/eventframes"),
            ("NotificationRules", "/notificationrules"),
            ("Security", "/security"),
            ("SecurityEntries", "/securityentries"),
        ] {
            links.link(name, &[&url, path]);
        }
        links.link("Database", &[call.base, "/assetdatabases/", &tree.home.web_id(form)]);
        if let Some(parent) = node.parent {
            links.link("Parent", &[call.base, "/elements/", &tree.web_id(parent, form)]);
        }
        if let Some(template) = node.template.and_then(|at| tree.home.templates.get(at)) {
            links.link("Template", &[call.base, "/elementtemplates/", &template.web_id(form)]);
        }
        for (name, path) in SET {
            links.link(name, &[call.base, "/streamsets/", &id, path]);
        }
    });
    object.close();
}

/// Appends an attribute; `resolved` with the point behind it, as `associations=DataReference` asks.
pub(in crate::pi::routes) fn attribute(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    selection: Selection<'_>,
    tree: &Tree,
    attribute: &Attribute,
    form: Form,
    resolved: bool,
) {
    let id = attribute.web_id(form);
    let catalogue = call.app.truth.catalogue();
    let tag = attribute.tag.and_then(|index| catalogue.tags.get(index)).filter(|tag| tag.hidden.is_none());
    let mut object = Obj::open(out, selection);
    object.text("WebId", &id).text("Id", &attribute.id()).text("Name", &attribute.name);
    object.text("Description", &attribute.description).text("Path", &attribute.path);
    object.text("Type", &attribute.type_name).text("TypeQualifier", &attribute.type_qualifier);
    object.text("DefaultUnitsName", &attribute.units_name).text("DefaultUnitsNameAbbreviation", &attribute.units);
    object.int("DisplayDigits", -5).float("Span", 100.0).float("Zero", 0.0);
    object.text("DataReferencePlugIn", &attribute.data_reference).text("ConfigString", &attribute.config_string);
    object.bool("IsConfigurationItem", attribute.configuration_item).bool("IsExcluded", attribute.excluded);
    object.bool("IsHidden", attribute.hidden).bool("IsManualDataEntry", false);
    object.bool("HasChildren", attribute.has_children).texts("CategoryNames", &attribute.categories);
    object.bool("Step", attribute.step).text("TraitName", &attribute.trait_name);
    if resolved && attribute.is_stream() {
        object.object("DataReference", |reference| {
            reference.text("Type", "PI Point");
            if let Some(tag) = tag
                && let Some((out, below)) = reference.key("PIPoint")
            {
                points::bare(out, below, tag, form);
            }
        });
    }
    object.object("Links", |links| {
        attribute_links(call, links, tree, attribute, &id, form, tag.map(|tag| tag.point.web_id(form)))
    });
    object.close();
}

fn attribute_links(
    call: &Call<'_>,
    links: &mut Obj<'_, '_>,
    tree: &Tree,
    attribute: &Attribute,
    id: &str,
    form: Form,
    point: Option<String>,
) {
    let url = format!("{}/attributes/{id}", call.base);
    links.link("Self", &[&url]).link("Attributes", &[&url, "/attributes"]);
    let owner_path = attribute.path.split_once('|').map_or("", |(owner, _)| owner);
    let (name, collection, class) = match attribute.class {
        Class::FrameAttribute => ("EventFrame", "/eventframes/", Class::EventFrame),
        _ => ("Element", "/elements/", Class::Element),
    };
    let owner = webid::encode(form, class, &tree.home.server, Local::Guid(attribute.owner), owner_path);
    links.link(name, &[call.base, collection, &owner]);
    if let Some(parent) = attribute.parent_web_id(form) {
        links.link("Parent", &[call.base, "/attributes/", &parent]);
    }
    links.link("Categories", &[&url, "/categories"]);
    if let Some(point) = point {
        links.link("Point", &[call.base, "/points/", &point]);
    }
    let set = names::SETS.iter().position(|(name, _)| *name == attribute.type_qualifier);
    if let Some(set) = set {
        let set = servers::set_id(set);
        links.link("EnumerationSet", &[call.base, "/enumerationsets/", &set]);
        links.link("EnumerationValues", &[call.base, "/enumerationsets/", &set, "/enumerationvalues"]);
    }
    if attribute.is_stream() {
        for (name, path) in SET {
            links.link(name, &[call.base, "/streams/", id, path]);
        }
    } else {
        links.link("Value", &[&url, "/value"]);
    }
    if !attribute.trait_name.is_empty() {
        links.link("Trait", &[call.base, "/attributetraits/", &attribute.trait_name]);
    }
}

/// Appends a template.
pub(in crate::pi::routes) fn template(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    selection: Selection<'_>,
    tree: &Tree,
    template: &Template,
    form: Form,
) {
    let id = template.web_id(form);
    let mut object = Obj::open(out, selection);
    object.text("WebId", &id).text("Id", &template.id()).text("Name", &template.name).text("Description", "");
    object.text("Path", &template.path).bool("AllowElementToExtend", false).text("BaseTemplate", &template.base);
    object.text("InstanceType", template.makes.instance_type()).text("NamingPattern", "");
    object.texts("CategoryNames", &[template.category()]).object("ExtendedProperties", |_| {});
    object.text("Severity", "None").bool("CanBeAcknowledged", template.makes == Makes::EventFrame);
    object.object("Links", |links| {
        let url = format!("{}/elementtemplates/{id}", call.base);
        links.link("Self", &[&url]);
        for (name, path) in [
            ("AnalysisTemplates", "/analysistemplates"),
            ("AttributeTemplates", "/attributetemplates"),
            ("BaseTemplates", "/baseelementtemplates"),
            ("DerivedTemplates", "/derivedelementtemplates"),
            ("Categories", "/categories"),
            ("Security", "/security"),
            ("SecurityEntries", "/securityentries"),
        ] {
            links.link(name, &[&url, path]);
        }
        links.link("Database", &[call.base, "/assetdatabases/", &tree.home.web_id(form)]);
        if let Some(base) = tree.home.template(&template.base).and_then(|at| tree.home.templates.get(at)) {
            links.link("BaseTemplate", &[call.base, "/elementtemplates/", &base.web_id(form)]);
        }
    });
    object.close();
}
