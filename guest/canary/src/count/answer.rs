//! Answered figures → the numbers of each tag, or why it has none. No request, no host.

use std::collections::HashMap;

use tidegate_sdk::{
    Fault, Instant,
    buckets::{Buckets, whole},
    quote,
};

use crate::{
    api::{Data, Sample, Stamp, Value},
    echo::Echoes,
    quality::is_no_data,
};

type Counted = Result<u64, Fault>;

/// What has come so far.
#[derive(Debug)]
pub(super) struct Figures<'a> {
    paths: &'a [&'a str],
    echoes: Echoes<'a>,
    starts: Vec<Instant>,
    end: Instant,
    /// For each tag, the figures by the start of their bucket.
    found: Vec<HashMap<Instant, Counted>>,
    /// Why a tag has no numbers.
    faults: Vec<Option<Fault>>,
    pages: usize,
}

impl<'a> Figures<'a> {
    pub(super) fn new(paths: &'a [&'a str], window: &Buckets) -> Self {
        Self {
            paths,
            echoes: Echoes::of(paths.iter().copied()),
            starts: window.starts().collect(),
            end: window.interval.end,
            found: paths.iter().map(|_| HashMap::new()).collect(),
            faults: paths.iter().map(|_| None).collect(),
            pages: 0,
        }
    }

    /// Takes a page; `more` says that another is announced.
    ///
    /// # Errors
    /// When there are more pages than there can be figures.
    pub(super) fn take(&mut self, data: Data<'_>, more: bool) -> Result<(), Fault> {
        self.pages += 1;
        if more && self.pages > self.starts.len().saturating_add(1) {
            let text = "getTagData2 of counts: the server goes on after all intervals that it was asked for";
            return Err(Fault::external("continuation-loop", text));
        }
        for (path, figures) in data.0.0 {
            let Some(place) = self.echoes.place(&path) else {
                let text = format!("getTagData2 of counts: the answer holds {}, which was not asked for", quote(&path));
                return Err(Fault::external("malformed-answer", text));
            };
            for figure in figures.unwrap_or_default() {
                self.add(place, &figure);
            }
        }
        Ok(())
    }

    fn add(&mut self, place: usize, figure: &Sample<'_>) {
        let what = format!("the count of {}", self.paths.get(place).copied().unwrap_or_default());
        let at = match figure.stamp {
            // An interval that begins where ours end is none of ours.
            Stamp::At(at) if at == self.end => return,
            Stamp::At(at) if self.starts.binary_search(&at).is_ok() => at,
            _ => {
                let text = format!("{what}: the server cut the time in another way than it was asked to");
                return self.spoil(place, Fault::external("count-interval", text));
            }
        };
        let counted = number(&what, figure);
        let Some(found) = self.found.get_mut(place) else { return };
        // A figure at the border of two pages may be shown twice; two different ones may not.
        if found.insert(at, counted.clone()).is_some_and(|before| before != counted) {
            let text = format!("{what}: the server gave two numbers for one interval");
            self.spoil(place, Fault::external("count-interval", text));
        }
    }

    fn spoil(&mut self, place: usize, fault: Fault) {
        if let Some(first) = self.faults.get_mut(place) {
            first.get_or_insert(fault);
        }
    }

    /// The numbers of each tag, in the order of time.
    pub(super) fn numbers(self) -> Vec<Result<Vec<u64>, Fault>> {
        let Self { paths, starts, mut found, faults, .. } = self;
        let tag = |((path, found), fault): ((&&str, &mut HashMap<Instant, Counted>), Option<Fault>)| match fault {
            Some(fault) => Err(fault),
            None => starts.iter().map(|start| found.remove(start).unwrap_or_else(|| Err(missing(path)))).collect(),
        };
        paths.iter().zip(&mut found).zip(faults).map(tag).collect()
    }
}

fn missing(path: &str) -> Fault {
    let text = format!("the count of {path}: the server gave fewer intervals than it was asked for");
    Fault::external("count-missing", text)
}

