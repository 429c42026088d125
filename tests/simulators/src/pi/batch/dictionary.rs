//! The real dialect: a dictionary of requests in, status 207 and a dictionary of answers out, in no promised order.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::jsonpath::Path;
use super::{Done, envelope, limit, run};
use crate::pi::answer::{Content, Head, Refusal};
use crate::pi::app::Call;
use crate::pi::render;
use crate::shared::hash::mix;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    method: Option<String>,
    resource: Option<String>,
    request_template: Option<Template>,
    parameters: Option<Vec<String>>,
    parent_ids: Option<Vec<String>>,
    content: Option<String>,
    headers: Option<HashMap<String, String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Template {
    resource: Option<String>,
}

/// Executes a dictionary of requests.
pub(super) fn execute(call: &Call<'_>, body: &Value, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let members = body.as_object().ok_or_else(|| Refusal::bad("The request body must be an object.".to_owned()))?;
    let mut requests = HashMap::with_capacity(members.len());
    for (id, member) in members {
        let request = Request::deserialize(member)
            .map_err(|error| Refusal::message(400, format!("The request '{id}' is invalid: {error}.")))?;
        requests.insert(id.as_str(), request);
    }
    limit(call, requests.len())?;
    let order = order(call.app.config.seed, &requests)?;
    let mut batch = Batch { call, requests: &requests, done: HashMap::new(), outer: Head::json(207) };
    out.push(b'{');
    for (index, id) in order.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        batch.answer(id, out);
    }
    out.push(b'}');
    Ok(batch.outer)
}

/// Parents before children, otherwise shuffled: clients may not rely on an order.
fn order<'r>(seed: u64, requests: &HashMap<&'r str, Request>) -> Result<Vec<&'r str>, Refusal> {
    let hash = |id: &str| id.bytes().fold(mix(seed), |hash, byte| mix(hash ^ u64::from(byte)));
    let mut waiting: Vec<&'r str> = requests.keys().copied().collect();
    waiting.sort_by_key(|id| (hash(id), *id));
    let mut order: Vec<&'r str> = Vec::with_capacity(waiting.len());
    let mut placed = std::collections::HashSet::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let before = order.len();
        waiting.retain(|id| {
            let parents = requests.get(id).and_then(|request| request.parent_ids.as_deref()).unwrap_or_default();
            let ready = parents.iter().all(|parent| placed.contains(parent.as_str()));
            if ready {
                order.push(id);
                placed.insert(*id);
            }
            !ready
        });
        if order.len() == before {
            let text = format!("The request '{}' has parents that do not exist or form a cycle.", waiting[0]);
            return Err(Refusal::bad(text));
        }
    }
    Ok(order)
}

struct Batch<'a, 'c> {
    call: &'a Call<'c>,
    requests: &'a HashMap<&'a str, Request>,
    done: HashMap<&'a str, Done>,
    outer: Head,
}

