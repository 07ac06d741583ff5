//! How people come in: the first run by a link, invitations, passwords, and what those learn who guess.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Api, Browser, Engine, Key, MadeBySetup, PASSWORD, Process, Processes, Stack, Topology, Variables,
    keyward, postgres, token_of,
};

/// Settings of an installation that nobody has set up.
async fn empty(engine: Engine) -> (tempfile::TempDir, Variables) {
    let dir = tempfile::TempDir::new().unwrap();
    let mut variables = Variables::from([
        ("KEYWARD_DATA_DIR".to_owned(), dir.path().join("data").to_str().unwrap().to_owned()),
        ("KEYWARD_EDGE__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_DASHBOARD__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("KEYWARD_ADMIN__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
    ]);
    if engine == Engine::Postgres {
        variables.insert("KEYWARD_DATABASE__URL".to_owned(), postgres::new_database().await);
    }
    (dir, variables)
}

/// Runs a command that prints a link.
async fn link(arguments: &[&str], variables: &Variables) -> String {
    let output = keyward(arguments, variables).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A client that knows no organization.
fn nobody(process: &Process) -> Api {
    let made = MadeBySetup {
        organization_id: String::new(),
        member_id: String::new(),
        agent_id: String::new(),
        key: Key { id: String::new(), api_key: String::new(), secret: String::new() },
        owner_token: String::new(),
    };
    let api = Api::new(process.address("edge").parse().unwrap(), &made);
    api.at_both(&process.address("edge"), &process.address("dashboard"))
}

fn first_run(token: &str) -> Value {
    json!({
        "token": token,
        "organization": "Acme",
        "name": "Grace Hopper",
        "email": "grace@example.com",
        "password": PASSWORD,
    })
}

#[tokio::test]
async fn a_link_sets_up_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (_dir, variables) = empty(engine).await;
        let withdrawn = link(&["setup-link"], &variables).await;
        let good = link(&["setup-link"], &variables).await;
        assert!(good.starts_with("http://127.0.0.1:0/setup#kwsetup_"), "{good}");
        let mut process = Process::serve(None, &variables).await;
        let api = nobody(&process);
        let browser = Browser::new(&api);
        let set_up = async |body| browser.post("/v1/console/setup", body).await;

        for bad in [&token_of(&withdrawn), "", "kwsetup_x", &format!("kwsetup_{}", "0".repeat(49))] {
            let refused = set_up(first_run(bad)).await;
            assert!(matches!(refused.status, 400 | 401), "{}", refused.body);
        }
        let token = token_of(&good);
        let mut weak = first_run(&token);
        weak["password"] = json!("password1234");
        let details = set_up(weak).await;
        assert_eq!(details.refusal(400, "invalid_argument")[0]["field"], "password");

        // Two browsers at once: one sets up.
        let both = [Browser::new(&api), Browser::new(&api)];
        let (one, two) = tokio::join!(
            both[0].post("/v1/console/setup", first_run(&token)),
            both[1].post("/v1/console/setup", first_run(&token)),
        );
        let (made, refused, owner) =
            if one.status == 201 { (one, two, &both[0]) } else { (two, one, &both[1]) };
        let data = made.success(201, "Keyward is set up.");
        assert_eq!(
            (&data["member"]["role"], &data["organization"]["name"]),
            (&json!("OWNER"), &json!("Acme"))
        );
        refused.refusal(401, "invalid_credentials");
        set_up(first_run(&token)).await.refusal(401, "invalid_credentials");

        owner.post("/v1/console/agents", json!({"name": "Support"})).await.ok();
        Browser::new(&api).sign_in("grace@example.com", PASSWORD).await.ok();
        assert!(process.terminate().await.success());
        assert!(!process.log().contains("kwsetup_"), "logs are kept");
        assert_eq!(process.stdout().await, "", "serve prints no secret into a pipe");
        let again = keyward(&["setup-link"], &variables).await;
        assert_eq!((again.status.code(), again.stdout.len()), (Some(3), 0));
    }
}

