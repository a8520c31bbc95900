//! From the text of a manifest to a new version: read, checked against the schema, and kept.

use service::ctx::Ctx;
use service::entity::{api_client::ClientId, manifest};
use service::error::Invalid;
use service::partner::manifest::{Checked, Diff, Publish};
use service::refusal::Refusal;

pub use super::check::{Flaw, Refused};
use super::{check, manifest::read};
use crate::schema::AppExecutor;

/// The new version, or why there is none; with the documents at fault.
pub async fn publish(
    call: &Ctx,
    executor: &AppExecutor,
    client: ClientId,
    text: &str,
) -> (service::Result<manifest::Model>, Vec<Refused>) {
    match checked(call, executor, client, text).await {
        Ok(Ok(operations)) => {
            let input = Publish { client, operations };
            (service::partner::manifest::publish(call, input).await, Vec::new())
        }
        Ok(Err(refused)) => (Err(refusal(&refused)), refused),
        Err(error) => (Err(error), Vec::new()),
    }
}

/// What publishing it would change.
pub async fn diff(
    call: &Ctx,
    executor: &AppExecutor,
    client: ClientId,
    text: &str,
) -> (service::Result<Diff>, Vec<Refused>) {
    match checked(call, executor, client, text).await {
        Ok(Ok(operations)) => {
            (service::partner::manifest::diff(call, client, &operations).await, Vec::new())
        }
        Ok(Err(refused)) => (Err(refusal(&refused)), refused),
        Err(error) => (Err(error), Vec::new()),
    }
}

/// Nothing is parsed for somebody who may not publish.
async fn checked(
    call: &Ctx,
    executor: &AppExecutor,
    client: ClientId,
    text: &str,
) -> service::Result<Result<Vec<Checked>, Vec<Refused>>> {
    service::partner::get(call, client).await?;
    let entries = read(text).map_err(|error| Invalid::new("manifest", error))?;
    if entries.len() > service::partner::manifest::MOST_OPERATIONS {
        return Err(Invalid::new("manifest", "has more than 2,000 operations").into());
    }
    Ok(check::entries(executor, entries).await)
}

fn refusal(refused: &[Refused]) -> service::Error {
    Refusal::OperationsRefused { count: refused.len() }.into()
}
