//! What is the same for everything in one asset database: where it is, its templates, and what attributes refer to.

use crate::pi::config::Config;
use crate::pi::truth::server_guid;
use crate::pi::webid::{self, Class, Form, Guid, Local};
use crate::shared::hash::mix;

/// What a template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// Elements.
    Element,
    /// Event frames.
    EventFrame,
}

impl Makes {
    /// `InstanceType` as the server shows it.
    pub fn instance_type(self) -> &'static str {
        match self {
            Makes::Element => "Element",
            Makes::EventFrame => "EventFrame",
        }
    }
}

/// A template of elements or of event frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// `Name`.
    pub name: String,
    /// `BaseTemplate`, empty without one.
    pub base: String,
    /// What it makes.
    pub makes: Makes,
    /// `Path`.
    pub path: String,
    pub(crate) guid: Guid,
    pub(crate) server: Guid,
}

impl Template {
    /// `Id`, hyphenated.
    pub fn id(&self) -> String {
        webid::guid_text(&self.guid)
    }

    /// Its WebId in one of the five forms.
    pub fn web_id(&self, form: Form) -> String {
        webid::encode(form, Class::ElementTemplate, &self.server, Local::Guid(self.guid), &self.path)
    }

    /// What the server calls the category of objects made by it.
    pub(crate) fn category(&self) -> String {
        self.name.strip_suffix("Template").unwrap_or(&self.name).to_owned()
    }
}

/// An asset database without its contents.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    /// Position among the databases.
    pub(crate) index: usize,
    /// The AF server.
    pub(crate) server: Guid,
    /// The AF server's name.
    pub(crate) server_name: String,
    /// The database.
    pub(crate) guid: Guid,
    /// The database's name.
    pub(crate) name: String,
    /// `\\SERVER\Database`.
    pub(crate) path: String,
    /// Templates of elements, then of event frames.
    pub(crate) templates: Vec<Template>,
    /// Generated elements.
    pub(crate) elements: usize,
    /// Generated attributes per element.
    pub(crate) attributes: usize,
    /// Generated attributes per event frame.
    pub(crate) frame_attributes: usize,
    /// Tags that attributes refer to.
    pub(crate) tags: usize,
    /// Everything generated depends on it.
    pub(crate) seed: u64,
}

impl Home {
    /// The database called `name`.
    pub(crate) fn new(config: &Config, index: usize, name: &str) -> Home {
        let server_name = config.asset_server_name.clone();
        let (server, guid) =
            (server_guid(&format!("AF {server_name}")), server_guid(&format!("AF {server_name} {name}")));
        let path = format!(r"\\{server_name}\{name}");
        let mut home = Home {
            index,
            server,
            server_name,
            guid,
            name: name.to_owned(),
            path,
            templates: Vec::new(),
            elements: config.assets.elements,
            attributes: config.assets.attributes,
            frame_attributes: config.frames.attributes,
            tags: config.tags,
            seed: mix(mix(config.seed) ^ index as u64 ^ 0xAF),
        };
        home.declare(&config.assets.templates, Makes::Element);
        home.declare(&config.frames.all_templates(), Makes::EventFrame);
        home
    }

    fn declare(&mut self, names: &[String], makes: Makes) {
        for text in names {
            let (name, base) = text.split_once(':').unwrap_or((text, ""));
            self.templates.push(Template {
                name: name.to_owned(),
                base: base.to_owned(),
                makes,
                path: format!(r"{}\ElementTemplates[{name}]", self.path),
                guid: webid::derive(&self.guid, b'T', self.templates.len() as u64),
                server: self.server,
            });
        }
    }

    /// The templates that make this, with their positions.
    pub(crate) fn makers(&self, makes: Makes) -> Vec<usize> {
        let with = self.templates.iter().enumerate().filter(|(_, template)| template.makes == makes);
        with.map(|(index, _)| index).collect()
    }

    /// The position of the template called `name`, in any case.
    pub(crate) fn template(&self, name: &str) -> Option<usize> {
        let wanted = name.to_lowercase();
        self.templates.iter().position(|template| template.name.to_lowercase() == wanted)
    }

    /// Which templates answer to `name` in a search: itself and those derived from it.
    pub(crate) fn derived(&self, name: &str) -> Vec<bool> {
        let mut names = vec![name.to_lowercase()];
        loop {
            let known = names.len();
            for template in &self.templates {
                let lower = template.name.to_lowercase();
                if names.contains(&template.base.to_lowercase()) && !names.contains(&lower) && !template.base.is_empty()
                {
                    names.push(lower);
                }
            }
            if names.len() == known {
                break;
            }
        }
        self.templates.iter().map(|template| names.contains(&template.name.to_lowercase())).collect()
    }

    /// The database's WebId in one of the five forms.
    pub(crate) fn web_id(&self, form: Form) -> String {
        webid::encode(form, Class::AssetDatabase, &self.server, Local::Guid(self.guid), &self.path)
    }

    /// The AF server's WebId in one of the five forms.
    pub(crate) fn server_id(&self, form: Form) -> String {
        webid::encode(form, Class::AssetServer, &self.server, Local::None, &self.server_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_answers_for_those_derived_from_it_at_any_distance() {
        let mut config = Config::default();
        config.assets.templates = ["C:B", "A", "B:A", "X"].map(str::to_owned).into();
        let home = Home::new(&config, 0, "Plant");
        assert_eq!(home.derived("a")[..4], [true, true, true, false]);
        assert_eq!(home.derived("B")[..4], [true, false, true, false]);
        assert_eq!(home.derived("nothing")[..4], [false; 4]);
    }
}
