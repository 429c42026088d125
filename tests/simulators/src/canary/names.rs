//! Names of tags and assets, ordinary and hostile, and the texts that string tags hold.
//!
//! A dot in a name makes a level, and a tag path is split nowhere but at its first dot (reference §7).

/// Names that URLs, JSON, shells or code pages trip over.
const HOSTILE: [&str; 14] = [
    "Motor (A) - 50%",
    "Tank #7",
    "Flow%20Rate",
    "A&B=C;d",
    "C++ Line+1",
    r"back\slash",
    r#"say "hello""#,
    "two  spaces",
    "slash/in/name",
    "{curly} [square]",
    "Größe µ °C",
    "Ключ-Давление",
    "温度・東京",
    "emoji 🚀 tag",
];

/// Name, engineering units and description of the quantities of an asset, in the order of its tags.
const MEASURES: [(&str, &str, &str); 5] = [
    ("Temperature", "degC", "winding temperature"),
    ("Pressure", "bar", "discharge pressure"),
    ("Flow", "m3/h", "flow"),
    ("Running", "", "state"),
    ("Vibration", "mm/s", "bearing vibration"),
];

/// Texts of string tags.
pub(crate) const TEXTS: [&str; 10] = [
    "Batch 17",
    "line one\nline two",
    r#"say "hello""#,
    "",
    " leading and trailing ",
    "Привет, 温度",
    "null",
    "123.50",
    "2024-03-01T07:00:00.0000000Z",
    "control \u{1} and \u{2028}",
];

/// Types of asset with their parents.
pub(crate) const TYPES: [(&str, &str); 4] =
    [("Equipment", ""), ("Pump", "Equipment"), ("Motor", "Equipment"), ("Boiler", "Equipment")];

/// Tags of one asset.
pub(crate) const PER_ASSET: usize = MEASURES.len();

/// What the tag at an index is called.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// Below the dataset.
    pub(crate) name: String,
    /// The asset that it belongs to, below the virtual view.
    pub(crate) asset: String,
    /// Type of that asset.
    pub(crate) asset_type: &'static str,
    /// The tag below the asset.
    pub(crate) measure: &'static str,
    /// Engineering units; empty for none.
    pub(crate) units: &'static str,
    /// Description.
    pub(crate) description: String,
}

/// Names the tag at `index`: in the historian by line, in the asset model by site, area, line and asset.
pub(crate) fn tag(prefix: &str, index: usize, hostile: bool) -> Named {
    let (asset, slot) = (index / PER_ASSET, index % PER_ASSET);
    let (measure, units, what) = MEASURES[slot];
    let asset_type = TYPES[1 + asset % 3].0;
    let line = asset / 4;
    let odd = hostile && index % 3 == 1;
    let name = if odd {
        format!("{prefix}Line {line:03}.{} {index:05}", HOSTILE[index / 3 % HOSTILE.len()])
    } else {
        format!("{prefix}Line {line:03}.{asset_type}{asset:04}.{measure}")
    };
    let label = if hostile && asset % 2 == 1 { HOSTILE[asset / 2 % HOSTILE.len()] } else { asset_type };
    let place = format!("Site {}.Area {}.Line {line:03}", ["North", "Süd"][line / 40 % 2], line / 8);
    Named {
        name,
        asset: format!("{place}.{label} {asset:04}"),
        asset_type,
        measure,
        units,
        description: format!("{what} of {} {asset}", asset_type.to_lowercase()),
    }
}
