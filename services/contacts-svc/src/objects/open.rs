//! Opening the store that the settings name.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use super::{FilesConfig, Kind, Objects};

/// The folder of files in `data_dir`.
const FOLDER: &str = "files";
/// How often a step is tried again that S3 did not do.
const RETRIES: usize = 2;
/// How long connecting to it may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no store for the bytes of files.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// Not where bytes can be.
    #[error("setting `contacts.files.url`: must be s3://bucket/prefix or file:///directory")]
    Url,
    /// Not where S3 can be.
    #[error(
        "setting `contacts.files.endpoint`: must be https://host, or http://host on this machine or with \
             `contacts.files.allow_http`"
    )]
    Endpoint,
    /// One of two that belong together.
    #[error(
        "settings `contacts.files.access_key_id` and `contacts.files.secret_access_key`: set both or neither"
    )]
    Credentials,
    /// Out of range.
    #[error("setting `contacts.files.{0}`: must be {1}")]
    OutOfRange(&'static str, &'static str),
    /// The directory cannot be made or used.
    #[error("the directory of files, {path}: {source}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What the store says of its settings.
    #[error("settings `contacts.files`: {0}")]
    Store(object_store::Error),
}

impl Objects {
    /// The store that the settings name. A bucket is not asked for before there is something to do with it.
    pub(crate) fn open(config: &FilesConfig, data_dir: &std::path::Path) -> Result<Objects, ObjectsError> {
        Objects::check(config)?;
        let patience = Duration::from_secs(config.timeout_seconds);
        let (kind, prefix) = match &config.url {
            None => (by_default(data_dir.join(FOLDER)), Path::default()),
            Some(url) => match url.split_once("://") {
                Some(("file", path)) if path.starts_with('/') => (disk(path.into())?, Path::default()),
                Some(("s3", place)) => bucket(config, place, patience)?,
                _ => return Err(ObjectsError::Url),
            },
        };
        Ok(Objects { kind, prefix, patience })
    }

    /// What can be said about the settings without making or asking anything.
    pub(crate) fn check(config: &FilesConfig) -> Result<(), ObjectsError> {
        let in_range = |name, fits: bool, range| match fits {
            true => Ok(()),
            false => Err(ObjectsError::OutOfRange(name, range)),
        };
        in_range("timeout_seconds", (1..=300).contains(&config.timeout_seconds), "from 1 to 300")?;
        in_range("max_bytes", config.max_bytes >= 1, "at least 1")?;
        in_range("max_uploads", (1..=10_000).contains(&config.max_uploads), "from 1 to 10,000")?;
        match config.url.as_deref().map(|url| url.split_once("://")) {
            None => Ok(()),
            Some(Some(("file", path))) if path.starts_with('/') => Ok(()),
            Some(Some(("s3", place))) => {
                bucket(config, place, Duration::from_secs(config.timeout_seconds)).map(drop)
            }
            Some(_) => Err(ObjectsError::Url),
        }
    }

    /// Whether the bytes are on this machine.
    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self.kind, Kind::Disk(_))
    }
}

/// The folder in `data_dir`. A process that has no such place, as in a container that keeps nothing, does without files.
fn by_default(path: PathBuf) -> Kind {
    disk(path).unwrap_or_else(|error| {
        tracing::warn!(error = %error, "there is no place for files of contacts: set `contacts.files.url`");
        Kind::Nowhere
    })
}

fn disk(path: PathBuf) -> Result<Kind, ObjectsError> {
    let made = make(&path);
    made.map_err(|source| ObjectsError::Directory { path: path.clone(), source })?;
    let disk = LocalFileSystem::new_with_prefix(&path).map_err(ObjectsError::Store)?;
    // What is finished is synced, with the folders that lead to it; folders go with the last file in them.
    Ok(Kind::Disk(Arc::new(disk.with_fsync(true).with_automatic_cleanup(true))))
}

/// Makes a directory for this user alone, and sees to it that it stays.
fn make(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    match path.parent() {
        Some(parent) => std::fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn bucket(config: &FilesConfig, place: &str, patience: Duration) -> Result<(Kind, Path), ObjectsError> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() || place.contains(['?', '#', '@']) {
        return Err(ObjectsError::Url);
    }
    let prefix = Path::parse(prefix.trim_end_matches('/')).map_err(|_| ObjectsError::Url)?;
    let builder = match (&config.access_key_id, &config.secret_access_key) {
        (Some(id), Some(secret)) => {
            AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret.expose())
        }
        (None, None) => from_machine(),
        _ => return Err(ObjectsError::Credentials),
    };
    let mut builder = builder
        .with_bucket_name(bucket)
        .with_region(&config.region)
        .with_virtual_hosted_style_request(config.virtual_hosted)
        // Not every service that speaks S3 knows how to delete several at once.
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: patience,
        });
    let mut options = ClientOptions::new()
        // A download takes as long as its client reads. Each step has a bound of its own, and so has silence.
        .with_timeout_disabled()
        .with_connect_timeout(CONNECT)
        .with_read_timeout(patience);
    if let Some(endpoint) = &config.endpoint {
        let is_plain = check_endpoint(endpoint, config.allow_http)?;
        options = options.with_allow_http(is_plain);
        builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
    }
    let s3 = builder.with_client_options(options).build().map_err(ObjectsError::Store)?;
    Ok((Kind::S3(Arc::new(s3)), prefix))
}

