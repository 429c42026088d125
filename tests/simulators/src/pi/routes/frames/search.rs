//! Which event frames a list holds: search mode, window and filters, with the rules of reference §6.1.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::pi::answer::Refusal;
use crate::pi::app::Call;
use crate::pi::assets::Tree;
use crate::pi::frames::{Record, Severity};
use crate::pi::query::Query;
use crate::pi::routes::assets::elements::{is_made_by, template};
use crate::pi::routes::assets::select::{Field, Filter, Order};
use crate::pi::webid::Guid;

/// What lists of frames know.
pub(super) const KNOWN: [&str; 18] = [
    "searchmode",
    "starttime",
    "endtime",
    "namefilter",
    "referencedelementnamefilter",
    "categoryname",
    "templatename",
    "referencedelementtemplatename",
    "severity",
    "canbeacknowledged",
    "isacknowledged",
    "searchfullhierarchy",
    "sortfield",
    "sortorder",
    "startindex",
    "maxcount",
    "selectedfields",
    "webidtype",
];

/// What the list of an element's frames does not know.
pub(super) const NOT_OF_ELEMENT: [&str; 3] =
    ["referencedelementnamefilter", "referencedelementtemplatename", "searchfullhierarchy"];

/// What the bulk list of frames' attributes knows.
pub(super) const BULK: [&str; 20] = [
    "eventframenamefilter",
    "eventframedescriptionfilter",
    "eventframecategory",
    "eventframetemplate",
    "referencedelementnamefilter",
    "attributenamefilter",
    "attributedescriptionfilter",
    "attributecategory",
    "attributetype",
    "searchmode",
    "starttime",
    "endtime",
    "searchfullhierarchy",
    "sortfield",
    "sortorder",
    "startindex",
    "maxcount",
    "associations",
    "selectedfields",
    "webidtype",
];

/// What a list of frames begins at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'r> {
    /// A database: top-level frames, or all.
    Database,
    /// An element: the frames that refer to it.
    Element(Guid),
    /// A frame: those below it.
    Frame(&'r Record),
}

/// How a frame's times must lie to the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    StartInclusive,
    EndInclusive,
    Inclusive,
    Overlapped,
    InProgress,
    BackwardFromStart,
    ForwardFromStart,
    BackwardFromEnd,
    ForwardFromEnd,
    BackwardInProgress,
    ForwardInProgress,
}

impl Mode {
    /// Reads `searchMode`; `None`, which AF calls uninitialised, is no mode.
    fn read(query: &Query) -> Result<Mode, Refusal> {
        Ok(match query.one("searchmode").map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "overlapped") => Mode::Overlapped,
            Some("startinclusive") => Mode::StartInclusive,
            Some("endinclusive") => Mode::EndInclusive,
            Some("inclusive") => Mode::Inclusive,
            Some("inprogress") => Mode::InProgress,
            Some("backwardfromstarttime") => Mode::BackwardFromStart,
            Some("forwardfromstarttime") => Mode::ForwardFromStart,
            Some("backwardfromendtime") => Mode::BackwardFromEnd,
            Some("forwardfromendtime") => Mode::ForwardFromEnd,
            Some("backwardinprogress") => Mode::BackwardInProgress,
            Some("forwardinprogress") => Mode::ForwardInProgress,
            Some("none") => return Err(Refusal::bad("Parameter 'searchMode': 'None' is not supported.".to_owned())),
            Some(other) => return Err(Refusal::binding("searchMode", other)),
        })
    }

    /// Walks from `startTime` in one direction, without an end.
    fn walks(self) -> bool {
        !matches!(
            self,
            Mode::StartInclusive | Mode::EndInclusive | Mode::Inclusive | Mode::Overlapped | Mode::InProgress
        )
    }

    fn backward(self) -> bool {
        matches!(self, Mode::BackwardFromStart | Mode::BackwardFromEnd | Mode::BackwardInProgress)
    }

    fn by_end(self) -> bool {
        matches!(self, Mode::BackwardFromEnd | Mode::ForwardFromEnd)
    }

    /// Whether a frame from `start` to `end` (open without) belongs to the window from `lo` to `hi`; `strict` keeps the
    /// bound itself out where AF does and the Web API's page does not.
    fn admits(self, (start, end): (i64, Option<i64>), (lo, hi): (i64, i64), strict: bool) -> bool {
        let inside = |at: i64| (lo..=hi).contains(&at);
        let ended = end.unwrap_or(i64::MAX);
        match self {
            Mode::StartInclusive => inside(start),
            Mode::EndInclusive => end.is_some_and(inside),
            Mode::Inclusive => inside(start) && end.is_some_and(inside),
            Mode::Overlapped => start <= hi && ended >= lo,
            Mode::InProgress => inside(start) && end.is_none(),
            Mode::BackwardFromStart => start < lo || (start == lo && !strict),
            Mode::ForwardFromStart => start >= lo,
            Mode::BackwardFromEnd => ended <= lo,
            Mode::ForwardFromEnd => ended > lo || (ended == lo && !strict),
            Mode::BackwardInProgress => start <= lo && end.is_none(),
            Mode::ForwardInProgress => start >= lo && end.is_none(),
        }
    }
}

