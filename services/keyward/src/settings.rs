//! All settings, each in the section of the part that it is for.

mod print;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use svc_core::{admin, db, telemetry};

pub use print::to_toml;

/// All settings of `keyward.toml`, the environment and flags.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where SQLite files, keys and stored files are.
    pub data_dir: PathBuf,
    /// `[database]`.
    pub database: db::Config,
    /// `[edge]`.
    pub edge: edge::Config,
    /// `[dashboard]`.
    pub dashboard: Dashboard,
    /// `[auth]`.
    pub auth: auth_svc::Config,
    /// `[contacts]`.
    pub contacts: contacts_svc::Config,
    /// `[extraction]`.
    pub extraction: extraction_svc::Config,
    /// `[admin]`.
    pub admin: admin::Config,
    /// `[telemetry]`.
    pub telemetry: telemetry::Config,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data_dir: PathBuf::from("./data"),
            database: db::Config::default(),
            edge: edge::Config::default(),
            dashboard: Dashboard::default(),
            auth: auth_svc::Config::default(),
            contacts: contacts_svc::Config::default(),
            extraction: extraction_svc::Config::default(),
            admin: admin::Config::default(),
            telemetry: telemetry::Config::default(),
        }
    }
}

/// `[dashboard]`. Accepted already; nothing listens there yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Dashboard {
    /// Where the dashboard will listen, `host:port`.
    pub listen: String,
}

impl Default for Dashboard {
    fn default() -> Dashboard {
        Dashboard { listen: "127.0.0.1:8081".to_owned() }
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
    /// Not a share.
    #[error("setting `telemetry.sample_ratio`: must be from 0 to 1")]
    SampleRatio,
}

impl Settings {
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
        if let Some(url) = &self.database.url
            && !["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme))
        {
            return Err(CheckError::DatabaseUrl);
        }
        if !(0.0..=1.0).contains(&self.telemetry.sample_ratio) {
            return Err(CheckError::SampleRatio);
        }
        Ok(())
    }
}
