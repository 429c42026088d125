//! The points behind attributes of AF: "all temperatures of the pumps of Site1".

use tidegate_sdk::{
    Fault,
    host::{self, Level},
    pattern::matches,
};

use super::Found;
use crate::{
    af,
    api::{Attribute, POINT_FIELDS, Point, attribute_fields},
    attributes::{Link, Points, link},
    batch::Batch,
    listing::Listing,
    server::Server,
    settings::{AfFilter, Settings},
};

/// Attributes in a page.
const PAGE: usize = 10_000;

/// The points behind the attributes that `filter` selects, narrowed by `tag_filter`.
pub(super) async fn points(
    settings: &Settings,
    server: &Server,
    batch: &Batch,
    filter: &AfFilter,
) -> Result<Found, Fault> {
    let databases = af::configured(server, &settings.ingestion).await?;
    let roots = af::roots(server, &databases, filter.root.as_deref(), "af_filter.root").await?;
    let mut behind = Points::new(batch.clone(), settings.performance.batch_size);
    let mut narrow = Narrow::of(settings);
    let mut lost = 0;
    for root in &roots {
        let path = format!("{}/elementattributes", root.resource);
        let mut listing = Listing::new(server, path, query(filter)).pages_of(PAGE);
        while let Some(page) = listing.page::<Attribute>().await? {
            behind.look_up_whole(&page).await?;
            for attribute in &page {
                match behind.point(attribute) {
                    Some(point) => narrow.take(point),
                    None => lost += usize::from(!matches!(link(attribute), Link::None)),
                }
            }
        }
        listing.whole()?;
    }
    if lost > 0 {
        let text = format!("af_filter: {lost} attributes refer to PI points that this account is not shown");
        host::log(Level::Warn, &text);
    }
    if narrow.found.points.is_empty() {
        host::log(Level::Warn, "af_filter: no attribute that it selects stands for a PI point");
    }
    if narrow.more {
        let text = format!("af_filter: more than max_tags = {} points match; the rest is not read", narrow.most);
        host::log(Level::Warn, &text);
    }
    Ok(narrow.found)
}

fn query(filter: &AfFilter) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("searchFullHierarchy", "true".to_owned()),
        ("associations", "DataReference".to_owned()),
        ("sortField", "ID".to_owned()),
        ("selectedFields", attribute_fields(&POINT_FIELDS)),
    ];
    query.extend(filter.template.clone().map(|template| ("elementTemplate", template)));
    query.extend(filter.attribute.clone().map(|attribute| ("attributeNameFilter", attribute)));
    query
}

/// What `tag_filter` leaves.
struct Narrow {
    found: Found,
    pattern: Option<String>,
    most: usize,
    more: bool,
}

impl Narrow {
    fn of(settings: &Settings) -> Self {
        let filter = settings.ingestion.tag_filter.clone().unwrap_or_default();
        let most = filter.max_tags.unwrap_or(usize::MAX);
        Self { found: Found::default(), pattern: filter.name_pattern, most, more: false }
    }

    fn take(&mut self, point: Point) {
        if self.pattern.as_deref().is_some_and(|pattern| !matches(pattern, &point.name)) {
            return;
        }
        if self.found.points.len() < self.most {
            self.found.add(point);
        } else {
            self.more |= !self.found.holds(&point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_work_together_and_a_point_behind_two_attributes_is_one() {
        let text = r#"{"source":{"url":"u"},"ingestion":{"tag_filter":{"name_pattern":"*temp*","max_tags":2}}}"#;
        let mut narrow = Narrow::of(&serde_json::from_str(text).unwrap());
        let names = ["Temp1", "Temp1", "Flow", "Temp2", "Temp1"];
        for name in names {
            narrow.take(Point { web_id: name.into(), name: name.into(), ..Point::default() });
        }
        assert!(!narrow.more);
        narrow.take(Point { web_id: "Temp3".into(), name: "Temp3".into(), ..Point::default() });
        let taken: Vec<&str> = narrow.found.points.iter().map(|point| point.name.as_str()).collect();
        assert_eq!((taken, narrow.more), (vec!["Temp1", "Temp2"], true));
    }

    #[test]
    fn the_server_filters_by_template_and_attribute() {
        let filter = AfFilter { root: None, template: Some("Pump".into()), attribute: Some("*Temp*".into()) };
        let query = query(&filter);
        assert!(query.contains(&("elementTemplate", "Pump".into())));
        assert!(query.contains(&("attributeNameFilter", "*Temp*".into())));
        assert_eq!(super::query(&AfFilter::default()).len(), 4);
    }
}
