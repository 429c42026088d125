//! HTTPS with the server's own certificate: trusted with its CA, not without.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use tidegate_simulators::pi::{Config, Server};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{clean, launch};

fn get(server: &Server, trusted: &[&str]) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    for pem in trusted {
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(server.address())?);
    stream.write_all(b"GET /piwebapi/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn the_certificate_is_trusted_only_with_its_ca() {
    let server = launch(Config { tls: true, ..clean() });
    assert!(server.url().starts_with("https://localhost:"));
    let text = get(&server, &[server.ca_pem().unwrap()]).unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("https://localhost/piwebapi/dataservers"));
    let other = launch(Config { tls: true, ..clean() });
    assert!(get(&server, &[other.ca_pem().unwrap()]).is_err());
}
