//! Keys that are made once and kept in the data directory, readable by the owner only.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use svc_core::secret::Secret;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system says no.
    #[error("setting `data_dir`: {path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: std::io::Error,
    },
    /// Others can read or change it.
    #[error("{0} is open to others: its mode must be 0600")]
    Open(PathBuf),
    /// What is in it is no key.
    #[error("{path} does not hold the key that it should: {why}")]
    Bad {
        /// Which file.
        path: PathBuf,
        /// What is wrong with what it holds.
        why: String,
    },
    /// A new key could not be made.
    #[error("a new key could not be made")]
    Generate,
}

/// Makes the data directory unless it is there, for the owner only. Called by whatever keeps a file in it,
/// so that a process that keeps none needs no place to write.
pub fn make_data_dir(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The key in a file; the first time, the one that `make` makes. It is on disk when this returns.
pub fn load_or_create(path: &Path, make: impl FnOnce() -> Option<Secret>) -> Result<Secret, KeyFileError> {
    let failed = |error| KeyFileError::Io { path: path.to_owned(), error };
    if !path.try_exists().map_err(failed)? {
        if let Some(directory) = path.parent() {
            make_data_dir(directory).map_err(failed)?;
        }
        let secret = make().ok_or(KeyFileError::Generate)?;
        create(path, &secret).map_err(failed)?;
    }
    check_mode(path, &std::fs::metadata(path).map_err(failed)?)?;
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
    Ok(Secret::new(text.trim()))
}

/// The owner alone may read a key, or change it. A volume may open it to a group: Kubernetes' `fsGroup` sets
/// `g+rw` on each file whenever the volume is mounted, and puts the process into that group. So bits of a
/// group that the process is in are told of and taken; those of another group, or of the world, can serve
/// others only.
fn check_mode(path: &Path, metadata: &Metadata) -> Result<(), KeyFileError> {
    let mode = metadata.mode() & 0o777;
    let of_the_group = mode & 0o070 != 0;
    if mode & 0o007 != 0 || (of_the_group && !is_in_group(metadata.gid())) {
        return Err(KeyFileError::Open(path.to_owned()));
    }
    if of_the_group {
        tracing::warn!(
            file.path = %path.display(),
            file.mode = format!("{mode:04o}"),
            file.group = metadata.gid(),
            "a key is open to a group that this process is in, as `fsGroup` makes it: let nobody else be in \
             that group, or give the key by its setting"
        );
    }
    Ok(())
}

fn is_in_group(id: u32) -> bool {
    let others = rustix::process::getgroups().unwrap_or_default();
    [rustix::process::getegid()].iter().chain(&others).any(|group| group.as_raw() == id)
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
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_in_a_directory_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data/some.key");
        let first = load_or_create(&path, || Some(Secret::new("one"))).unwrap();
        let second = load_or_create(&path, || Some(Secret::new("two"))).unwrap();
        assert_eq!((first.expose(), second.expose()), ("one", "one"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_may_be_open_to_our_own_group_and_to_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("some.key");
        load_or_create(&path, || Some(Secret::new("one"))).unwrap();
        for (mode, good) in [
            (0o600, true),
            (0o400, true),
            (0o660, true),
            (0o640, true),
            (0o440, true),
            (0o604, false),
            (0o644, false),
            (0o664, false),
            (0o602, false),
            (0o601, false),
            (0o666, false),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(load_or_create(&path, || None).is_ok(), good, "{mode:o}");
        }
    }

    #[test]
    fn the_group_must_be_one_that_the_process_is_in() {
        let own = rustix::process::getegid().as_raw();
        assert!(is_in_group(own));
        let mut strangers = (1..).filter(|id| *id != own);
        let groups = rustix::process::getgroups().unwrap();
        let stranger = strangers.find(|id| groups.iter().all(|group| group.as_raw() != *id)).unwrap();
        assert!(!is_in_group(stranger));
    }
}
