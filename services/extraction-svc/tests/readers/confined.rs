//! How readers are confined, tried from inside.

use extraction_svc::sandbox::{Choice, Confinement, Method, ReaderConfig, Sandbox};

use super::{CHOICES, config, sandbox};

#[tokio::test]
async fn both_ways_to_confine_work_here_and_the_better_one_is_taken() {
    for (choice, method) in
        [(CHOICES[0], Method::Bubblewrap), (CHOICES[1], Method::Landlock), (Choice::Auto, Method::Bubblewrap)]
    {
        let Confinement { method: found, confined } = sandbox(choice).confinement().await.unwrap();
        assert_eq!(found, method);
        assert!(confined.landlock && confined.seccomp, "{confined:?}");
    }
}

#[tokio::test]
async fn what_is_no_reader_reads_nothing() {
    for program in ["/bin/true", "/bin/cat", "/nonexistent"] {
        let sandbox = Sandbox::new(ReaderConfig { program: Some(program.into()), ..config(Choice::Auto) });
        let error = sandbox.confinement().await.unwrap_err();
        assert_eq!(error.code(), "engine_unavailable", "{program}: {error}");
    }
}

/// What a reader that was taken over would try. The program says of each whether it went.
#[tokio::test]
async fn a_reader_can_do_nothing_but_read() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    for choice in CHOICES {
        let tried = sandbox(choice)
            .try_to_break_out(listener.local_addr().unwrap().port(), secret.path())
            .await
            .unwrap();
        let went: Vec<&str> = tried.iter().filter(|(_, went)| *went).map(|(what, _)| what.as_str()).collect();
        assert!(went.is_empty(), "{choice:?}: {went:?}");
        assert!(tried.len() >= 8, "{tried:?}");
    }
}
