//! Pages of the stream that many listeners want at the same time: each row is read once, however many come back at once.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use entity::{stream_head, tenant::TenantId};
use sea_orm::ConnectionTrait;

use super::{Recorded, table};
use crate::error::{Error, Result};

/// A storm of clients comes back to nearly the same place. Of a page of 500 events that is up to about a megabyte.
const KEPT: usize = 32;

/// A part of one tenant's stream; numbers mean nothing without their epoch.
type Place = (TenantId, uuid::Uuid, i64);
/// The events of a page that were read so far, without a gap. Whoever needs more reads it while the others wait.
type Page = Arc<tokio::sync::Mutex<Vec<Arc<Recorded>>>>;

#[derive(Default)]
pub(crate) struct Pages {
    kept: Mutex<Kept>,
    reads: AtomicU64,
}

#[derive(Default)]
struct Kept {
    pages: HashMap<Place, (Page, u64)>,
    /// Counts up with each use, so that the page that nobody has used for longest goes first.
    clock: u64,
}

impl Pages {
    /// How many times the table was asked.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// The events after one number up to another, as many as are on its page: at least one, where there is one.
    pub(crate) async fn read(
        &self,
        db: &impl ConnectionTrait,
        head: &stream_head::Model,
        after: i64,
        up_to: i64,
    ) -> Result<Vec<Arc<Recorded>>> {
        let size = i64::try_from(table::READ).unwrap_or(i64::MAX);
        let number = after.div_euclid(size);
        let page = self.page((head.tenant_id, head.epoch, number));
        let up_to = up_to.min((number + 1) * size);
        let mut events = page.lock().await;
        match (events.first().map(|event| event.seq), events.last().map(|event| event.seq)) {
            (Some(first), Some(last)) => {
                if after + 1 < first {
                    let mut earlier = self.ask(db, head, after, first - 1).await?;
                    earlier.append(&mut events);
                    *events = earlier;
                }
                if last < up_to {
                    let later = self.ask(db, head, last, up_to).await?;
                    events.extend(later);
                }
            }
            _ => *events = self.ask(db, head, after, up_to).await?,
        }
        let wanted = |event: &&Arc<Recorded>| (after + 1..=up_to).contains(&event.seq);
        let found: Vec<_> = events.iter().filter(wanted).map(Arc::clone).collect();
        match found.first() {
            Some(event) if event.seq == after + 1 => Ok(found),
            _ => Err(Error::ResyncRequired),
        }
    }

    async fn ask(
        &self,
        db: &impl ConnectionTrait,
        head: &stream_head::Model,
        after: i64,
        up_to: i64,
    ) -> Result<Vec<Arc<Recorded>>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        table::read(db, head, after, up_to).await
    }

    fn page(&self, place: Place) -> Page {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let (page, used) = kept.pages.entry(place).or_default();
        *used = now;
        let page = Arc::clone(page);
        if kept.pages.len() > KEPT {
            let oldest = kept.pages.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(place) = oldest.map(|(place, _)| *place) {
                kept.pages.remove(&place);
            }
        }
        page
    }
}
