//! Points that the listing of attributes does not tell, looked up in batches, each once.

use std::collections::{HashMap, HashSet};

use tidegate_sdk::{Fault, Retry};

use super::link::{Link, Target, link};
use crate::{
    api::{Attribute, Point},
    batch::Batch,
    resolve::{Name, Question, lookup},
};

/// The points found so far.
#[derive(Debug)]
pub(crate) struct Points {
    batch: Batch,
    batch_size: usize,
    found: HashMap<Target, Option<Point>>,
    lost: usize,
}

impl Points {
    /// None yet.
    pub(crate) fn new(batch: Batch, batch_size: usize) -> Self {
        Self { batch, batch_size, found: HashMap::new(), lost: 0 }
    }

    /// Looks up the points behind these attributes that are not known yet.
    ///
    /// # Errors
    /// When a point could not be asked for. One that is gone, or forbidden, is no error: the reference leads nowhere.
    pub(crate) async fn look_up(&mut self, page: &[Attribute]) -> Result<(), Fault> {
        let targets = self.unknown(page, false);
        self.ask(&targets).await
    }

    /// The same for callers who need all fields of the points: those of which only WebId and name are known are looked
    /// up too.
    ///
    /// # Errors
    /// As [`Points::look_up`].
    pub(crate) async fn look_up_whole(&mut self, page: &[Attribute]) -> Result<(), Fault> {
        let targets = self.unknown(page, true);
        self.ask(&targets).await
    }

    async fn ask(&mut self, targets: &[Target]) -> Result<(), Fault> {
        for chunk in targets.chunks(self.batch_size) {
            let questions: Vec<Question> = chunk.iter().map(question).collect();
            for (target, answer) in chunk.iter().zip(lookup(&mut self.batch, &questions).await?) {
                self.found.insert(target.clone(), settled(answer)?);
            }
        }
        Ok(())
    }

    /// The point behind an attribute, of those looked up or told.
    pub(crate) fn point(&self, attribute: &Attribute) -> Option<Point> {
        match link(attribute) {
            Link::None | Link::Lost => None,
            Link::Resolved(point) => Some(point),
            Link::Known { web_id, name } => match self.found.get(&Target::WebId(web_id.clone())) {
                Some(looked_up) => looked_up.clone(),
                None => Some(Point { web_id, name, ..Point::default() }),
            },
            Link::Unknown(target) => self.found.get(&target).cloned().flatten(),
        }
    }

    /// The same as WebId and name; counts the references that lead nowhere.
    pub(crate) fn behind(&mut self, attribute: &Attribute) -> Option<(String, String)> {
        let point = self.point(attribute).map(|point| (point.web_id, point.name));
        self.lost += usize::from(point.is_none() && !matches!(link(attribute), Link::None));
        point
    }

    /// How many references lead nowhere.
    pub(crate) fn lost(&self) -> usize {
        self.lost
    }

    fn unknown(&self, page: &[Attribute], whole: bool) -> Vec<Target> {
        let mut seen = HashSet::new();
        let targets = page.iter().filter_map(|attribute| match link(attribute) {
            Link::Unknown(target) => Some(target),
            Link::Known { web_id, .. } if whole => Some(Target::WebId(web_id)),
            _ => None,
        });
        targets.filter(|target| !self.found.contains_key(target) && seen.insert(target.clone())).collect()
    }
}

fn question(target: &Target) -> Question {
    let name = match target {
        Target::WebId(web_id) => Name::WebId(web_id.clone()),
        Target::Path(path) => Name::Path(path.clone()),
    };
    Question::new(&name, None)
}

/// What is gone or forbidden stays so; what failed must not pass for it.
fn settled(answer: Result<Point, Fault>) -> Result<Option<Point>, Fault> {
    match answer {
        Ok(point) => Ok(Some(point)),
        Err(fault) if fault.retry == Retry::Never => Ok(None),
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::AttributeLinks, server::Server};

    fn attribute(config: &str, link: Option<&str>) -> Attribute {
        Attribute {
            data_reference_plug_in: Some("PI Point".into()),
            config_string: Some(config.into()),
            links: Some(AttributeLinks { point: link.map(|id| format!("https://h/points/{id}")), element: None }),
            ..Attribute::default()
        }
    }

    #[test]
    fn each_unknown_point_is_asked_for_once_and_what_leads_nowhere_is_counted() {
        let server = Server::new(&serde_json::from_str(r#"{"source":{"url":"https://h"}}"#).unwrap());
        let mut points = Points::new(Batch::new(&server, None), 100);
        let page = [
            attribute(r"\\S\A", None),
            attribute(r"\\S\A;UOM=bar", None),
            attribute(r"\\S\B", None),
            attribute(r"\\S\C", Some("F1DPc")),
            attribute("%x%", None),
        ];
        let targets = points.unknown(&page, false);
        assert_eq!(targets, [Target::Path(r"\\S\A".into()), Target::Path(r"\\S\B".into())]);
        let point = Point { web_id: "F1DPa".into(), name: "A".into(), ..Point::default() };
        points.found.insert(targets[0].clone(), settled(Ok(point)).unwrap());
        points.found.insert(targets[1].clone(), settled(Err(Fault::status(404, "x", ""))).unwrap());
        assert!(points.unknown(&page, false).is_empty());
        assert_eq!(points.unknown(&page, true), [Target::WebId("F1DPc".into())]);
        let behind: Vec<_> = page.iter().map(|attribute| points.behind(attribute)).collect();
        let known = |id: &str, name: &str| Some((id.to_owned(), name.to_owned()));
        assert_eq!(behind, [known("F1DPa", "A"), known("F1DPa", "A"), None, known("F1DPc", "C"), None]);
        assert_eq!(points.lost(), 2);
        assert!(settled(Err(Fault::status(503, "x", ""))).is_err());
    }
}
