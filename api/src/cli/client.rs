//! `bikelease client`: programs that call the API.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use service::{
    ctx::Ctx,
    entity::{
        api_client::{ClientId, Kind, Model},
        api_key::KeyId,
        scope::{Scope, Scopes},
    },
    page::PageArgs,
    partner::{
        self, CreateClient,
        key::{self, CreateKey},
    },
    tenant,
};

use super::{explain, say};
use crate::node::Node;

/// Makes API clients and their keys
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease client create --tenant velo-nord --name 'City app' --scope board:read --scope vehicles:read")]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes an API client of one tenant
    #[command(after_help = "\
Example:
  bikelease client create --tenant velo-nord --name 'City app' --scope board:read --cost-per-minute 5000")]
    Create(Create),
    /// Lists a tenant's API clients, with the keys that work
    #[command(after_help = "\
Example:
  bikelease client list --tenant velo-nord")]
    List {
        /// The tenant's slug
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
    /// Makes a key, and prints it this once
    #[command(after_help = "\
Two keys of a client work at most: make the second, change over to it, and revoke the first.

Example:
  bikelease client key --tenant velo-nord --client client_0199…")]
    Key {
        /// The tenant's slug
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// The API client
        #[arg(long, value_name = "ID")]
        client: ClientId,
    },
    /// Takes a key out of use for ever
    #[command(after_help = "\
Example:
  bikelease client revoke --tenant velo-nord --key key_0199…")]
    Revoke {
        /// The tenant's slug
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        /// Which key
        #[arg(long, value_name = "ID")]
        key: KeyId,
    },
}

#[derive(Args)]
struct Create {
    /// The tenant's slug
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// As people call it
    #[arg(long)]
    name: String,
    /// Whose program it is
    #[arg(long, value_enum, default_value_t = KindName::Partner)]
    kind: KindName,
    /// What its keys may do, such as board:read; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// How much its calls may cost in a minute [default: no limit]
    #[arg(long, value_name = "COST")]
    cost_per_minute: Option<i32>,
    /// A site whose pages may call with its keys; may be given several times
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum KindName {
    /// Somebody else's
    Partner,
    /// The tenant's own, such as its web app
    FirstParty,
}

pub async fn run(node: &Node, options: Options) -> Result<ExitCode> {
    match options.action {
        Action::Create(create) => self::create(node, create).await?,
        Action::List { tenant } => list(&call(node, &tenant).await?).await?,
        Action::Key { tenant, client } => {
            let input = CreateKey { client, scopes: None, expires_at: None };
            let created = key::create(&call(node, &tenant).await?, input).await.map_err(explain)?;
            say(format_args!("made key {}; it is told now and never again:", created.key.id));
            say(created.secret);
        }
        Action::Revoke { tenant, key } => {
            let revoked = key::revoke(&call(node, &tenant).await?, key).await.map_err(explain)?;
            say(format_args!("key {} ({}…) is revoked", revoked.id, revoked.prefix));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(node: &Node, create: Create) -> Result<()> {
    let call = call(node, &create.tenant).await?;
    let input = CreateClient {
        name: create.name,
        kind: match create.kind {
            KindName::Partner => Kind::Partner,
            KindName::FirstParty => Kind::FirstParty,
        },
        scopes: create.scopes.into_iter().collect::<Scopes>(),
        cost_per_minute: create.cost_per_minute,
        allowed_origins: create.origins,
    };
    let client = partner::create(&call, input).await.map_err(explain)?;
    say(format_args!("made API client {} of tenant {}, {}", client.name, create.tenant, client.id));
    Ok(())
}

async fn list(call: &Ctx) -> Result<()> {
    let mut page = PageArgs::default();
    loop {
        let found = partner::list(call, true, &page).await?;
        for (_, client) in &found.items {
            let Model { id, name, scopes, .. } = client;
            let disabled = client.disabled_at.map_or("", |_| ", disabled");
            let budget = client.cost_per_minute.map(|cost| format!(", {cost} a minute"));
            say(format_args!("{id} {name}: {scopes}{}{disabled}", budget.unwrap_or_default()));
            keys(call, *id).await?;
        }
        match found.items.last() {
            Some((cursor, _)) if found.has_next => page.after = Some(cursor.clone()),
            _ => return Ok(()),
        }
    }
}

async fn keys(call: &Ctx, client: ClientId) -> Result<()> {
    for key in key::working_of(call, client).await? {
        let used = key.last_used_at.map_or("never used".to_owned(), |at| format!("used {at:?}"));
        say(format_args!("  {} {}…, {used}", key.id, key.prefix));
    }
    Ok(())
}

async fn call(node: &Node, slug: &str) -> Result<Ctx> {
    let tenant = tenant::by_slug(&node.app, slug).await.with_context(|| slug.to_owned())?;
    Ok(node.app.system(tenant.id, "client"))
}

fn scope(word: &str) -> Result<Scope, String> {
    let known = Scope::ALL.iter().find(|scope| scope.as_str() == word);
    known.copied().ok_or_else(|| {
        let words: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("a scope is one of {}", words.join(", "))
    })
}