#[tokio::test]
async fn a_setup_on_the_command_line_withdraws_the_link_and_gives_a_way_to_a_password() {
    let (_dir, variables) = empty(Engine::Sqlite).await;
    let setup = link(&["setup-link"], &variables).await;
    let arguments = ["setup", "--organization", "Acme", "--email", "owner@example.com", "--agent", "Support"];
    let printed = link(&arguments, &variables).await;
    let first = printed.split_whitespace().find(|word| word.contains("/reset#")).unwrap().to_owned();
    let newer = link(&["password-link", "--email", "Owner@Example.com"], &variables).await;
    let unknown = keyward(&["password-link", "--email", "nobody@example.com"], &variables).await;
    assert_eq!((unknown.status.code(), unknown.stdout.len()), (Some(1), 0));

    let process = Process::serve(None, &variables).await;
    let browser = Browser::new(&nobody(&process));
    let refused = browser.post("/v1/console/setup", first_run(&token_of(&setup))).await;
    refused.refusal(401, "invalid_credentials");
    let reset = async |link: &str| {
        browser
            .post("/v1/console/passwords:reset", json!({"token": token_of(link), "password": PASSWORD}))
            .await
    };
    reset(&first).await.refusal(401, "invalid_credentials");
    reset(&newer).await.success(200, "Password changed. Sign in with it.");
    assert_eq!(browser.sign_in("owner@example.com", PASSWORD).await.ok()["member"]["role"], "OWNER");
}

#[tokio::test]
async fn an_invitation_lets_one_in_once() {
    Stack::each(async |stack| {
        let owner = stack.signed_in().await;
        let invited =
            owner.post("/v1/console/members", json!({"email": "ann@example.com", "role": "ADMIN"})).await;
        let (id, first) = (invited.ok()["id"].as_str().unwrap(), invited.ok()["inviteUrl"].as_str().unwrap());
        assert!(first.starts_with(&format!("{}/invite#kwinvite_", stack.dashboard)), "{first}");
        let path = |verb: &str| format!("/v1/console/members/{id}:{verb}");
        owner.post(&path("resetPassword"), json!({})).await.refusal(409, "conflict");
        let renewed = owner.post(&path("invite"), json!({})).await;
        let second = renewed.success(200, "Invitation renewed successfully.")["inviteUrl"].as_str().unwrap();

        let browser = Browser::new(&stack);
        let accept = async |token: &str, name: &str, password: &str| {
            let body = json!({"token": token, "name": name, "password": password});
            browser.post("/v1/console/invitations:accept", body).await
        };
        accept(&token_of(first), "Ann", PASSWORD).await.refusal(401, "invalid_credentials");
        let forged = format!("kwinvite_{}", "A".repeat(49));
        accept(&forged, "Ann", PASSWORD).await.refusal(401, "invalid_credentials");
        let token = token_of(second);
        for (name, password, field) in [("", PASSWORD, "name"), ("Ann", "too short", "password")] {
            let refused = accept(&token, name, password).await;
            assert_eq!(refused.refusal(400, "invalid_argument")[0]["field"], field);
        }
        browser.sign_in("ann@example.com", PASSWORD).await.refusal(401, "invalid_credentials");
        let accepted = accept(&token, " Ann ", PASSWORD).await;
        let data = accepted.success(201, "Invitation accepted.");
        assert_eq!((&data["member"]["name"], &data["member"]["role"]), (&json!("Ann"), &json!("ADMIN")));
        accept(&token, "Ann", PASSWORD).await.refusal(401, "invalid_credentials");
        browser.session().await.ok();
        let member = owner.get(&format!("/v1/console/members/{id}")).await;
        assert_eq!(
            (&member.ok()["status"], &member.ok()["inviteExpiresAt"], &member.ok()["inviteUrl"]),
            (&json!("ACTIVE"), &json!(null), &json!(null))
        );
        owner.post(&path("invite"), json!({})).await.refusal(409, "conflict");

        // Too old, and of somebody who was removed.
        let invite = async |email: &str| {
            let invited = owner.post("/v1/console/members", json!({"email": email, "role": "USER"})).await;
            let link = invited.ok()["inviteUrl"].as_str().unwrap().to_owned();
            (invited.ok()["id"].as_str().unwrap().to_owned(), token_of(&link))
        };
        let (gone, link) = invite("bob@example.com").await;
        owner.delete(&format!("/v1/console/members/{gone}")).await.ok();
        accept(&link, "Bob", PASSWORD).await.refusal(401, "invalid_credentials");
        let (_, link) = invite("eve@example.com").await;
        stack.advance(Duration::from_secs(7 * 24 * 60 * 60));
        accept(&link, "Eve", PASSWORD).await.refusal(401, "invalid_credentials");
    })
    .await;
}