/// What the parameters of one request let pass, and in which order.
#[derive(Debug)]
pub(super) struct Search<'q> {
    mode: Mode,
    window: (i64, i64),
    order: Order,
    whole: bool,
    name: Filter<'q>,
    description: Filter<'q>,
    category: Filter<'q>,
    templates: Option<Vec<bool>>,
    element: Filter<'q>,
    element_templates: Option<Vec<bool>>,
    severities: Vec<&'static str>,
    can_acknowledge: Option<bool>,
    acknowledged: Option<bool>,
}

fn choice(query: &Query, name: &str, label: &str) -> Result<Option<bool>, Refusal> {
    match query.one(name) {
        None | Some("") => Ok(None),
        Some(_) => query.flag(name, label, false).map(Some),
    }
}

impl<'q> Search<'q> {
    /// Reads the parameters of a list of frames.
    pub(super) fn read(call: &'q Call<'_>, tree: &Tree, scope: &Scope<'_>) -> Result<Search<'q>, Refusal> {
        let query = &call.query;
        let severities = query
            .all("severity")
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(|name| Severity::parse(name).ok_or_else(|| Refusal::binding("severity", name)));
        let of_element = matches!(scope, Scope::Element(_));
        Ok(Search {
            name: Filter::read(query, "namefilter"),
            category: Filter::read(query, "categoryname"),
            templates: template(call, tree, "templatename"),
            element: if of_element { Filter::OPEN } else { Filter::read(query, "referencedelementnamefilter") },
            element_templates: template(call, tree, "referencedelementtemplatename").filter(|_| !of_element),
            severities: severities.collect::<Result<_, _>>()?,
            can_acknowledge: choice(query, "canbeacknowledged", "canBeAcknowledged")?,
            acknowledged: choice(query, "isacknowledged", "isAcknowledged")?,
            ..Search::times(call)?
        })
    }

    /// Reads the parameters of the bulk list of attributes.
    pub(super) fn bulk(call: &'q Call<'_>, tree: &Tree) -> Result<Search<'q>, Refusal> {
        let query = &call.query;
        Ok(Search {
            name: Filter::read(query, "eventframenamefilter"),
            description: Filter::read(query, "eventframedescriptionfilter"),
            category: Filter::read(query, "eventframecategory"),
            templates: template(call, tree, "eventframetemplate"),
            element: Filter::read(query, "referencedelementnamefilter"),
            ..Search::times(call)?
        })
    }

