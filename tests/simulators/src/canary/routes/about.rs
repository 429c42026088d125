//! What is known about tags beside their samples: properties, identity and range, annotations.

use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::catalogue::Target;
use crate::canary::json::{Members, named};
use crate::canary::truth::ALL;
use crate::shared::text;

/// `getTagProperties`, of tags or of what the server browses itself, up to the administrator's cap.
pub(super) fn properties(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let knobs = &call.app.config.knobs;
    let tags = match call.params.list("tags")? {
        Some(tags) => tags,
        None => call.browse()?.into_iter().take(knobs.properties_cap).collect(),
    };
    let mut list = Members::open(out, "properties");
    for path in tags {
        // A tag that does not exist, or that security hides, is left out [assumed].
        let Target::Tag(tag) = call.find(&path) else { continue };
        let properties = tag.point.properties();
        if properties.is_empty() && knobs.absent_properties {
            continue;
        }
        let mut entry = Members::object(list.key(&path));
        for (name, value) in &properties {
            entry.text(name, Some(value));
        }
        entry.close();
    }
    list.close();
    Ok(())
}

/// `getTagContext`. The context of a tag that does not exist holds nulls \[?\].
pub(super) fn context(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let tags = call.params.list("tags")?.ok_or_else(|| Refused::errors("parameter 'tags' is required"))?;
    let truth = &call.app.truth;
    let mut list = Members::open_array(out, "data");
    for path in tags.into_iter().filter(|path| !call.omits_context(path)) {
        let mut entry = Members::object(list.element());
        entry.text("tagName", Some(&path));
        let (mut id, mut oldest, mut latest) = (None, None, None);
        if let Target::Tag(tag) = call.find(&path) {
            let text = |ticks: i64| call.zone.format(ticks);
            oldest = truth.oldest(&tag, ALL.0).map(|sample| text(sample.ticks));
            latest = truth.newest(&tag, ALL.1).map(|sample| text(sample.ticks));
            id.clone_from(&tag.point.historian_item_id);
        }
        let mut context = Members::object(entry.key("tagContext"));
        context.text("historianItemId", id.as_deref()).text("sourceItemId", id.as_deref());
        context.text("oldestTimeStamp", oldest.as_deref()).text("latestTimeStamp", latest.as_deref());
        context.close();
        entry.close();
    }
    list.close();
    Ok(())
}

/// `getAnnotations`.
pub(super) fn annotations(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let tags = call.params.list("tags")?.ok_or_else(|| Refused::errors("parameter 'tags' is required"))?;
    let (from, to) = (call.instant("starttime")?, call.instant("endtime")?);
    let all = call.app.truth.annotations();
    let mut list = Members::open_array(out, "annotations");
    for path in tags {
        let Target::Tag(tag) = call.find(&path) else { continue };
        let of_tag = all.iter().filter(|it| it.tag_index == tag.point.index && (from..=to).contains(&it.at));
        let mut entry = Members::object(list.element());
        entry.text("tagName", Some(&path));
        let out = entry.key("annotations");
        out.push(b'[');
        for (n, annotation) in of_tag.enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"annotationTime\":");
            text::string(out, &call.zone.format(annotation.at));
            named(out, "entries");
            out.extend_from_slice(b"[{\"entryTime\":");
            text::string(out, &call.zone.format(annotation.entered));
            named(out, "user");
            text::string(out, &annotation.user);
            named(out, "message");
            text::string(out, &annotation.message);
            out.extend_from_slice(b"}]}");
        }
        out.push(b']');
        entry.close();
    }
    list.close();
    Ok(())
}
