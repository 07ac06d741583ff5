//! Sessions of the dashboard: their cookie, and the proof that a call comes from a page of its own.
//!
//! A browser sends a cookie along whoever has made the page that calls. So what changes something needs the exact
//! `Origin` of the dashboard, which a browser writes and no page can, and the CSRF token of the session, which only
//! pages of that origin can read (OWASP, Cross-Site Request Forgery Prevention).

use std::net::SocketAddr;

use http::header::{AUTHORIZATION, COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use svc_core::address::canonical;
use svc_core::error::{Error, Reason};
use svc_core::policy::Access;
use svc_core::secret::Secret;
use svc_core::session;

use crate::config::{DashboardConfig, header};
use crate::transcode::Cookie;

const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// The name of the cookie in the clear, which only a listener on loopback uses, …
const NAME: &str = "keyward_session";
/// … and over TLS: with this prefix no other host, path or scheme can set it (RFC 6265bis, 4.1.3.2).
const HOST_NAME: &str = "__Host-keyward_session";

/// What a browser keeps between two calls with a `redirect`. It comes back from another site, so it is no `Strict` one.
const FLOW_NAME: &str = "keyward_flow";
/// … and over TLS: with this prefix no page of another scheme can set it.
const SECURE_FLOW_NAME: &str = "__Secure-keyward_flow";
/// Where it is sent, and for how many seconds it is kept.
const FLOW_PATH: &str = "/v1/console/oidc";
const FLOW_SECONDS: u32 = 600;

/// The dashboard, as browsers see it.
#[derive(Debug)]
pub(crate) struct Browser {
    /// Where it is, without a slash at the end.
    url: HeaderValue,
    /// The origins of its pages.
    origins: Vec<String>,
    is_https: bool,
}

impl Browser {
    /// By its settings, and by where it listens.
    pub(crate) fn new(config: &DashboardConfig, listening_on: SocketAddr) -> Browser {
        if let Some(url) = &config.url {
            return Browser {
                url: url.header(),
                origins: vec![url.as_str().to_owned()],
                is_https: url.is_https(),
            };
        }
        // On loopback, without a proxy: each name of this machine is a site of its own, with its own cookie.
        let port = match listening_on.port() {
            80 => String::new(),
            port => format!(":{port}"),
        };
        let at = SocketAddr::new(canonical(listening_on.ip()), listening_on.port()).to_string();
        let own =
            format!("http://{}{port}", at.strip_suffix(&format!(":{}", listening_on.port())).unwrap_or(&at));
        let mut origins = vec![own.clone(), format!("http://localhost{port}")];
        origins.dedup();
        Browser { url: header(&own), origins, is_https: false }
    }

    /// Where browsers find the dashboard.
    pub(crate) fn url(&self) -> &HeaderValue {
        &self.url
    }

    fn cookie_name(&self) -> &'static str {
        match self.is_https {
            true => HOST_NAME,
            false => NAME,
        }
    }

    /// The session of a request that may be answered, and takes all cookies out of its head. `None` where there is
    /// none, or another credential counts.
    ///
    /// # Errors
    /// `csrf_failed` for a request that changes something and may come from a page of another origin.
    pub(crate) fn session(
        &self,
        method: &Method,
        headers: &mut HeaderMap,
        access: &Access,
    ) -> Result<Option<Secret>, Error> {
        let found = self.cookie(headers);
        headers.remove(COOKIE);
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(found);
        }
        let is_ours = self.is_from_us(headers);
        if *access == Access::Public {
            // Who signs in has no CSRF token yet. A browser always says where a POST comes from.
            return match is_ours.unwrap_or(found.is_none()) {
                true => Ok(None),
                false => Err(csrf_failed()),
            };
        }
        // No page of another origin can set this header.
        if headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        match found {
            Some(session) if is_ours != Some(true) || !has_token_of(&session, headers) => Err(csrf_failed()),
            found => Ok(found),
        }
    }

    /// Whether a request says that it comes from a page of ours. `None`: it does not say.
    fn is_from_us(&self, headers: &HeaderMap) -> Option<bool> {
        let mut said = headers.get_all(ORIGIN).into_iter();
        let first = said.next()?;
        let is_ours = self.origins.iter().any(|origin| origin.as_bytes() == first.as_bytes());
        Some(is_ours && said.next().is_none())
    }

    /// The session in the cookies. Two of the name are none.
    fn cookie(&self, headers: &HeaderMap) -> Option<Secret> {
        let found = one_cookie(headers, self.cookie_name())?;
        found.starts_with(session::TOKEN_PREFIX).then(|| Secret::new(found))
    }

    /// What the browser was given by a call with a `redirect`. Two of the name are none.
    pub(crate) fn flow(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(one_cookie(headers, self.flow_name())?).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Writes what it keeps until it comes back, or that it keeps nothing any more.
    pub(crate) fn write_flow(&self, flow: Option<&Secret>, headers: &mut HeaderMap) -> Result<(), Error> {
        let (name, secure) = (self.flow_name(), if self.is_https { "; Secure" } else { "" });
        let (value, seconds) = flow.map_or(("", 0), |flow| (flow.expose(), FLOW_SECONDS));
        let text =
            format!("{name}={value}; Path={FLOW_PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        let mut value = HeaderValue::try_from(text).map_err(|_| Error::internal())?;
        value.set_sensitive(true);
        headers.append(SET_COOKIE, value);
        Ok(())
    }

    fn flow_name(&self) -> &'static str {
        match self.is_https {
            true => SECURE_FLOW_NAME,
            false => FLOW_NAME,
        }
    }

    /// Writes what becomes of the cookie.
    pub(crate) fn write(&self, cookie: &Cookie, headers: &mut HeaderMap) -> Result<(), Error> {
        let (name, secure) = (self.cookie_name(), if self.is_https { "; Secure" } else { "" });
        let (value, end) = match cookie {
            Cookie::Is(token) => (token.expose(), ""),
            Cookie::Ends => ("", "; Max-Age=0"),
        };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{end}");
        let mut value = HeaderValue::try_from(text).map_err(|_| Error::internal())?;
        value.set_sensitive(true);
        headers.insert(SET_COOKIE, value);
        Ok(())
    }
}

