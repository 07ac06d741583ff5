//! What `deploy/` holds, run as it says: a root that cannot be written, an unprivileged user, the environment
//! and the modes of the platform. Needs bubblewrap and kubectl, which `make test` installs.

mod compose;
mod kubernetes;
mod volume;

use serde_json::json;

/// Browsers find the dashboard of this listener at that address: its pages may sign in, and no others.
async fn dashboard_is_at(url: &str, listener: String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (origin, status) in [(url, 401), ("http://localhost:8080", 403), ("https://evil.example", 403)] {
        let request = client.post(format!("http://{listener}/v1/console/sessions")).header("Origin", origin);
        let body = json!({"email": "nobody@example.com", "password": "whatever it may be"});
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{origin}");
    }
}
