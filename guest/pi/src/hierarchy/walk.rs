//! The hierarchy level by level, where a server refuses to list it whole: the children of a hundred elements a request.

use tidegate_sdk::{Fault, http::encode, snapshot::Snapshot, tables::elements::ElementRow};

use super::{pass::Pass, push};
use crate::{
    af::Root,
    api::Element,
    batch::Batch,
    listing::{Crowd, Listed},
};

/// Walks from `root` down. An element that several parents hold, or that lies below itself, is walked once.
pub(super) async fn levels(
    batch: Batch,
    batch_size: usize,
    query: Vec<(&'static str, String)>,
    root: &Root,
    pass: &mut Pass,
    table: &mut Option<Snapshot<ElementRow>>,
) -> Result<(), Fault> {
    let mut crowd = Crowd::new(batch, batch_size, query);
    crowd.add(root.path.clone(), format!("{}/elements", root.resource));
    while let Some(pages) = crowd.round::<Element>().await? {
        for (_, page) in pages {
            let fresh = unknown(pass, page);
            for element in fresh.iter().filter(|element| may_have_children(element)) {
                crowd.add(element.web_id.clone(), format!("/elements/{}/elements", encode(&element.web_id)));
            }
            pass.take(fresh);
        }
        push(table, pass.ready())?;
    }
    Ok(())
}

/// The elements of a page that no page before showed.
fn unknown(pass: &Pass, page: Vec<Element>) -> Vec<Element> {
    page.into_iter().filter(|element| !pass.knows(element.identity())).collect()
}

fn may_have_children(element: &Element) -> bool {
    element.has_children != Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_ends_because_an_element_is_walked_once() {
        let element = |id: &str| Element { web_id: id.into(), ..Element::default() };
        let children = |id: &str| match id {
            "a" => vec![element("b"), element("c")],
            "b" => vec![element("c"), element("a")],
            _ => vec![element("b")],
        };
        let mut pass = Pass::default();
        let mut open = vec![element("a")];
        pass.take(open.clone());
        let mut walked = 0;
        while let Some(element) = open.pop() {
            walked += 1;
            let fresh = unknown(&pass, children(&element.web_id));
            open.extend(fresh.iter().cloned());
            pass.take(fresh);
        }
        assert_eq!((walked, pass.ready().len()), (3, 3));
        assert!(may_have_children(&element("a")));
        assert!(!may_have_children(&Element { has_children: Some(false), ..Element::default() }));
    }
}
