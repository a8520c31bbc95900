//! One running process of the platform: its database, keys, feed and bus, wired by the configuration.

use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use migration::{Migrator, MigratorTrait, isolation};
use service::{
    clock::Clock,
    config::{Config, DatabaseUrl, Environment},
    ctx::App,
    db::Db,
    event::{bus::Bus, feed::Feed, memory::Memory, redis::Redis},
    job::store,
    keys::Keys,
    limit::Limits,
    notify::{Outbox, Smtp},
    payment::provider::{registry::Registry, token::Tokens},
};

use crate::schema::{AppExecutor, Terms};

/// How long another process that migrates at the same time may take for one step.
const PATIENCE: Duration = Duration::from_millis(300);

/// Cheap to clone.
#[derive(Clone)]
pub struct Node {
    pub app: App,
    database_url: DatabaseUrl,
    terms: Terms,
}

impl Node {
    /// Connects; changes nothing in the database, but creates the SQLite file when there is none.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Self> {
        let url = &config.database_url;
        if url.is_sqlite() {
            create(&config.data_dir).with_context(|| {
                format!("cannot create the directory {}", config.data_dir.display())
            })?;
        }
        let db = Db::connect_as(&config.database_urls(), config.database_pool)
            .await
            .with_context(|| format!("cannot open the database {url}"))?;
        let keys = Arc::new(keys(config)?);
        let feed = Feed::new(db.clone());
        let bus = bus(config, &feed)?;
        feed.use_bus(Arc::clone(&bus));
        let app = App::new(db, clock, keys, bus, feed);
        let app = configured(app, config)?;
        let terms = Terms::of(config);
        Ok(Self { app, database_url: url.clone(), terms })
    }

    /// The schema, over this node and on the installation's terms.
    pub fn executor(&self) -> AppExecutor {
        AppExecutor::new(self.app.clone(), self.terms)
    }

    /// Applies all pending migrations and sets up the job queue; several processes may do it at once.
    pub async fn migrate(&self) -> Result<()> {
        let mut pending = pending(&self.app).await?.len();
        while pending > 0 {
            let outcome = Migrator::up(self.app.db.writer(), None).await;
            let before = pending;
            if outcome.is_err() {
                tokio::time::sleep(PATIENCE).await;
            }
            pending = self::pending(&self.app).await?.len();
            // Where it went on in spite of the error, another process is at the same work.
            if pending >= before {
                outcome.context("cannot migrate the database")?;
            }
        }
        store::migrate(&self.app.db).await.context("cannot set up the job queue")?;
        isolation::secure(self.app.db.writer()).await.context("cannot secure the tables")?;
        Ok(())
    }

    /// The roles that logins become members of, on PostgreSQL.
    pub async fn create_roles(&self) -> Result<()> {
        if self.database_url.is_sqlite() {
            bail!("SQLite has no roles");
        }
        let done = isolation::create_roles(self.app.db.writer()).await;
        done.with_context(|| format!("cannot create the roles of {}", self.database_url))
    }

    /// Takes back the last migrations.
    pub async fn migrate_down(&self, steps: u32) -> Result<()> {
        Migrator::down(self.app.db.writer(), Some(steps))
            .await
            .context("cannot take the migration back")?;
        let nothing_left = self.migrations().await?.iter().all(|(_, applied)| !applied);
        if nothing_left {
            store::tear_down(&self.app.db).await.context("cannot take the job queue back")?;
        }
        Ok(())
    }

    /// Every migration in order, with whether it is applied.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>> {
        let pending = pending(&self.app).await?;
        let all = Migrator::get_migration_files();
        Ok(all
            .iter()
            .map(|file| (file.name().to_owned(), !pending.iter().any(|name| name == file.name())))
            .collect())
    }

    /// In development, migrates; in production, only looks whether somebody has.
    pub async fn make_ready(&self, config: &Config) -> Result<()> {
        match config.env {
            Environment::Development => self.migrate_as_owner(config).await?,
            Environment::Production => match pending(&self.app).await?.as_slice() {
                [] => {}
                names => bail!(
                    "the database {} lacks {} migrations, {} first; run `bikelease migrate up`",
                    self.database_url,
                    names.len(),
                    names[0]
                ),
            },
        }
        self.look_at_roles(config.env).await
    }

    async fn migrate_as_owner(&self, config: &Config) -> Result<()> {
        if config.database_roles.migration.is_none() {
            return self.migrate().await;
        }
        let clock = Arc::clone(&self.app.clock);
        let owner = Box::pin(Self::start(&config.of_owner(), clock)).await?;
        owner.migrate().await
    }

    async fn look_at_roles(&self, env: Environment) -> Result<()> {
        let found = self.app.db.roles_in_use().await.context("cannot look at the roles")?;
        if let Some(key) = found.blind.first() {
            bail!("the role of {key} sees no tenant's rows; see \"Roles\" in docs/operations.md");
        }
        if let (Some(why), Environment::Production) = (found.unheld, env) {
            tracing::warn!(why, "row-level security does not hold the role of database_url");
        }
        Ok(())
    }
}

/// The names of the migrations that the database lacks. One that is ahead lacks none: the next version has migrated
/// it, and this one works on until it is replaced.
pub(crate) async fn pending(app: &App) -> service::Result<Vec<String>> {
    match Migrator::get_pending_migrations_read_only(app.db.reader()).await {
        Ok(pending) => Ok(pending.iter().map(|file| file.name().to_owned()).collect()),
        Err(error) if error.to_string().contains("its file is missing") => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn keys(config: &Config) -> Result<Keys> {
    let secret = config.secret().context("cannot read or make the secret")?;
    let others: Vec<_> = config.other_secrets.iter().map(|s| s.expose().as_bytes()).collect();
    Ok(Keys::derive(secret.expose().as_bytes(), &others)?)
}

fn configured(mut app: App, config: &Config) -> Result<App> {
    let hours = i64::try_from(config.event_retention_hours).unwrap_or(i64::MAX / 3_600_000);
    app.event_retention = chrono::Duration::hours(hours);
    app.sign_ins_per_address = config.sign_ins_per_address;
    let here = || format!("http://{}:{}", config.host, config.port);
    app.public_url = config.public_url.clone().unwrap_or_else(here).into();
    // Who pretends to pay does so on a developer's machine only.
    let pretend = config.env == Environment::Development;
    app.providers = Registry::new(pretend, config.provider_urls.clone(), Arc::clone(&app.clock))?;
    if let Some(url) = &config.redis_url {
        app.limits = Limits::in_redis(Arc::clone(&app.clock), url.expose(), &app.keys)
            .context("redis_url cannot be used")?;
        app.tokens = Tokens::in_redis(Arc::clone(&app.clock), url.expose(), &app.keys)
            .context("redis_url cannot be used")?;
    }
    if let Some(url) = &config.smtp_url {
        app.notifier = Arc::new(
            Smtp::new(url.expose(), &config.mail_from)
                .context("smtp_url or mail_from cannot be used")?,
        );
    } else if config.env == Environment::Development {
        let outbox = Arc::new(Outbox::new(Arc::clone(&app.clock)));
        app.outbox = Some(Arc::clone(&outbox));
        app.notifier = outbox;
    }
    Ok(app)
}

fn bus(config: &Config, feed: &Feed) -> Result<Arc<dyn Bus>> {
    Ok(match &config.redis_url {
        Some(url) => {
            Arc::new(Redis::start(url.expose(), feed.clone()).context("redis_url cannot be used")?)
        }
        None => Arc::new(Memory),
    })
}

/// For its owner only: the database holds what nobody else may read.
fn create(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}
