//! `bikelease operations`: what API clients have registered.

use std::{collections::HashMap, fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use service::{
    ctx::Ctx,
    entity::api_client::ClientId,
    page::PageArgs,
    partner::{
        self,
        manifest::{self, Retire},
        operation,
    },
    tenant,
};

use super::{explain, say};
use crate::{
    graphql::operation::{
        Hash,
        check::{self, Flaw},
        publish::{self, Refused},
    },
    node::Node,
};

/// Registers the operations of API clients, and looks after them
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease operations publish --tenant velo-nord --client client_0199… manifest.json")]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Registers a manifest as a client's next version, all of it or nothing
    #[command(after_help = "\
Reads Apollo's persisted query manifest, and the map from SHA-256 hashes to documents that Relay and
codegen write. Versions before it can be called until they are retired.

Example:
  bikelease operations publish --tenant velo-nord --client client_0199… manifest.json")]
    Publish {
        #[command(flatten)]
        of: Of,
        /// The file that the client's build tool writes
        manifest: PathBuf,
    },
    /// Shows what a manifest would change against the newest version
    #[command(after_help = "\
Example:
  bikelease operations diff --tenant velo-nord --client client_0199… manifest.json")]
    Diff {
        #[command(flatten)]
        of: Of,
        /// The file that the client's build tool writes
        manifest: PathBuf,
    },
    /// Lists a client's versions and their operations
    #[command(after_help = "\
Example:
  bikelease operations list --tenant velo-nord --client client_0199…")]
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Takes a version out of use
    #[command(after_help = "\
Example:
  bikelease operations retire --tenant velo-nord --client client_0199… --version 3")]
    Retire {
        #[command(flatten)]
        of: Of,
        /// Which version
        #[arg(long)]
        version: i32,
    },
    /// Looks whether this version of bikelease serves all that is registered; run it before you deploy
    #[command(after_help = "\
The exit code is 1 when an operation of any tenant that can be called now is not one of this version's
schema; each is named with its client, the reason and the line.

Example:
  bikelease operations check")]
    Check,
}

#[derive(Args)]
struct Of {
    /// The tenant's slug
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// The API client
    #[arg(long, value_name = "ID")]
    client: ClientId,
}

impl Of {
    async fn call(&self, node: &Node) -> Result<Ctx> {
        let slug = &self.tenant;
        let tenant = tenant::by_slug(&node.app, slug).await.with_context(|| slug.clone())?;
        let call = node.app.system(tenant.id, "operations");
        partner::get(&call, self.client).await.with_context(|| self.client.to_string())?;
        Ok(call)
    }
}

pub async fn run(node: &Node, options: Options) -> Result<ExitCode> {
    match options.action {
        Action::Publish { of, manifest } => publish(node, &of, &manifest).await,
        Action::Diff { of, manifest } => diff(node, &of, &manifest).await,
        Action::List { of } => list(&of.call(node).await?, of.client).await,
        Action::Retire { of, version } => {
            let input = Retire { client: of.client, version };
            let retired = manifest::retire(&of.call(node).await?, input).await.map_err(explain)?;
            say(format_args!("version {} is retired", retired.version));
            Ok(ExitCode::SUCCESS)
        }
        Action::Check => check(node).await,
    }
}

async fn publish(node: &Node, of: &Of, manifest: &PathBuf) -> Result<ExitCode> {
    let (call, text) = (of.call(node).await?, read(manifest)?);
    let executor = node.executor();
    let (published, refused) = publish::publish(&call, &executor, of.client, &text).await;
    tell(&refused);
    let manifest = published.map_err(explain)?;
    say(format_args!("version {} can be called", manifest.version));
    Ok(ExitCode::SUCCESS)
}

async fn diff(node: &Node, of: &Of, manifest: &PathBuf) -> Result<ExitCode> {
    let (call, text) = (of.call(node).await?, read(manifest)?);
    let executor = node.executor();
    let (diff, refused) = publish::diff(&call, &executor, of.client, &text).await;
    tell(&refused);
    let diff = diff.map_err(explain)?;
    match diff.version {
        Some(version) if diff.is_empty() => say(format_args!("the same as version {version}")),
        Some(version) => say(format_args!("against version {version}:")),
        None => say("nothing is published yet:"),
    }
    for (sign, names) in [('+', &diff.added), ('~', &diff.changed), ('-', &diff.removed)] {
        for name in names {
            say(format_args!("{sign} {name}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(call: &Ctx, client: ClientId) -> Result<ExitCode> {
    let mut page = PageArgs::default();
    loop {
        let found = manifest::list(call, client, &page).await?;
        for (_, manifest) in &found.items {
            let retired = manifest.retired_at.map(|at| format!(", retired {at:?}"));
            let (version, published) = (manifest.version, manifest.published_at);
            let retired = retired.unwrap_or_default();
            let by = &manifest.published_by;
            say(format_args!("version {version}, published {published:?} by {by}{retired}"));
            operations(call, manifest).await?;
        }
        match found.items.last() {
            Some((cursor, _)) if found.has_next => page.after = Some(cursor.clone()),
            _ => return Ok(ExitCode::SUCCESS),
        }
    }
}

async fn operations(call: &Ctx, manifest: &service::entity::manifest::Model) -> Result<()> {
    let mut page = PageArgs { first: Some(service::page::MAX), ..PageArgs::default() };
    loop {
        let found = operation::list(call, manifest.id, &page).await?;
        for (_, operation) in &found.items {
            let hash = Hash::from_bytes(&operation.sha256).map(|hash| hash.to_string());
            let (hash, cost) = (hash.unwrap_or_default(), operation.cost);
            say(format_args!("  {hash} {} costs up to {cost}", operation.name));
        }
        match found.items.last() {
            Some((cursor, _)) if found.has_next => page.after = Some(cursor.clone()),
            _ => return Ok(()),
        }
    }
}

/// Each text is looked at once, however many have registered it.
async fn check(node: &Node) -> Result<ExitCode> {
    let executor = node.executor();
    let mut looked: HashMap<Vec<u8>, Vec<Flaw>> = HashMap::new();
    let (mut count, mut broken) = (0_usize, 0_usize);
    for tenant in tenant::all(&node.app).await? {
        let call = node.app.system(tenant.id, "operations");
        for live in operation::live(&call).await? {
            count += 1;
            let operation = &live.operation;
            if !looked.contains_key(&operation.sha256) {
                let outcome = check::document(&executor, &operation.document).await;
                looked.insert(operation.sha256.clone(), outcome.err().unwrap_or_default());
            }
            let flaws = looked.get(&operation.sha256).map_or(&[][..], Vec::as_slice);
            broken += usize::from(!flaws.is_empty());
            for flaw in flaws {
                let (slug, client, version) = (&tenant.slug, &live.client, live.version);
                let whose = format!("{slug}, {} ({}), version {version}", client.name, client.id);
                say(format_args!("{whose}, {}{}", operation.name, words(flaw)));
            }
        }
    }
    say(format_args!("{count} registered operations, {broken} that this version does not serve"));
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(manifest: &PathBuf) -> Result<String> {
    fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))
}

fn tell(refused: &[Refused]) {
    for Refused { operation, flaw } in refused {
        say(format_args!("{operation}{}", words(flaw)));
    }
}

fn words(flaw: &Flaw) -> String {
    match flaw.place {
        Some((line, column)) => format!(", line {line}, column {column}: {}", flaw.reason),
        None => format!(": {}", flaw.reason),
    }
}
