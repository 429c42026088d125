//! What proves to the source who asks, and where it travels: in a header, or in the JSON body of a request. It is
//! attached behind the policy and never seen before it.

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderValue;
use tidegate_model::Fault;

use crate::describe::Session;

/// A header that proves who asks. Asked for before each request, so that what it holds can be refreshed.
#[async_trait]
pub trait Authorization: Send + Sync {
    /// The value of the header `authorization`.
    ///
    /// # Errors
    /// When none can be had; the fault says why, without a secret.
    async fn authorization(&self) -> Result<HeaderValue, Fault>;

    /// The password that the header holds encoded, where it does: a server that decodes it must not show it to a guest.
    fn password(&self) -> Option<Arc<str>> {
        None
    }
}

/// Who asks, and how the source wants to be told.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one for each pipeline")]
pub enum Credentials {
    /// Nobody in particular.
    Anonymous,
    /// A header with each request.
    Header(Arc<dyn Authorization>),
    /// A token that the operator was given, in the JSON body of each request.
    Member {
        /// The member that carries it.
        name: String,
        /// Never shown.
        token: Arc<str>,
    },
    /// Tokens that the source gives out itself, in the JSON body of each request.
    Session {
        /// The calls that open and end a session, and its members.
        calls: Session,
        /// Who logs in; `None` where the source gives tokens to anybody.
        login: Option<Login>,
    },
}

/// Name and password of a login.
#[derive(Clone)]
pub struct Login {
    /// Often `DOMAIN\user`.
    pub username: String,
    /// Never shown.
    pub password: Arc<str>,
}

impl Credentials {
    /// The header of a request, where there is one.
    pub(super) async fn header(&self) -> Result<Option<HeaderValue>, Fault> {
        let Self::Header(authorization) = self else { return Ok(None) };
        let mut value = authorization.authorization().await?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The password that is encoded in it, where one is.
    pub(super) fn password(&self) -> Option<Arc<str>> {
        let Self::Header(authorization) = self else { return None };
        authorization.password()
    }

    /// The member of a JSON body that carries a token, where one does.
    pub(super) fn member(&self) -> Option<&str> {
        match self {
            Self::Anonymous | Self::Header(_) => None,
            Self::Member { name, .. } => Some(name),
            Self::Session { calls, .. } => Some(&calls.token_member),
        }
    }
}

/// What a header proves who asks with: all but the scheme.
pub(super) fn proof(header: &HeaderValue) -> Option<Arc<str>> {
    let text = std::str::from_utf8(header.as_bytes()).ok()?;
    let (_, proof) = text.split_once(' ').unwrap_or(("", text));
    Some(proof.trim().into())
}
