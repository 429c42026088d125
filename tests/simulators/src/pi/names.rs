//! Names of tags, ordinary and hostile, and the texts that string tags hold.

/// Names that URLs, JSON, shells, wildcards or code pages trip over.
const HOSTILE: [&str; 16] = [
    "Flow%20Rate 50%",
    "A&B=C",
    "Tank#7",
    "a;b;c",
    "C++ Line+1",
    r"back\slash",
    r#"say "hello""#,
    "two  spaces",
    "dots.in..name",
    "slash/in/name",
    "Ключ.Давление",
    "温度/東京",
    "Größe µ °C",
    "emoji 🚀 tag",
    "it's, {braces}",
    "%2F%5C%3B",
];

const MEASURES: [(&str, &str, &str); 6] = [
    ("Temperature", "DEG. C", "temperature"),
    ("Pressure", "bar", "pressure"),
    ("Flow", "m3/h", "flow"),
    ("Level", "%", "level"),
    ("Power", "MW", "active power"),
    ("Vibration", "mm/s", "bearing vibration"),
];

/// Texts of string tags: quotes, line breaks, scripts, emoji, and what looks like something else.
pub(crate) const TEXTS: [&str; 20] = [
    "Batch",
    "line one\nline two",
    "tab\there",
    r#"say "hello""#,
    r"C:\plant\file.csv",
    "",
    " leading and trailing ",
    "温度センサー",
    "Привет, мир",
    "emoji 🚀🌊 and ‰",
    "null",
    "NaN",
    "123.50",
    "true",
    "2024-03-01T07:00:00Z",
    "{\"Name\":\"Shutdown\",\"Value\":254}",
    "control \u{1}\u{1f} characters",
    "separators \u{2028} and \u{85}",
    "a;b,c|d",
    "e\u{301} is not é",
];

/// What bad values look like as plain text.
pub(crate) const BAD_TEXTS: [&str; 4] = ["Bad", "No Sample", "Calc Overflow: \"x\" > 1", "Comm Fail"];

/// What values look like that are error objects.
pub(crate) const ERROR_TEXTS: [&str; 2] =
    ["PI Point not found or not readable at this time.", "Cannot convert \"Bad Input\" to a number."];

/// System states by code, as reference §2.3 lists them.
pub(crate) const SYSTEM: [(&str, i32); 10] = [
    ("I/O Timeout", 246),
    ("No Data", 248),
    ("Calc Failed", 249),
    ("Pt Created", 253),
    ("Shutdown", 254),
    ("Bad Input", 255),
    ("Bad", 307),
    ("Comm Fail", 313),
    ("Scan Off", 314),
    ("Arc Off-line", 240),
];

/// Digital sets by name.
pub(crate) const SETS: [(&str, &[&str]); 3] = [
    ("Valve", &["Closed", "Open"]),
    ("Mode", &["Off", "On", "Auto", "Manual", "Fault"]),
    ("Betriebsart", &["Läuft", "Störung \"A\"", "Wartung; Prüfung", "停止"]),
];

/// Name, engineering units and descriptor of the tag at `index`.
pub(crate) fn tag(prefix: &str, index: usize, hostile: bool) -> (String, &'static str, String) {
    let (measure, units, what) = MEASURES[index % MEASURES.len()];
    let name = if hostile && index % 3 == 1 {
        format!("{prefix}{} {index}", HOSTILE[index / 3 % HOSTILE.len()])
    } else {
        format!("{prefix}Unit{:02}.{measure}.{index:05}", index / 50 % 100)
    };
    (name, units, format!("{what} of unit {}", index / 50 % 100))
}
