//! Log-ins of registries, where docker and its kin keep them: `config.json` in `DOCKER_CONFIG` or `~/.docker`, and the
//! helpers that it names.

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;

use crate::error::Error;

/// The name under which docker keeps the log-in of its own registry.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The log-in of a registry; anonymous where there is none.
pub(super) fn find(registry: &str) -> Result<RegistryAuth, Error> {
    let key = if registry == "docker.io" { DOCKER_HUB } else { registry };
    let unusable = |why: &str| {
        Error::Registry(format!("{registry}: its log-in in docker's configuration cannot be used: {why}; log in again"))
    };
    match docker_credential::get_credential(key) {
        Ok(DockerCredential::UsernamePassword(name, password)) => Ok(RegistryAuth::Basic(name, password)),
        Ok(DockerCredential::IdentityToken(_)) => Err(unusable("it is an identity token")),
        Err(
            CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError
            | CredentialRetrievalError::NoCredentialConfigured,
        ) => Ok(RegistryAuth::Anonymous),
        // What a helper prints may hold anything.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => Err(unusable(&format!("`{helper}` failed"))),
        Err(error) => Err(unusable(&error.to_string())),
    }
}