/// The value of the cookie of this name, if there is one.
fn one_cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
    let pairs = all.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

fn has_token_of(session: &Secret, headers: &HeaderMap) -> bool {
    let mut sent = headers.get_all(X_CSRF_TOKEN).into_iter();
    let expected = session::csrf_token(&session::hash(session));
    match (sent.next(), sent.next()) {
        (Some(token), None) => expected.matches(token.as_bytes()),
        _ => false,
    }
}

fn csrf_failed() -> Error {
    Error::new(
        Reason::CsrfFailed,
        "This call does not come from a page of this dashboard: it needs its exact Origin, and the X-CSRF-Token of \
         the session. Behind a proxy, the setting `dashboard.url` says what its origin is.",
    )
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Parts;
    use keyward_proto::policy::v1::Role;

    use super::*;

    const MEMBER: Access = Access::Member(Role::User);
    const OURS: &str = "https://keys.example.com";
    const TOKEN: &str = "kwsession_a";

    fn browser(url: Option<&str>) -> Browser {
        let url = url.map(|url| url.parse().unwrap());
        let config = DashboardConfig { url, ..DashboardConfig::default() };
        Browser::new(&config, DashboardConfig::LISTEN)
    }

    fn head(method: &str, fields: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn csrf() -> String {
        session::csrf_token(&session::hash(&Secret::new(TOKEN))).expose().to_owned()
    }

    #[test]
    fn what_changes_something_needs_our_origin_and_the_token() {
        let (cookie, csrf) = (format!("__Host-keyward_session={TOKEN}"), csrf());
        let (cookie, token) = (("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str()));
        let session = Some(Secret::new(TOKEN));
        let origin = |origin| ("origin", origin);
        let bearer = ("authorization", "Bearer kwp_x");
        for (what, method, access, fields, expected) in [
            ("ours", "POST", MEMBER, vec![cookie, token, origin(OURS)], Ok(session.clone())),
            ("a read", "GET", MEMBER, vec![cookie], Ok(session.clone())),
            (
                "a read from elsewhere",
                "GET",
                MEMBER,
                vec![cookie, origin("https://evil.example")],
                Ok(session),
            ),
            ("no origin", "POST", MEMBER, vec![cookie, token], Err(())),
            ("null", "POST", MEMBER, vec![cookie, token, origin("null")], Err(())),
            ("another site", "DELETE", MEMBER, vec![cookie, token, origin("https://evil.example")], Err(())),
            (
                "another port",
                "PATCH",
                MEMBER,
                vec![cookie, token, origin("https://keys.example.com:444")],
                Err(()),
            ),
            (
                "another scheme",
                "POST",
                MEMBER,
                vec![cookie, token, origin("http://keys.example.com")],
                Err(()),
            ),
            (
                "a longer name",
                "POST",
                MEMBER,
                vec![cookie, token, origin("https://keys.example.com.evil")],
                Err(()),
            ),
            ("two origins", "POST", MEMBER, vec![cookie, token, origin(OURS), origin(OURS)], Err(())),
            ("no token", "POST", MEMBER, vec![cookie, origin(OURS)], Err(())),
            ("another token", "POST", MEMBER, vec![cookie, origin(OURS), ("x-csrf-token", "x")], Err(())),
            ("two tokens", "POST", MEMBER, vec![cookie, token, token, origin(OURS)], Err(())),
            ("no cookie", "POST", MEMBER, vec![token, origin(OURS)], Ok(None)),
            ("a personal access token", "POST", MEMBER, vec![cookie, bearer], Ok(None)),
            ("signing in", "POST", Access::Public, vec![origin(OURS)], Ok(None)),
            ("signing in again", "POST", Access::Public, vec![cookie, origin(OURS)], Ok(None)),
            ("signing in by a program", "POST", Access::Public, vec![], Ok(None)),
            ("a cookie without an origin", "POST", Access::Public, vec![cookie], Err(())),
            (
                "signing in from elsewhere",
                "POST",
                Access::Public,
                vec![origin("https://evil.example")],
                Err(()),
            ),
        ] {
            let mut head = head(method, &fields);
            let outcome = browser(Some(OURS)).session(&head.method, &mut head.headers, &access);
            assert_eq!(outcome.clone().map_err(|_| ()), expected, "{what}");
            assert!(outcome.err().is_none_or(|error| error.reason == Reason::CsrfFailed), "{what}");
            assert!(!head.headers.contains_key(COOKIE), "{what}");
        }
    }

    #[test]
    fn a_session_is_one_cookie_of_the_right_name() {
        let plain = format!("keyward_session={TOKEN}");
        let (with_others, twice) = (format!("theme=dark; {plain}; x=y"), format!("{plain}; {plain}"));
        for (cookies, is_there) in [
            (vec![plain.as_str()], true),
            (vec![with_others.as_str()], true),
            (vec!["theme=dark", &plain], true),
            (vec![&twice], false),
            (vec![&plain, &plain], false),
            (vec!["keyward_session=kwp_a"], false),
            (vec!["keyward_session="], false),
            (vec!["__Host-keyward_session=kwsession_a"], false),
        ] {
            let fields: Vec<_> = cookies.iter().map(|cookie| ("cookie", *cookie)).collect();
            let found =
                browser(None).session(&Method::GET, &mut head("GET", &fields).headers, &MEMBER).unwrap();
            assert_eq!(found.is_some(), is_there, "{cookies:?}");
        }
    }

    #[test]
    fn the_cookie_is_bound_to_its_host_over_tls() {
        let written = |url, cookie: &Cookie| {
            let mut headers = HeaderMap::new();
            browser(url).write(cookie, &mut headers).unwrap();
            assert!(headers[SET_COOKIE].is_sensitive());
            headers[SET_COOKIE].to_str().unwrap().to_owned()
        };
        let is = Cookie::Is(Secret::new(TOKEN));
        assert_eq!(
            written(Some(OURS), &is),
            "__Host-keyward_session=kwsession_a; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(written(None, &is), "keyward_session=kwsession_a; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(
            written(Some(OURS), &Cookie::Ends),
            "__Host-keyward_session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
        );
    }

    #[test]
    fn what_is_kept_between_redirects_goes_to_their_addresses_alone() {
        let written = |url, flow: Option<&Secret>| {
            let mut headers = HeaderMap::new();
            browser(url).write_flow(flow, &mut headers).unwrap();
            assert!(headers[SET_COOKIE].is_sensitive());
            headers[SET_COOKIE].to_str().unwrap().to_owned()
        };
        let common = "Path=/v1/console/oidc; Max-Age=600; HttpOnly; SameSite=Lax";
        let flow = Secret::new("abc");
        assert_eq!(written(None, Some(&flow)), format!("keyward_flow=abc; {common}"));
        assert_eq!(written(Some(OURS), Some(&flow)), format!("__Secure-keyward_flow=abc; {common}; Secure"));
        assert!(written(None, None).starts_with("keyward_flow=; Path=/v1/console/oidc; Max-Age=0;"));
        for (cookies, found) in [
            ("keyward_flow=abc; keyward_session=x", Some("abc")),
            ("keyward_flow=abc; keyward_flow=abd", None),
            ("keyward_session=x", None),
        ] {
            let head = head("GET", &[("cookie", cookies)]);
            let flow = browser(None).flow(&head.headers);
            assert_eq!(flow.as_ref().map(|flow| flow.to_str().unwrap()), found, "{cookies}");
        }
    }

    #[test]
    fn on_loopback_the_dashboard_knows_its_names() {
        let at = |address: &str| {
            let browser = Browser::new(&DashboardConfig::default(), address.parse().unwrap());
            (browser.url.to_str().unwrap().to_owned(), browser.origins)
        };
        let (url, origins) = at("127.0.0.1:81");
        assert_eq!(url, "http://127.0.0.1:81");
        assert_eq!(origins, ["http://127.0.0.1:81", "http://localhost:81"]);
        assert_eq!(at("[::1]:81").0, "http://[::1]:81");
        assert_eq!(at("127.0.0.1:80").1, ["http://127.0.0.1", "http://localhost"]);
    }
}
