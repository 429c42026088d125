//! What one answered page proves.

use tidegate_sdk::{Fault, Interval};

use super::{
    Pages, TWO, Window,
    border::repeated,
    even,
    last::{Left, taken},
    tag::{Reading, Timed},
};
use crate::api::{Continuation, Sample};

/// Pages in a row without a newer sample, each with a continuation of its own, after which a window is not going anywhere.
const STILL: usize = 100;

/// What a page brought, tag by tag.
#[derive(Debug, Default)]
pub(crate) struct Round<'a> {
    /// Samples that are certain, in order, and what they prove.
    pub(crate) taken: Vec<(usize, Timed<'a>, Interval)>,
    /// What cannot be read, and why.
    pub(crate) gaps: Vec<(usize, Interval, Fault)>,
    /// What cannot be read because the server says that it has no such tag.
    pub(crate) denied: Vec<(usize, Interval)>,
}

/// What is known of a tag that the server did not show, although it was asked for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Doubt {
    /// It has samples, but none in the window.
    Elsewhere,
    /// It may have samples in the window.
    Possible,
    /// The server knows no such tag.
    Unknown,
    /// It could not be asked about.
    Failed(Fault),
}

impl Pages {
    /// Takes in the samples of a page, one entry for each tag of the request, `None` where the server did not show the tag.
    ///
    /// # Errors
    /// When the server goes round in circles; nothing of the page counts then.
    pub(crate) fn settle<'a>(
        &mut self,
        page: Vec<Option<Vec<Sample<'a>>>>,
        next: Option<Continuation>,
    ) -> Result<Round<'a>, Fault> {
        let mut round = Round::default();
        let Some(mut window) = self.window.take() else { return Ok(round) };
        self.note_fullness(&window, &page);
        let page = self.without_repetitions(&window, page);
        let newer = self.is_newer(&window, &page);
        window.turn(next, newer)?;
        let last = window.next.is_none().then_some(window.slice.interval.end);
        for (place, samples) in window.members.iter().zip(page) {
            let Some(tag) = self.tags.get_mut(*place).filter(|tag| !tag.is_given_up()) else { continue };
            if samples.iter().flatten().any(Sample::denies_the_tag) {
                round.denied.push((*place, tag.give_up()));
                continue;
            }
            let samples = match samples {
                Some(samples) => samples,
                // Its last page was full: that the server shows no more of it does not prove that there is none, unless it
                // was asked again for what it then showed.
                None if last.is_some()
                    && tag.is_full()
                    && tag.is_open()
                    && !(window.again && tag.is_shown() && !tag.has_moved()) =>
                {
                    tag.hide();
                    continue;
                }
                // Shown before: it has no more.
                None if last.is_some() && tag.is_shown() => Vec::new(),
                None => continue,
            };
            let (taken, left) = taken(tag, samples, last, &window);
            match left {
                Left::Nothing => {}
                Left::Rest => window.unfinished.push(*place),
                Left::All => window.too_full = true,
            }
            window.samples += taken.samples.len();
            if !taken.cover.is_empty() {
                round.taken.push((*place, taken.samples, taken.cover));
            }
            if let Some(fault) = taken.fault {
                round.gaps.push((*place, tag.give_up(), fault));
            }
        }
        let ended = last.is_some() && self.not_shown(&window).is_empty();
        // Nothing is left to read where every tag was given up.
        if self.all_given_up(&window) || (ended && window.unfinished.is_empty()) {
            self.finish(&window);
        } else if ended {
            let (again, members) = (window.again, std::mem::take(&mut window.unfinished));
            self.resume(window, members, again);
        } else {
            self.window = Some(window);
        }
        Ok(round)
    }

    /// The tags that the server was asked for and did not show, once the window is read to its end otherwise, and the
    /// window. Nothing can be read before [`Pages::confirm`] says what they are.
    pub(crate) fn doubtful(&self) -> Option<(Vec<usize>, Interval)> {
        let window = self.window.as_ref().filter(|window| window.begun && window.next.is_none())?;
        Some((self.not_shown(window), window.slice.interval))
    }

    /// What the doubtful tags are.
    ///
    /// A tag that may have samples is asked for once more; if the server still does not show it, it has none. That it
    /// leaves out such tags is remembered. One that filled a page has samples that it must show again.
    pub(crate) fn confirm(&mut self, doubts: Vec<(usize, Doubt)>) -> Round<'static> {
        let mut round = Round::default();
        let Some(window) = self.window.take() else { return round };
        let end = window.slice.interval.end;
        let mut again = Vec::new();
        for (place, doubt) in doubts {
            let Some(tag) = self.tags.get_mut(place) else { continue };
            match doubt {
                Doubt::Unknown => round.denied.push((place, tag.give_up())),
                Doubt::Failed(fault) => round.gaps.push((place, tag.give_up(), fault)),
                Doubt::Possible | Doubt::Elsewhere if tag.is_full() && (!window.again || tag.has_moved()) => {
                    again.push(place);
                }
                Doubt::Possible | Doubt::Elsewhere if tag.is_full() => {
                    round.gaps.push((place, tag.give_up(), hidden()))
                }
                Doubt::Possible if !window.again && !self.omits => again.push(place),
                Doubt::Possible | Doubt::Elsewhere => {
                    self.omits |= window.again;
                    let taken = tag.take(Vec::new(), Some(end));
                    round.taken.push((place, Vec::new(), taken.cover));
                }
            }
        }
        let once_more = window.again || !again.is_empty();
        again.extend(&window.unfinished);
        if again.is_empty() {
            self.finish(&window);
        } else {
            again.sort_unstable();
            self.resume(window, again, once_more);
        }
        round
    }

    fn note_fullness(&mut self, window: &Window, page: &[Option<Vec<Sample<'_>>>]) {
        for (place, samples) in window.members.iter().zip(page) {
            if let (Some(tag), Some(samples)) = (self.tags.get_mut(*place), samples) {
                tag.is_full_after(samples.len() >= window.size);
            }
        }
    }

    fn without_repetitions<'a>(
        &self,
        window: &Window,
        mut page: Vec<Option<Vec<Sample<'a>>>>,
    ) -> Vec<Option<Vec<Sample<'a>>>> {
        if !window.begun {
            return page;
        }
        let tags = window.members.iter().map(|place| self.tags.get(*place));
        let candidates: Vec<Option<usize>> =
            tags.zip(&page).map(|(tag, samples)| tag?.candidates(samples.as_deref()?)).collect();
        for (samples, repeated) in page.iter_mut().zip(repeated(&candidates)) {
            if let Some(samples) = samples {
                samples.drain(..repeated.min(samples.len()));
            }
        }
        page
    }

    fn is_newer(&mut self, window: &Window, page: &[Option<Vec<Sample<'_>>>]) -> bool {
        let mut newer = false;
        for (place, samples) in window.members.iter().zip(page) {
            if let (Some(tag), Some(samples)) = (self.tags.get_mut(*place), samples) {
                newer |= tag.is_newer(samples);
            }
        }
        newer
    }

    fn not_shown(&self, window: &Window) -> Vec<usize> {
        let hidden = |place: &usize| self.tags.get(*place).is_some_and(|tag| !tag.is_given_up() && !tag.is_shown());
        window.members.iter().copied().filter(hidden).collect()
    }

    fn all_given_up(&self, window: &Window) -> bool {
        window.members.iter().all(|place| self.tags.get(*place).is_none_or(Reading::is_given_up))
    }

    /// The window is read: how full it was tells how wide the next one may be, and how large its pages should be. One that
    /// was too full is not, and what is not proven of it is asked for again.
    fn finish(&mut self, window: &Window) {
        if window.too_full {
            return self.narrow(window);
        }
        let length = i128::from(window.slice.interval.nanos().max(1));
        let densest = window.members.iter().filter_map(|place| self.tags.get(*place)).map(Reading::count).max();
        self.slices.done(&window.slice, window.samples);
        let next = self.slices.next().map_or(0, |slice| i128::from(slice.interval.nanos()));
        // Twice what is expected, so that a little more does not make another page.
        let expected = i128::try_from(densest.unwrap_or(0)).unwrap_or(0).saturating_mul(2 * next) / length;
        let expected = usize::try_from(expected).unwrap_or(usize::MAX);
        self.size = expected.max(even(self.tags.len())).min(self.cap).max(TWO);
    }
}

/// The fault of a tag that filled a page and is not shown again.
fn hidden() -> Fault {
    let text =
        "getTagData2: the server no longer shows a tag whose samples filled a page; nothing tells where they end";
    Fault::external("samples-missing", text)
}

impl Window {
    /// Goes on to the next page, unless that leads nowhere.
    fn turn(&mut self, next: Option<Continuation>, newer: bool) -> Result<(), Fault> {
        self.still = if newer { 0 } else { self.still + 1 };
        let repeated = self.begun && next.is_some() && next == self.next;
        self.begun = true;
        self.next = next;
        if self.next.is_some() && ((repeated && !newer) || self.still >= STILL) {
            let text = "getTagData2: the server goes on without a newer sample; nothing tells where the window ends";
            return Err(Fault::external("continuation-loop", text));
        }
        Ok(())
    }
}
