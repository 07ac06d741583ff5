//! The PostgreSQL servers of `database.url`, and how a connection to the one that can be written to is made.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error, PgConnection, Postgres, Row};
use tokio::time::timeout;

use super::connections::Connector;
use super::open::OpenError;

/// How long connecting may take, all servers together.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// The longest that PostgreSQL works on one statement.
const STATEMENT_TIMEOUT: &str = "10s";
/// The longest that it lets a transaction idle. Nothing of ours waits for anything else within one for longer than a
/// second, so whoever idles is paused or cut off, and others wait for the locks: they must get them well before their deadline.
const IDLE_TIMEOUT: &str = "2s";
/// The most servers of one URL.
const MAX_SERVERS: usize = 8;
/// How many times two connections are compared to find a pooler that mixes them.
const COMPARISONS: usize = 3;

/// The servers, in the order of the URL. Connections go to one that can be written to.
pub(super) struct Servers {
    servers: Vec<Server>,
    /// The one that was connected to last: asked first, so that those that are away are not waited for
    /// each time.
    last: AtomicUsize,
    schema: String,
}

struct Server {
    /// `host:port`.
    name: String,
    options: PgConnectOptions,
}

// The options hold a password.
impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.servers.iter().map(|server| &server.name)).finish()
    }
}

impl Connector<Postgres> for Servers {
    fn connect(&self) -> BoxFuture<'_, Result<PgConnection, Error>> {
        async {
            let mut connection = self.any().await?;
            self.set_up(&mut connection).await?;
            Ok(connection)
        }
        .boxed()
    }
}

impl Servers {
    /// Reads `postgres://user:password@host:port,host:port/database?target_session_attrs=read-write`.
    pub(super) fn parse(url: &str, application: &str, schema: &str) -> Result<Servers, OpenError> {
        let scheme = ["postgres://", "postgresql://"].into_iter().find(|scheme| url.starts_with(scheme));
        let scheme = scheme.ok_or(OpenError::Url)?;
        let rest = &url[scheme.len()..];
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let tail = without_target(tail)?;
        let hosts: Vec<&str> = hosts.split(',').collect();
        if hosts.len() > MAX_SERVERS || (hosts.len() > 1 && hosts.contains(&"")) {
            return Err(OpenError::Hosts);
        }
        let server = |host: &&str| {
            // What the driver says of a URL may hold a part of it, and so of the password.
            let options = PgConnectOptions::from_str(&format!("{scheme}{user}{host}{tail}"));
            let options = options.map_err(|_| OpenError::Url)?;
            let options = options
                .application_name(application)
                // PgBouncer refuses it; nothing here is a floating-point number.
                .extra_float_digits(None)
                .disable_statement_logging();
            let name = match options.get_socket() {
                Some(socket) => socket.display().to_string(),
                None => format!("{}:{}", options.get_host(), options.get_port()),
            };
            Ok(Server { name, options })
        };
        let servers = hosts.iter().map(server).collect::<Result<_, OpenError>>()?;
        Ok(Servers { servers, last: AtomicUsize::new(0), schema: schema.to_owned() })
    }

    /// How the server that was connected to last is reached.
    pub(super) fn last(&self) -> Option<PgConnectOptions> {
        let last = self.last.load(Ordering::Relaxed);
        self.servers.get(last).map(|server| server.options.clone())
    }

    /// Connects to the first that can be written to, with the server's own settings.
    async fn any(&self) -> Result<PgConnection, Error> {
        let count = self.servers.len();
        let patience = CONNECT_TIMEOUT / u32::try_from(count).unwrap_or(1).max(1);
        let last = self.last.load(Ordering::Relaxed);
        let mut why = Vec::new();
        for (index, server) in self.servers.iter().enumerate().cycle().skip(last).take(count) {
            match timeout(patience, primary(&server.options)).await {
                Ok(Ok(connection)) => {
                    self.last.store(index, Ordering::Relaxed);
                    return Ok(connection);
                }
                Ok(Err(error)) => why.push(server.says(&error)),
                Err(_) => why.push(format!("no answer from {} within {patience:?}", server.name)),
            }
        }
        Err(Error::Io(io::Error::other(why.join("; "))))
    }

    /// Settings of the session, after connecting: a pooler refuses most of them before.
    ///
    /// A plan outlives what it was made for: to a table with a page of rows a sequential scan seems cheap, and is kept
    /// until the server counts the table anew, however many rows come until then. So none is planned where an index
    /// helps. What cannot do without one is charged for it beyond all measure, which must not look like a statement
    /// that is worth to be compiled.
    async fn set_up(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let settings = format!(
            "SET search_path = \"{}\"; SET statement_timeout = '{STATEMENT_TIMEOUT}'; \
             SET idle_in_transaction_session_timeout = '{IDLE_TIMEOUT}'; \
             SET enable_seqscan = off; SET jit = off",
            self.schema
        );
        // The name of the schema was checked: it needs no quotes.
        sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await.map(drop)
    }

