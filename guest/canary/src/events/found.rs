//! The events of a slice → rows.

use std::collections::HashSet;

use serde_json::json;
use tidegate_sdk::{
    life::Life,
    slices::Slice,
    tables::event_frames::{FrameRow, Map},
};

use super::{scope::Scope, time::life};
use crate::api::{Event, Property};

/// What a slice holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) rows: Vec<FrameRow>,
    /// Raw text, and why it is no row.
    pub(super) rejects: Vec<(String, &'static str)>,
    seen: HashSet<String>,
}

impl Found {
    /// Takes the events of a page that belong to `slice` and to the view, each once. Returns how many events were not known before.
    pub(super) fn take(&mut self, page: Vec<Event>, slice: &Slice, scope: &Scope) -> usize {
        let mut fresh = 0;
        for event in page {
            let id = event.identity();
            if id.is_empty() {
                self.rejects.push((raw(&event), "the event has no Id"));
                continue;
            }
            if !self.seen.insert(id.clone()) {
                continue;
            }
            fresh += 1;
            if !scope.holds(event.asset_base_path.as_deref().unwrap_or_default()) {
                continue;
            }
            match life(&event) {
                Ok(life) if life.belongs_to(slice) => self.rows.push(row(id, event, life, scope)),
                Ok(_) => {}
                Err(reason) => self.rejects.push((raw(&event), reason)),
            }
        }
        fresh
    }

    /// How many of them begin in the slice.
    pub(super) fn began_in(&self, slice: &Slice) -> usize {
        self.rows.iter().filter(|row| slice.interval.contains(row.life.start)).count()
    }
}

/// The row of an event. It has no name of its own, and is called by its type.
fn row(id: String, event: Event, life: Life, scope: &Scope) -> FrameRow {
    let asset = event.asset_base_path.filter(|path| !path.is_empty()).map(|path| scope.full(path));
    FrameRow {
        id,
        name: event.event_type_name.clone(),
        template: event.event_type_name,
        life,
        referenced: asset.iter().cloned().collect(),
        primary: asset,
        attributes: Some(attributes(event.properties.unwrap_or_default())),
        categories: Vec::new(),
        description: None,
        severity: None,
        acknowledged: None,
        parent: None,
        database: scope.view().to_owned(),
    }
}

/// Properties by name; of two that have one name, the first.
fn attributes(properties: Vec<Property>) -> Map {
    let mut names = HashSet::new();
    let named = |property: Property| {
        let text = property.text();
        let name = property.name.filter(|name| !name.is_empty())?;
        names.insert(name.clone()).then_some((name, text))
    };
    properties.into_iter().filter_map(named).collect()
}

/// What a reject shows of an event.
fn raw(event: &Event) -> String {
    json!({
        "Id": event.id,
        "EventTypeName": event.event_type_name,
        "AssetBasePath": event.asset_base_path,
        "StartsAt": event.starts_at,
        "EndsAt": event.ends_at,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Interval;

    fn slice(opening: bool) -> Slice {
        // 2024-03-01T00:00:00Z and a day.
        Slice { interval: Interval::new(1_709_251_200_000_000_000, 1_709_337_600_000_000_000), opening }
    }

    fn event(id: &str, start: &str, end: &str) -> Event {
        let json = format!(r#"{{"Id":{id},"StartsAt":"{start}","EndsAt":"{end}"}}"#);
        serde_json::from_str(&json).unwrap()
    }

    fn only(view: &str) -> Scope {
        Scope::new(view, true, &["Other".to_owned()])
    }

    #[test]
    fn of_a_page_only_what_belongs_to_the_slice_counts_and_once() {
        let page = || {
            vec![
                event("\"before\"", "2024-02-20T00:00:00Z", "2024-02-29T23:59:59Z"),
                event("\"old and open\"", "2024-02-20T00:00:00Z", ""),
                event("7", "2024-03-01T07:00:00Z", "2024-03-01T08:00:00Z"),
                event("\"at the end\"", "2024-03-02T00:00:00Z", "2024-03-02T00:00:00Z"),
                event("\"no time\"", "07:00", "08:00"),
                event("null", "2024-03-01T07:00:00Z", ""),
                Event { asset_base_path: Some("Other.Pump".into()), ..event("8", "2024-03-01T07:00:00Z", "") },
            ]
        };
        let ids = |slice: &Slice| {
            let mut found = Found::default();
            assert_eq!((found.take(page(), slice, &only("V")), found.take(page(), slice, &only("V"))), (6, 0));
            assert_eq!((found.rejects.len(), found.began_in(slice)), (3, 1));
            found.rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(&slice(true)), ["old and open", "7"]);
        assert_eq!(ids(&slice(false)), ["7"]);
    }

    #[test]
    fn an_event_fills_its_row() {
        let json = r#"{"Id":"e1","Hash":"x","EventTypeName":"Downtime","AssetBasePath":"Site.Pump 1","AssociatedTags":["a"],
            "StartsAt":"2024-02-29T23:00:00-8:00","EndsAt":"2024-03-01T00:30:00-8:00","Duration":"01:30:00",
            "Properties":[{"Id":1,"Name":"Max","Equation":"x","Value":1.50},{"Name":"Max","Value":2},
                {"Name":"Operator","Value":null},{"Name":"Note","Value":"Öl \"7\""},{"Value":3}]}"#;
        let mut found = Found::default();
        found.take(vec![serde_json::from_str(json).unwrap()], &slice(true), &only("UNS"));
        let row = found.rows.first().unwrap();
        assert_eq!((row.name.as_deref(), row.template.as_deref()), (Some("Downtime"), Some("Downtime")));
        assert_eq!(row.primary.as_deref(), Some("UNS.Site.Pump 1"));
        assert_eq!(row.life.minutes(), Some(90.0));
        let attribute = |name: &str, text: Option<&str>| (name.to_owned(), text.map(str::to_owned));
        let expected =
            [attribute("Max", Some("1.50")), attribute("Operator", None), attribute("Note", Some("Öl \"7\""))];
        assert_eq!(row.attributes.as_deref(), Some(expected.as_slice()));
        let full = r#"{"Id":"e2","AssetBasePath":"UNS.Site","StartsAt":"2024-03-01T07:00:00Z"}"#;
        found.take(vec![serde_json::from_str(full).unwrap()], &slice(true), &only("UNS"));
        assert_eq!(found.rows.get(1).unwrap().primary.as_deref(), Some("UNS.Site"));
    }
}
