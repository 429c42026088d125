//! What does not depend on the data: time zones, aggregates, qualities.

use crate::canary::aggregate::AGGREGATES;
use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::json::Members;
use crate::canary::zone::ZONES;
use crate::shared::text;

/// Names of whole qualities (reference §6.4).
const QUALITIES: [(u32, &str); 16] = [
    (0, "Bad"),
    (4, "Bad - Configuration Error"),
    (8, "Bad - Not Connected"),
    (12, "Bad - Device Failure"),
    (16, "Bad - Sensor Failure"),
    (20, "Bad - Last Known Value"),
    (24, "Bad - Comm Failure"),
    (28, "Bad - Out of Service"),
    (64, "Uncertain"),
    (68, "Uncertain - Last Usable Value"),
    (80, "Uncertain - Sensor Not Accurate"),
    (84, "Uncertain - Engineering Units Exceeded"),
    (88, "Uncertain - Sub-Normal"),
    (192, "Good"),
    (216, "Good - Local Override"),
    (32_768, "No Data"),
];

/// `getTimeZones`.
pub(super) fn time_zones(_: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let ids: Vec<String> = ZONES.iter().map(|zone| zone.id.to_owned()).collect();
    out.extend_from_slice(b",\"timeZones\":");
    text::strings(out, &ids);
    Ok(())
}

/// `getAggregates`.
pub(super) fn aggregates(_: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let mut list = Members::open(out, "aggregates");
    for (_, name, about) in AGGREGATES {
        text::string(list.key(name), about);
    }
    list.close();
    Ok(())
}

/// `getQualities`.
pub(super) fn qualities(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let asked = match call.params.value("qualities") {
        Some(serde_json::Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
        None => return Err(Refused::errors("parameter 'qualities' is required")),
    };
    let mut list = Members::open(out, "qualities");
    for quality in &asked {
        let number = quality.as_u64().or_else(|| quality.as_str().and_then(|text| text.parse().ok()));
        let number = number.ok_or_else(|| Refused::errors(format!("quality {quality} is not a whole number")))?;
        // The two low bits say which limit was met, not what kind of quality it is.
        let plain = if number < 256 { number & !3 } else { number };
        let known = QUALITIES.iter().find(|(known, _)| u64::from(*known) == plain);
        text::string(list.key(&number.to_string()), known.map_or("Unknown", |(_, name)| name));
    }
    list.close();
    Ok(())
}
