//! Contacts and their files: `keyward.contacts.v1`.
//!
//! `api` turns messages into domain types, `domain` holds the rules, `store` the SQL. Organization
//! and agent come from the principal only.

mod api;
mod config;
mod domain;
mod error;
mod store;

use std::sync::Arc;

use keyward_proto::contacts::v1::contact_service_server::ContactServiceServer;
use keyward_proto::contacts::v1::file_service_server::FileServiceServer;
use svc_core::clock::Clock;
use svc_core::db::AnyDb;
use svc_core::ids::Ids;
use svc_core::service::{Environment, Handlers};
use tonic::service::Routes;

pub use config::Config;
pub use svc_core::db::OpenError;

use api::{ContactApi, FileApi};
use domain::Contacts;
use store::Store;

/// The name of the service: the audience of principal tokens for it, its SQLite file and its
/// PostgreSQL schema.
pub const NAME: &str = "contacts";

/// The gRPC services that it serves.
pub const SERVICES: &[&str] = &["keyward.contacts.v1.ContactService", "keyward.contacts.v1.FileService"];

/// The service with its database open.
pub struct ContactsService {
    db: AnyDb,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Ids,
}

impl std::fmt::Debug for ContactsService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContactsService")
    }
}

impl ContactsService {
    /// Opens the database and applies the migrations that it lacks.
    pub async fn open(_: &Config, environment: &Environment) -> Result<ContactsService, OpenError> {
        let (store, db) = store::open(environment).await?;
        let (clock, ids) = (environment.clock.clone(), environment.ids.clone());
        Ok(ContactsService { db, store, clock, ids })
    }

    /// What answers the calls, without the stack in front.
    pub async fn handlers(&self) -> Handlers {
        let contacts = Contacts::new(self.store.clone(), self.clock.clone(), self.ids.clone());
        let routes = Routes::new(ContactServiceServer::new(ContactApi::new(contacts)))
            .add_service(FileServiceServer::new(FileApi));
        Handlers::new(SERVICES, routes).await
    }

    /// Closes the database. Calls that still run fail.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
