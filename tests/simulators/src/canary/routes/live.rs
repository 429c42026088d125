//! Live data: a token follows tags, each poll tells what has arrived since the last.
//!
//! Late and edited samples never show.

use serde_json::Value as Json;

use crate::canary::answer::{Code, Refused};
use crate::canary::app::Call;
use crate::canary::catalogue::Target;
use crate::canary::json::{Members, named};
use crate::canary::rows::Rows;
use crate::canary::tag::Tag;
use crate::canary::truth::{ALL, Found};
use crate::canary::zone::Zone;
use crate::shared::text;

/// What a live data token follows.
#[derive(Debug)]
pub(crate) struct Live {
    tags: Vec<Followed>,
    all_values: bool,
    quality: bool,
    zone: Zone,
    polls: u64,
}

#[derive(Debug)]
struct Followed {
    path: String,
    /// Newest instant told; `None`: nothing yet.
    told: Option<i64>,
}

/// `getLiveDataToken`.
pub(super) fn issue(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let all_values = match call.params.text("mode")?.map(str::to_lowercase).as_deref() {
        None | Some("allvalues") => true,
        Some("lastvalue") => false,
        Some(other) => return Err(Refused::errors(format!("parameter 'mode': '{other}' is not one"))),
    };
    let tags = call.tags()?.into_iter().map(|path| Followed { path, told: None }).collect();
    let quality = call.params.flag("includequality", false)?;
    let live = Live { tags, all_values, quality, zone: call.zone, polls: 0 };
    let token = call.app.live.issue(live, None).ok_or_else(|| Refused::code(Code::BadLicense))?;
    out.extend_from_slice(b",\"liveDataToken\":");
    text::string(out, &token);
    Ok(())
}

/// `getLiveData`. The documents show arrays even under v2.
pub(super) fn poll(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let token = call.params.required("livedatatoken")?;
    let continuation = call.params.entries("continuation")?;
    let arrays = call.v1 || !call.app.config.knobs.live_objects;
    let told = call.app.live.with(token, |live| {
        if let Some(entries) = continuation
            && entries != [Some(live.polls.to_string())]
        {
            return Err(Refused::errors("the continuation is invalid"));
        }
        live.polls += 1;
        tell(call, live, arrays, out);
        Ok(())
    });
    told.unwrap_or_else(|| Err(Refused::code(Code::BadLiveDataToken)))
}

/// `revokeLiveDataToken`.
pub(super) fn revoke(call: &Call<'_>, _: &mut Vec<u8>) -> Result<(), Refused> {
    let token = call.params.required("livedatatoken")?;
    if call.app.live.revoke(token) { Ok(()) } else { Err(Refused::code(Code::BadLiveDataToken)) }
}

fn tell(call: &Call<'_>, live: &mut Live, arrays: bool, out: &mut Vec<u8>) {
    let mut rows = Rows::new(arrays, live.quality, live.zone);
    let mut list = Members::open(out, "data");
    for followed in &mut live.tags {
        let Target::Tag(tag) = call.find(&followed.path) else { continue };
        let mut items = news(call, &tag, followed.told, live.all_values);
        let Some(newest) = items.first().map(|item| item.whole(&tag.generator).ticks) else { continue };
        followed.told = Some(newest);
        call.shape.apply(&mut items);
        call.app.counter.events(items.len());
        rows.list(list.key(&followed.path), &tag, &items);
    }
    list.close();
    named(out, "continuation");
    out.extend_from_slice(Json::from(vec![live.polls.to_string()]).to_string().as_bytes());
}

/// What has arrived since, newest first.
fn news(call: &Call<'_>, tag: &Tag, told: Option<i64>, all_values: bool) -> Vec<Found> {
    if call.is_offline() {
        return Vec::new();
    }
    let (lo, max) = match told {
        Some(told) if all_values => (told + 1, usize::MAX),
        Some(told) => (told + 1, 1),
        None => (ALL.0, 1),
    };
    call.app.truth.collect(tag, lo, ALL.1, true, max)
}
