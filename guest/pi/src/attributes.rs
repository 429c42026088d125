//! The table `element_attributes`: every attribute of every element, and the PI point behind it.
//!
//! One listing over the full hierarchy of a database, nested attributes included, without `webIdType`: with it, the
//! server would write the WebId of the point in that form too, and `tag_webid` must be the very string that
//! `pi_timeseries` and `pi_points` hold, which is the server's own form. The element is found by its GUID instead, which
//! the WebId of an attribute carries in any form.
//!
//! Whether that listing goes down to nested attributes is not told for every version either: where it shows an attribute
//! that has children and shows none of them, these are asked for (`nested`).
//!
//! Of hidden and excluded attributes the documentation of this listing says nothing: it has no parameter about them, and
//! AF's own search, which it calls, returns both. What the server lists is taken, whatever its flags. The fallback, which
//! asks element by element, would leave both out and therefore asks for them.

mod link;
mod nested;
mod owner;
mod points;
mod rows;

pub(crate) use link::{Link, link};
pub(crate) use points::Points;
pub(crate) use rows::schema;

use std::collections::HashSet;

use tidegate_sdk::{
    Fault,
    host::{self, Level},
    http::encode as encoded,
    snapshot::Snapshot,
};

use self::{
    nested::Nested,
    rows::{AttributeRow, encode, row},
};
use crate::{
    af::Root,
    api::{Attribute, attribute_fields},
    batch::Batch,
    hierarchy::{Index, is_refusal},
    listing::{Crowd, Listed, Listing},
    manifest::ELEMENT_ATTRIBUTES,
    server::Server,
    settings::Settings,
};

/// Children of attributes in one request, as a multiple of the tags in one: an answer about them is a few lines, not
/// thousands.
const SMALL_ANSWERS: usize = 5;

/// Attributes in a page.
pub(crate) const PAGE: usize = 10_000;

/// Reads all attributes of the elements below `roots`, of which `indexes` tell the WebIds. The table is complete when
/// this returns.
pub(crate) async fn refresh(
    server: &Server,
    settings: &Settings,
    roots: &[Root],
    indexes: &[Index],
) -> Result<(), Fault> {
    let mut pass = Pass {
        points: Points::new(Batch::new(server, None), settings.performance.batch_size),
        table: Snapshot::new(ELEMENT_ATTRIBUTES, encode),
        strays: 0,
        batch_size: settings.performance.batch_size,
    };
    for (root, index) in roots.iter().zip(indexes) {
        pass.attributes(server, root, index).await?;
    }
    pass.complete()
}

struct Pass {
    points: Points,
    table: Snapshot<AttributeRow>,
    /// Attributes of elements that are not among the elements.
    strays: usize,
    batch_size: usize,
}

impl Pass {
    async fn attributes(&mut self, server: &Server, root: &Root, index: &Index) -> Result<(), Fault> {
        let mut query = fields();
        query.extend([("searchFullHierarchy", "true".to_owned()), ("sortField", "ID".to_owned())]);
        let mut listing = Listing::new(server, format!("{}/elementattributes", root.resource), query).pages_of(PAGE);
        let mut nested = Nested::default();
        loop {
            match listing.page::<Attribute>().await {
                Ok(Some(page)) => {
                    nested.note(&page);
                    self.take(page, None, index).await?;
                }
                Ok(None) => {
                    listing.whole()?;
                    break;
                }
                Err(fault) if !listing.has_begun() && is_refusal(&fault) => {
                    host::log(Level::Warn, &format!("{}; asking element by element instead", fault.message));
                    return self.by_element(server, index).await;
                }
                Err(fault) => return Err(fault),
            }
        }
        self.below(server, nested.missing(), index).await?;
        // The bulk listing of an element holds what is below it, and not the element's own.
        let own: Vec<&str> = root.element.iter().map(|element| element.web_id.as_str()).collect();
        self.of_elements(server, &own, &["searchFullHierarchy"], index).await
    }

    /// The attributes at any depth below these, level by level.
    async fn below(&mut self, server: &Server, parents: Vec<String>, index: &Index) -> Result<(), Fault> {
        let mut crowd = Crowd::new(Batch::new(server, None), self.batch_size.saturating_mul(SMALL_ANSWERS), fields());
        parents.into_iter().for_each(|parent| ask_below(&mut crowd, parent));
        let mut seen = HashSet::new();
        while let Some(pages) = crowd.round::<Attribute>().await? {
            for (_, mut page) in pages {
                page.retain(|attribute| seen.insert(attribute.identity()));
                for parent in page.iter().filter(|attribute| attribute.has_children == Some(true)) {
                    ask_below(&mut crowd, nested::short(parent));
                }
                self.take(page, None, index).await?;
            }
        }
        Ok(())
    }

    async fn by_element(&mut self, server: &Server, index: &Index) -> Result<(), Fault> {
        let all: Vec<&str> = index.ids().collect();
        self.of_elements(server, &all, &["searchFullHierarchy", "showHidden", "showExcluded"], index).await
    }

    /// The attributes of single elements; `flags` are set.
    async fn of_elements(
        &mut self,
        server: &Server,
        elements: &[&str],
        flags: &[&'static str],
        index: &Index,
    ) -> Result<(), Fault> {
        let mut query = fields();
        query.extend(flags.iter().map(|flag| (*flag, "true".to_owned())));
        let mut crowd = Crowd::new(Batch::new(server, None), self.batch_size, query);
        for id in elements {
            crowd.add((*id).to_owned(), format!("/elements/{}/attributes", encoded(id)));
        }
        let mut seen = HashSet::new();
        while let Some(pages) = crowd.round::<Attribute>().await? {
            for (element, mut page) in pages {
                page.retain(|attribute| seen.insert(attribute.identity()));
                self.take(page, Some(&element), index).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, page: Vec<Attribute>, element: Option<&str>, index: &Index) -> Result<(), Fault> {
        self.points.look_up(&page).await?;
        for attribute in page {
            let owner = owner::owner(&attribute, element, index);
            self.strays += usize::from(!owner.is_known);
            let point = self.points.behind(&attribute);
            self.table.push([row(attribute, owner.id, point)])?;
        }
        Ok(())
    }

    fn complete(self) -> Result<(), Fault> {
        if self.strays > 0 {
            let text = format!("{} attributes belong to elements that this account is not shown", self.strays);
            host::log(Level::Warn, &text);
        }
        if self.points.lost() > 0 {
            let text = format!("{} attributes refer to PI points that this account is not shown", self.points.lost());
            host::log(Level::Warn, &text);
        }
        self.table.complete()
    }
}

fn ask_below(crowd: &mut Crowd, attribute: String) {
    let path = format!("/attributes/{}/attributes", encoded(&attribute));
    crowd.add(attribute, path);
}

/// What every listing of attributes asks for.
fn fields() -> Vec<(&'static str, String)> {
    vec![("associations", "DataReference".to_owned()), ("selectedFields", attribute_fields(&["WebId", "Name"]))]
}
