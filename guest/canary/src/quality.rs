//! Quality numbers (§6.4): OPC DA, full words, and Canary's own for the absence of data.

/// Canary's marker for "there is no data from here on"; looked at before any mask is.
const NO_DATA: i64 = 32_768;
/// Which of good, uncertain and bad.
const KIND: i64 = 0xC0;
/// Everything but the limits in the two low bits.
const STATUS: i64 = 0xFC;
/// A value that somebody has put in place of the measured one.
const LOCAL_OVERRIDE: i64 = 216;

const NAMES: [(i64, &str); 15] = [
    (0, "Bad"),
    (4, "Config Error"),
    (8, "Not Connected"),
    (12, "Device Failure"),
    (16, "Sensor Failure"),
    (20, "Last Known Value"),
    (24, "Comm Failure"),
    (28, "Out of Service"),
    (64, "Uncertain"),
    (68, "Last Usable"),
    (80, "Sensor Not Accurate"),
    (84, "EU Exceeded"),
    (88, "Sub-Normal"),
    (192, "Good"),
    (LOCAL_OVERRIDE, "Good Local Override"),
];

/// The three columns that say what a value is worth; `None` where the server says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Worth {
    pub(crate) good: Option<bool>,
    pub(crate) questionable: Option<bool>,
    pub(crate) substituted: Option<bool>,
}

/// The columns of a quality number.
///
/// Quality is always asked for, so that a sample without it is not taken for good: it is not known.
#[inline]
pub(crate) fn worth(quality: Option<i64>) -> Worth {
    let Some(quality) = quality else { return Worth::default() };
    let known = quality != NO_DATA;
    Worth {
        good: Some(known && quality & KIND == 192),
        questionable: Some(known && quality & KIND == 64),
        substituted: Some(known && quality & STATUS == LOCAL_OVERRIDE),
    }
}

/// What stands in the place of a value that is not there: `No Data` for Canary's marker, else the name of the quality.
pub(crate) fn name(quality: Option<i64>) -> String {
    match quality {
        None | Some(NO_DATA) => "No Data".to_owned(),
        Some(quality) => NAMES
            .iter()
            .find(|(number, _)| *number == quality & 0xFF & STATUS)
            .map_or_else(|| format!("Quality {quality}"), |(_, name)| (*name).to_owned()),
    }
}

/// Whether a value that is not there says that there is nothing.
pub(crate) fn is_no_data(quality: Option<i64>) -> bool {
    quality.is_none_or(|quality| quality == NO_DATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_columns() {
        let table = [
            (192, (true, false, false), "Good"),
            (195, (true, false, false), "Good"),
            (216, (true, false, true), "Good Local Override"),
            (218, (true, false, true), "Good Local Override"),
            (64, (false, true, false), "Uncertain"),
            (85, (false, true, false), "EU Exceeded"),
            (0, (false, false, false), "Bad"),
            (24, (false, false, false), "Comm Failure"),
            (32_768, (false, false, false), "No Data"),
            (128, (false, false, false), "Quality 128"),
            (0x1_00C0, (true, false, false), "Good"),
        ];
        for (quality, flags, named) in table {
            let Worth { good, questionable, substituted } = worth(Some(quality));
            let (a, b, c) = flags;
            assert_eq!((good, questionable, substituted), (Some(a), Some(b), Some(c)), "{quality}");
            assert_eq!(name(Some(quality)), named, "{quality}");
        }
        assert_eq!(worth(None), Worth::default());
        assert_eq!(name(None), "No Data");
    }
}