/// The number of one interval. Nothing with the quality "No Data" says that there was nothing to count; nothing with another
/// one says nothing (§6.2).
fn number(what: &str, figure: &Sample<'_>) -> Counted {
    match &figure.value {
        Value::Int(whole) if *whole >= 0 => Ok(whole.unsigned_abs()),
        Value::UInt(whole) => Ok(*whole),
        Value::Float(figure) if whole(*figure).is_some() => Ok(whole(*figure).unwrap_or_default()),
        Value::Null if is_no_data(figure.quality) => Ok(0),
        other => {
            let text = format!("{what}: {} is no number of samples", quote(&other.json()));
            Err(Fault::external("count-value", text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Interval;

    const DAY: i64 = 86_400_000_000_000;

    fn counted(pages: &[&str]) -> Vec<Result<Vec<u64>, String>> {
        let window = Buckets { span: 0, interval: Interval::new(0, 2 * DAY), width: Some(DAY) };
        let paths = ["V.a", "V.b"];
        let mut figures = Figures::new(&paths, &window);
        for (at, page) in pages.iter().enumerate() {
            let data: Data<'_> = serde_json::from_str(page).unwrap();
            if let Err(fault) = figures.take(data, at + 1 < pages.len()) {
                return vec![Err(fault.code)];
            }
        }
        figures.numbers().into_iter().map(|counted| counted.map_err(|fault| fault.code)).collect()
    }

    fn figure(day: u32, value: &str) -> String {
        format!(r#"{{"t":"1970-01-0{day}T00:00:00.0000000+00:00",{value}}}"#)
    }

    fn data(a: &[String], b: &[String]) -> String {
        format!(r#"{{"V.b":[{}],"V.a":[{}]}}"#, b.join(","), a.join(","))
    }

    #[test]
    fn numbers_are_taken_by_their_time() {
        let v = |day: u32, number: &str| figure(day, &format!(r#""v":{number},"q":192"#));
        let page = data(&[v(2, "0"), v(1, "7")], &[v(1, "3.0"), v(2, "4"), v(3, "9")]);
        assert_eq!(counted(&[&page]), [Ok(vec![7, 0]), Ok(vec![3, 4])]);
        let page = page.replace("V.b", "v.B");
        assert_eq!(counted(&[&page]), [Ok(vec![7, 0]), Ok(vec![3, 4])], "a path in another case");
        let (first, second) = (data(&[v(1, "7")], &[v(1, "1")]), data(&[v(1, "7"), v(2, "8")], &[v(2, "2")]));
        assert_eq!(counted(&[&first, &second]), [Ok(vec![7, 8]), Ok(vec![1, 2])]);
        let nothing = data(&[v(1, "7"), figure(2, r#""v":null,"q":32768"#)], &[figure(1, r#""v":null"#), v(2, "1")]);
        assert_eq!(counted(&[&nothing]), [Ok(vec![7, 0]), Ok(vec![0, 1])]);
    }

    #[test]
    fn nothing_that_is_not_a_number_of_samples_passes_for_one() {
        let good = [figure(1, r#""v":1"#), figure(2, r#""v":2"#)];
        for value in [r#""v":-1"#, r#""v":1.5"#, r#""v":"7""#, r#""v":true"#, r#""v":[7]"#, r#""v":null,"q":0"#] {
            let page = data(&[figure(1, value), figure(2, r#""v":2"#)], &good);
            assert_eq!(counted(&[&page]), [Err("count-value".into()), Ok(vec![1, 2])], "{value}");
        }
        let code = |a: &[String]| counted(&[&data(a, &good)]).remove(0).unwrap_err();
        assert_eq!(code(&[figure(1, r#""v":1"#)]), "count-missing");
        assert_eq!(code(&[figure(1, r#""v":1"#), figure(4, r#""v":1"#)]), "count-interval");
        assert_eq!(code(&[figure(1, r#""v":1"#), figure(1, r#""v":2"#), figure(2, r#""v":2"#)]), "count-interval");
        assert_eq!(counted(&[r#"{"V.x":[]}"#]), [Err("malformed-answer".into())]);
        assert_eq!(counted(&["{}", "{}", "{}", "{}", "{}"]), [Err("continuation-loop".into())]);
    }
}
