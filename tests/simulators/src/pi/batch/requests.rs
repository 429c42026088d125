//! The other dialect, which some gateways speak: a list of requests with relative resources and named parameters,
//! answered in the same order.

use serde_json::Value;

use super::{envelope, limit, run};
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;

/// Executes `{"Requests":[{Method,Resource,Parameters}]}`; a dictionary body is refused.
pub(super) fn execute(call: &Call<'_>, body: &Value, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let requests = body.as_object().and_then(|body| body.get("Requests")).and_then(Value::as_array);
    let requests = requests.ok_or_else(|| Refusal::bad("The field 'Requests' is required.".to_owned()))?;
    limit(call, requests.len())?;
    let mut outer = Head::json(200);
    out.extend_from_slice(b"{\"Responses\":[");
    for (index, request) in requests.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        envelope(out, &mut outer, false, |out, _| {
            let start = out.len();
            one(call, request, out).unwrap_or_else(|refusal| {
                out.truncate(start);
                refusal.write(out)
            })
        });
    }
    out.extend_from_slice(b"]}");
    Ok(outer)
}

fn one(call: &Call<'_>, request: &Value, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let method = text("Method").ok_or_else(|| Refusal::bad("The field 'Method' is required.".to_owned()))?;
    let resource = text("Resource").ok_or_else(|| Refusal::bad("The field 'Resource' is required.".to_owned()))?;
    if !resource.starts_with('/') {
        return Err(Refusal::bad(format!("The resource '{resource}' is not a relative path.")));
    }
    let resource = resource.split('#').next().unwrap_or_default();
    let (path, query) = resource.split_once('?').unwrap_or((resource, ""));
    let rooted = path.get(..9).is_some_and(|root| root.eq_ignore_ascii_case("/piwebapi"));
    let path = if rooted { path.to_owned() } else { format!("/piwebapi{path}") };
    let query = parameters(query, request.get("Parameters"))?;
    Ok(run(call, method, &path, &query, b"", out))
}

/// The resource's own query and the named parameters; an array repeats its name.
fn parameters(query: &str, parameters: Option<&Value>) -> Result<String, Refusal> {
    let mut out = url::form_urlencoded::Serializer::new(query.to_owned());
    let members = match parameters {
        None | Some(Value::Null) => return Ok(query.to_owned()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(Refusal::bad("The field 'Parameters' must be an object.".to_owned())),
    };
    let scalar = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(Refusal::bad("A parameter must be a string, a number or a boolean.".to_owned())),
    };
    for (name, value) in members {
        match value {
            Value::Array(values) => {
                for value in values {
                    out.append_pair(name, &scalar(value)?);
                }
            }
            value => {
                out.append_pair(name, &scalar(value)?);
            }
        }
    }
    Ok(out.finish())
}
