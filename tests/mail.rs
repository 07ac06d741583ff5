//! Mail, as a mail server gets it.

use std::time::Duration;

use serde_json::{Value, json};
use svc_core::clock::Clock;

use crate::harness::{
    Browser, Companion, Engine, Key, PASSWORD, Processes, Stack, Topology, free_port, keyward, token_of,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const FROM: &str = "Keyward <keyward@example.com>";

/// A mail server of this machine, without TLS.
async fn sink() -> Companion {
    Companion::start("smtp_sink.mjs", json!({"tls": "none"})).await
}

fn port(sink: &Companion) -> u16 {
    u16::try_from(sink.ready["port"].as_u64().unwrap()).unwrap()
}

/// A stack whose mail goes to this port.
async fn stack(engine: Engine, topology: Topology, port: u16) -> Stack {
    Stack::start_with(engine, topology, move |config| {
        config.smtp.host = Some("127.0.0.1".to_owned());
        config.smtp.port = Some(port);
        config.smtp.tls = auth_svc::SmtpTls::None;
        config.smtp.from = Some(FROM.to_owned());
        config.notices.every_seconds = 1;
        config.dashboard_url = Some("https://keys.example.com".to_owned());
    })
    .await
}

/// A key that expires in two days.
async fn expiring_key(stack: &Stack, name: &str) -> Key {
    let expires_at = stack.clock.now().plus(2 * DAY).to_string();
    stack.new_key_with(json!({"name": name, "permissions": ["contacts:read"], "expiresAt": expires_at})).await
}

/// The head and the body of a mail.
fn parts(mail: &Value) -> (&str, &str) {
    mail["text"].as_str().unwrap().split_once("\r\n\r\n").unwrap()
}

fn header<'m>(mail: &'m Value, name: &str) -> &'m str {
    let prefix = format!("{name}: ");
    parts(mail)
        .0
        .lines()
        .find_map(|line| line.strip_prefix(&prefix))
        .unwrap_or_else(|| panic!("no {name} in {mail}"))
}

