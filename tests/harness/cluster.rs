//! Several replicas of auth-svc and several edges, as processes on one PostgreSQL.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::process::path;
use super::{Api, Process, Processes, Proxy, Variables, postgres};

/// The processes, which share their keys through the environment.
pub struct Cluster {
    /// A client of each edge.
    pub apis: Vec<Api>,
    /// By position; `None` while one does not run.
    pub auth: Vec<Option<Process>>,
    /// Between each replica of auth-svc and the database.
    pub ways: Vec<Proxy>,
    variables: Variables,
    database: String,
    others: Vec<Process>,
    set_up: Processes,
}

impl Cluster {
    /// Sets up and starts contacts-svc, the edges, and the first `running` of `replicas` replicas of
    /// auth-svc, which the edges all know.
    pub async fn start(replicas: usize, running: usize, edges: usize) -> Cluster {
        let database = postgres::new_database().await;
        let set_up = Processes::set_up(&[
            ("KEYWARD_DATABASE__URL", &database),
            ("KEYWARD_DATABASE__MAX_CONNECTIONS", "4"),
            ("KEYWARD_AUTH__LIMITS__MAX_PER_MINUTE", "1000000"),
            ("KEYWARD_AUTH__LIMITS__MAX_PER_HOUR", "1000000"),
            ("KEYWARD_AUTH__FAILURES_PER_MINUTE", "1000000"),
            ("KEYWARD_EDGE__ADDRESS_REQUESTS_PER_SECOND", "0"),
        ])
        .await;
        let dir = set_up.dir.path().to_owned();
        let mut variables = set_up.variables.clone();
        for key in ["verifier", "signing"] {
            let file = format!("file:{}", path(&set_up.data_dir().join(format!("{key}.key"))));
            variables.insert(format!("KEYWARD_AUTH__{}_KEY", key.to_ascii_uppercase()), file);
        }
        let sockets: Vec<String> =
            (0..replicas).map(|n| format!("unix:{}", path(&dir.join(format!("auth-{n}"))))).collect();
        variables.insert("KEYWARD_EDGE__UPSTREAMS__AUTH".to_owned(), sockets.join(","));
        variables
            .insert("KEYWARD_CONTACTS__LISTEN".to_owned(), format!("unix:{}", path(&dir.join("contacts"))));

        let mut ways = Vec::new();
        let (server, _) = database.rsplit_once('/').unwrap();
        for _ in 0..replicas {
            ways.push(Proxy::to(server.rsplit_once('@').unwrap().1).await);
        }
        let auth = (0..replicas).map(|_| None).collect();
        let mut cluster =
            Cluster { apis: Vec::new(), auth, ways, variables, database, others: Vec::new(), set_up };
        for replica in 0..running {
            cluster.start_replica(replica).await;
        }
        let admin = cluster.auth[0].as_ref().unwrap().address("admin");
        let jwks_url = format!("http://{admin}/.well-known/jwks.json");
        cluster.variables.insert("KEYWARD_AUTH__JWKS_URL".to_owned(), jwks_url);
        let contacts = Process::serve(Some("contacts"), &cluster.own("contacts")).await;
        cluster.others.push(contacts);
        for n in 0..edges {
            let edge = Process::serve(Some("edge"), &cluster.own(&format!("edge-{n}"))).await;
            cluster.apis.push(cluster.set_up.at(&edge.address("edge")));
            cluster.others.push(edge);
        }
        cluster
    }

    /// Starts a replica of auth-svc.
    pub async fn start_replica(&mut self, replica: usize) {
        let process = self.replica(replica).await;
        self.auth[replica] = Some(process);
    }

    /// A replica of auth-svc that has started, to be put into `auth`.
    pub async fn replica(&self, replica: usize) -> Process {
        let name = format!("auth-{replica}");
        let mut variables = self.own(&name);
        let (_, database) = self.database.rsplit_once('/').unwrap();
        let (user, _) = self.database.rsplit_once('@').unwrap();
        let url = format!("{user}@{}/{database}", self.ways[replica].address);
        variables.insert("KEYWARD_DATABASE__URL".to_owned(), url);
        variables
            .insert("KEYWARD_AUTH__LISTEN".to_owned(), format!("unix:{}", path(&self.dir().join(&name))));
        Process::serve(Some("auth"), &variables).await
    }

    /// Sends a signal to a replica of auth-svc.
    pub fn signal(&self, replica: usize, signal: Signal) {
        self.auth[replica].as_ref().unwrap().signal(signal);
    }

    /// What all that run have logged.
    pub fn logs(&self) -> String {
        self.auth.iter().flatten().chain(&self.others).map(Process::log).collect()
    }

    fn dir(&self) -> &Path {
        self.set_up.dir.path()
    }

    /// The variables of a process with a data directory of its own.
    fn own(&self, name: &str) -> Variables {
        let data: PathBuf = self.dir().join(format!("data-{name}"));
        let mut variables = self.variables.clone();
        variables.insert("KEYWARD_DATA_DIR".to_owned(), path(&data));
        variables
    }
}
