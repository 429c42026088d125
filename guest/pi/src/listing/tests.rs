//! Pages as servers hand them out, and where each listing ends.

use super::*;
use crate::api::{Links, Named};

fn listing(server: &Server, size: usize) -> Listing<'_> {
    Listing::new(server, "/x".into(), Vec::new()).pages_of(size)
}

fn page(ids: &[u32], next: bool) -> Page<Named> {
    let items = ids.iter().map(|id| Named { web_id: id.to_string(), ..Named::default() });
    Page { items: items.collect(), links: Links { next: next.then(|| "https://h/next".into()) } }
}

fn server() -> Server {
    Server::new(&serde_json::from_str(r#"{"source":{"url":"https://h"}}"#).unwrap())
}

#[test]
fn a_short_page_with_a_next_link_is_not_the_end() {
    let server = server();
    let mut listing = listing(&server, 3);
    assert!(!listing.has_begun());
    assert_eq!(listing.accept(page(&[1, 2], true)).unwrap().unwrap().len(), 2);
    assert!(listing.has_begun() && !listing.ended && listing.next == 2 && !listing.has_shifted());
    assert_eq!(listing.accept(page(&[2, 3, 4], false)).unwrap().unwrap().len(), 2);
    assert!(!listing.has_shifted() && !listing.is_torn() && listing.next == 4);
    assert!(!listing.ended, "a full page without a link may have a successor");
    listing.accept(page(&[4], false)).unwrap();
    assert!(listing.ended && listing.whole().is_ok());
}

#[test]
fn pages_that_do_not_fit_together_are_no_whole_list() {
    let server = server();
    // 2 was deleted between the pages, so that 4 moved up and would never be shown.
    let mut deleted = listing(&server, 3);
    deleted.accept(page(&[1, 2, 3], true)).unwrap();
    deleted.accept(page(&[4, 5], false)).unwrap();
    assert!(deleted.is_torn() && deleted.whole().unwrap_err().code == "paging");
    // The list ends before the place that was reached.
    let mut shorter = listing(&server, 3);
    shorter.accept(page(&[1, 2, 3], true)).unwrap();
    shorter.accept(page(&[], false)).unwrap();
    assert!(shorter.ended && shorter.is_torn());
    // Something was added before: an object comes twice.
    let mut added = listing(&server, 3);
    added.accept(page(&[1, 2, 3], true)).unwrap();
    added.accept(page(&[2, 3, 4], false)).unwrap();
    assert!(added.is_torn() && added.has_shifted());
}

#[test]
fn a_short_page_without_a_next_link_is_the_end() {
    let server = server();
    let mut listing = listing(&server, 3);
    assert_eq!(listing.accept(page(&[1, 2], false)).unwrap().unwrap().len(), 2);
    assert!(listing.ended);
}

#[test]
fn a_server_that_repeats_itself_is_an_error_and_no_endless_loop() {
    let server = server();
    let mut listing = listing(&server, 2);
    listing.accept(page(&[1, 2], true)).unwrap();
    assert_eq!(listing.accept(page(&[1, 2], true)).unwrap_err().code, "paging");
}

#[test]
fn an_answer_without_items_is_no_end() {
    assert!(serde_json::from_str::<Page<Named>>(r#"{"Links":{}}"#).is_err());
    assert!(serde_json::from_str::<Page<Named>>(r#"{"Items":null}"#).is_err());
    assert_eq!(serde_json::from_str::<Page<Named>>(r#"{"Items":[]}"#).unwrap().items.len(), 0);
}

#[test]
fn a_smaller_limit_is_learnt() {
    let server = server();
    let mut listing = listing(&server, 5_000);
    let text = "Parameter 'maxCount' is greater than the maximum allowed (1000)";
    listing.shrink(Fault::status(400, "GET /x", text)).unwrap();
    assert_eq!(listing.size, 1_000);
    assert_eq!(listing.shrink(Fault::status(403, "GET /x", text)).unwrap_err().code, "http-403");
}

#[test]
fn a_page_that_took_too_long_is_asked_for_in_halves_and_not_for_ever() {
    let server = server();
    let late = || Fault::external("timeout", "GET /x: no answer");
    let mut patient = listing(&server, 500);
    let mut sizes = Vec::new();
    while patient.shrink(late()).is_ok() {
        sizes.push(patient.size);
    }
    assert_eq!(sizes, [250, 125, 100]);
    assert!(listing(&server, 500).unyielding().shrink(late()).is_err());
}
