//! What an operator may set, read once at the start.

mod database;
mod error;
mod query;
mod secret;
mod settings;
#[cfg(test)]
mod tests;
mod url;
mod value;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use ipnet::IpNet;

pub use database::Roles;
pub use error::{ConfigError, Place};
pub use query::QueryLimits;
pub use secret::{Secret, load_or_create};
pub use settings::KEYS;
pub use url::{DatabaseUrl, RedisUrl};
pub use value::{Environment, LogFormat};

use crate::job::queue::Queues;
use settings::Settings;

/// The most items on one page of a connection. Not configurable: clients rely on it.
pub const PAGE_SIZE_MAX: u64 = 100;

/// The file that is read when none is named and it exists.
const DEFAULT_FILE: &str = "bikelease.toml";

/// Names the configuration file; the only variable that is not also a key.
const FILE_VARIABLE: &str = "BIKELEASE_CONFIG";

/// Everything that is configurable. Each field is a key of the TOML file and, in
/// capitals after `BIKELEASE_`, an environment variable.
///
/// Defaults < file < variables. An empty value takes an optional key back.
#[derive(Clone, Debug)]
pub struct Config {
    /// `development` (default) or `production`, which refuses weak secrets and the demo.
    pub env: Environment,
    /// The address to listen on. Default `127.0.0.1`.
    pub host: IpAddr,
    /// The port to listen on; 0 takes a free one. Default 8000.
    pub port: u16,
    /// Where everything is kept. Default: the SQLite file `bikelease.db` in `data_dir`.
    pub database_url: DatabaseUrl,
    /// The most database connections of this process. Default 16. SQLite has one writer
    /// whatever this says.
    pub database_pool: u32,
    /// Other roles of the same PostgreSQL, for what the first is not allowed; see docs/operations.md.
    pub database_roles: Roles,
    /// Carries events between nodes. None: this process is the only one, or nodes find
    /// each other's events in the database.
    pub redis_url: Option<RedisUrl>,
    /// The directory of files that belong to this node, `secret` among them. Default `./data`.
    pub data_dir: PathBuf,
    /// What token, cursor and sealing keys are derived from, the same on every node.
    /// None, in development only: made on first use in `data_dir`.
    pub secret: Option<Secret>,
    /// Secrets whose tokens, cursors and sealed values are accepted beside those of `secret`: yesterday's after a change,
    /// tomorrow's before it.
    pub other_secrets: Vec<Secret>,
    /// The server that takes e-mail. None: in development messages are shown at `/dev/outbox`, in production nothing can
    /// be sent.
    pub smtp_url: Option<Secret>,
    /// From whom e-mail comes. Default `bikelease <no-reply@localhost>`.
    pub mail_from: String,
    /// How often one address may try to sign in within a minute, over all nodes. Default 60; empty: no limit. Behind a
    /// proxy that is not among `trusted_proxies`, all clients have its address.
    pub sign_ins_per_address: Option<u32>,
    /// How many requests within a minute one address may send over HTTP, over all nodes. None (default): no limit.
    pub requests_per_address: Option<u32>,
    /// The same of one user. None (default): no limit.
    pub requests_per_user: Option<u32>,
    /// The same of one tenant. None (default): no limit.
    pub requests_per_tenant: Option<u32>,
    /// Which log lines are written, as `tracing` filters: `info,service=debug`. Default `info`.
    pub log: String,
    /// `auto` (default: text on a terminal, JSON otherwise), `text` or `json`.
    pub log_format: LogFormat,
    /// Where clients reach this installation, without a slash at the end. None: whatever
    /// host they ask for.
    pub public_url: Option<String>,
    /// Browser origins that may call besides the host itself. Empty: no other.
    pub allowed_origins: Vec<String>,
    /// The proxies whose `X-Forwarded-For` is believed. Empty: none, and a client is who connects.
    pub trusted_proxies: Vec<IpNet>,
    /// The slug of the tenant that anonymous callers get when they name none. In development
    /// `bayarea`, in production none.
    pub default_tenant: Option<String>,
    /// Whether the demo fleet and its public logins are loaded. Default: in development only.
    pub demo: bool,
    /// How long a shutdown waits for requests in flight. Default 15.
    pub shutdown_grace_seconds: u64,
    /// Over how long a stopping node closes its sockets, so that their clients do not all come
    /// back at once. Default 5; not longer than the grace.
    pub shutdown_spread_seconds: u64,
    /// The most sockets of one address on this node. None (default): no limit, which is right
    /// behind a load balancer, whose address all have.
    pub sockets_per_address: Option<u32>,
    /// The most sockets of one user on this node. Default 50; empty: no limit.
    pub sockets_per_user: Option<u32>,
    /// The most sockets of one tenant on this node. None (default): no limit.
    pub sockets_per_tenant: Option<u32>,
    /// How long events can be replayed after a reconnect. Default 72.
    pub event_retention_hours: u64,
    /// Which queues of jobs `serve` works on: `all` (default), `off`, or some. `bikelease worker` has an option of its own.
    pub jobs: Queues,
    /// Whether the page `/graphiql` is served. Default: in development only.
    pub graphiql: bool,
    /// What one GraphQL request may ask for at most; its keys begin with `query_`.
    pub query: QueryLimits,
}

