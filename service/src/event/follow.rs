//! One listener's way through the stream: from its cursor out of the table, then live, spliced by number.

use std::sync::{Arc, OnceLock};

use entity::stream_head;
use futures_util::Stream;
use tokio::sync::broadcast;

use super::{Cursor, Recorded, table};
use crate::{
    ctx::Ctx,
    error::{Error, Result},
};

impl Ctx {
    /// Everything after the cursor, then everything that happens; from now on without one.
    ///
    /// Each number comes once and in order. Fails with `ResyncRequired` when that cannot be promised, at the start or later.
    pub async fn events(
        &self,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<Arc<Recorded>>> + Send + use<>> {
        // Attached first, so that nothing falls between the table and the live feed.
        let mut live = self.app.feed.attach(self.tenant).await?;
        let head = table::head(self.reader(), self.tenant).await?;
        let mut last = start(&head, after)?;
        let (feed, db) = (self.app.feed.clone(), self.app.db.clone());
        let mut up_to = head.last_seq;
        Ok(async_stream::try_stream! {
            loop {
                while last < up_to {
                    for event in feed.replay(&head, last, up_to).await? {
                        last = event.seq;
                        yield event;
                    }
                }
                match live.recv().await {
                    Ok(event) if event.seq == last + 1 => {
                        last = event.seq;
                        up_to = last;
                        yield event;
                    }
                    Ok(event) => up_to = up_to.max(event.seq),
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        up_to = table::head(db.feed(), head.tenant_id).await?.last_seq;
                    }
                    Err(broadcast::error::RecvError::Closed) => Err(Error::ResyncRequired)?,
                }
            }
        })
    }

    /// What happened after the cursor until now; nothing without one. `reached` is set to now when all of it has come.
    pub async fn replay(
        &self,
        after: Option<Cursor>,
        reached: Arc<OnceLock<Cursor>>,
    ) -> Result<impl Stream<Item = Result<Arc<Recorded>>> + Send + use<>> {
        let head = table::head(self.reader(), self.tenant).await?;
        let mut last = start(&head, after)?;
        let feed = self.app.feed.clone();
        Ok(async_stream::try_stream! {
            while last < head.last_seq {
                for event in feed.replay(&head, last, head.last_seq).await? {
                    last = event.seq;
                    yield event;
                }
            }
            let _ = reached.set(place(&head));
        })
    }

    /// Where the stream is now; a snapshot that is read afterwards contains at least all up to here.
    pub async fn stream_cursor(&self) -> Result<Cursor> {
        Ok(place(&table::head(self.reader(), self.tenant).await?))
    }
}

fn place(head: &stream_head::Model) -> Cursor {
    Cursor { epoch: head.epoch, seq: head.last_seq }
}

/// The number after which a listener begins.
fn start(head: &stream_head::Model, after: Option<Cursor>) -> Result<i64> {
    match after {
        None => Ok(head.last_seq),
        Some(cursor)
            if cursor.epoch == head.epoch
                && (head.first_seq - 1..=head.last_seq).contains(&cursor.seq) =>
        {
            Ok(cursor.seq)
        }
        Some(_) => Err(Error::ResyncRequired),
    }
}
