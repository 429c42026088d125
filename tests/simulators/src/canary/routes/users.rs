//! User tokens: given out, and given back.

use crate::canary::answer::{Code, Refused};
use crate::canary::app::Call;
use crate::canary::config::Auth;
use crate::shared::text;

/// `getUserToken`.
pub(super) fn issue(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let (app, params) = (call.app, &call.params);
    params.required("application")?;
    let (user, pass) = (params.text("username")?, params.text("password")?);
    if (user.is_some() || pass.is_some()) && !call.secure && !app.config.knobs.plain_credentials {
        return Err(Refused::errors("a user name and password are accepted over https only"));
    }
    match &app.config.auth {
        Auth::Anonymous if user.is_none() => {}
        Auth::User { username, password } => {
            let known = user.is_some_and(|user| user.to_lowercase() == username.to_lowercase());
            if !known || pass != Some(password) {
                return Err(Refused::errors("the user name or password is incorrect"));
            }
        }
        Auth::Anonymous | Auth::ApiToken { .. } => {
            return Err(Refused::errors("the user is not mapped to a Canary user"));
        }
    }
    let token = app.users.issue(call.zone, app.config.licences).ok_or_else(|| Refused::code(Code::BadLicense))?;
    out.extend_from_slice(b",\"userToken\":");
    text::string(out, &token);
    Ok(())
}

/// `revokeUserToken`.
pub(super) fn revoke(call: &Call<'_>, _: &mut Vec<u8>) -> Result<(), Refused> {
    let token = call.params.required("usertoken")?;
    if call.app.users.revoke(token) { Ok(()) } else { Err(Refused::code(Code::BadUserToken)) }
}
