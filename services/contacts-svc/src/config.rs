//! The settings of contacts-svc.

use std::num::NonZeroU16;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use svc_runtime::grpc::Address;
use svc_webhooks::WebhooksConfig;

use crate::domain::Phones;
pub use crate::objects::FilesConfig;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `[contacts]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where the service listens when it is a process of its own. Default `127.0.0.1:50052`.
    pub listen: Address,
    /// The region, as in `DE`, whose own form of phone numbers is understood beside the international one. Default:
    /// none.
    pub phone_region: Option<PhoneRegion>,
    /// For how many days archived contacts are kept before they are deleted with all that is held of them. Default:
    /// for ever.
    pub archived_retention_days: Option<u32>,
    /// `[contacts.files]`.
    pub files: FilesConfig,
    /// How many days changes of contacts are kept, for those who follow them. Default 30.
    pub changes_kept_days: NonZeroU16,
    /// Webhooks.
    pub webhooks: WebhooksConfig,
}

/// A month, in which whoever follows changes may be away.
const CHANGES_KEPT_DAYS: NonZeroU16 = NonZeroU16::new(30).unwrap();

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: Address::Tcp("127.0.0.1:50052".to_owned()),
            phone_region: None,
            archived_retention_days: None,
            files: FilesConfig::default(),
            changes_kept_days: CHANGES_KEPT_DAYS,
            webhooks: WebhooksConfig::default(),
        }
    }
}

impl Config {
    pub(crate) fn phones(&self) -> Phones {
        self.phone_region.as_ref().map_or_else(Phones::default, |region| region.phones)
    }

    pub(crate) fn archived_retention(&self) -> Option<Duration> {
        self.archived_retention_days.map(|days| DAY * days)
    }
}

/// A region of phone numbers, as ISO 3166-1 writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneRegion {
    code: String,
    phones: Phones,
}

impl TryFrom<String> for PhoneRegion {
    type Error = String;

    fn try_from(code: String) -> Result<PhoneRegion, String> {
        match Phones::of(Some(&code)) {
            Some(phones) => Ok(PhoneRegion { code, phones }),
            None => Err(format!("{code:?} is no region of phone numbers, as in \"DE\"")),
        }
    }
}

impl From<PhoneRegion> for String {
    fn from(region: PhoneRegion) -> String {
        region.code
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn regions_are_checked_when_settings_are_read() {
        let read = |region: &str| serde_json::from_value::<Config>(json!({"phone_region": region}));
        let config = read("DE").unwrap();
        assert_eq!(config.phones().e164("0170 1234567").as_deref(), Ok("+491701234567"));
        assert_eq!(serde_json::to_value(&config).unwrap()["phone_region"], "DE");
        for region in ["", "XX", "Germany"] {
            let error = read(region).unwrap_err().to_string();
            assert!(error.contains("is no region of phone numbers"), "{error}");
        }
        assert!(Config::default().phones().e164("0170 1234567").is_err());
    }

    #[test]
    fn archived_contacts_are_kept_unless_it_is_said() {
        assert_eq!(Config::default().archived_retention(), None);
        let config: Config = serde_json::from_value(json!({"archived_retention_days": 30})).unwrap();
        assert_eq!(config.archived_retention(), Some(DAY * 30));
    }
}