    /// Fails when two connections share one of the server's: a pooler in transaction or statement mode. There
    /// neither the schema nor the timeouts of a session would hold, nor would locks and notifications.
    pub(super) async fn check_sessions(&self) -> Result<(), OpenError> {
        let mut first = self.any().await?;
        // A pooler with one connection keeps the second one waiting, which is an answer, too.
        let Ok(mut second) = self.any().await else { return Ok(()) };
        let expected = backend(&mut first).await?;
        for _ in 0..COMPARISONS {
            let Ok(other) = timeout(CONNECT_TIMEOUT, backend(&mut second)).await else { break };
            if other? == expected || backend(&mut first).await? != expected {
                return Err(OpenError::NoSessions);
            }
        }
        for connection in [first, second] {
            let _ = timeout(CONNECT_TIMEOUT, connection.close()).await;
        }
        Ok(())
    }
}

impl Server {
    fn says(&self, error: &Error) -> String {
        match error {
            Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                format!("connection refused by {}", self.name)
            }
            Error::Io(error) => format!("{}: {error}", self.name),
            Error::Database(error) => format!("{}: {}", self.name, error.message()),
            error => format!("{}: {error}", self.name),
        }
    }
}

/// Connects, if the server can be written to.
async fn primary(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    let mut connection = options.connect().await?;
    let query = "SELECT pg_is_in_recovery() AS standby, \
         current_setting('transaction_read_only') = 'on' AS read_only";
    let rows = sqlx::raw_sql(query).fetch_all(&mut connection).await?;
    let row = rows.first().ok_or(Error::RowNotFound)?;
    let refusal = match (row.try_get("standby")?, row.try_get("read_only")?) {
        (true, _) => "it is a standby",
        (false, true) => "it is read-only",
        (false, false) => return Ok(connection),
    };
    let _ = connection.close().await;
    Err(Error::Io(io::Error::other(refusal)))
}

/// The process that serves a connection. Not prepared: with a pooler the next statement may go elsewhere.
async fn backend(connection: &mut PgConnection) -> Result<i32, Error> {
    let rows = sqlx::raw_sql("SELECT pg_backend_pid() AS pid").fetch_all(connection).await?;
    rows.first().ok_or(Error::RowNotFound)?.try_get("pid")
}

/// The part after the hosts, without `target_session_attrs`, which the driver does not know. Keyward writes, so
/// that only a primary is any use.
fn without_target(tail: &str) -> Result<String, OpenError> {
    let Some((path, query)) = tail.split_once('?') else { return Ok(tail.to_owned()) };
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("target_session_attrs", "read-write" | "primary")) => {}
            Some(("target_session_attrs", _)) => return Err(OpenError::Target),
            _ => kept.push(pair),
        }
    }
    Ok(match kept.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", kept.join("&")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_paused_process_keeps_its_locks_only_for_a_while() {
        let url =
            std::env::var("KEYWARD_TEST_POSTGRES_URL").expect("this test needs PostgreSQL, run `make test`");
        let servers = Servers::parse(&url, "test", "public").unwrap();
        let mut paused = servers.connect().await.unwrap();
        let lock = "SELECT pg_advisory_xact_lock(20260731)";
        sqlx::raw_sql("BEGIN").execute(&mut paused).await.unwrap();
        sqlx::raw_sql(lock).execute(&mut paused).await.unwrap();
        let mut other = servers.connect().await.unwrap();
        sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
        assert!(sqlx::raw_sql("COMMIT").execute(&mut paused).await.is_err(), "it has lost its transaction");
    }

    #[test]
    fn urls() {
        for (url, expected) in [
            ("postgres://u:p@h1:5432,h2:5433/db", Ok("h1:5432 h2:5433")),
            ("postgresql://u:p@h1,h2/db?target_session_attrs=read-write", Ok("h1:5432 h2:5432")),
            ("postgres://u:p@h1/db?target_session_attrs=primary&sslmode=disable", Ok("h1:5432")),
            ("postgres://u:p%40%2C@[::1]:1,h2:2/db", Ok("[::1]:1 h2:2")),
            ("postgres://h1", Ok("h1:5432")),
            ("postgres://u:secret@h1:5432,/db", Err("hosts")),
            ("postgres://u:secret@h1,,h2/db", Err("hosts")),
            ("postgres://a,b,c,d,e,f,g,h,i/db", Err("hosts")),
            ("postgres://u:secret@h1:port/db", Err("postgres://")),
            ("postgres://h/db?target_session_attrs=any", Err("target_session_attrs")),
            ("postgres://h/db?target_session_attrs=standby", Err("target_session_attrs")),
            ("mysql://h/db", Err("postgres://")),
        ] {
            let names = Servers::parse(url, "keyward-auth", "auth").map(|servers| {
                let names: Vec<_> = servers.servers.iter().map(|server| server.name.clone()).collect();
                names.join(" ")
            });
            match (names, expected) {
                (Ok(names), Ok(expected)) => assert_eq!(names, expected, "{url}"),
                (Err(error), Err(expected)) => {
                    let said = error.to_string();
                    assert!(said.contains(expected) && !said.contains("secret"), "{url}: {said}");
                }
                (got, expected) => panic!("{url}: {got:?}, not {expected:?}"),
            }
        }
    }
}
