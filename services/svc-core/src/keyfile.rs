//! Keys that are made once and kept in the data directory, readable by the owner only.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::secret::Secret;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system says no.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: std::io::Error,
    },
    /// Others can read it.
    #[error("{0} can be read by others: its mode must be 0600")]
    Open(PathBuf),
    /// A new key could not be made.
    #[error("a new key could not be made")]
    Generate,
}

/// Makes the data directory, for the owner only.
pub fn make_data_dir(path: &Path) -> Result<(), KeyFileError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| KeyFileError::Io { path: path.to_owned(), error })
}

/// The key in a file; the first time, the one that `make` makes. It is on disk when this returns.
pub fn load_or_create(path: &Path, make: impl FnOnce() -> Option<Secret>) -> Result<Secret, KeyFileError> {
    let failed = |error| KeyFileError::Io { path: path.to_owned(), error };
    if !path.try_exists().map_err(failed)? {
        let secret = make().ok_or(KeyFileError::Generate)?;
        create(path, &secret).map_err(failed)?;
    }
    let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Open(path.to_owned()));
    }
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
    Ok(Secret::new(text.trim()))
}

/// Whole or not at all, and never over a key that another process made meanwhile.
fn create(path: &Path, secret: &Secret) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(secret.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_must_be_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("some.key");
        let first = load_or_create(&path, || Some(Secret::new("one"))).unwrap();
        let second = load_or_create(&path, || Some(Secret::new("two"))).unwrap();
        assert_eq!((first.expose(), second.expose()), ("one", "one"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load_or_create(&path, || None), Err(KeyFileError::Open(_))));
    }
}
