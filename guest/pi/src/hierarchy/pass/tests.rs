//! Elements in the order and form in which servers may show them, and the parents that their rows must name.

use super::*;
use crate::api::ElementLinks;

/// WebIds whose GUIDs differ.
fn id_only(letter: char) -> String {
    format!("I1EmERERESIiMzNERFVVVVVVVQ{letter}qqqqru7zMzd3e7u7u7u7g")
}

fn full(letter: char, path: &str) -> String {
    format!("F{}{path}", id_only(letter).trim_start_matches('I'))
}

fn element(web_id: &str, path: &str, parent: Option<&str>) -> Element {
    Element {
        web_id: web_id.into(),
        path: Some(format!(r"\\AF1\P{path}")),
        links: Some(ElementLinks { parent: parent.map(|parent| format!("https://h/piwebapi/elements/{parent}")) }),
        ..Element::default()
    }
}

/// Element and parent of every row, in order, and how many parents are hidden.
fn parents(pages: Vec<Vec<Element>>) -> (Vec<(String, Option<String>)>, usize) {
    let mut pass = Pass::default();
    let mut rows = Vec::new();
    for page in pages {
        pass.take(page);
        rows.extend(pass.ready());
    }
    let end = pass.finish();
    rows.extend(end.rows);
    let mut parents: Vec<_> = rows.into_iter().map(|row| (row.element_id, row.parent_id)).collect();
    parents.sort();
    (parents, end.hidden)
}

#[test]
fn a_link_in_another_form_names_the_parent_as_its_own_row_does() {
    let (site, pump) = (id_only('A'), id_only('B'));
    let pages =
        vec![vec![element(&pump, r"\Site\Pump", Some(&full('A', "U0lURQ")))], vec![element(&site, r"\Site", None)]];
    assert_eq!(parents(pages), (vec![(site.clone(), None), (pump, Some(site))], 0));
}

#[test]
fn a_server_that_writes_full_web_ids_only_is_followed_by_guid() {
    let (site, pump) = (full('A', "U0lURQ"), full('B', "UFVNUA"));
    let by_another_path = full('A', "T1RIRVI");
    let pages = vec![vec![element(&pump, r"\Site\Pump", Some(&by_another_path)), element(&site, r"\Site", None)]];
    assert_eq!(parents(pages), (vec![(site.clone(), None), (pump, Some(site))], 0));
}

#[test]
fn without_a_link_the_path_tells() {
    let pages = vec![vec![
        element("pump", r"\Site\Pump", None),
        element("site", r"\SITE", None),
        element("other", r"\Gone\Other", None),
    ]];
    let expected = vec![("other".into(), None), ("pump".into(), Some("site".into())), ("site".into(), None)];
    assert_eq!(parents(pages), (expected, 1));
}

#[test]
fn a_parent_that_is_not_shown_keeps_its_child_and_is_counted() {
    let (hidden, pump) = (id_only('H'), id_only('B'));
    let stated = vec![vec![element(&pump, r"\Hidden\Pump", Some(&hidden))]];
    assert_eq!(parents(stated), (vec![(pump, Some(hidden))], 1));
    let unreadable = vec![vec![element("pump", r"\Hidden\Pump", Some("P1EmSElEREVO"))]];
    assert_eq!(parents(unreadable), (vec![("pump".into(), Some("P1EmSElEREVO".into()))], 1));
}

#[test]
fn an_element_of_several_parents_is_one_row_under_its_primary_one() {
    let (site, kind, pump) = (id_only('A'), id_only('C'), id_only('B'));
    let mut shared = element(&pump, r"\Site\Pump", Some(&site));
    shared.paths = Some(vec![r"\\AF1\P\Site\Pump".into(), r"\\AF1\P\Pumps\Pump".into()]);
    let pages =
        vec![vec![element(&site, r"\Site", None), shared.clone()], vec![element(&kind, r"\Pumps", None), shared]];
    let (rows, hidden) = parents(pages);
    assert_eq!(rows.iter().filter(|(id, _)| *id == pump).collect::<Vec<_>>(), [&(pump.clone(), Some(site))]);
    assert_eq!((rows.len(), hidden), (3, 0));
}

#[test]
fn elements_below_each_other_end() {
    let (a, b) = (id_only('A'), id_only('B'));
    let pages = vec![
        vec![element(&a, r"\A", None), element(&b, r"\A\B", Some(&a))],
        vec![element(&a, r"\A\B\A", Some(&b)), element(&b, r"\A\B\A\B", Some(&a))],
    ];
    assert_eq!(parents(pages), (vec![(a.clone(), None), (b, Some(a))], 0));
}
