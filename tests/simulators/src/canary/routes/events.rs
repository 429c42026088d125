//! `getEvents`: event frames that lie somehow in a range, newest or oldest first, page by page.

use serde_json::{Value as Json, json};

use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::frames::EventFrame;
use crate::canary::json::named;
use crate::canary::when::span;
use crate::shared::clock::{DAY, SECOND};

/// Events in a page, unless asked otherwise.
const PAGE: usize = 100;
/// Most events in a page; a larger `limit` is cut to it without a word \[assumed\].
const MOST: usize = 250;

/// `getEvents`.
pub(super) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let params = &call.params;
    let ascending = match params.text("sortorder")?.map(str::to_lowercase).as_deref() {
        None | Some("start time descending") => false,
        Some("start time ascending") => true,
        Some(other) => return Err(Refused::errors(format!("parameter 'sortOrder': '{other}' is not one"))),
    };
    let limit = match params.number("limit", PAGE)? {
        0 => PAGE,
        limit => limit.min(MOST),
    };
    let mut events = select(call)?;
    events.sort_by(|a, b| (a.starts_at, &a.id).cmp(&(b.starts_at, &b.id)));
    if !ascending {
        events.reverse();
    }
    let from = match params.text("continuation")? {
        None => 0,
        Some(text) => {
            call.app.continuations.check(call.binding, &[Some(text.to_owned())])?;
            place(&events, text, ascending)?
        }
    };
    let mut page: Vec<&EventFrame> = events.iter().skip(from).take(limit).collect();
    let next = page.last().filter(|_| from + page.len() < events.len());
    let next = next.map(|last| format!("{}_{}", last.starts_at, last.id));
    call.shape.apply(&mut page);
    named(out, "events");
    let shown: Vec<Json> = page.iter().map(|event| show(call, event)).collect();
    out.extend_from_slice(Json::from(shown).to_string().as_bytes());
    call.promise(next, out);
    Ok(())
}

/// Where the page after this continuation begins: behind the event that it names, whether or not that still exists.
fn place(events: &[EventFrame], text: &str, ascending: bool) -> Result<usize, Refused> {
    let bad = || Refused::errors("the continuation is invalid");
    let (ticks, id) = text.split_once('_').ok_or_else(bad)?;
    let ticks: i64 = ticks.parse().map_err(|_| bad())?;
    let told = |event: &&EventFrame| {
        let key = (event.starts_at, event.id.as_str());
        if ascending { key <= (ticks, id) } else { key >= (ticks, id) }
    };
    Ok(events.iter().take_while(told).count())
}

fn select(call: &Call<'_>) -> Result<Vec<EventFrame>, Refused> {
    let params = &call.params;
    let from = call.time("startsat")?.unwrap_or(i64::MIN);
    let to = call.time("endsat")?.unwrap_or(i64::MAX);
    let inside = |ticks: i64| (from..=to).contains(&ticks);
    let ended_inside = |event: &EventFrame| event.ends_at.is_some_and(inside);
    let mode: Box<dyn Fn(&EventFrame) -> bool> = match params.text("searchmode")?.map(str::to_lowercase).as_deref() {
        None | Some("active during range") => {
            Box::new(|event| event.starts_at <= to && event.ends_at.is_none_or(|end| end >= from))
        }
        Some("started in range") => Box::new(|event| inside(event.starts_at)),
        Some("ended in range") => Box::new(ended_inside),
        Some("started & ended in range") => Box::new(|event| inside(event.starts_at) && ended_inside(event)),
        Some("in process") => Box::new(|event| event.ends_at.is_none()),
        Some(other) => return Err(Refused::errors(format!("parameter 'searchMode': '{other}' is not one"))),
    };
    let same = |name: &str, of: fn(&EventFrame) -> &str| -> Result<_, Refused> {
        let wanted = params.text(name)?.map(str::to_owned);
        Ok(move |event: &EventFrame| wanted.as_deref().is_none_or(|wanted| wanted == of(event)))
    };
    let hash = same("hash", |event| &event.hash)?;
    let event_type = same("eventtype", |event| &event.event_type)?;
    let source = same("source", |event| &event.asset)?;
    let notify = if params.has("notify") { Some(params.flag("notify", false)?) } else { None };
    let short = params.has("includemindurationevents");
    let long = params.text("duration")?.map(duration).transpose()?;
    let now = call.app.truth.clock().arrived();
    let mut events = if call.is_offline() { Vec::new() } else { call.app.truth.frames() };
    events.retain(|event| {
        mode(event)
            && hash(event)
            && event_type(event)
            && source(event)
            && notify.is_none_or(|notify| notify == event.notify)
            && (short || !event.below_min_duration)
            && long.as_ref().is_none_or(|long| long(event.ends_at.unwrap_or(now) - event.starts_at))
    });
    Ok(events)
}

/// Reads `>=4h` and its kin.
fn duration(text: &str) -> Result<impl Fn(i64) -> bool + use<>, Refused> {
    let bad = || Refused::errors(format!("parameter 'duration': '{text}' is not a comparison with a time span"));
    let text = text.trim();
    let split = text.find(|c: char| !"<>=".contains(c)).ok_or_else(bad)?;
    let (sign, length) = text.split_at(split);
    let length = span(length).ok_or_else(bad)?;
    let compare: fn(&i64, &i64) -> bool = match sign {
        ">=" => i64::ge,
        ">" => i64::gt,
        "<=" => i64::le,
        "<" => i64::lt,
        "=" | "==" => i64::eq,
        _ => return Err(bad()),
    };
    Ok(move |ticks: i64| compare(&ticks, &length))
}

/// A time span as .NET writes it: `[d.]hh:mm:ss[.fffffff]`.
pub(super) fn timespan(ticks: i64) -> String {
    let (days, rest, fraction) = (ticks / DAY, ticks % DAY / SECOND, ticks % SECOND);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let fraction = if fraction > 0 { format!(".{fraction:07}") } else { String::new() };
    format!("{days}{:02}:{:02}:{:02}{fraction}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// A timestamp with the hour of the offset as short as it goes, as the documented sample has it: `-8:00`.
fn loose(call: &Call<'_>, ticks: i64) -> String {
    let text = call.zone.format(ticks);
    let (instant, offset) = text.split_at(text.len().saturating_sub(6));
    let (sign, offset) = offset.split_at(1);
    format!("{instant}{sign}{}", offset.strip_prefix('0').unwrap_or(offset))
}

fn show(call: &Call<'_>, event: &EventFrame) -> Json {
    let now = call.app.truth.clock().arrived();
    let each = event.properties.iter().enumerate();
    let properties = each.map(|(id, (name, equation, value))| {
        json!({
            "Id": id, "Name": name, "Equation": equation, "Value": value,
        })
    });
    json!({
        "Id": event.id,
        "Hash": event.hash,
        "EventTypeName": event.event_type,
        "AssetBasePath": event.asset,
        "AssociatedTags": event.tags,
        "StartsAt": loose(call, event.starts_at),
        "EndsAt": event.ends_at.map(|end| loose(call, end)),
        "Duration": timespan(event.ends_at.unwrap_or(now) - event.starts_at),
        "BelowMinDuration": event.below_min_duration,
        "StartTriggerOffset": "00:00:00",
        "EndTriggerOffset": "00:00:00",
        "Notify": event.notify,
        "Properties": properties.collect::<Vec<_>>(),
    })
}
