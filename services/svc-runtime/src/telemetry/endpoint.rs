//! `telemetry.otlp_endpoint`: where traces go.

use http::Uri;
use http::uri::Authority;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig};

/// An endpoint that cannot be used. Never holds its user and password.
#[derive(Debug, thiserror::Error)]
#[error("setting `telemetry.otlp_endpoint`: {0}")]
pub struct BadEndpoint(String);

/// Checks an endpoint without connecting to it.
///
/// Without a scheme it is refused: OpenTelemetry's own default is TLS, most collectors in a cluster speak
/// none, and a guess either way sends nothing, or sends it in the clear.
pub(super) fn check(endpoint: &str) -> Result<(), BadEndpoint> {
    let bad = |message: String| Err(BadEndpoint(message));
    if !endpoint.contains("://") {
        let message = format!("`{endpoint}` names no scheme: write http://{endpoint}, or https:// for TLS");
        return bad(message);
    }
    let uri = endpoint.parse::<Uri>().ok();
    let (scheme, authority) = match &uri {
        Some(uri) => (uri.scheme_str(), uri.authority()),
        None => (None, None),
    };
    match (scheme, authority) {
        // Before anything that shows it.
        _ if endpoint.contains('@') => {
            bad("must not hold a user and a password: headers are given in OTEL_EXPORTER_OTLP_HEADERS"
                .to_owned())
        }
        (Some("http" | "https"), Some(authority)) if is_host_and_port(authority) => Ok(()),
        _ => bad(format!("`{endpoint}` must be http://HOST:PORT or https://HOST:PORT")),
    }
}

/// `http` takes whatever stands after the colon.
fn is_host_and_port(authority: &Authority) -> bool {
    let host = authority.host();
    !host.is_empty() && (host == authority.as_str() || authority.port_u16().is_some())
}

/// What exports to it. With https the system's roots decide whom to trust.
pub(super) fn exporter(endpoint: &str) -> Result<SpanExporter, ExporterBuildError> {
    let builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
    let is_https = endpoint.parse::<Uri>().is_ok_and(|uri| uri.scheme_str() == Some("https"));
    match is_https {
        true => builder.with_tls_config(ClientTlsConfig::new().with_enabled_roots()).build(),
        false => builder.build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_and_why() {
        for (endpoint, says) in [
            ("http://collector:4317", None),
            ("https://collector.example", None),
            ("HTTPS://collector.example:4317/", None),
            ("http://[::1]:4317", None),
            (
                "collector:4317",
                Some("`collector:4317` names no scheme: write http://collector:4317, or https"),
            ),
            ("collector", Some("names no scheme")),
            ("127.0.0.1:4317", Some("names no scheme")),
            ("grpc://collector:4317", Some("`grpc://collector:4317` must be http://HOST:PORT or https")),
            ("unix:///run/otlp.sock", Some("must be http://HOST:PORT")),
            ("http://", Some("must be http://HOST:PORT")),
            ("http://:4317", Some("must be http://HOST:PORT")),
            ("http://collector:port", Some("must be http://HOST:PORT")),
            ("https://me:hush@collector:4317", Some("must not hold a user and a password")),
        ] {
            match (check(endpoint), says) {
                (Ok(()), None) => {}
                (Err(error), Some(says)) => {
                    let error = error.to_string();
                    assert!(error.starts_with("setting `telemetry.otlp_endpoint`: "), "{error}");
                    assert!(error.contains(says) && !error.contains("hush"), "{error}");
                }
                (outcome, _) => panic!("{endpoint}: {outcome:?}"),
            }
        }
    }
}
