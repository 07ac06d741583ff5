//! Servers of a test's own: PostgreSQL, that may follow another one, and PgBouncer in front of it.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use svc_core::random::{Random, SystemRandom};
use tempfile::TempDir;

/// How long a server may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);

/// PostgreSQL.
pub struct Server {
    pub port: u16,
    dir: TempDir,
    child: Option<Child>,
}

impl Server {
    /// A new one.
    pub async fn start() -> Server {
        let mut server = Server::prepare();
        let init = ["--username=keyward", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
        run(program("initdb").arg("-D").arg(server.data()).args(init));
        server.run().await;
        server
    }

    /// One that follows this one, from a copy of it.
    pub async fn start_standby(&self) -> Server {
        let mut server = Server::prepare();
        let copy = ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"];
        let from = ["-h", "127.0.0.1", "-U", "keyward", "-p", &self.port.to_string()].map(str::to_owned);
        run(program("pg_basebackup").args(from).arg("-D").arg(server.data()).args(copy));
        server.run().await;
        server
    }

    fn prepare() -> Server {
        let dir = tempfile::tempdir().unwrap();
        if let Some((user, group)) = postgres_user() {
            chown(dir.path(), Some(user), Some(group)).unwrap();
        }
        Server { port: free_port(), dir, child: None }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The URL of a database there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://keyward@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs, again if need be.
    pub async fn run(&mut self) {
        let mut postgres = program("postgres");
        postgres.arg("-D").arg(self.data());
        for setting in [
            &format!("port={}", self.port),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
        ] {
            postgres.args(["-c", setting]);
        }
        self.child = Some(postgres.spawn().unwrap());
        let began = Instant::now();
        while PgConnection::connect(&self.url("postgres")).await.is_err() {
            assert!(began.elapsed() < PATIENCE, "PostgreSQL does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Runs a statement there.
    pub async fn execute(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    }

    /// Stops in order: all that it has written has reached its standby.
    pub fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        signal(&child, Signal::INT);
        child.wait().unwrap();
    }

    /// Becomes the standby of another one when it runs next.
    pub fn follow(&self, primary: &Server) {
        std::fs::write(self.data().join("standby.signal"), "").unwrap();
        let conninfo = format!("primary_conninfo = 'host=127.0.0.1 port={} user=keyward'\n", primary.port);
        std::fs::write(self.data().join("postgresql.auto.conf"), conninfo).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            signal(child, Signal::QUIT);
            let _ = child.wait();
        }
    }
}

/// PgBouncer.
pub struct Bouncer {
    pub port: u16,
    _dir: TempDir,
    child: Child,
}

impl Bouncer {
    /// In front of the server of this URL, in `session` or `transaction` mode.
    pub async fn start(url: &str, mode: &str) -> Bouncer {
        let (server, _) = url.rsplit_once('@').unwrap().1.split_once('/').unwrap();
        let (host, server_port) = server.rsplit_once(':').unwrap();
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let users = dir.path().join("users");
        let settings = dir.path().join("pgbouncer.ini");
        std::fs::write(&users, "\"keyward\" \"\"\n").unwrap();
        let text = format!(
            "[databases]\n* = host={host} port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\n\
             default_pool_size = 40\n",
            users.display()
        );
        std::fs::write(&settings, text).unwrap();
        let mut bouncer = Command::new("pgbouncer");
        bouncer.arg("-q").arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        let path = std::env::var("PATH").unwrap_or_default();
        bouncer.env("PATH", format!("{path}:/usr/sbin"));
        if let Some((user, group)) = postgres_user() {
            for path in [dir.path(), &users, &settings] {
                chown(path, Some(user), Some(group)).unwrap();
            }
            bouncer.uid(user).gid(group);
        }
        let child = bouncer.spawn().expect("this test needs PgBouncer, run `make test`");
        let began = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(began.elapsed() < PATIENCE, "PgBouncer does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Bouncer { port, _dir: dir, child }
    }

    /// A URL, through it.
    pub fn url(&self, url: &str) -> String {
        let (_, database) = url.rsplit_once('/').unwrap();
        format!("postgres://keyward@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of the newest PostgreSQL of Debian, as a user that it does not refuse.
fn program(name: &str) -> Command {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("this test needs PostgreSQL");
    let version = |path: &Path| path.file_name().and_then(|v| v.to_str()?.parse::<u32>().ok());
    let newest = versions.map(|entry| entry.unwrap().path()).max_by_key(|path| version(path)).unwrap();
    let mut command = Command::new(newest.join("bin").join(name));
    command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((user, group)) = postgres_user() {
        command.uid(user).gid(group);
    }
    command
}

fn run(command: &mut Command) {
    let output = command.stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// PostgreSQL refuses root: the user and group that it may run as then.
fn postgres_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let user = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let fields: Vec<&str> = user.split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

/// Free now, and below those that the system gives to whoever asks for any: so it stays free until it is bound.
pub fn free_port() -> u16 {
    loop {
        let mut random = [0; 2];
        SystemRandom.fill(&mut random);
        let port = 10_000 + u16::from_le_bytes(random) % 20_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}
