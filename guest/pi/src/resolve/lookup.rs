//! Points by WebId or path, many in one batch.
//!
//! `POST /batch` works on every version of the server and takes any length; `GET /points/multiple` is younger and bound
//! by the length of a URL.

use tidegate_sdk::{Fault, http::push_encoded};

use super::name::Name;
use crate::{
    api::{Content, DataServer, Fields, Point, point_fields},
    batch::{Batch, Sub, judge},
};

/// A point to be looked up.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    sub: Sub,
    what: String,
}

impl Question {
    /// `home` is the data server of bare names.
    pub(crate) fn new(name: &Name, home: Option<&DataServer>) -> Self {
        let fields = ("selectedFields", point_fields());
        let by_path = |path: String| Self {
            what: format!("point {path}"),
            sub: Sub { method: "GET", path: "/points".to_owned(), query: vec![("path", path), fields.clone()] },
        };
        match name {
            Name::Path(path) => by_path(path.clone()),
            Name::Bare(name) => by_path(format!(r"\\{}\{name}", home.map_or("", |home| home.name.as_str()))),
            Name::WebId(web_id) => {
                let mut path = String::from("/points/");
                push_encoded(&mut path, web_id);
                Self {
                    what: format!("point with WebId {web_id}"),
                    sub: Sub { method: "GET", path, query: vec![fields.clone()] },
                }
            }
        }
    }
}

/// The points in the order of the questions, each with its own failure.
pub(crate) async fn lookup(batch: &mut Batch, questions: &[Question]) -> Result<Vec<Result<Point, Fault>>, Fault> {
    let subs: Vec<Sub> = questions.iter().map(|question| question.sub.clone()).collect();
    let answer = batch.ask(&subs).await?;
    let replies = batch.read::<Content<Fields>>(&answer, subs.len())?;
    let read = |(question, reply): (&Question, _)| {
        let fields = judge(&question.what, reply).map_err(|refusal| refusal.fault)?;
        point(&question.what, fields)
    };
    Ok(questions.iter().zip(replies).map(read).collect())
}

fn point(what: &str, fields: Fields) -> Result<Point, Fault> {
    let point: Point = serde_json::from_value(serde_json::Value::Object(fields.0))
        .map_err(|error| Fault::external("malformed-answer", format!("{what}: not a PI point: {error}")))?;
    if point.web_id.is_empty() {
        return Err(Fault::external("malformed-answer", format!("{what}: the answer has no WebId")));
    }
    Ok(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_looked_up_on_its_data_server() {
        let home = DataServer { name: "PISRV1".into(), ..DataServer::default() };
        let question = Question::new(&Name::Bare("a%b".into()), Some(&home));
        assert_eq!((question.sub.path.as_str(), question.sub.query[0].1.as_str()), ("/points", r"\\PISRV1\a%b"));
        let question = Question::new(&Name::WebId("F1DPx".into()), None);
        assert_eq!(question.sub.path, "/points/F1DPx");
    }

    #[test]
    fn an_answer_without_a_web_id_is_no_point() {
        let fields = |json: &str| Fields(serde_json::from_str(json).unwrap());
        assert_eq!(point("p", fields(r#"{"WebId":"F1","Id":5,"Name":"A"}"#)).unwrap().id, Some(5));
        assert_eq!(point("p", fields(r#"{"Name":"A"}"#)).unwrap_err().code, "malformed-answer");
        assert_eq!(point("p", fields(r#"{"WebId":7}"#)).unwrap_err().code, "malformed-answer");
    }
}
