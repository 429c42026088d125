//! The home page and what the server tells about itself.

use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::config::Auth;
use crate::pi::json::Obj;
use crate::pi::wildcard;

/// `GET /`.
pub(super) fn home(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.object("Links", |links| {
        links.text("Self", &format!("{}/", call.base));
        for (name, path) in [("AssetServers", "assetservers"), ("DataServers", "dataservers"), ("System", "system")] {
            links.text(name, &format!("{}/{path}", call.base));
        }
    });
    root.close();
    Ok(Head::json(200))
}

/// `GET /system`.
pub(super) fn system(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.text("ProductTitle", "PI Web API").text("ProductVersion", &call.app.config.knobs.version);
    root.object("Links", |links| {
        links.text("Self", &format!("{}/system", call.base));
        for name in ["CacheInstances", "Configuration", "UserInfo", "Versions", "Status", "InstanceConfiguration"] {
            links.text(name, &format!("{}/system/{}", call.base, name.to_lowercase()));
        }
    });
    root.close();
    Ok(Head::json(200))
}

/// `GET /system/userinfo`.
pub(super) fn user(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let (kind, name, known) = match &call.app.config.auth {
        Auth::Anonymous => ("Anonymous", "NT AUTHORITY\\ANONYMOUS LOGON", false),
        Auth::Basic { username, .. } => ("WindowsIdentity", username.as_str(), true),
        Auth::Bearer { .. } => ("ClaimsIdentity", "service-account", true),
    };
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.text("IdentityType", kind).text("Name", name).bool("IsAuthenticated", known);
    root.text("SID", "S-1-5-21-1-2-3-1001").text("ImpersonationLevel", "Impersonation");
    root.close();
    Ok(Head::json(200))
}

/// `GET /system/status`.
pub(super) fn status(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.float("UpTimeInMinutes", 60.0).text("State", "Running").int("CacheInstances", 1);
    root.time("ServerTime", call.app.truth.clock().now());
    root.close();
    Ok(Head::json(200))
}

/// `GET /system/versions`.
pub(super) fn versions(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let version = &call.app.config.knobs.version;
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.object("OSIsoft.REST.Core", |entry| {
        let (short, build) = version.rsplit_once('.').unwrap_or((version, "0"));
        entry.text("FullVersion", version).text("MajorMinorRevision", short).text("Build", build);
    });
    root.close();
    Ok(Head::json(200))
}

/// `GET /system/configuration[/{key}]`: administrators only.
pub(super) fn configuration(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let app = call.app;
    if !app.config.knobs.admin {
        return Err(Refusal::message(403, "Access to the system configuration is denied."));
    }
    let key = call.segments.get(2).map(String::as_str);
    let limit = app.config.rate_limit.unwrap_or(1000);
    let values = [
        ("MaxReturnedItemsPerCall", app.config.max_items as i64),
        ("RateLimitMaxRequests", i64::from(limit)),
        ("RateLimitDuration", 1),
        ("AFSearchPageSize", 1000),
    ];
    let chosen: Vec<_> = values.iter().filter(|(name, _)| key.is_none_or(|key| wildcard::matches(key, name))).collect();
    if chosen.is_empty() {
        return Err(Refusal::errors(404, "The configuration item does not exist."));
    }
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    for (name, value) in chosen {
        root.int(name, *value);
    }
    root.close();
    Ok(Head::json(200))
}
