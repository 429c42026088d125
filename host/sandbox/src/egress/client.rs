//! The HTTP client behind the gate: one pool of connections, HTTP/1.1, TLS 1.2 and up, no proxy from the environment,
//! no redirects and no retries of its own (the gate does both, after its policy).

use std::net::IpAddr;

use reqwest::tls::Version;
use reqwest::{Certificate, Client, redirect};
use url::Host;

use super::EgressConfig;
use super::address::{Resolver, is_allowed};
use crate::error::Error;

/// How this software names itself to servers.
const USER_AGENT: &str = concat!("Tidegate/", env!("CARGO_PKG_VERSION"));

/// Refuses settings that cannot be.
pub(super) fn check(config: &EgressConfig) -> Result<(), Error> {
    let base = &config.base;
    let refuse = |reason: String| Err(Error::Egress { reason });
    if !matches!(base.scheme(), "http" | "https") {
        return refuse(format!("source.url starts with `{}:`; it must be http or https", base.scheme()));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return refuse("source.url holds a user name or a password; they belong in the section auth".to_owned());
    }
    if base.query().is_some() || base.fragment().is_some() {
        return refuse("source.url holds a `?` or a `#`; it must end with the path".to_owned());
    }
    let address = match base.host() {
        // An address in the URL is connected to without asking the resolver.
        Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
        Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
        Some(Host::Domain(_)) => None,
        None => return refuse("source.url names no host".to_owned()),
    };
    if let Some(address) = address.filter(|address| !is_allowed(*address)) {
        return refuse(format!(
            "source.url is the address {address}, which is never reachable (link-local, metadata service or no host)"
        ));
    }
    let rate = config.requests_per_second;
    if config.in_flight == 0 || config.attempts == 0 || rate.is_nan() || rate <= 0.0 {
        return refuse("requests in flight, requests a second and attempts must be above 0".to_owned());
    }
    if config.connect_timeout.is_zero() || config.response_timeout.is_zero() {
        return refuse("time-outs must be above 0".to_owned());
    }
    Ok(())
}

/// Builds a client; `unpack`: it asks for compressed answers and unpacks them.
pub(super) fn build(config: &EgressConfig, unpack: bool) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .http1_only()
        .gzip(unpack)
        .no_proxy()
        .referer(false)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(config.connect_timeout)
        .pool_max_idle_per_host(config.in_flight)
        .tls_version_min(Version::TLS_1_2)
        .dns_resolver(Resolver);
    if let Some(pem) = &config.ca_pem {
        builder = builder.tls_certs_merge(certificates(pem)?);
    }
    if config.insecure_skip_verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    builder
        .build()
        .map_err(|error| Error::Egress { reason: format!("the HTTP client does not start: {}", words(&error)) })
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, Error> {
    let refuse =
        |reason: String| Error::Egress { reason: format!("tls.ca_file holds no usable certificate: {reason}") };
    let certificates = Certificate::from_pem_bundle(pem).map_err(|error| refuse(words(&error)))?;
    if certificates.is_empty() {
        return Err(refuse("it must be a PEM file with BEGIN CERTIFICATE".to_owned()));
    }
    Ok(certificates)
}

fn words(error: &reqwest::Error) -> String {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    chain.last().map(ToString::to_string).unwrap_or_default()
}