#[tokio::test]
async fn a_reset_ends_every_session() {
    Stack::each(async |stack| {
        let (ann, id) = stack.new_member("ann@example.com", "USER").await;
        let (admin, admin_id) = stack.new_member("admin@example.com", "ADMIN").await;
        let path = |id: &str| format!("/v1/console/members/{id}:resetPassword");
        // An ADMIN resets USERs, nobody else.
        ann.post(&path(&admin_id), json!({})).await.refusal(403, "role_required");
        admin.post(&path(&admin_id), json!({})).await.refusal(403, "role_required");
        admin.post(&path(&stack.made.member_id), json!({})).await.refusal(403, "role_required");
        let made = admin.post(&path(&id), json!({})).await;
        let link =
            made.success(200, "Password reset link created successfully.")["resetUrl"].as_str().unwrap();
        assert!(link.starts_with(&format!("{}/reset#kwreset_", stack.dashboard)), "{link}");

        ann.session().await.ok();
        let other = "another password of hers";
        let reset = async |password: &str| {
            let body = json!({"token": token_of(link), "password": password});
            Browser::new(&stack).post("/v1/console/passwords:reset", body).await
        };
        reset("short").await.refusal(400, "invalid_argument");
        reset(other).await.success(200, "Password changed. Sign in with it.");
        reset(other).await.refusal(401, "invalid_credentials");
        ann.session().await.refusal(401, "not_signed_in");
        ann.sign_in("ann@example.com", PASSWORD).await.refusal(401, "invalid_credentials");
        ann.sign_in("ann@example.com", other).await.ok();

        let made = admin.post(&path(&id), json!({})).await;
        let link = token_of(made.ok()["resetUrl"].as_str().unwrap());
        stack.advance(Duration::from_secs(60 * 60));
        let body = json!({"token": link, "password": PASSWORD});
        ann.post("/v1/console/passwords:reset", body).await.refusal(401, "invalid_credentials");
    })
    .await;
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    Stack::each(async |stack| {
        let (here, there) = (stack.signed_in().await, Browser::new(&stack));
        there.sign_in("owner@example.com", PASSWORD).await.ok();
        let before = here.cookie();
        let change = async |current: &str, new: &str| {
            here.post("/v1/console/passwords:change", json!({"current": current, "new": new})).await
        };
        let wrong = change("not the password at all", "a password that is new").await;
        assert_eq!(wrong.refusal(400, "invalid_argument")[0]["field"], "current");
        change(PASSWORD, "short").await.refusal(400, "invalid_argument");
        there.session().await.ok();
        let changed = change(PASSWORD, "a password that is new").await;
        assert_eq!(changed.success(200, "Password changed.")["member"]["role"], "OWNER");
        assert_ne!(here.cookie(), before);
        there.session().await.refusal(401, "not_signed_in");
        // The new cookie and its CSRF token go together.
        here.post("/v1/console/agents", json!({"name": "x"})).await.ok();
        let stale = here.bare("GET", "/v1/console/session").header("Cookie", before);
        here.send(stale).await.refusal(401, "not_signed_in");
        there.sign_in("owner@example.com", PASSWORD).await.refusal(401, "invalid_credentials");
        there.sign_in("owner@example.com", "a password that is new").await.ok();
    })
    .await;
}

