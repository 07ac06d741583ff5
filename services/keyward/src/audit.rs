//! `keyward audit`: whether the audit log is as it was written.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use auth_svc::AuthService;
use auth_svc::verify::{Database, Verified, Verifier};
use svc_runtime::service::Environment;

use crate::settings::Settings;

/// What to check.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// The database: the log of one organization, or of all.
    Database {
        /// Which one.
        organization: Option<&'a str>,
    },
    /// An export.
    Export {
        /// Where it is.
        file: &'a Path,
        /// Without asking whether the database still has what it ends with.
        offline: bool,
    },
}

/// Checks. It reads only, also beside a server that runs.
pub async fn verify(
    settings: &Settings,
    environment: &Environment,
    source: Source<'_>,
) -> anyhow::Result<Vec<Verified>> {
    let config = settings.services.config::<AuthService>()?;
    let verifier = Verifier::new(config, &environment.data_dir)?;
    match source {
        Source::Database { organization } => {
            let log = Database::open(environment).await?;
            let verified = verifier.database(&log, organization).await;
            log.close().await;
            Ok(verified?)
        }
        Source::Export { file, offline } => {
            let lines = File::open(file).with_context(|| format!("{}", file.display()))?;
            let mut exported = verifier.export(BufReader::new(lines))?;
            if !offline && exported.broken.is_none() {
                let log = Database::open(environment).await?;
                let held = verifier.holds(&log, &exported).await;
                log.close().await;
                exported.broken = held?;
            }
            Ok(vec![exported])
        }
    }
}
