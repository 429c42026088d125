//! The options that describe elements and event frames.

use clap::Args;
use tidegate_simulators::pi::{Assets, Frames, Knobs};

/// The asset side of the server.
#[derive(Args, Debug)]
pub(super) struct Plant {
    /// Name of the AF server.
    #[arg(long, default_value = "SIMAF")]
    pub(super) asset_server_name: String,
    /// Names of the asset databases.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', default_value = "Plant")]
    databases: Vec<String>,
    /// Elements in each database.
    #[arg(long, default_value_t = 0, value_name = "N")]
    elements: usize,
    /// Levels of the tree of elements.
    #[arg(long, default_value_t = 4, value_name = "N")]
    depth: usize,
    /// Attributes of each element.
    #[arg(long, default_value_t = 8, value_name = "N")]
    attributes: usize,
    /// Templates of elements, `Name` or `Name:Base`; empty for none [default: three].
    #[arg(long, value_name = "NAME[:BASE],…", value_delimiter = ',')]
    templates: Option<Vec<String>>,
    /// Share of elements without a template.
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    untemplated: f64,
    /// How many elements have a second parent.
    #[arg(long, default_value_t = 0, value_name = "N")]
    multi_parent: usize,
    /// The deepest element of the first branch holds its top-level ancestor by a weak reference.
    #[arg(long)]
    cycle: bool,
    /// How many elements security hides.
    #[arg(long, default_value_t = 0, value_name = "N")]
    hidden_elements: usize,
    /// Every third element gets a name that URLs or JSON trip over.
    #[arg(long)]
    hostile_elements: bool,
    /// Event frames that begin per day; fractions are allowed.
    #[arg(long, default_value_t = 0.0, value_name = "N")]
    frames_per_day: f64,
    /// Attributes of each event frame.
    #[arg(long, default_value_t = 10, value_name = "N")]
    frame_attributes: usize,
    /// Templates of event frames, `Name` or `Name:Base` [default: two].
    #[arg(long, value_name = "NAME[:BASE],…", value_delimiter = ',')]
    frame_templates: Option<Vec<String>>,
    /// How many of the newest event frames are open at the end of the history.
    #[arg(long, default_value_t = 1, value_name = "N")]
    open_frames: usize,
    /// Frames below each event frame.
    #[arg(long, default_value_t = 0, value_name = "N")]
    child_frames: usize,
    /// Searches of the whole hierarchy list an element once for each of its parents.
    #[arg(long)]
    element_per_parent: bool,
    /// Open event frames end at 9999-12-31T23:59:59.9999999Z, with the fraction.
    #[arg(long)]
    open_end_fraction: bool,
}

fn names(given: Option<&Vec<String>>, default: Vec<String>) -> Vec<String> {
    let kept = given.map(|names| names.iter().filter(|name| !name.is_empty()).cloned().collect());
    kept.unwrap_or(default)
}

impl Plant {
    /// Databases, elements and attributes.
    pub(super) fn assets(&self) -> Assets {
        let default = Assets::default();
        Assets {
            databases: self.databases.clone(),
            elements: self.elements,
            depth: self.depth,
            attributes: self.attributes,
            templates: names(self.templates.as_ref(), default.templates),
            untemplated: self.untemplated,
            multi_parent: self.multi_parent,
            cycle: self.cycle,
            hidden: self.hidden_elements,
            hostile_names: self.hostile_elements,
        }
    }

    /// Event frames.
    pub(super) fn frames(&self) -> Frames {
        let default = Frames::default();
        Frames {
            per_day: self.frames_per_day,
            templates: names(self.frame_templates.as_ref(), default.templates),
            attributes: self.frame_attributes,
            open: self.open_frames,
            children: self.child_frames,
            ..default
        }
    }

    /// Adds what these options say about the behaviours that are left open.
    pub(super) fn knobs(&self, knobs: Knobs) -> Knobs {
        Knobs { element_per_parent: self.element_per_parent, open_end_fraction: self.open_end_fraction, ..knobs }
    }
}
