//! The asset model of virtual views: views, types of asset, their tags, their instances.

use std::collections::BTreeSet;

use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::catalogue::parent;
use crate::canary::json::named;
use crate::canary::names::TYPES;
use crate::canary::tag::Point;
use crate::shared::text;

/// `getVirtualViews`.
pub(super) fn views(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let name = &call.app.config.virtual_view;
    write(out, "views", if name.is_empty() { Vec::new() } else { vec![name.clone()] });
    Ok(())
}

/// `getAssetTypes`: all, or those right below `parentType`.
pub(super) fn types(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let shown = is_virtual(call)?;
    let above = call.params.text("parenttype")?;
    let types = TYPES.iter().filter(|(_, parent)| shown && above.is_none_or(|above| above == *parent));
    write(out, "assetTypes", types.map(|(name, _)| (*name).to_owned()).collect());
    Ok(())
}

/// `getAssetTypeTags`: names of the tags of a type and, with `deep`, of the types below it.
pub(super) fn type_tags(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let deep = call.params.flag("deep", true)?;
    let found = points(call, deep)?;
    let leaf = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let tags: BTreeSet<String> = found.iter().filter_map(|point| point.asset_path.as_deref().map(leaf)).collect();
    write(out, "assetTypeTags", tags.into_iter().collect());
    Ok(())
}

/// `getAssetInstances`: paths of the assets of a type, and of the types below it, at or below `path`.
///
/// Filter expressions are refused: nothing may seem to be filtered that is not.
pub(super) fn instances(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    if call.params.text("filterexpression")?.is_some() {
        return Err(Refused::errors("parameter 'filterExpression' is not supported by this server"));
    }
    let path = call.params.text("path")?.unwrap_or_default();
    let prefix = format!("{path}.");
    let found = points(call, true)?;
    let assets = found.iter().filter_map(|point| point.asset_path.as_deref().map(parent));
    let inside = |asset: &&str| path.is_empty() || *asset == path || asset.starts_with(&prefix);
    let assets: BTreeSet<String> = assets.filter(inside).map(str::to_owned).collect();
    write(out, "assetInstances", assets.into_iter().collect());
    Ok(())
}

fn is_virtual(call: &Call<'_>) -> Result<bool, Refused> {
    let view = call.params.required("view")?;
    match view == call.app.config.virtual_view {
        true => Ok(true),
        false if call.app.truth.sequence(view).is_some() => Ok(false),
        false => Err(Refused::errors(format!("the view '{view}' does not exist"))),
    }
}

/// The mapped tags of the assets of a type that the caller may see.
fn points(call: &Call<'_>, deep: bool) -> Result<Vec<Point>, Refused> {
    let shown = is_virtual(call)?;
    let wanted = call.params.required("assettype")?;
    if !TYPES.iter().any(|(name, _)| *name == wanted) {
        return Err(Refused::errors(format!("the asset type '{wanted}' does not exist")));
    }
    let of_type = |name: &str| {
        name == wanted || (deep && TYPES.iter().any(|(known, parent)| *known == name && *parent == wanted))
    };
    let catalogue = call.app.truth.catalogue();
    let tags = catalogue.tags.iter().filter(|tag| shown && catalogue.holds(tag.point.index) && !tag.point.hidden);
    Ok(tags.map(|tag| &tag.point).filter(|point| of_type(point.asset_type)).cloned().collect())
}

fn write(out: &mut Vec<u8>, name: &str, texts: Vec<String>) {
    named(out, name);
    text::strings(out, &texts);
}
