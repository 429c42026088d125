//! Templates of elements and of event frames, in one list.

use super::select::{Field, Filter, Order};
use super::{database, missing, show};
use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::assets::Template;
use crate::pi::fields::Selection;
use crate::pi::lookup::Subject;
use crate::pi::routes::{id, listing};

const LIST: [&str; 7] = ["field", "query", "sortfield", "sortorder", "maxcount", "selectedfields", "webidtype"];

/// `GET /assetdatabases/{webId}/elementtemplates`; as of 2018 without `startIndex`.
pub(in crate::pi::routes) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let knobs = &call.app.config.knobs;
    let paged = knobs.templates_start_index;
    let known: Vec<&str> = LIST.into_iter().chain(paged.then_some("startindex")).collect();
    call.query.only(call.app, &known)?;
    let tree = database(call, id(call))?;
    let query = Filter::read(&call.query, "query");
    let fields: Vec<String> =
        call.query.all("field").into_iter().flat_map(|list| list.split(';')).map(str::to_lowercase).collect();
    if call.query.one("query").is_some_and(|query| !query.is_empty()) && fields.is_empty() && knobs.templates_need_field
    {
        return Err(Refusal::bad("Parameter 'field' is required.".to_owned()));
    }
    if let Some(other) = fields.iter().find(|field| !matches!(field.as_str(), "name" | "description" | "categories")) {
        return Err(Refusal::binding("field", other));
    }
    let admits = |template: &&Template| {
        query.is_open()
            || (fields.is_empty() || fields.iter().any(|field| field == "name")) && query.admits(&template.name)
            || fields.iter().any(|field| field == "categories") && query.admits(&template.category())
    };
    let order = Order::read(call)?.timeless()?;
    let mut found: Vec<&Template> = tree.home.templates.iter().filter(admits).collect();
    match order.field {
        Field::Id => order.sort(&mut found, |template| template.guid),
        Field::Type => order.sort(&mut found, |template| template.makes.instance_type()),
        _ => order.sort(&mut found, |template| template.name.to_lowercase()),
    }
    let form = call.query.form()?;
    let each = |out: &mut Vec<u8>, selection: Selection<'_>, template: &&Template| {
        show::template(call, out, selection, &tree, template, form);
    };
    if paged {
        return listing::page(call, out, &found, each);
    }
    let cap = call.shape.cap.unwrap_or(call.app.config.max_items);
    found.truncate(call.query.max_count(1000, cap)?);
    Ok(listing::write(call, out, |_| {}, &found, each))
}

/// `GET /elementtemplates/{webId}`.
pub(in crate::pi::routes) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    call.query.only(call.app, &["selectedfields", "webidtype"])?;
    let web_id = id(call);
    let Subject::Template(tree, at) = call.app.lookup(web_id)? else { return Err(missing(web_id)) };
    let template = tree.home.templates.get(at).ok_or_else(|| missing(web_id))?;
    let form = call.query.form()?;
    listing::single(call, out, |out, selection| show::template(call, out, selection, &tree, template, form))
}
