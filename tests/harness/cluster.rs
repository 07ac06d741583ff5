//! Several replicas of auth-svc and of contacts-svc and several edges, as processes on one PostgreSQL.

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
    /// By position; `None` while one does not run.
    pub contacts: Vec<Option<Process>>,
    /// Between each replica of contacts-svc and the database.
    pub contacts_ways: Vec<Proxy>,
    variables: Variables,
    database: String,
    /// The edges.
    others: Vec<Process>,
    set_up: Processes,
}

impl Cluster {
    /// Sets up and starts contacts-svc, the edges, and the first `running` of `replicas` replicas of
    /// auth-svc, which the edges all know.
    pub async fn start(replicas: usize, running: usize, edges: usize) -> Cluster {
        Cluster::start_with(replicas, running, 1, edges).await
    }

    /// The same with several replicas of contacts-svc, which take the public keys from the first of auth-svc.
    pub async fn start_with(replicas: usize, running: usize, contacts: usize, edges: usize) -> Cluster {
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
        for key in ["verifier", "signing", "audit"] {
            let file = format!("file:{}", path(&set_up.data_dir().join(format!("{key}.key"))));
            variables.insert(format!("KEYWARD_AUTH__{}_KEY", key.to_ascii_uppercase()), file);
        }
        for (service, replicas) in [("auth", replicas), ("contacts", contacts)] {
            let sockets: Vec<String> = (0..replicas)
                .map(|n| format!("unix:{}", path(&dir.join(format!("{service}-{n}")))))
                .collect();
            let name = format!("KEYWARD_EDGE__UPSTREAMS__{}", service.to_ascii_uppercase());
            variables.insert(name, sockets.join(","));
        }

        let (server, _) = database.rsplit_once('/').unwrap();
        let server = server.rsplit_once('@').unwrap().1;
        let (mut ways, mut contacts_ways) = (Vec::new(), Vec::new());
        for _ in 0..replicas {
            ways.push(Proxy::to(server).await);
        }
        for _ in 0..contacts {
            contacts_ways.push(Proxy::to(server).await);
        }
        let mut cluster = Cluster {
            apis: Vec::new(),
            auth: (0..replicas).map(|_| None).collect(),
            ways,
            contacts: (0..contacts).map(|_| None).collect(),
            contacts_ways,
            variables,
            database,
            others: Vec::new(),
            set_up,
        };
        for replica in 0..running {
            cluster.start_replica(replica).await;
        }
        let admin = cluster.auth[0].as_ref().unwrap().address("admin");
        let jwks_url = format!("http://{admin}/.well-known/jwks.json");
        cluster.variables.insert("KEYWARD_AUTH__JWKS_URL".to_owned(), jwks_url);
        for replica in 0..contacts {
            cluster.start_contacts(replica).await;
        }
        for n in 0..edges {
            let edge = Process::serve(Some("edge"), &cluster.own(&format!("edge-{n}"))).await;
            let api = cluster.set_up.at_both(&edge.address("edge"), &edge.address("dashboard"));
            cluster.apis.push(api);
            cluster.others.push(edge);
        }
        cluster
    }

    /// Starts a replica of auth-svc.
    pub async fn start_replica(&mut self, replica: usize) {
        let process = self.replica(replica).await;
        self.auth[replica] = Some(process);
    }

    /// Starts a replica of contacts-svc.
    pub async fn start_contacts(&mut self, replica: usize) {
        let process = self.serve("contacts", replica, &self.contacts_ways[replica]).await;
        self.contacts[replica] = Some(process);
    }

    /// A replica of auth-svc that has started, to be put into `auth`.
    pub async fn replica(&self, replica: usize) -> Process {
        self.serve("auth", replica, &self.ways[replica]).await
    }

    async fn serve(&self, service: &str, replica: usize, way: &Proxy) -> Process {
        let name = format!("{service}-{replica}");
        let mut variables = self.own(&name);
        let (_, database) = self.database.rsplit_once('/').unwrap();
        let (user, _) = self.database.rsplit_once('@').unwrap();
        variables.insert("KEYWARD_DATABASE__URL".to_owned(), format!("{user}@{}/{database}", way.address));
        let listen = format!("KEYWARD_{}__LISTEN", service.to_ascii_uppercase());
        variables.insert(listen, format!("unix:{}", path(&self.dir().join(&name))));
        Process::serve(Some(service), &variables).await
    }

    /// Where the services keep what they keep, past their ways.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Sends a signal to a replica of auth-svc.
    pub fn signal(&self, replica: usize, signal: Signal) {
        self.auth[replica].as_ref().unwrap().signal(signal);
    }

    /// The metrics of an edge.
    pub async fn edge_metrics(&self, edge: usize) -> String {
        self.others[edge].metrics().await
    }

    /// What all that run have logged.
    pub fn logs(&self) -> String {
        let services = self.auth.iter().chain(&self.contacts).flatten();
        services.chain(&self.others).map(Process::log).collect()
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