/// With the credentials that the machine has, and nothing else of what its environment says.
fn from_machine() -> AmazonS3Builder {
    use AmazonS3ConfigKey::{
        AccessKeyId, ContainerAuthorizationTokenFile, ContainerCredentialsFullUri,
        ContainerCredentialsRelativeUri, RoleArn, RoleSessionName, SecretAccessKey, StsEndpoint, Token,
        WebIdentityTokenFile,
    };

    let machine = AmazonS3Builder::from_env();
    let keys = [
        AccessKeyId,
        SecretAccessKey,
        Token,
        ContainerCredentialsRelativeUri,
        ContainerCredentialsFullUri,
        ContainerAuthorizationTokenFile,
        WebIdentityTokenFile,
        RoleArn,
        RoleSessionName,
        StsEndpoint,
    ];
    keys.into_iter().fold(AmazonS3Builder::new(), |builder, key| match machine.get_config_value(&key) {
        Some(value) => builder.with_config(key, value),
        None => builder,
    })
}

/// Whether an endpoint is in the clear, where it may be.
fn check_endpoint(endpoint: &str, allow_http: bool) -> Result<bool, ObjectsError> {
    let (scheme, rest) = endpoint.split_once("://").ok_or(ObjectsError::Endpoint)?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.is_empty() || rest.contains(['@', '?', '#']) {
        return Err(ObjectsError::Endpoint);
    }
    match scheme {
        "https" => Ok(false),
        "http" if allow_http || is_loopback(authority) => Ok(true),
        _ => Err(ObjectsError::Endpoint),
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::secret::Secret;

    fn s3(change: impl FnOnce(&mut FilesConfig)) -> Result<Objects, String> {
        let mut config = FilesConfig {
            url: Some("s3://bucket/a/b".to_owned()),
            access_key_id: Some("id".to_owned()),
            secret_access_key: Some(Secret::new("hunter2".to_owned())),
            ..FilesConfig::default()
        };
        change(&mut config);
        Objects::open(&config, std::path::Path::new("/nowhere")).map_err(|error| error.to_string())
    }

    #[test]
    fn settings_are_checked_before_anything_is_asked() {
        let objects = s3(|_| {}).unwrap();
        assert_eq!(objects.path("o/a/c/f-1").as_ref(), "a/b/o/a/c/f-1");
        assert!(!objects.is_on_disk() && !format!("{objects:?}").contains("hunter2"));
        assert_eq!(s3(|c| c.url = Some("s3://bucket".to_owned())).unwrap().path("f").as_ref(), "f");
        for url in [
            "",
            "bucket",
            "s3://",
            "s3:///a",
            "gs://bucket",
            "file://a",
            "s3://id:secret@bucket",
            "s3://b?x=1",
        ] {
            let error = s3(|config| config.url = Some(url.to_owned())).unwrap_err();
            assert!(error.contains("contacts.files.url"), "{url}: {error}");
        }
        for (endpoint, allow_http, fits) in [
            ("https://s3.example.com", false, true),
            ("https://s3.example.com:9000/", false, true),
            ("http://127.0.0.1:9000", false, true),
            ("http://localhost:9000", false, true),
            ("http://[::1]:9000", false, true),
            ("http://s3.example.com", false, false),
            ("http://127.0.0.1.example.com", false, false),
            ("http://s3.example.com", true, true),
            ("https://id:secret@s3.example.com", false, false),
            ("ftp://s3.example.com", true, false),
            ("s3.example.com", false, false),
            ("https://", false, false),
        ] {
            let opened = s3(|config| {
                config.endpoint = Some(endpoint.to_owned());
                config.allow_http = allow_http;
            });
            assert_eq!(opened.is_ok(), fits, "{endpoint}: {opened:?}");
        }
        assert!(s3(|config| config.access_key_id = None).unwrap_err().contains("both"));
        assert!(s3(|config| config.timeout_seconds = 0).unwrap_err().contains("timeout_seconds"));
        assert!(s3(|config| config.max_bytes = 0).unwrap_err().contains("max_bytes"));
        assert!(s3(|config| config.max_uploads = 0).unwrap_err().contains("max_uploads"));
    }

    #[test]
    fn a_directory_is_made_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let home = tempfile::tempdir().unwrap();
        let objects = Objects::open(&FilesConfig::default(), home.path()).unwrap();
        assert!(objects.is_on_disk());
        let made = std::fs::metadata(home.path().join(FOLDER)).unwrap();
        assert_eq!(made.permissions().mode() & 0o777, 0o700);
        let there = FilesConfig {
            url: Some(format!("file://{}/x/y", home.path().display())),
            ..FilesConfig::default()
        };
        Objects::open(&there, std::path::Path::new("/nowhere")).unwrap();
        assert!(home.path().join("x/y").is_dir());
        let nowhere = Objects::open(&FilesConfig::default(), std::path::Path::new("/dev/null")).unwrap();
        assert!(matches!(nowhere.kind, Kind::Nowhere));
        std::fs::write(home.path().join("taken"), "").unwrap();
        let taken = FilesConfig {
            url: Some(format!("file://{}/taken", home.path().display())),
            ..FilesConfig::default()
        };
        assert!(Objects::open(&taken, home.path()).unwrap_err().to_string().contains("taken"));
    }
}
