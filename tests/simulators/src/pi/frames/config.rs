//! How many event frames there are and what they look like.

/// The event frames of every database of a simulated server; none by default.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Top-level frames that begin per day; fractions are allowed.
    pub per_day: f64,
    /// Names of their templates, `Name` or `Name:Base`, dealt out in turn.
    pub templates: Vec<String>,
    /// Attributes of each frame.
    pub attributes: usize,
    /// How many of the newest are still open at the end of the history; they end as time goes on.
    pub open: usize,
    /// Frames below each top-level frame.
    pub children: usize,
    /// Share of top-level frames without a template.
    pub untemplated: f64,
}

impl Default for Frames {
    fn default() -> Frames {
        Frames {
            per_day: 0.0,
            templates: ["BatchRunTemplate", "DowntimeTemplate"].map(str::to_owned).into(),
            attributes: 10,
            open: 1,
            children: 0,
            untemplated: 0.05,
        }
    }
}

/// The template of frames below others.
pub(super) const PHASE: &str = "PhaseTemplate";

impl Frames {
    /// The templates, that of frames below others included where there are such.
    pub(crate) fn all_templates(&self) -> Vec<String> {
        let phase = (self.children > 0).then(|| PHASE.to_owned());
        self.templates.iter().cloned().chain(phase).collect()
    }
}