#[tokio::test]
async fn a_notice_is_mailed_once_to_the_owner_and_the_admins() {
    for (engine, topology) in
        [(Engine::Sqlite, Topology::OneProcess), (Engine::Postgres, Topology::SeparateServices)]
    {
        let mut sink = sink().await;
        let mut stack = stack(engine, topology, port(&sink)).await;
        for (email, role) in [("admin@example.com", "ADMIN"), ("user@example.com", "USER")] {
            stack.create_member(json!({"email": email, "role": role})).await.ok();
        }
        let notices_to = async |sink: &mut Companion, to: &[&str]| {
            let mut told = Vec::new();
            while told.len() < to.len() {
                let mail = sink.says().await;
                // Invitations are mailed, too.
                if header(&mail, "Subject").starts_with("API key expires") {
                    told.push(mail);
                }
            }
            told.sort_by_key(|mail| mail["to"].to_string());
            let whom: Vec<&Value> = told.iter().map(|mail| &mail["to"][0]).collect();
            assert_eq!(whom, to, "{told:?}");
            told
        };
        let key = expiring_key(&stack, "Production sync").await;
        let told = notices_to(&mut sink, &["admin@example.com", "owner@example.com"]).await;
        let mail = &told[1];
        assert_eq!(mail["from"], "keyward@example.com");
        assert_eq!(header(mail, "From"), FROM);
        assert_eq!(header(mail, "To"), "owner@example.com");
        assert_eq!(header(mail, "Subject"), "API key expires soon: Production sync");
        assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
        assert!(header(mail, "Content-Type").starts_with("text/plain"));
        let text = text_of(mail);
        assert!(text.contains("API key \"Production sync\" of Support expires at "), "{text}");
        let page = format!("https://keys.example.com/agents/{}/api-permissions/{}\r\n", stack.agent, key.id);
        assert!(text.contains(&page), "{text}");

        // Not again, also not by a process that starts anew; but for another day, which comes.
        stack.restart().await;
        expiring_key(&stack, "Another").await;
        let told = notices_to(&mut sink, &["admin@example.com", "owner@example.com"]).await;
        assert_eq!(header(&told[0], "Subject"), "API key expires soon: Another");
        stack.advance(DAY + Duration::from_secs(60));
        let mut told = Vec::new();
        while told.len() < 2 {
            told.push(sink.says().await);
        }
        assert!(
            told.iter().all(|mail| header(mail, "Subject") == "2 API keys or secrets of Acme end soon"),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_mail_waits_while_the_server_is_away_and_is_given_up_when_it_is_refused() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        // One that nobody else is given while no server listens there.
        let at = free_port();
        let given = json!({"tls": "none", "refuse": "gone@example.com", "port": at});
        let mut first = Companion::start("smtp_sink.mjs", given.clone()).await;
        let stack = stack(engine, Topology::OneProcess, at).await;
        expiring_key(&stack, "First").await;
        assert_eq!(header(&first.says().await, "Subject"), "API key expires soon: First");
        // Until it has said that it has the mail, it would get it again.
        counted(&stack, "sent").await;
        drop(first);
        expiring_key(&stack, "Second").await;
        counted(&stack, "retried").await;
        let mut again = Companion::start("smtp_sink.mjs", given).await;
        // The next attempt is put off: a minute or two pass.
        stack.advance(Duration::from_secs(150));
        assert_eq!(header(&again.says().await, "Subject"), "API key expires soon: Second");

        stack.create_member(json!({"email": "gone@example.com", "role": "ADMIN"})).await.ok();
        expiring_key(&stack, "Third").await;
        counted(&stack, "given_up").await;
        let log_of_metrics = metrics(&stack).await;
        assert!(!log_of_metrics.contains("gone@example.com"));
    }
}

async fn metrics(stack: &Stack) -> String {
    reqwest::get(format!("http://{}/metrics", stack.admins()[0])).await.unwrap().text().await.unwrap()
}

/// Waits until this has become of a mail.
async fn counted(stack: &Stack, outcome: &str) {
    let line = format!("auth_mails_total{{outcome=\"{outcome}\"}}");
    let begun = std::time::Instant::now();
    while !metrics(stack).await.contains(&line) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no mail was {outcome}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn mail_goes_over_tls_to_a_server_that_is_known_and_with_a_password() {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (issued.cert.pem(), issued.signing_key.serialize_pem());
    let dir = tempfile::tempdir().unwrap();
    let trusted = dir.path().join("cert.pem");
    std::fs::write(&trusted, &cert).unwrap();
    for tls in ["starttls", "tls"] {
        let given =
            json!({"tls": tls, "key": key, "cert": cert, "user": "keyward", "password": "a secret word"});
        let mut sink = Companion::start("smtp_sink.mjs", given).await;
        let port = port(&sink).to_string();
        let mut settings = vec![
            ("KEYWARD_AUTH__SMTP__HOST", "localhost"),
            ("KEYWARD_AUTH__SMTP__PORT", &port),
            ("KEYWARD_AUTH__SMTP__TLS", tls),
            ("KEYWARD_AUTH__SMTP__USERNAME", "keyward"),
            ("KEYWARD_AUTH__SMTP__PASSWORD", "a secret word"),
            ("KEYWARD_AUTH__SMTP__FROM", FROM),
            ("KEYWARD_AUTH__NOTICES__EVERY_SECONDS", "1"),
        ];
        // A certificate of nobody that is known: nothing is said to such a server.
        let mut unknown = Processes::together(&settings).await;
        expire_one(&unknown).await;
        unknown.all[0].logged("a mail waits: there is no").await;
        unknown.terminate().await;

        settings.push(("SSL_CERT_FILE", trusted.to_str().unwrap()));
        let mut processes = Processes::together(&settings).await;
        expire_one(&processes).await;
        let mail = sink.says().await;
        assert_eq!((&mail["tls"], &mail["user"]), (&json!(true), &json!("keyward")), "{tls}");
        assert_eq!(mail["to"], json!(["owner@example.com"]));
        processes.terminate().await;
        let logs = unknown.logs() + &processes.logs();
        for secret in ["a secret word", "owner@example.com"] {
            assert!(!logs.contains(secret), "{secret} is in the log");
        }
    }
}

async fn expire_one(processes: &Processes) {
    let tomorrow = svc_core::clock::SystemClock.now().plus(DAY / 2).to_string();
    let settings = json!({"name": "Sync", "permissions": ["contacts:read"], "expiresAt": tomorrow});
    processes.new_key_with(settings).await;
}

#[tokio::test]
async fn settings_of_mail_that_cannot_be_are_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [
        ("KEYWARD_DATA_DIR", dir.path().to_str().unwrap()),
        ("KEYWARD_EDGE__LISTEN", "127.0.0.1:0"),
        ("KEYWARD_ADMIN__LISTEN", "127.0.0.1:0"),
        ("KEYWARD_DASHBOARD__LISTEN", "127.0.0.1:0"),
        ("KEYWARD_AUTH__SMTP__HOST", "mail.example.com"),
        ("KEYWARD_AUTH__SMTP__FROM", FROM),
        ("KEYWARD_AUTH__SMTP__TLS", "none"),
    ];
    let variables = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let output = keyward(&["serve"], &variables).await;
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && said.contains("auth.smtp: `tls"), "{said}");
}

