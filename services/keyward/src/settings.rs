//! All settings, each in the section of the part that it is for.

mod print;

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;

use auth_svc::AuthService;
use serde::{Deserialize, Serialize};
use svc_runtime::service::DatabaseConfig;
use svc_runtime::settings::{SettingsError, Sources, Tree};
use svc_runtime::{admin, telemetry};

use crate::services::{List, OpenError, Services};

pub use print::to_toml;

/// All settings of `keyward.toml`, the environment and flags. Each service has a section of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where SQLite files, keys and stored files are.
    pub data_dir: PathBuf,
    /// `[database]`.
    pub database: DatabaseConfig,
    /// `[edge]`.
    pub edge: edge::Config,
    /// `[dashboard]`.
    pub dashboard: edge::DashboardConfig,
    /// `[admin]`.
    pub admin: admin::Config,
    /// `[telemetry]`.
    pub telemetry: telemetry::Config,
    /// `[runtime]`.
    pub runtime: Runtime,
    /// The services and their sections.
    #[serde(skip)]
    pub services: Services,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data_dir: PathBuf::from("./data"),
            database: DatabaseConfig::default(),
            edge: edge::Config::default(),
            dashboard: edge::DashboardConfig::default(),
            admin: admin::Config::default(),
            telemetry: telemetry::Config::default(),
            runtime: Runtime::default(),
            services: Services::default(),
        }
    }
}

/// `[runtime]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Runtime {
    /// How many threads work on what is asked. 0: one for each core. What waits for a disk, argon2id and large bodies
    /// have threads of their own beside these.
    pub threads: usize,
}

impl Runtime {
    /// How many threads that is here.
    pub fn threads(&self) -> NonZero<usize> {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        NonZero::new(self.threads).unwrap_or_else(cores)
    }
}

/// A setting that has the right form and still cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Not where one can listen.
    #[error("setting `{0}`: `{1}` is not host:port")]
    Listen(&'static str, String),
    /// A setting of the edge.
    #[error(transparent)]
    Edge(#[from] edge::ConfigError),
    /// Not a database.
    #[error("setting `database.url`: must start with postgres:// or postgresql://")]
    DatabaseUrl,
    /// A setting of telemetry.
    #[error(transparent)]
    Telemetry(#[from] telemetry::TelemetryError),
    /// Not a share.
    #[error("setting `telemetry.sample_ratio`: must be from 0 to 1")]
    SampleRatio,
}

/// A service would not open with its settings.
#[derive(Debug, thiserror::Error)]
#[error("{service}: {error}")]
pub struct ServiceCheckError {
    service: &'static str,
    error: OpenError,
}

impl Settings {
    /// Those of a process that has these services.
    pub fn load(list: List, sources: &Sources) -> Result<Settings, SettingsError> {
        let mut tree = Tree::read(sources)?;
        let services = Services::read(list, &mut tree)?;
        let mut settings = Settings { services, ..tree.rest()? };
        if let Ok(auth) = settings.services.config_mut::<AuthService>() {
            auth.dashboard_url = settings.dashboard.url.as_ref().map(|url| url.as_str().to_owned());
        }
        let upstreams: Vec<String> = list.iter().map(|service| upstream(service.name)).collect();
        let unknown = settings.edge.upstreams.names().map(upstream).find(|given| !upstreams.contains(given));
        match unknown {
            Some(unknown) => Err(SettingsError::unknown(unknown, &upstreams)),
            None => Ok(settings),
        }
    }

    /// What can be said about the settings without starting anything.
    pub fn check(&self) -> Result<(), CheckError> {
        let listeners = [
            ("edge.listen", &self.edge.listen),
            ("dashboard.listen", &self.dashboard.listen),
            ("admin.listen", &self.admin.listen),
        ];
        for (name, listen) in listeners {
            let port = listen.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
            if port.is_none_or(|port| port.parse::<u16>().is_err()) {
                return Err(CheckError::Listen(name, listen.clone()));
            }
        }
        // A name is checked when it is known what it stands for: when it is bound.
        if let Ok(address) = self.edge.listen.parse::<SocketAddr>() {
            self.edge.check(address)?;
        }
        if let Ok(address) = self.dashboard.listen.parse::<SocketAddr>() {
            self.dashboard.check(address)?;
        }
        if let Some(url) = &self.database.url
            && !["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme))
        {
            return Err(CheckError::DatabaseUrl);
        }
        self.telemetry.check()?;
        if !(0.0..=1.0).contains(&self.telemetry.sample_ratio) {
            return Err(CheckError::SampleRatio);
        }
        Ok(())
    }

    /// The same about the settings of each service. What a service is not started with here need not be right here,
    /// so that a start asks only those that it opens.
    pub fn check_services(&self) -> Result<(), ServiceCheckError> {
        for service in self.services.iter() {
            let failed = |error| ServiceCheckError { service: service.name(), error };
            service.check(&self.database).map_err(failed)?;
        }
        Ok(())
    }
}

/// The setting that says where a service is.
fn upstream(service: &str) -> String {
    format!("edge.upstreams.{service}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::SERVICES;

    fn load(environment: &[(&str, &str)]) -> Result<Settings, String> {
        let own = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sources = Sources { environment: own.collect(), ..Sources::default() };
        Settings::load(SERVICES, &sources).map_err(|error| error.to_string())
    }

    #[test]
    fn services_have_sections_and_upstreams_by_their_names() {
        let settings = load(&[
            ("KEYWARD_CONTACTS__LISTEN", "127.0.0.1:7"),
            ("KEYWARD_EDGE__UPSTREAMS__AUTH", "a:1,b:2"),
            ("KEYWARD_ADMIN__LISTEN", "127.0.0.1:8"),
        ])
        .unwrap();
        let contacts = settings.services.config::<contacts_svc::ContactsService>().unwrap();
        assert_eq!(contacts.listen.to_string(), "127.0.0.1:7");
        assert_eq!(settings.admin.listen, "127.0.0.1:8");
        assert_eq!(settings.edge.upstreams.of("auth").unwrap().len(), 2);
        assert!(settings.edge.upstreams.of("contacts").is_none());
    }

    #[test]
    fn what_is_no_setting_is_refused_with_the_nearest() {
        for (name, says) in [
            ("CONTCATS__LISTEN", "unknown setting `contcats`: did you mean `contacts`?"),
            ("CONTACTS__LISTN", "unknown setting `contacts.listn`: did you mean `contacts.listen`?"),
            (
                "EDGE__UPSTREAMS__ATUH",
                "unknown setting `edge.upstreams.atuh`: did you mean `edge.upstreams.auth`?",
            ),
            ("EDGE__LISTN", "unknown setting `edge.listn`: did you mean `edge.listen`?"),
            ("SERVICES", "unknown setting `services`"),
        ] {
            let refusal = load(&[(&format!("KEYWARD_{name}"), "host:1")]).unwrap_err();
            assert!(refusal.starts_with(says), "{name}: {refusal}");
        }
        let refusal = load(&[("KEYWARD_CONTACTS__LISTEN", "nowhere")]).unwrap_err();
        assert!(refusal.starts_with("setting `contacts.listen`: nowhere is not an address"), "{refusal}");
        let refusal = load(&[("KEYWARD_CONTACTS", "nowhere")]).unwrap_err();
        assert!(refusal.starts_with("setting `contacts`"), "{refusal}");
    }
}
