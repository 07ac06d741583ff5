//! The services of Keyward. One more is its crate, its proto, and a line here.

use std::any::Any;
use std::error::Error;

use futures::FutureExt;
use futures::future::BoxFuture;
use prost_reflect::DescriptorPool;
use serde_json::Value;
use svc_core::policy::{PolicyError, built_in_descriptors};
use svc_runtime::grpc::Address;
use svc_runtime::service::{DatabaseConfig, Environment, Handlers, Service};
use svc_runtime::settings::{SettingsError, Tree};
use svc_runtime::tasks::Tasks;
use svc_runtime::token::JwkSet;

/// All of them, in the order in which they start.
pub const SERVICES: List = &[
    Definition::of::<auth_svc::AuthService>(),
    Definition::of::<contacts_svc::ContactsService>(),
    Definition::of::<extraction_svc::ExtractionService>(),
];

/// Services, each once.
pub type List = &'static [Definition];

/// Why a service does not open.
pub type OpenError = Box<dyn Error + Send + Sync>;

/// A service is not in the list of this process.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there is no service {0}")]
pub struct NoService(pub &'static str);

/// A service before its settings are known.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    read: fn(&mut Tree) -> Result<Box<dyn Configured>, SettingsError>,
    default: fn() -> Box<dyn Configured>,
}

impl Definition {
    /// That of a service.
    pub const fn of<S: Service>() -> Definition {
        Definition {
            name: S::NAME,
            about: S::ABOUT,
            read: |settings| Ok(Box::new(With::<S>(settings.section(S::NAME)?))),
            default: || Box::new(With::<S>(S::Config::default())),
        }
    }
}

/// The services of a process, each with its settings.
#[derive(Clone, Debug)]
pub struct Services(Vec<Box<dyn Configured>>);

impl Default for Services {
    fn default() -> Services {
        Services::with_defaults(SERVICES)
    }
}

impl Services {
    /// With the settings that they have by default.
    pub fn with_defaults(list: List) -> Services {
        Services(list.iter().map(|service| (service.default)()).collect())
    }

    /// Takes the section of each out of the settings.
    pub(crate) fn read(list: List, settings: &mut Tree) -> Result<Services, SettingsError> {
        Ok(Services(list.iter().map(|service| (service.read)(settings)).collect::<Result<_, _>>()?))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Configured> {
        self.0.iter().map(|service| &**service)
    }

    /// The one with this name.
    pub fn named(&self, name: &'static str) -> Result<&dyn Configured, NoService> {
        self.iter().find(|service| service.name() == name).ok_or(NoService(name))
    }

    /// The settings of a service.
    pub fn config<S: Service>(&self) -> Result<&S::Config, NoService> {
        let found = self.iter().find_map(|service| service.as_any().downcast_ref::<With<S>>());
        found.map(|with| &with.0).ok_or(NoService(S::NAME))
    }

    /// The same, to change them.
    pub fn config_mut<S: Service>(&mut self) -> Result<&mut S::Config, NoService> {
        let found = self.0.iter_mut().find_map(|service| service.as_any_mut().downcast_mut::<With<S>>());
        found.map(|with| &mut with.0).ok_or(NoService(S::NAME))
    }

    /// The descriptors of all their protos.
    pub fn descriptors(&self) -> Result<DescriptorPool, PolicyError> {
        let mut all = built_in_descriptors()?;
        for service in self.iter() {
            if service.rpc_services().iter().all(|name| all.get_service_by_name(name).is_some()) {
                continue;
            }
            // As bytes, since only these keep our options. Files that both have are skipped.
            let more = service.descriptors()?.encode_to_vec();
            let added = all.decode_file_descriptor_set(more.as_slice());
            added.map_err(|error| PolicyError::Descriptors(error.to_string()))?;
        }
        Ok(all)
    }
}

/// A service with its settings, of whichever type.
pub trait Configured: std::fmt::Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The full names of its gRPC services.
    fn rpc_services(&self) -> &'static [&'static str];
    /// Whether `keyward worker` has something to run.
    fn has_long_work(&self) -> bool;
    /// The names of the services that it calls.
    fn calls(&self) -> &'static [&'static str];
    /// Its settings.
    fn to_json(&self) -> Result<Value, serde_json::Error>;
    /// Where it listens when it is a process of its own.
    fn listen(&self) -> &Address;
    /// The descriptors of its protos.
    fn descriptors(&self) -> Result<DescriptorPool, PolicyError>;
    /// What can be said about its settings without opening anything.
    fn check(&self, database: &DatabaseConfig) -> Result<(), OpenError>;
    /// Applies the migrations that its database lacks, and says how many. `None`: it has no database.
    fn migrate<'a>(&'a self, environment: &'a Environment)
    -> BoxFuture<'a, Result<Option<usize>, OpenError>>;
    /// Opens it.
    fn open<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Result<Box<dyn Open>, OpenError>>;
    /// A copy.
    fn boxed(&self) -> Box<dyn Configured>;
    /// Its own type, to find its settings by.
    fn as_any(&self) -> &dyn Any;
    /// The same, to change them.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl Clone for Box<dyn Configured> {
    fn clone(&self) -> Box<dyn Configured> {
        self.boxed()
    }
}

struct With<S: Service>(S::Config);

// Written out because settings may hold what does not print.
impl<S: Service> std::fmt::Debug for With<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(S::NAME)
    }
}

impl<S: Service> Configured for With<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn rpc_services(&self) -> &'static [&'static str] {
        S::RPC_SERVICES
    }

    fn has_long_work(&self) -> bool {
        S::HAS_LONG_WORK
    }

    fn calls(&self) -> &'static [&'static str] {
        S::CALLS
    }

    fn to_json(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(&self.0)
    }

    fn listen(&self) -> &Address {
        S::listen(&self.0)
    }

    fn descriptors(&self) -> Result<DescriptorPool, PolicyError> {
        S::descriptors()
    }

    fn check(&self, database: &DatabaseConfig) -> Result<(), OpenError> {
        Ok(S::check(&self.0, database)?)
    }

    fn migrate<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> BoxFuture<'a, Result<Option<usize>, OpenError>> {
        async { Ok(S::migrate(environment).await?) }.boxed()
    }

    fn open<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Result<Box<dyn Open>, OpenError>> {
        async { Ok(Box::new(S::open(&self.0, environment).await?) as Box<dyn Open>) }.boxed()
    }

    fn boxed(&self) -> Box<dyn Configured> {
        Box::new(With::<S>(self.0.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// A service that is open, of whichever type. See [`Service`].
pub trait Open: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Says what whoever starts it should know.
    fn hint(&self) -> BoxFuture<'_, ()>;
    /// What answers the calls.
    fn handlers(&self) -> Handlers;
    /// The public keys of principal tokens, when it makes them.
    fn keys(&self) -> Option<JwkSet>;
    /// What it does beside calls.
    fn tasks(&self) -> &Tasks;
    /// Starts its long work.
    fn start_long_work(&self);
    /// Closes it.
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl<S: Service> Open for S {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn hint(&self) -> BoxFuture<'_, ()> {
        Service::hint(self).boxed()
    }

    fn handlers(&self) -> Handlers {
        Service::handlers(self)
    }

    fn keys(&self) -> Option<JwkSet> {
        Service::keys(self)
    }

    fn tasks(&self) -> &Tasks {
        Service::tasks(self)
    }

    fn start_long_work(&self) {
        Service::start_long_work(self);
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Service::close(self).boxed()
    }
}