/// The text of a mail, whose lines may be folded (RFC 2045, 6.7).
fn text_of(mail: &Value) -> String {
    parts(mail).1.replace("=\r\n", "").replace("=3D", "=")
}

/// The link in a mail to a page of the dashboard.
fn link_in(mail: &Value, page: &str) -> String {
    let text = text_of(mail);
    let link = text.lines().find(|line| line.starts_with("http://") && line.contains(page));
    link.unwrap_or_else(|| panic!("no link in {text}")).to_owned()
}

#[tokio::test]
async fn an_invitation_and_the_link_for_a_new_password_come_by_mail() {
    for (engine, topology) in
        [(Engine::Sqlite, Topology::OneProcess), (Engine::Postgres, Topology::SeparateServices)]
    {
        let mut sink = sink().await;
        let stack = stack(engine, topology, port(&sink)).await;
        let methods = stack.send(stack.request("GET", "/v1/console/sign-in-methods")).await;
        assert_eq!(methods.ok()["passwordReset"], true);
        let made = stack.create_member(json!({"email": "ann@example.com", "role": "USER"})).await;
        let mail = sink.says().await;
        assert_eq!(
            (&mail["to"], header(&mail, "Subject")),
            (&json!(["ann@example.com"]), "You are invited to Acme")
        );
        let link = link_in(&mail, "/invite#");
        assert_eq!(made.ok()["inviteUrl"], link.as_str());
        let ann = Browser::new(&stack);
        let accept = json!({"token": token_of(&link), "name": "Ann", "password": PASSWORD});
        ann.post("/v1/console/invitations:accept", accept).await.ok();

        let forgotten = async |email: &str| {
            let asked = ann.post("/v1/console/passwords:requestReset", json!({"email": email})).await;
            assert!(asked.success(202, "If there is such a member, a mail is on its way.").is_null());
        };
        forgotten("nobody@example.com").await;
        forgotten("ANN@example.com").await;
        let mail = sink.says().await;
        assert_eq!(mail["to"], json!(["ann@example.com"]));
        assert_eq!(header(&mail, "Subject"), "Choose a new password for Acme");
        let newer = "staple battery horse correct";
        let reset = json!({"token": token_of(&link_in(&mail, "/reset#")), "password": newer});
        // Asking again makes no other link, which would make this one useless.
        forgotten("ann@example.com").await;
        ann.post("/v1/console/passwords:reset", reset).await.ok();
        ann.sign_in("ann@example.com", newer).await.ok();
        stack.advance(Duration::from_secs(301));
        forgotten("ann@example.com").await;
        assert_eq!(header(&sink.says().await, "Subject"), "Choose a new password for Acme");
        for wrong in [json!({}), json!({"email": " "})] {
            ann.post("/v1/console/passwords:requestReset", wrong).await.refusal(400, "invalid_argument");
        }
    }
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_mailed() {
    let stack = Stack::start(Engine::Sqlite, Topology::OneProcess).await;
    let methods = stack.send(stack.request("GET", "/v1/console/sign-in-methods")).await;
    assert_eq!(methods.ok()["passwordReset"], false);
    let forgotten = json!({"email": "owner@example.com"});
    Browser::new(&stack)
        .post("/v1/console/passwords:requestReset", forgotten)
        .await
        .refusal(501, "unimplemented");
}
