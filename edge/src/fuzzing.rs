//! What the fuzz targets (`fuzz/`) reach besides the public items. Only there with the feature `fuzzing`.

use http::HeaderMap;

use crate::credentials::{self, Credential};

/// Takes the credentials out of a head: the API key and its secret, when it shows them well.
pub fn api_key(headers: &mut HeaderMap) -> Option<(String, String)> {
    match credentials::api_key(headers) {
        Ok(Credential::ApiKey { key, secret }) => Some((key, secret.expose().to_owned())),
        _ => None,
    }
}

/// Takes the credentials out of a head: the personal access token, when it shows one well.
pub fn member_token(headers: &mut HeaderMap) -> Option<String> {
    match credentials::member(headers) {
        Ok(Credential::Token(token)) => Some(token.expose().to_owned()),
        _ => None,
    }
}
