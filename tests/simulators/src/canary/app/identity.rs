//! Who asks: user tokens, API tokens, or nobody in particular (reference §4).

use http::{HeaderMap, header};

use super::App;
use crate::canary::answer::{Code, Refused, of_status};
use crate::canary::config::{ApiTokenRefusal, Auth};
use crate::canary::params::{Params, Place};
use crate::canary::zone::Zone;
use std::sync::PoisonError;

/// The well-known token of vendor samples, valid while anonymous access is enabled.
const ANONYMOUS: &str = "11111111-2222-3333-4444-555555555555";

impl App {
    /// Refuses who may not ask; the zone of the user token, if one came.
    pub(crate) fn identify(
        &self,
        v1: bool,
        secure: bool,
        headers: &HeaderMap,
        params: &Params,
    ) -> Result<Option<Zone>, Refused> {
        if let Some(token) = params.text("usertoken")? {
            self.came_in(params.place("usertoken"));
            let zone = self.users.with(token, |zone| *zone);
            return zone.map(Some).ok_or_else(|| Refused::code(Code::BadUserToken));
        }
        if v1 {
            return Err(Refused::code(Code::BadUserToken));
        }
        let given = self.api_token(headers, params)?;
        match (&self.config.auth, given) {
            (Auth::Anonymous, None) => Ok(None),
            (Auth::Anonymous, Some(token)) if token == ANONYMOUS => Ok(None),
            (Auth::User { .. }, None) => Err(Refused::code(Code::BadUserToken)),
            (Auth::ApiToken { token }, Some(given)) if *token == given => {
                if secure || self.config.knobs.plain_credentials {
                    Ok(None)
                } else {
                    Err(Refused::errors("an API token is accepted over https only"))
                }
            }
            _ => Err(self.unknown_api_token()),
        }
    }

    /// The API token, wherever it stands: `Authorization: Bearer`, `apiToken`, or its old name `accessToken`.
    fn api_token(&self, headers: &HeaderMap, params: &Params) -> Result<Option<String>, Refused> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if let Some((scheme, token)) = given.split_once(' ')
            && scheme.eq_ignore_ascii_case("bearer")
        {
            self.came_in(Some(Place::Header));
            if self.config.knobs.bearer {
                return Ok(Some(token.trim().to_owned()));
            }
        }
        for name in ["apitoken", "accesstoken"] {
            if let Some(token) = params.text(name)? {
                self.came_in(params.place(name));
                return Ok(Some(token.to_owned()));
            }
        }
        Ok(None)
    }

    fn unknown_api_token(&self) -> Refused {
        match self.config.knobs.api_token_refusal {
            ApiTokenRefusal::BadUserToken => Refused::code(Code::BadUserToken),
            ApiTokenRefusal::Errors => Refused::errors("the API token is missing or unknown"),
            ApiTokenRefusal::Unauthorized => Refused::Http(of_status(401, None)),
            ApiTokenRefusal::Forbidden => Refused::Http(of_status(403, None)),
        }
    }

    fn came_in(&self, place: Option<Place>) {
        let Some(place) = place else { return };
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        *places.entry(place.label().to_owned()).or_default() += 1;
    }
}
