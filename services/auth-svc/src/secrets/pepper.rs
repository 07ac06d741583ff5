//! Peppers: text outside the database that argon2id mixes in. A record names the one it was made with in
//! its `keyid`, so that both can be in use while every record moves from one to the other, and a wrong
//! secret still costs one argon2id.

use argon2::password_hash::phc::{ParamsString, PasswordHash};
use argon2::{Algorithm, Argon2, KeyId, Params, ParamsBuilder, Version};
use svc_core::secret::Secret;

use super::HashError;

const ALGORITHM: Algorithm = Algorithm::Argon2id;
const VERSION: Version = Version::V0x13;
/// OWASP's parameters: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The salt of the name of a pepper.
const NAME_SALT: &[u8] = b"keyward/pepper/v1";
const NAME_BYTES: usize = 6;

/// A pepper and its name.
struct Pepper {
    secret: Secret,
    name: KeyId,
}

/// The pepper of new records and the one before.
pub(super) struct Peppers {
    current: Option<Pepper>,
    previous: Option<Pepper>,
    /// What new records have.
    params: Params,
}

impl Peppers {
    /// Takes the time of an argon2id for each.
    pub(super) fn new(current: Option<&Secret>, previous: Option<&Secret>) -> Result<Peppers, HashError> {
        let current = current.map(Pepper::new).transpose()?;
        let previous = previous.map(Pepper::new).transpose()?;
        let mut params = base();
        if let Some(pepper) = &current {
            params.keyid(pepper.name);
        }
        Ok(Peppers { current, previous, params: params.build().map_err(|_| HashError::Failed)? })
    }

    /// What makes new records.
    pub(super) fn current(&self) -> Result<Argon2<'_>, HashError> {
        with(self.current.as_ref(), ALGORITHM, VERSION, self.params.clone())
    }

    /// A new record without a salt and a hash.
    pub(super) fn blank(&self) -> Result<PasswordHash, HashError> {
        let params = ParamsString::try_from(&self.params).map_err(|_| HashError::Failed)?;
        let (algorithm, version) = (ALGORITHM.ident(), Some(VERSION.into()));
        Ok(PasswordHash { algorithm, version, params, salt: None, hash: None })
    }

    /// What has made this record.
    pub(super) fn of(&self, record: &PasswordHash) -> Result<Argon2<'_>, HashError> {
        let algorithm = Algorithm::new(record.algorithm).map_err(|_| HashError::Failed)?;
        let version = record.version.map(Version::try_from).transpose().map_err(|_| HashError::Failed)?;
        let params = Params::try_from(record).map_err(|_| HashError::Failed)?;
        let version = version.unwrap_or_default();
        if params.keyid().is_empty() {
            return with(None, algorithm, version, params);
        }
        let known = [self.current.as_ref(), self.previous.as_ref()].into_iter().flatten();
        let mut named = known.filter(|pepper| pepper.name.as_bytes() == params.keyid());
        let pepper = named.next().ok_or(HashError::UnknownPepper)?;
        with(Some(pepper), algorithm, version, params)
    }

    /// The memory of a new record, in blocks of 1 KiB.
    pub(super) fn blocks(&self) -> usize {
        self.params.block_count()
    }
}

impl Pepper {
    /// The name is made by argon2id, too: one made by a fast hash would help to guess a pepper that a
    /// person has chosen.
    fn new(secret: &Secret) -> Result<Pepper, HashError> {
        let params = base().build().map_err(|_| HashError::Failed)?;
        let mut name = [0; NAME_BYTES];
        let argon2 = with(None, ALGORITHM, VERSION, params)?;
        let hashed = argon2.hash_password_into(secret.expose().as_bytes(), NAME_SALT, &mut name);
        hashed.map_err(|_| HashError::Failed)?;
        Ok(Pepper { secret: secret.clone(), name: KeyId::new(&name).map_err(|_| HashError::Failed)? })
    }
}

fn base() -> ParamsBuilder {
    let mut params = ParamsBuilder::new();
    params.m_cost(MEMORY_KIB).t_cost(PASSES).p_cost(LANES);
    params
}

fn with(
    pepper: Option<&Pepper>,
    algorithm: Algorithm,
    version: Version,
    params: Params,
) -> Result<Argon2<'_>, HashError> {
    match pepper {
        None => Ok(Argon2::new(algorithm, version, params)),
        Some(pepper) => {
            Argon2::new_with_secret(pepper.secret.expose().as_bytes(), algorithm, version, params)
                .map_err(|_| HashError::Failed)
        }
    }
}
