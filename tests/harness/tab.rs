//! A tab of a browser that shows nothing: it follows redirects and keeps cookies, also of other sites.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};

/// The most redirects in a row.
const REDIRECTS: usize = 20;

/// A tab. As in browsers, cookies belong to a host, whatever the port.
pub struct Tab {
    client: reqwest::Client,
    pub cookies: BTreeMap<String, String>,
    /// Every address that it was led to.
    pub history: Vec<Url>,
}

/// What came back.
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Tab {
    /// With no cookies.
    pub fn new() -> Tab {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Tab { client: client.build().unwrap(), cookies: BTreeMap::new(), history: Vec::new() }
    }

    /// Asks for one page, and follows nothing.
    pub async fn get(&mut self, url: &Url) -> Page {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.client.get(url.clone());
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let answer = request.send().await.unwrap();
        for set in answer.headers().get_all(SET_COOKIE) {
            let (pair, attributes) =
                set.to_str().unwrap().split_once(';').unwrap_or((set.to_str().unwrap(), ""));
            let (name, value) = pair.split_once('=').unwrap();
            let is_over = value.is_empty() || attributes.contains("Max-Age=0") || attributes.contains("1970");
            match is_over {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Page { status, headers, body: answer.text().await.unwrap() }
    }

    /// Goes to an address and follows redirects, until one that `stop` says is the last.
    pub async fn go(&mut self, address: &str, stop: impl Fn(&Url) -> bool) -> Url {
        let mut url: Url = address.parse().unwrap();
        for _ in 0..REDIRECTS {
            self.history.push(url.clone());
            if stop(&url) {
                return url;
            }
            let page = self.get(&url).await;
            let Some(to) = page.headers.get(LOCATION) else {
                panic!("{url} leads nowhere: {} {}", page.status, page.body)
            };
            url = url.join(to.to_str().unwrap()).unwrap();
        }
        panic!("{address} leads from one to the next: {:?}", self.history)
    }
}
