//! Keys as cosign writes and reads them, so that its users keep the ones they have.

use std::fmt;

use sigstore::crypto::signing_key::SigStoreKeyPair;
use sigstore::crypto::signing_key::ecdsa::{ECDSAKeys, EllipticCurve};
use sigstore::crypto::{CosignVerificationKey, SigStoreSigner, Signature, SigningScheme};

use crate::digest::Digest;
use crate::error::{Error, printable};

/// A private key that has been unlocked. Never printed.
pub struct SigningKey {
    signer: SigStoreSigner,
    public: PublicKey,
}

/// Who may have signed: a public key.
#[derive(Clone, Debug)]
pub struct PublicKey {
    key: CosignVerificationKey,
    pem: String,
}

impl SigningKey {
    /// A new key pair on the curve P-256: the private key as `cosign generate-key-pair` writes it, locked with
    /// `password`, and the public key, both in PEM.
    ///
    /// # Errors
    /// No randomness can be had.
    pub fn generate(password: &str) -> Result<(String, String), Error> {
        let failed = |error: sigstore::errors::SigstoreError| Error::Key(format!("no key can be made: {error}"));
        let keys = ECDSAKeys::new(EllipticCurve::P256).map_err(failed)?;
        let private = keys.as_inner().private_key_to_encrypted_pem(password.as_bytes()).map_err(failed)?;
        let public = keys.as_inner().public_key_to_pem().map_err(failed)?;
        Ok((normal(&private), normal(&public)))
    }

    /// Unlocks a private key.
    ///
    /// # Errors
    /// It is none of cosign's, of a kind that cannot sign here, or the password is wrong.
    pub fn unlock(pem: &str, password: &str) -> Result<Self, Error> {
        let failed = |_| {
            Error::Key(
                "the key cannot be unlocked: COSIGN_PASSWORD is wrong, or it is no private key of cosign".to_owned(),
            )
        };
        let pair = SigStoreKeyPair::from_encrypted_pem(pem.as_bytes(), password.as_bytes()).map_err(failed)?;
        let unusable = |error: sigstore::errors::SigstoreError| Error::Key(format!("the key cannot sign: {error}"));
        let signer = match &pair {
            SigStoreKeyPair::ECDSA(keys) => keys.to_sigstore_signer(),
            SigStoreKeyPair::ED25519(keys) => keys.to_sigstore_signer(),
            SigStoreKeyPair::RSA(_) => pair.to_sigstore_signer(&SigningScheme::RSA_PKCS1_SHA256(0)),
        };
        let public = PublicKey::parse(&pair.public_key_to_pem().map_err(unusable)?)?;
        Ok(Self { signer: signer.map_err(unusable)?, public })
    }

    /// Its other half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.signer.sign(message).map_err(|error| Error::Key(format!("the key does not sign: {error}")))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public.pem).finish_non_exhaustive()
    }
}

impl PublicKey {
    /// Reads a public key in PEM.
    ///
    /// # Errors
    /// It is none, or of a kind that nobody signs with here.
    pub fn parse(pem: &str) -> Result<Self, Error> {
        let pem = normal(pem);
        let key = CosignVerificationKey::try_from_pem(pem.as_bytes()).map_err(|error| {
            Error::Key(format!("it holds no public key in PEM, as in cosign.pub: {}", printable(&error.to_string())))
        })?;
        Ok(Self { key, pem })
    }

    /// The key in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A short name of the key where it has no other: the start of its PEM's digest.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        Digest::of(self.pem.as_bytes()).hex().chars().take(16).collect()
    }

    /// Whether `signature` (base64) is this key's over `message`.
    pub(crate) fn verifies(&self, signature: &str, message: &[u8]) -> bool {
        self.key.verify_signature(Signature::Base64Encoded(signature.as_bytes()), message).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.pem == other.pem
    }
}

impl Eq for PublicKey {}

/// PEM with plain line ends and one at the end.
fn normal(pem: &str) -> String {
    let lines: Vec<&str> = pem.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_generated_key_is_locked_and_signs_once_it_is_unlocked() {
        let (private, public) = SigningKey::generate("secret").unwrap();
        assert!(private.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"), "{private}");
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n") && public.ends_with("-----END PUBLIC KEY-----\n"));
        assert!(matches!(SigningKey::unlock(&private, "other"), Err(Error::Key(_))));
        let key = SigningKey::unlock(&private, "secret").unwrap();
        let signature = STANDARD.encode(key.sign(b"message").unwrap());
        let public = PublicKey::parse(&public).unwrap();
        assert_eq!(&public, key.public());
        assert!(public.verifies(&signature, b"message"));
        assert!(!public.verifies(&signature, b"another"));
        assert!(!public.verifies("no base64!", b"message"));
        let (_, other) = SigningKey::generate("").unwrap();
        assert!(!PublicKey::parse(&other).unwrap().verifies(&signature, b"message"));
    }

    /// A public key, a payload and its signature, all made by cosign: a published example.
    const COSIGN_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENptdY/l3nB0yqkXLBWkZWQwo6+cu
        OSWS1X9vPavpiQOoTTGC0xX57OojUadxF1cdQmrsiReWg2Wn4FneJfa8xw==
        -----END PUBLIC KEY-----";
    const COSIGN_PAYLOAD: &str = r#"{"critical":{"identity":{"docker-reference":"registry-testing.svc.lan/busybox"},"image":{"docker-manifest-digest":"sha256:f3cfc9d0dbf931d3db4685ec659b7ac68e2a578219da4aae65427886e649b06b"},"type":"cosign container image signature"},"optional":null}"#;
    const COSIGN_SIGNATURE: &str =
        "MEUCIQD6q/COgzOyW0YH1Dk+CCYSt4uAhm3FDHUwvPI55zwnlwIgE0ZK58ZOWpZw8YVmBapJhBqCfdPekIknimuO0xH8Jh8=";

    #[test]
    fn what_cosign_wrote_is_read() {
        let key = PublicKey::parse(COSIGN_PUBLIC).unwrap();
        assert!(key.verifies(COSIGN_SIGNATURE, COSIGN_PAYLOAD.as_bytes()));
    }

    #[test]
    fn text_that_is_no_key_says_so() {
        let error = PublicKey::parse("hello").unwrap_err().to_string();
        assert!(error.contains("no public key in PEM"), "{error}");
        let error = SigningKey::unlock("hello", "").unwrap_err().to_string();
        assert!(error.contains("COSIGN_PASSWORD is wrong"), "{error}");
    }
}
