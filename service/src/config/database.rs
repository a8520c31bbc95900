//! PostgreSQL's roles: one address for all work, or one for each kind.

use super::{
    Config,
    error::ConfigError,
    settings::Settings,
    url::{self, DatabaseUrl},
    value,
};
use crate::db::Urls;

/// What has no address of its own goes by `database_url`. SQLite has no roles, and takes none of these.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// `database_read_url`: whoever reads for the application; sees every tenant.
    pub reader: Option<DatabaseUrl>,
    /// `database_feed_url`: whoever reads the events of every tenant.
    pub feed: Option<DatabaseUrl>,
    /// `database_worker_url`: whoever keeps the queue of jobs.
    pub worker: Option<DatabaseUrl>,
    /// `database_migration_url`: the owner of the tables.
    pub migration: Option<DatabaseUrl>,
    /// `database_rls_reads`: reads are held to their tenant by the database, as writes are. Default false: each then
    /// takes a transaction.
    pub scoped_reads: bool,
}

impl Roles {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let role = |key| settings.optional(key, None, url::postgres);
        Ok(Self {
            reader: role("database_read_url")?,
            feed: role("database_feed_url")?,
            worker: role("database_worker_url")?,
            migration: role("database_migration_url")?,
            scoped_reads: settings.get("database_rls_reads", value::flag)?.unwrap_or(false),
        })
    }
}

impl Config {
    pub fn database_urls(&self) -> Urls {
        let url = |url: &Option<DatabaseUrl>| url.as_ref().map(|url| url.expose().to_owned());
        Urls {
            application: self.database_url.expose().to_owned(),
            reader: url(&self.database_roles.reader),
            feed: url(&self.database_roles.feed),
            worker: url(&self.database_roles.worker),
            scoped_reads: self.database_roles.scoped_reads,
        }
    }

    /// The same, for the owner of the tables, who needs no other role.
    #[must_use]
    pub fn of_owner(&self) -> Self {
        let mut config = self.clone();
        if let Some(owner) = config.database_roles.migration.take() {
            config.database_url = owner;
        }
        config.database_roles = Roles::default();
        config
    }
}