impl<'a> Batch<'a, '_> {
    fn answer(&mut self, id: &'a str, out: &mut Vec<u8>) {
        render::string(out, id);
        out.push(b':');
        let mut outer = self.outer.clone();
        let done = envelope(out, &mut outer, true, |out, outer| {
            let start = out.len();
            let head = match self.requests.get(id) {
                Some(request) => self.one(request, out, outer),
                None => Err(Refusal::bad("The request is missing.".to_owned())),
            };
            head.unwrap_or_else(|refusal| {
                out.truncate(start);
                refusal.write(out)
            })
        });
        self.outer = outer;
        self.done.insert(id, done);
    }

    fn one(&self, request: &Request, out: &mut Vec<u8>, outer: &mut Head) -> Result<Head, Refusal> {
        let parents = request.parent_ids.as_deref().unwrap_or_default();
        let failed = parents.iter().find(|id| self.done.get(id.as_str()).is_none_or(|done| done.status >= 400));
        if let Some(parent) = failed {
            let status = self.call.app.config.knobs.failed_parent_status;
            return Err(Refusal::errors(status, format!("The parent request '{parent}' failed.")));
        }
        let method = request.method.as_deref();
        let method = method.ok_or_else(|| Refusal::bad("The field 'Method' is required.".to_owned()))?;
        let body = request.content.as_deref().unwrap_or_default();
        let is_name = |name: &String| http::HeaderName::from_bytes(name.as_bytes()).is_ok();
        if !request.headers.iter().flat_map(HashMap::keys).all(is_name) {
            return Err(Refusal::bad("A header name is invalid.".to_owned()));
        }
        match (&request.resource, request.request_template.as_ref().and_then(|template| template.resource.as_deref())) {
            (Some(resource), None) => {
                let resource = self.resolve(request, resource, out)?;
                self.call_one(method, &resource, body, out)
            }
            (None, Some(template)) => self.fan_out(request, method, template, out, outer),
            _ => Err(Refusal::bad("Exactly one of 'Resource' and 'RequestTemplate' is required.".to_owned())),
        }
    }

    /// A resource that is a JSONPath, or whose placeholders are filled by the first match of each parameter.
    fn resolve(&self, request: &Request, resource: &str, out: &[u8]) -> Result<String, Refusal> {
        if resource.starts_with('$') {
            let found = self.find(request, resource, out)?;
            return found.into_iter().next().ok_or_else(|| no_match(resource));
        }
        let mut filled = resource.to_owned();
        for (index, parameter) in request.parameters.iter().flatten().enumerate() {
            let found = self.find(request, parameter, out)?;
            let value = found.into_iter().next().ok_or_else(|| no_match(parameter))?;
            filled = filled.replace(&format!("{{{index}}}"), &value);
        }
        Ok(filled)
    }

    /// Every match of a JSONPath in a parent's answer.
    fn find(&self, request: &Request, path: &str, out: &[u8]) -> Result<Vec<String>, Refusal> {
        let parsed = Path::parse(path).ok_or_else(|| Refusal::bad(format!("The JSONPath '{path}' is invalid.")))?;
        let named = request.parent_ids.iter().flatten().any(|parent| *parent == parsed.id);
        let done = self.done.get(parsed.id.as_str()).filter(|_| named);
        let missing = || Refusal::bad(format!("The JSONPath '{path}' refers to a request that is not in 'ParentIds'."));
        let done = done.ok_or_else(missing)?;
        let content = out.get(done.content.clone()).unwrap_or_default();
        let content: Value = serde_json::from_slice(content).unwrap_or_default();
        let headers = serde_json::json!({"Content-Type": Content::Json.mime()});
        Ok(parsed.find(&serde_json::json!({"Status": done.status, "Headers": headers, "Content": content})))
    }

    /// One request per match of the parameters, answered together.
    fn fan_out(
        &self,
        request: &Request,
        method: &str,
        template: &str,
        out: &mut Vec<u8>,
        outer: &mut Head,
    ) -> Result<Head, Refusal> {
        let parameters = request.parameters.as_deref().unwrap_or_default();
        let columns =
            parameters.iter().map(|path| self.find(request, path, out)).collect::<Result<Vec<_>, Refusal>>()?;
        let total = columns.iter().map(Vec::len).min().unwrap_or(0);
        if total == 0 {
            return Err(no_match(parameters.first().map_or("", String::as_str)));
        }
        limit(self.call, total)?;
        out.extend_from_slice(format!("{{\"Total\":{total},\"Links\":{{}},\"Items\":[").as_bytes());
        for row in 0..total {
            if row > 0 {
                out.push(b',');
            }
            let mut resource = template.to_owned();
            for (index, column) in columns.iter().enumerate() {
                resource = resource.replace(&format!("{{{index}}}"), column.get(row).map_or("", String::as_str));
            }
            envelope(out, outer, true, |out, _| {
                let start = out.len();
                self.call_one(method, &resource, "", out).unwrap_or_else(|refusal| {
                    out.truncate(start);
                    refusal.write(out)
                })
            });
        }
        out.extend_from_slice(b"]}");
        Ok(Head::json(207))
    }

    /// Executes locally whatever host the absolute resource names; a fragment is not part of a request.
    fn call_one(&self, method: &str, resource: &str, body: &str, out: &mut Vec<u8>) -> Result<Head, Refusal> {
        let scheme = ["https://", "http://"]
            .into_iter()
            .find(|scheme| resource.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
        let relative = || Refusal::bad(format!("The resource '{resource}' is not an absolute URI."));
        let rest = resource.get(scheme.ok_or_else(relative)?.len()..).unwrap_or_default();
        let rest = rest.split('#').next().unwrap_or_default();
        let path_and_query = rest.get(rest.find('/').unwrap_or(rest.len())..).unwrap_or_default();
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        Ok(run(self.call, method, path, query, body.as_bytes(), out))
    }
}

fn no_match(path: &str) -> Refusal {
    Refusal::bad(format!("The JSONPath '{path}' matched nothing."))
}
