//! Raw samples of a range, page by page.
//!
//! A continuation entry is base64url of the tag's place in the request, the next instant and a few bytes that look like
//! noise. What it says counts only if the whole list was issued for these very parameters.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::{Limits, Wanted};
use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::catalogue::Target;
use crate::canary::generate::Generator;
use crate::canary::json::Members;
use crate::canary::rows::Rows;
use crate::canary::tag::Tag;
use crate::shared::hash::mix;

/// Where reading of one tag goes on.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Its place in the request.
    index: usize,
    /// First instant of the page; `None`: the start of the range.
    from: Option<i64>,
}

impl Place {
    fn entry(self, seed: u64) -> String {
        let next = self.from.unwrap_or(i64::MIN);
        let noise = mix(seed ^ mix(next as u64) ^ self.index as u64) as u32;
        let mut bytes = Vec::with_capacity(16);
        bytes.extend_from_slice(&noise.to_be_bytes());
        bytes.extend_from_slice(&(self.index as u32 ^ noise).to_be_bytes());
        bytes.extend_from_slice(&next.to_be_bytes());
        BASE64.encode(bytes)
    }

    fn parse(text: &str) -> Option<Place> {
        let bytes = BASE64.decode(text).ok()?;
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let next = i64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?);
        let index = usize::try_from(number(4)? ^ number(0)?).ok()?;
        Some(Place { index, from: Some(next).filter(|next| *next != i64::MIN) })
    }
}

/// Writes one page of each tag that is not finished.
pub(super) fn write(
    call: &Call<'_>,
    wanted: &[Wanted],
    window: (i64, i64),
    limits: Limits,
    rows: &mut Rows,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let bounds = call.params.flag("includebounds", false)?;
    let knobs = &call.app.config.knobs;
    let mut room = limits.total;
    let mut entries: Vec<Option<String>> = vec![None; wanted.len()];
    let mut list = Members::open(out, "data");
    for place in places(call, wanted.len())? {
        let Some(Wanted { path, target }) = wanted.get(place.index) else { continue };
        let tag = match target {
            Target::Tag(tag) if !call.is_offline() => tag,
            Target::Unknown => {
                rows.unknown(list.key(path));
                continue;
            }
            _ => {
                if !knobs.absent_without_data {
                    list.key(path).extend_from_slice(b"[]");
                }
                continue;
            }
        };
        let (lo, hi) = if bounds { widened(call, tag, window) } else { window };
        let again = place.from.is_some() && knobs.duplicate_boundary;
        let limit = limits.per_tag.min(room).saturating_add(usize::from(again && room > 0));
        let mut items = call.app.truth.collect(tag, place.from.unwrap_or(lo), hi, false, limit.saturating_add(1));
        if items.len() > limit {
            items.truncate(limit);
            let after = |ticks: i64| if knobs.duplicate_boundary { ticks } else { ticks + 1 };
            let next = items.last().map(|item| after(item.ticks::<Generator>()));
            let next = Place { from: next.or(place.from), ..place };
            if let Some(entry) = entries.get_mut(place.index) {
                *entry = Some(next.entry(call.app.config.seed));
            }
        }
        room = room.saturating_sub(items.len());
        call.shape.apply(&mut items);
        call.app.counter.events(items.len());
        if !items.is_empty() || !knobs.absent_without_data {
            rows.list(list.key(path), tag, &items);
        }
    }
    list.close();
    super::promise(call, entries, out);
    Ok(())
}

/// What the request asks to go on with.
fn places(call: &Call<'_>, tags: usize) -> Result<Vec<Place>, Refused> {
    let Some(entries) = call.params.entries("continuation")? else {
        return Ok((0..tags).map(|index| Place { index, from: None }).collect());
    };
    call.app.continuations.check(call.binding, &entries)?;
    let places = entries.iter().flatten().map(|text| Place::parse(text));
    places.collect::<Option<_>>().ok_or_else(|| Refused::errors("the continuation is invalid"))
}

/// The range with the nearest sample on each side of it.
fn widened(call: &Call<'_>, tag: &Tag, (lo, hi): (i64, i64)) -> (i64, i64) {
    let truth = &call.app.truth;
    let before = truth.newest(tag, lo - 1).map_or(lo, |sample| sample.ticks);
    let after = truth.oldest(tag, hi + 1).map_or(hi, |sample| sample.ticks);
    (before, after)
}
