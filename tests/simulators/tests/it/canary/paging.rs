//! Continuations come back as they were, for the same request, or not at all.

use serde_json::{Value, json};
use tidegate_simulators::canary::{Config, Knobs};

use super::client::{call, clean, code, expected, good, launch, pages, path, raw, with};

fn knobs(change: impl FnOnce(&mut Knobs)) -> Config {
    let mut config = clean();
    change(&mut config.knobs);
    config
}

#[test]
fn an_altered_continuation_is_an_error() {
    let server = launch(clean());
    let paths: Vec<String> = (0..3).map(|index| path(&server, index)).collect();
    let tags: Vec<&str> = paths.iter().map(String::as_str).collect();
    let ask = with(&raw(&tags), json!({"maxSize": 100}));
    let next = good(&server, "getTagData2", &ask)["continuation"].clone();
    let go = |entries: Value, extra: Value| {
        code(&server, "getTagData2", &with(&with(&ask, extra), json!({"continuation": entries})))
    };
    assert_eq!(go(next.clone(), json!({})), "Good");
    assert_eq!(go(next.clone(), json!({})), "Good", "a page may be asked for again");
    let entries = next.as_array().unwrap();
    let swapped = json!([entries[1], entries[0], entries[2]]);
    let shorter = json!(entries[..2]);
    let mut letter = entries[0].as_str().unwrap().to_owned();
    letter.replace_range(5..6, if letter.as_bytes()[5] == b'A' { "B" } else { "A" });
    let altered = json!([letter, entries[1], entries[2]]);
    for wrong in [swapped, shorter, altered, json!(["x"]), json!([]), json!(entries[0])] {
        assert_eq!(go(wrong.clone(), json!({})), "Errors", "{wrong}");
    }
    for change in [
        json!({"maxSize": 101}),
        json!({"tags": tags[..2]}),
        json!({"startTime": "2024-02-29T19:00:01Z"}),
        json!({"includeQuality": false}),
        json!({"timezone": "Eastern Standard Time"}),
    ] {
        assert_eq!(go(next.clone(), change.clone()), "Errors", "{change}");
    }
    assert_eq!(go(next.clone(), json!({"apiToken": "11111111-2222-3333-4444-555555555555"})), "Good", "a new token");
    server.forget();
    assert_eq!(go(next, json!({})), "Errors", "a restart forgets");
}

#[test]
fn finished_tags_leave_the_continuation_or_have_null_in_it() {
    let interval = |config: Config| Config {
        overrides: [(
            1,
            tidegate_simulators::canary::Override { interval_seconds: Some(3600.0), ..Default::default() },
        )]
        .into(),
        ..config
    };
    for (config, nulls) in [(interval(clean()), 0), (interval(knobs(|it| it.null_entries = true)), 1)] {
        let server = launch(config);
        let (a, b) = (path(&server, 0), path(&server, 1));
        let ask = with(&raw(&[&b, &a]), json!({"maxSize": 100}));
        let answer = good(&server, "getTagData2", &ask);
        let entries = answer["continuation"].as_array().unwrap();
        assert_eq!(entries.len(), 1 + nulls);
        assert_eq!(entries[0].is_null(), nulls == 1, "the finished tag came first");
        let (found, count) = pages(&server, &ask);
        assert_eq!(count, 8);
        assert_eq!(found[&a], json!(expected(&server.truth().events(0, 0, i64::MAX))));
        assert_eq!(found[&b], json!(expected(&server.truth().events(1, 0, i64::MAX))));
    }
}

#[test]
fn the_boundary_sample_is_repeated_where_it_is_switched_on() {
    let server = launch(knobs(|it| it.duplicate_boundary = true));
    let tag = path(&server, 0);
    let truth = server.truth().events(0, 0, i64::MAX);
    for size in [1, 7, 100] {
        let (found, count) = pages(&server, &with(&raw(&[&tag]), json!({"maxSize": size})));
        let mut samples = found[&tag].as_array().unwrap().clone();
        assert_eq!(samples.len(), truth.len() + count - 1, "once more on each page but the first");
        samples.dedup();
        assert_eq!(samples, expected(&truth));
    }
}

#[test]
fn a_tag_without_data_has_an_empty_list_or_no_key() {
    for (config, listed) in [(clean(), true), (knobs(|it| it.absent_without_data = true), false)] {
        let server = launch(Config { empty: 1, ..config });
        let tag = path(&server, 9);
        assert!(server.truth().events(9, 0, i64::MAX).is_empty());
        let answer = good(&server, "getTagData2", &raw(&[&tag]));
        assert_eq!(answer["data"].get(&tag), listed.then(|| json!([])).as_ref());
        assert_eq!(
            call(&server, "getTagContext", &json!({"tags": [tag]}))["data"][0]["tagContext"]["oldestTimeStamp"],
            json!(null)
        );
    }
}