#[tokio::test]
async fn who_guesses_learns_nothing() {
    const ROUNDS: usize = 15;
    /// How many a busy machine may need until each guess was answered once without a pause.
    const MOST_ROUNDS: usize = 90;
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let stack = Stack::start(engine, Topology::OneProcess).await;
        stack.choose_password().await;
        let (_, removed) = stack.new_member("removed@example.com", "USER").await;
        stack.delete_member(&removed).await.ok();
        stack.create_member(json!({"email": "invited@example.com", "role": "USER"})).await.ok();
        let guesses = ["owner", "removed", "invited", "nobody"].map(|name| format!("{name}@example.com"));
        let browser = Browser::new(&stack);
        let runs = async || {
            let metrics = reqwest::get(format!("http://{}/metrics", stack.admins()[0])).await.unwrap();
            let text = metrics.text().await.unwrap();
            let runs = text.lines().find_map(|line| line.strip_prefix("auth_password_argon2_runs_total "));
            runs.unwrap().parse::<u64>().unwrap()
        };
        let (before, mut made) = (runs().await, 0);
        let mut answers = Vec::new();
        let mut fastest = vec![Duration::MAX; guesses.len()];
        // In turn, and the fastest of each: what else the machine does makes it longer, never shorter.
        for round in 0..MOST_ROUNDS {
            let (least, most) = (fastest.iter().min().unwrap(), fastest.iter().max().unwrap());
            if round >= ROUNDS && *most < *least * 2 {
                break;
            }
            for at in (0..guesses.len()).map(|at| (at + round) % guesses.len()) {
                let began = Instant::now();
                let answer = browser.sign_in(&guesses[at], "a password that is wrong").await;
                fastest[at] = fastest[at].min(began.elapsed());
                made += 1;
                answer.refusal(401, "invalid_credentials");
                assert_eq!(answer.header("set-cookie"), "");
                let mut body = answer.body.clone();
                body["error"]["requestId"] = json!(null);
                answers.push((body, answer.headers.len()));
            }
        }
        let (least, most) = (fastest.iter().min().unwrap(), fastest.iter().max().unwrap());
        assert!(*most < *least * 2, "{engine:?}: without argon2id nobody needs half of it: {fastest:?}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "the same words for all");
        assert_eq!(runs().await - before, made, "and the same work");
    }
}

#[tokio::test]
async fn who_fails_too_often_waits_and_nobody_is_locked_out() {
    let keyward = Processes::together(&[
        ("KEYWARD_AUTH__SESSIONS__FAILURES_PER_MINUTE", "5"),
        ("KEYWARD_EDGE__TRUSTED_PROXIES", "127.0.0.1"),
    ])
    .await;
    keyward.choose_password().await;
    let browser = Browser::new(&keyward);
    let sign_in = async |from: &str, email: &str, password: &str| {
        let request = browser.bare("POST", "/v1/console/sessions").header("X-Forwarded-For", from);
        browser.send(request.json(&json!({"email": email, "password": password}))).await
    };
    let owner = "owner@example.com";
    sign_in("198.51.100.7", owner, PASSWORD).await.ok();
    // From one address.
    for number in 0..5 {
        let nobody = format!("nobody-{number}@example.com");
        sign_in("192.0.2.1", &nobody, PASSWORD).await.refusal(401, "invalid_credentials");
    }
    let refused = sign_in("192.0.2.1", owner, PASSWORD).await;
    refused.refusal(429, "address_throttled");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=12).contains(&wait), "{wait}");
    let link = browser.bare("POST", "/v1/console/passwords:reset").header("X-Forwarded-For", "192.0.2.1");
    let link = link.json(&json!({"token": "kwreset_x", "password": PASSWORD}));
    browser.send(link).await.refusal(429, "address_throttled");
    // From many, at one account; whether or not somebody has it.
    for email in [owner, "nobody@example.com"] {
        for number in 0..5 {
            let from = format!("203.0.113.{number}");
            sign_in(&from, email, "a password that is wrong").await.refusal(401, "invalid_credentials");
        }
        sign_in("203.0.113.99", email, PASSWORD).await.refusal(429, "address_throttled");
    }
    // Where its member has been before, they come in.
    sign_in("198.51.100.7", owner, PASSWORD).await.ok();
    // Sessions and tokens that are there are not asked.
    keyward.list_keys("").await.ok();
    browser.session().await.ok();
}

#[tokio::test]
async fn the_ways_to_sign_in_are_public() {
    let stack = Stack::start(Engine::Sqlite, Topology::OneProcess).await;
    for request in [
        stack.request("GET", "/v1/console/sign-in-methods"),
        Browser::new(&stack).bare("GET", "/v1/console/sign-in-methods"),
    ] {
        let methods = stack.send(request).await;
        let data = methods.success(200, "Sign-in methods retrieved successfully.");
        assert_eq!(data, &json!({"password": true, "oidc": [], "passwordReset": false}));
    }
    let browser = Browser::new(&stack);
    for (body, field) in [
        (json!({"password": PASSWORD}), "email"),
        (json!({"email": "owner@example.com"}), "password"),
        (json!({"email": "owner@example.com", "password": "x".repeat(1_025)}), "password"),
        (json!({"email": "owner@example.com", "password": PASSWORD, "remember": true}), "remember"),
    ] {
        let refused = browser.post("/v1/console/sessions", body).await;
        assert_eq!(refused.refusal(400, "invalid_argument")[0]["field"], field);
    }
}
