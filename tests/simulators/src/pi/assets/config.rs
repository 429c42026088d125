//! What the AF server holds: databases, elements, attributes, templates.

/// The asset side of a simulated server. Without elements, which is the default, there is one empty database.
#[derive(Clone, Debug)]
pub struct Assets {
    /// Names of the databases.
    pub databases: Vec<String>,
    /// Elements in each database.
    pub elements: usize,
    /// Levels of the tree, 1: top level only. As many elements form one branch that reaches the last level.
    pub depth: usize,
    /// Attributes of each element; some of them have two more below.
    pub attributes: usize,
    /// Names of element templates, `Name` or `Name:Base`.
    pub templates: Vec<String>,
    /// Share of elements without a template.
    pub untemplated: f64,
    /// How many elements have a second parent; the first of them has the database itself as its second.
    pub multi_parent: usize,
    /// The deepest element of the first branch holds its own top-level ancestor by a weak reference.
    pub cycle: bool,
    /// How many elements without children the caller may not see.
    pub hidden: usize,
    /// Every third element gets a name that URLs or JSON trip over.
    pub hostile_names: bool,
}

impl Default for Assets {
    fn default() -> Assets {
        Assets {
            databases: vec!["Plant".to_owned()],
            elements: 0,
            depth: 4,
            attributes: 8,
            templates: ["EquipmentTemplate", "PumpTemplate:EquipmentTemplate", "TankTemplate"]
                .map(str::to_owned)
                .into(),
            untemplated: 0.1,
            multi_parent: 0,
            cycle: false,
            hidden: 0,
            hostile_names: false,
        }
    }
}
