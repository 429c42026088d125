//! The last value of each tag.

use super::Wanted;
use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::catalogue::Target;
use crate::canary::json::{Members, named};
use crate::canary::rows::Rows;
use crate::canary::sample::Sample;
use crate::canary::tag::Tag;
use crate::canary::truth::ALL;

/// Samples looked at in one go while one of the wanted quality is sought.
const STRIDE: usize = 256;

/// Writes one sample per tag.
pub(super) fn write(call: &Call<'_>, wanted: &[Wanted], rows: &mut Rows, out: &mut Vec<u8>) -> Result<(), Refused> {
    let wish: fn(&Sample) -> bool = match call.params.text("quality")?.map(str::to_lowercase).as_deref() {
        None | Some("any") => |_| true,
        Some("good") => Sample::is_good,
        Some("non-bad") => |sample| sample.is_good() || sample.is_uncertain(),
        Some(other) => return Err(Refused::errors(format!("parameter 'quality': '{other}' is not one"))),
    };
    let any = call.params.text("quality")?.is_none_or(|quality| quality.eq_ignore_ascii_case("any"));
    let extend = call.params.flag("usetimeextension", true)? && any;
    let mut list = Members::open(out, "data");
    for Wanted { path, target } in wanted {
        let sample = match target {
            Target::Tag(tag) if !call.is_offline() => newest(call, tag, wish),
            Target::Unknown => {
                rows.unknown(list.key(path));
                continue;
            }
            _ => None,
        };
        if sample.is_none() && call.app.config.knobs.absent_without_data {
            continue;
        }
        let out = list.key(path);
        out.push(b'[');
        if let Some(sample) = sample {
            let known = call.app.truth.clock().arrived();
            let ticks = if extend && sample.is_good() { sample.ticks.max(known) } else { sample.ticks };
            rows.sample(out, ticks, &sample.value, sample.quality);
            call.app.counter.events(1);
        }
        out.push(b']');
    }
    list.close();
    named(out, "continuation");
    out.extend_from_slice(b"null");
    Ok(())
}

fn newest(call: &Call<'_>, tag: &Tag, wish: fn(&Sample) -> bool) -> Option<Sample> {
    let mut hi = ALL.1;
    loop {
        let found = call.app.truth.collect(tag, ALL.0, hi, true, STRIDE);
        let samples: Vec<Sample> = found.iter().map(|item| item.whole(&tag.generator)).collect();
        if let Some(sample) = samples.iter().find(|sample| wish(sample)) {
            return Some(sample.clone());
        }
        hi = samples.last()?.ticks - 1;
    }
}