impl Config {
    /// Reads the file and this process's environment.
    ///
    /// Without `path`, the file is `BIKELEASE_CONFIG`, or `bikelease.toml` in the working
    /// directory if there is one. A file that is named must exist.
    pub fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let named = path.map(Path::to_path_buf).or_else(|| {
            let name = env::var_os(FILE_VARIABLE)?;
            (!name.is_empty()).then(|| PathBuf::from(name))
        });
        let required = named.is_some();
        let path = named.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        let name = path.display().to_string();
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => None,
            Err(source) => return Err(ConfigError::Unreadable { file: name, source }),
        };
        Self::load(text.as_deref().map(|text| (name.as_str(), text)), variables()?.into_iter())
    }

    /// The configuration of a file's name and text, and of variables. Those that do not
    /// start with `BIKELEASE_` are ignored.
    pub fn load(
        file: Option<(&str, &str)>,
        vars: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let settings = Settings::collect(file, vars)?;
        let env = settings.get("env", value::environment)?.unwrap_or(Environment::Development);
        let development = env == Environment::Development;
        let data_dir =
            settings.get("data_dir", value::path)?.unwrap_or_else(|| PathBuf::from("./data"));
        let database_url = settings
            .get("database_url", url::database)?
            .unwrap_or_else(|| DatabaseUrl::sqlite(&data_dir.join("bikelease.db")));
        let tenant = development.then(|| "bayarea".to_owned());

        let config = Self {
            env,
            host: settings.get("host", value::host)?.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: settings.get("port", value::port)?.unwrap_or(8000),
            database_url,
            database_roles: Roles::read(&settings)?,
            database_pool: settings.get("database_pool", value::pool)?.unwrap_or(16),
            redis_url: settings.optional("redis_url", None, url::redis)?,
            data_dir,
            secret: settings.optional("secret", None, secret::parse)?,
            other_secrets: settings
                .optional("other_secrets", None, secret::parse_all)?
                .unwrap_or_default(),
            smtp_url: settings.optional("smtp_url", None, secret::parse)?,
            mail_from: settings
                .get("mail_from", value::line)?
                .unwrap_or_else(|| "bikelease <no-reply@localhost>".to_owned()),
            sign_ins_per_address: settings.optional(
                "sign_ins_per_address",
                Some(60),
                value::sockets,
            )?,
            requests_per_address: settings.optional(
                "requests_per_address",
                None,
                value::sockets,
            )?,
            requests_per_user: settings.optional("requests_per_user", None, value::sockets)?,
            requests_per_tenant: settings.optional("requests_per_tenant", None, value::sockets)?,
            log: settings.get("log", value::line)?.unwrap_or_else(|| "info".to_owned()),
            log_format: settings.get("log_format", value::log_format)?.unwrap_or(LogFormat::Auto),
            public_url: settings.optional("public_url", None, url::public)?,
            allowed_origins: settings
                .optional("allowed_origins", None, url::origins)?
                .unwrap_or_default(),
            trusted_proxies: settings
                .optional("trusted_proxies", None, value::networks)?
                .unwrap_or_default(),
            default_tenant: settings.optional("default_tenant", tenant, value::slug)?,
            demo: settings.get("demo", value::flag)?.unwrap_or(development),
            shutdown_grace_seconds: settings
                .get("shutdown_grace_seconds", value::grace)?
                .unwrap_or(15),
            shutdown_spread_seconds: settings
                .get("shutdown_spread_seconds", value::grace)?
                .unwrap_or(5),
            sockets_per_address: settings.optional("sockets_per_address", None, value::sockets)?,
            sockets_per_user: settings.optional("sockets_per_user", Some(50), value::sockets)?,
            sockets_per_tenant: settings.optional("sockets_per_tenant", None, value::sockets)?,
            event_retention_hours: settings
                .get("event_retention_hours", value::retention)?
                .unwrap_or(72),
            jobs: settings.get("jobs", value::queues)?.unwrap_or_else(Queues::every),
            graphiql: settings.get("graphiql", value::flag)?.unwrap_or(development),
            query: QueryLimits::read(&settings)?,
        };
        if env == Environment::Production {
            config.check_production(&settings)?;
        }
        Ok(config)
    }

    /// The configured secret; in development without one, the one in `data_dir`, which is
    /// made on the first call.
    pub fn secret(&self) -> io::Result<Secret> {
        match &self.secret {
            Some(secret) => Ok(secret.clone()),
            None => load_or_create(&self.data_dir),
        }
    }

    fn check_production(&self, settings: &Settings) -> Result<(), ConfigError> {
        let weakness = match &self.secret {
            Some(secret) => secret.weakness(),
            None => Some("missing"),
        };
        if let Some(problem) = weakness {
            return Err(settings.insecure("secret", problem));
        }
        if let Some(problem) = self.other_secrets.iter().find_map(Secret::weakness) {
            return Err(settings.insecure("other_secrets", problem));
        }
        if self.smtp_url.is_some() && self.public_url.is_none() {
            return Err(settings.insecure("public_url", "missing, and links in messages need it"));
        }
        if self.demo {
            return Err(settings.insecure("demo", "true, and its logins are public"));
        }
        Ok(())
    }
}

/// This process's `BIKELEASE_` variables.
fn variables() -> Result<Vec<(String, String)>, ConfigError> {
    let mut variables = Vec::new();
    for (name, value) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with(settings::PREFIX) {
            let value = value.into_string().map_err(|_| settings::not_unicode(&name))?;
            variables.push((name, value));
        }
    }
    Ok(variables)
}
