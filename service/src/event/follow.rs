//! One listener's way through the stream: from its cursor out of the table, then live, spliced by number.

use std::sync::Arc;

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
        if after.is_some() {
            self.app.feed.resumed();
        }
        let mut last = match after {
            None => head.last_seq,
            Some(cursor)
                if cursor.epoch == head.epoch
                    && (head.first_seq - 1..=head.last_seq).contains(&cursor.seq) =>
            {
                cursor.seq
            }
            Some(_) => return Err(Error::ResyncRequired),
        };
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
                        up_to = table::head(db.reader(), head.tenant_id).await?.last_seq;
                    }
                    Err(broadcast::error::RecvError::Closed) => Err(Error::ResyncRequired)?,
                }
            }
        })
    }

    /// Where the stream is now; a snapshot that is read afterwards contains at least all up to here.
    pub async fn stream_cursor(&self) -> Result<Cursor> {
        let head = table::head(self.reader(), self.tenant).await?;
        Ok(Cursor { epoch: head.epoch, seq: head.last_seq })
    }
}