    /// Mode, window and order, with what they forbid each other; no filters.
    fn times(call: &'q Call<'_>) -> Result<Search<'q>, Refusal> {
        let (app, query) = (call.app, &call.query);
        let mode = Mode::read(query)?;
        if mode.walks() {
            for (name, label) in [("endtime", "endTime"), ("sortfield", "sortField"), ("sortorder", "sortOrder")] {
                if query.one(name).is_some() {
                    let text = format!("Parameter '{label}' is not allowed with this 'searchMode'.");
                    return Err(Refusal::bad(text));
                }
            }
        }
        let start = query.time(app, "starttime", "startTime", "*-8h")?;
        let end = query.time(app, "endtime", "endTime", "*")?;
        if !mode.walks() && start > end {
            return Err(Refusal::bad("Parameter 'startTime' must not be later than 'endTime'.".to_owned()));
        }
        Ok(Search {
            mode,
            window: (start, end),
            order: Order::read(call)?,
            whole: query.flag("searchfullhierarchy", "searchFullHierarchy", false)?,
            name: Filter::OPEN,
            description: Filter::OPEN,
            category: Filter::OPEN,
            templates: None,
            element: Filter::OPEN,
            element_templates: None,
            severities: Vec::new(),
            can_acknowledge: None,
            acknowledged: None,
        })
    }

    /// The frames in their order.
    pub(super) fn find(&self, call: &Call<'_>, tree: &Tree, scope: &Scope<'_>) -> Vec<Arc<Record>> {
        let arrived = call.app.truth.clock().arrived();
        let Some(store) = call.app.truth.af().frames(tree.home.index, arrived) else { return Vec::new() };
        let within = |frame: &Record| match scope {
            Scope::Database => self.whole || frame.parent.is_none(),
            Scope::Element(guid) => frame.elements.contains(guid),
            Scope::Frame(parent) => parent.children.contains(&frame.guid),
        };
        let strict = call.app.config.knobs.strict_frame_search;
        let admits = |frame: &&Arc<Record>| {
            frame.begun(arrived)
                && within(frame)
                && self.mode.admits((frame.start, frame.end(arrived)), self.window, strict)
                && self.admits(frame, tree, arrived)
        };
        let mut found: Vec<Arc<Record>> = store.all().iter().filter(admits).cloned().collect();
        self.sort(&mut found, tree, arrived);
        found
    }

    fn admits(&self, frame: &Record, tree: &Tree, arrived: i64) -> bool {
        let made = |wanted: &Option<Vec<bool>>, template| wanted.as_ref().is_none_or(|set| is_made_by(set, template));
        let element = || {
            frame.elements.iter().filter_map(|guid| tree.node(tree.find(guid)?)).any(|node| {
                !node.hidden && self.element.admits(&node.name) && made(&self.element_templates, node.template)
            })
        };
        self.name.admits(&frame.name)
            && self.description.admits(&frame.description)
            && self.category.admits_any(&frame.categories)
            && made(&self.templates, frame.template)
            && (self.severities.is_empty() || self.severities.contains(&frame.severity))
            && self.can_acknowledge.is_none_or(|wanted| wanted == frame.can_acknowledge)
            && self.acknowledged.is_none_or(|wanted| wanted == frame.acknowledged(arrived).is_some())
            && ((self.element.is_open() && self.element_templates.is_none()) || element())
    }

    fn sort(&self, found: &mut [Arc<Record>], tree: &Tree, arrived: i64) {
        let end = |frame: &Arc<Record>| frame.end(arrived).unwrap_or(i64::MAX);
        if self.mode.walks() {
            let at = |frame: &Arc<Record>| if self.mode.by_end() { end(frame) } else { frame.start };
            if self.mode.backward() {
                found.sort_by_key(|frame| Reverse((at(frame), frame.guid)));
            } else {
                found.sort_by_key(|frame| (at(frame), frame.guid));
            }
            return;
        }
        match self.order.field {
            Field::Id => self.order.sort(found, |frame| frame.guid),
            Field::Name => self.order.sort(found, |frame| (frame.name.to_lowercase(), frame.guid)),
            Field::Type => self.order.sort(found, |frame| (frame.template_name(&tree.home).to_lowercase(), frame.guid)),
            Field::Start if self.order.descending => found.reverse(),
            // The store keeps them so.
            Field::Start => {}
            Field::End => self.order.sort(found, |frame| (end(frame), frame.guid)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_admits_what_the_reference_says() {
        use Mode::{
            BackwardFromEnd, BackwardFromStart, BackwardInProgress, EndInclusive, ForwardFromEnd, ForwardFromStart,
            ForwardInProgress, InProgress, Inclusive, Overlapped, StartInclusive,
        };
        let window = (100, 200);
        // Before, into, inside, out of, around, after, open from before, open from inside.
        let frames = [
            (10, Some(50)),
            (50, Some(100)),
            (100, Some(200)),
            (150, Some(250)),
            (50, Some(250)),
            (201, Some(300)),
            (50, None),
            (150, None),
        ];
        for (mode, expected) in [
            (StartInclusive, "..ii...i"),
            (EndInclusive, ".ii....."),
            (Inclusive, "..i....."),
            (Overlapped, ".iiii.ii"),
            (InProgress, ".......i"),
            (BackwardFromStart, "iii.i.i."),
            (ForwardFromStart, "..ii.i.i"),
            (BackwardFromEnd, "ii......"),
            (ForwardFromEnd, ".iiiiiii"),
            (BackwardInProgress, "......i."),
            (ForwardInProgress, ".......i"),
        ] {
            let found: String =
                frames.iter().map(|frame| if mode.admits(*frame, window, false) { 'i' } else { '.' }).collect();
            assert_eq!(found, expected, "{mode:?}");
        }
        assert!(!BackwardFromStart.admits((100, None), window, true));
        assert!(!ForwardFromEnd.admits((50, Some(100)), window, true));
    }
}
