//! An attribute of an element or of an event frame, as the server shows it.

use crate::pi::event::Event;
use crate::pi::webid::{self, Class, Form, Guid, Local};

/// An attribute of an element or of an event frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// `Name`.
    pub name: String,
    /// `Description`.
    pub description: String,
    /// `Path`, such as `\\SIMAF\Plant\Unit|Temperature|LimitHi`.
    pub path: String,
    /// `Type`.
    pub type_name: String,
    /// `TypeQualifier`: the enumeration set, empty for other types.
    pub type_qualifier: String,
    /// `DefaultUnitsName`.
    pub units_name: String,
    /// `DefaultUnitsNameAbbreviation`.
    pub units: String,
    /// `DataReferencePlugIn`, empty for a static value.
    pub data_reference: String,
    /// `ConfigString`.
    pub config_string: String,
    /// `IsConfigurationItem`.
    pub configuration_item: bool,
    /// `IsExcluded`.
    pub excluded: bool,
    /// `IsHidden`.
    pub hidden: bool,
    /// `HasChildren`.
    pub has_children: bool,
    /// `CategoryNames`.
    pub categories: Vec<String>,
    /// `Step`.
    pub step: bool,
    /// `TraitName`.
    pub trait_name: String,
    /// Index in [`crate::pi::Truth::points`] of the tag behind a PI Point reference that can be resolved.
    pub tag: Option<usize>,
    /// The value where no tag gives it: static ones and results of formulas; set, it takes the place of the tag's.
    pub value: Option<Event>,
    pub(crate) guid: Guid,
    pub(crate) parent: Option<(Guid, String)>,
    pub(crate) owner: Guid,
    pub(crate) class: Class,
    pub(crate) server: Guid,
}

impl Attribute {
    /// `Id`, hyphenated.
    pub fn id(&self) -> String {
        webid::guid_text(&self.guid)
    }

    /// `Id` of the element or event frame that owns it.
    pub fn owner_id(&self) -> String {
        webid::guid_text(&self.owner)
    }

    /// `Id` of the attribute that it lies below.
    pub fn parent_id(&self) -> Option<String> {
        self.parent.as_ref().map(|(guid, _)| webid::guid_text(guid))
    }

    /// Its WebId in one of the five forms.
    pub fn web_id(&self, form: Form) -> String {
        webid::encode(form, self.class, &self.server, Local::Owned(self.owner, self.guid), &self.path)
    }

    /// The parent attribute's WebId.
    pub(crate) fn parent_web_id(&self, form: Form) -> Option<String> {
        let (guid, _) = self.parent.as_ref()?;
        let path = self.path.rsplit_once('|').map_or("", |(path, _)| path);
        Some(webid::encode(form, self.class, &self.server, Local::Owned(self.owner, *guid), path))
    }

    /// Sets the path for an owner at `owner_path`.
    pub(crate) fn place(&mut self, owner_path: &str) {
        self.path = match &self.parent {
            None => format!("{owner_path}|{}", self.name),
            Some((_, parent)) => format!("{owner_path}|{parent}|{}", self.name),
        };
    }

    /// Its path inside its owner, `Temperature|LimitHi`.
    pub(crate) fn inside(&self) -> String {
        self.parent.as_ref().map_or_else(|| self.name.clone(), |(_, parent)| format!("{parent}|{}", self.name))
    }

    /// Whether the server can read a history of it.
    pub(crate) fn is_stream(&self) -> bool {
        self.data_reference == "PI Point"
    }
}
