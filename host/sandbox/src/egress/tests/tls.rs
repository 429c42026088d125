//! Whom the gate trusts.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use wasmtime_wasi_http::Error as WasiError;

use super::server::{Reply, Server};
use super::{EgressConfig, Guest, config, text};

/// A server for `name` with a certificate of an authority of its own, and that authority as PEM.
async fn server(name: &str) -> (Server, Vec<u8>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    // Named, because a process with two providers linked in has no default one.
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    (Server::start(vec![Reply::ok("trusted")], Some(acceptor)).await, authority.pem().into_bytes())
}

fn at(server: &Server) -> EgressConfig {
    config(&format!("https://localhost:{}", server.port))
}

#[tokio::test]
async fn an_authority_that_nobody_configured_is_not_trusted() {
    let (server, _) = server("localhost").await;
    let guest = Guest::new(at(&server));
    let failure = guest.get("/a").await.unwrap_err();
    assert!(matches!(failure.error, WasiError::TlsCertificateError), "{failure:?}");
    let text = failure.note.to_string();
    assert!(text.contains("the certificate of `localhost` is not trusted: unknown issuer; set tls.ca_file"), "{text}");
    assert!(server.asked().is_empty());
    assert_eq!(guest.egress.figures().retries, 0);
}

#[tokio::test]
async fn an_authority_from_the_configuration_is_trusted() {
    let (server, pem) = server("localhost").await;
    let guest = Guest::new(EgressConfig { ca_pem: Some(pem), ..at(&server) });
    assert_eq!(text(guest.get("/a").await.unwrap()).await.unwrap(), "trusted");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_trusted() {
    let (server, pem) = server("elsewhere").await;
    let failure = Guest::new(EgressConfig { ca_pem: Some(pem), ..at(&server) }).get("/a").await.unwrap_err();
    assert!(matches!(failure.error, WasiError::TlsCertificateError), "{failure:?}");
}

#[tokio::test]
async fn verification_is_skipped_only_when_that_is_spelt_out() {
    let (server, _) = server("elsewhere").await;
    let guest = Guest::new(EgressConfig { insecure_skip_verify: true, ..at(&server) });
    assert_eq!(text(guest.get("/a").await.unwrap()).await.unwrap(), "trusted");
}

#[tokio::test]
async fn a_handshake_that_nobody_answers_has_an_end() {
    // A server without TLS waits for the end of a head that never comes.
    let plain = Server::start(vec![], None).await;
    let quick = EgressConfig { attempts: 1, connect_timeout: Duration::from_millis(50), ..at(&plain) };
    let failure = Guest::new(quick).get("/a").await.unwrap_err();
    assert!(matches!(failure.error, WasiError::ConnectionTimeout), "{failure:?}");
}
