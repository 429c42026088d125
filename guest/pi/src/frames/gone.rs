//! Which event frames do not exist any more: only what the server says of the frame itself counts.
//!
//! A frame that is not listed may be of another template than before, or its AF server may be offline. So each is asked
//! for by its WebId, a batch of frames a request. The server knows none of that WebId when it answers 404 with `Errors`
//! (reference §10); a 404 without them is what an unknown route answers, and a 403 or 5xx says nothing of the frame.

use serde_json::value::RawValue;
use tidegate_sdk::Fault;

use super::values::exists;
use crate::{
    api::texts,
    batch::{Batch, Reply, Sub},
    server::Server,
    settings::Settings,
};

/// Of these WebIds, those of frames that were deleted.
pub(crate) async fn gone(settings: &Settings, web_ids: Vec<String>) -> Result<Vec<String>, Fault> {
    let mut batch = Batch::new(&Server::new(settings), None);
    let mut gone = Vec::new();
    for chunk in web_ids.chunks(settings.performance.batch_size.max(1)) {
        let subs: Vec<Sub> = chunk.iter().map(|web_id| exists(web_id)).collect();
        let answer = batch.ask(&subs).await?;
        let replies = batch.read::<&RawValue>(&answer, subs.len())?;
        let deleted = chunk.iter().zip(replies).filter(|(_, reply)| reply.as_ref().is_some_and(is_deleted));
        gone.extend(deleted.map(|(web_id, _)| web_id.clone()));
    }
    Ok(gone)
}

/// Whether the server says that it has no such frame.
fn is_deleted(reply: &Reply<&RawValue>) -> bool {
    let says_so = |content: &RawValue| {
        let content: serde_json::Value = serde_json::from_str(content.get()).unwrap_or_default();
        content.get("Errors").is_some_and(|errors| !texts(errors).is_empty())
    };
    match reply.status {
        Some(410) => true,
        Some(404) => reply.content.is_some_and(says_so),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_knows_no_such_frame_says_that_it_is_deleted() {
        let table = [
            (r#"{"Status":404,"Content":{"Errors":["The specified object was not found."]}}"#, true),
            (r#"{"Status":410,"Content":null}"#, true),
            (
                r#"{"Status":404,"Content":{"Message":"No HTTP resource was found that matches the request URI"}}"#,
                false,
            ),
            (r#"{"Status":404,"Content":{"Errors":[]}}"#, false),
            (r#"{"Status":404,"Content":"<html>not found</html>"}"#, false),
            (r#"{"Status":404,"Content":["Errors"]}"#, false),
            (r#"{"Status":404,"Content":null}"#, false),
            (r#"{"Status":404}"#, false),
            (r#"{"Status":200,"Content":{"WebId":"I1Fm"}}"#, false),
            (r#"{"Status":200,"Content":{"Errors":["The specified object was not found."]}}"#, false),
            (r#"{"Status":200,"Content":{"WebException":{"StatusCode":404,"Errors":["x"]}}}"#, false),
            (r#"{"Status":400,"Content":{"Errors":["The specified WebId is invalid."]}}"#, false),
            (r#"{"Status":401,"Content":{"Message":"no"}}"#, false),
            (r#"{"Status":403,"Content":{"Errors":["Access denied"]}}"#, false),
            (r#"{"Status":502,"Content":{"Errors":["AF server unreachable"]}}"#, false),
            (r#"{"Status":503,"Content":"<html>busy</html>"}"#, false),
            (r#"{"Content":{"Errors":["x"]}}"#, false),
        ];
        for (text, expected) in table {
            let reply: Reply<&RawValue> = serde_json::from_str(text).unwrap();
            assert_eq!(is_deleted(&reply), expected, "{text}");
        }
    }
}
