//! Several writes in one transaction of SQLite, one after the other, so that they wait for the disk together.
//!
//! A task begins the transaction and gives each write its turn in a savepoint. When nobody waits any more, or others on the same
//! file have waited long enough, it commits; only then does anyone hear how it went.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

use crate::error::{Error, Result};

/// When a group takes nobody in any more.
const MEMBERS: usize = 64;
const TIME: Duration = Duration::from_millis(20);
/// Other connections that want the lock look for it every tenth of a second, and give up after five: in a twentieth of the time
/// it is free for so long.
const BREAK: Duration = Duration::from_millis(105);
const SHARE: u32 = 20;
/// As long as others wait for a connection of a pool.
const PATIENCE: Duration = Duration::from_secs(8);

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Turns(mpsc::UnboundedSender<Request>);

enum Request {
    Turn(Ask),
    End,
}

type Ask = oneshot::Sender<Result<Turn, DbErr>>;

/// One write's part of a group. Others wait until it is over.
pub(crate) struct Turn {
    // Fields go in this order: who hears that a turn is over finds that nobody uses the transaction.
    transaction: Arc<DatabaseTransaction>,
    /// A write that was cancelled goes without a word, and is undone.
    over: oneshot::Sender<Member>,
}

struct Member {
    keep: bool,
    then: Box<dyn FnOnce() + Send>,
    tell: oneshot::Sender<Fate>,
}

/// Of a group.
#[derive(Clone)]
enum Fate {
    Committed,
    /// The database rolled it back before it came to the commit.
    Undone,
    Failed(DbErr),
}

impl Turns {
    /// Ends with the last clone.
    pub fn start(writer: DatabaseConnection) -> Self {
        let (ask, requests) = mpsc::unbounded_channel();
        tokio::spawn(serve(writer, requests));
        Self(ask)
    }

    pub async fn take(&self) -> Result<Turn, DbErr> {
        let (ask, granted) = oneshot::channel();
        let closed = || DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);
        self.0.send(Request::Turn(ask)).map_err(|_| closed())?;
        match timeout(PATIENCE, granted).await {
            Ok(turn) => turn.map_err(|_| closed())?,
            Err(_) => Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        }
    }

    /// For all clones: the group that is under way is the last.
    pub fn end(&self) {
        let _ = self.0.send(Request::End);
    }
}

impl Turn {
    pub fn transaction(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// `then` happens once it is committed, before or after those of other writes as they had their turns.
    pub async fn commit(self, then: Box<dyn FnOnce() + Send>) -> Result<()> {
        match self.over(true, then).await {
            Some(Fate::Committed) => Ok(()),
            Some(Fate::Undone) => Err(Error::Unavailable("a group of writes was undone".into())),
            Some(Fate::Failed(error)) => Err(Error::of_commit(error)),
            None => Err(Error::internal("nobody knows whether a write was committed")),
        }
    }

    /// Fails when this write may have seen what was never committed: then its answer does not count.
    pub async fn rollback(self) -> Result<()> {
        match self.over(false, Box::new(|| {})).await {
            Some(Fate::Committed) => Ok(()),
            _ => Err(Error::Unavailable("a group of writes was undone".into())),
        }
    }

    async fn over(self, keep: bool, then: Box<dyn FnOnce() + Send>) -> Option<Fate> {
        let Self { transaction, over } = self;
        drop(transaction);
        let (tell, told) = oneshot::channel();
        over.send(Member { keep, then, tell }).ok()?;
        told.await.ok()
    }
}

async fn serve(writer: DatabaseConnection, mut requests: mpsc::UnboundedReceiver<Request>) {
    let (mut owed, mut free) = (Duration::ZERO, Instant::now());
    while let Some(request) = requests.recv().await {
        let first = match request {
            Request::Turn(ask) => ask,
            Request::End => return,
        };
        owed = owed.saturating_sub(free.elapsed());
        let group = AssertUnwindSafe(group(&writer, first, &mut requests)).catch_unwind();
        match group.await {
            Ok(held) => owed += held / SHARE,
            Err(_) => tracing::error!("a group of writes panicked and was rolled back"),
        }
        free = Instant::now();
        if owed >= BREAK {
            sleep(BREAK).await;
        }
    }
}

/// Gives how long it held the lock.
async fn group(
    writer: &DatabaseConnection,
    first: Ask,
    requests: &mut mpsc::UnboundedReceiver<Request>,
) -> Duration {
    let mut group = match Group::begin(writer).await {
        Ok(group) => group,
        Err(error) => {
            refuse(first, requests, &error);
            return Duration::ZERO;
        }
    };
    let began = group.began;
    let mut next = Some(first);
    while let Some(ask) = next {
        if let Err(error) = group.turn(ask).await {
            tracing::warn!(%error, "the database rolled back a group of writes");
            group.undone();
            return began.elapsed();
        }
        next = if group.is_full() { None } else { waiting(requests) };
    }
    group.commit().await;
    began.elapsed()
}

fn waiting(requests: &mut mpsc::UnboundedReceiver<Request>) -> Option<Ask> {
    match requests.try_recv() {
        Ok(Request::Turn(ask)) => Some(ask),
        Ok(Request::End) => {
            requests.close();
            None
        }
        Err(_) => None,
    }
}

/// Whoever waits hears of it, and may ask again.
fn refuse(first: Ask, requests: &mut mpsc::UnboundedReceiver<Request>, error: &DbErr) {
    let _ = first.send(Err(error.clone()));
    while let Some(ask) = waiting(requests) {
        let _ = ask.send(Err(error.clone()));
    }
}

struct Group {
    transaction: Arc<DatabaseTransaction>,
    began: Instant,
    /// Those who wait for its fate, in the order of their turns. The first is one who wrote.
    members: Vec<Member>,
    turns: usize,
    /// Whether the last turn's savepoint still stands between what it wrote and the group.
    unreleased: bool,
}

impl Group {
    /// Takes SQLite's write lock at once, so that no write fails half-way for want of it.
    #[expect(clippy::disallowed_methods, reason = "one of the places that begin a transaction")]
    async fn begin(writer: &DatabaseConnection) -> Result<Self, DbErr> {
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = writer.begin_with_options(immediate).await?;
        let began = Instant::now();
        transaction.execute_unprepared("SAVEPOINT turn").await?;
        let transaction = Arc::new(transaction);
        Ok(Self { transaction, began, members: Vec::new(), turns: 0, unreleased: false })
    }

    fn is_full(&self) -> bool {
        self.turns >= MEMBERS || self.began.elapsed() >= TIME
    }

    /// Fails when the transaction is gone: without room or memory, SQLite may roll back more than the statement.
    async fn turn(&mut self, ask: Ask) -> Result<(), DbErr> {
        if ask.is_closed() {
            return Ok(());
        }
        if self.unreleased {
            self.transaction.execute_unprepared("RELEASE turn; SAVEPOINT turn").await?;
            self.unreleased = false;
        }
        self.turns += 1;
        let (over, heard) = oneshot::channel();
        // One that nobody takes is dropped, and over.
        let _ = ask.send(Ok(Turn { transaction: Arc::clone(&self.transaction), over }));
        match heard.await {
            Ok(member) if member.keep => {
                self.unreleased = true;
                self.members.push(member);
            }
            undone => {
                self.transaction.execute_unprepared("ROLLBACK TO turn").await?;
                match undone {
                    // It saw nothing that is not committed.
                    Ok(member) if self.members.is_empty() => {
                        let _ = member.tell.send(Fate::Committed);
                    }
                    Ok(member) => self.members.push(member),
                    Err(_) => {}
                }
            }
        }
        Ok(())
    }

    async fn commit(mut self) {
        let members = std::mem::take(&mut self.members);
        let outcome = match Arc::into_inner(self.transaction) {
            Some(transaction) if members.is_empty() => transaction.rollback().await,
            Some(transaction) => transaction.commit().await,
            None => Err(DbErr::Custom("a write outlived its turn".to_owned())),
        };
        let fate = outcome.map_or_else(Fate::Failed, |()| Fate::Committed);
        tell(members, &fate);
    }

    fn undone(self) {
        // What is left of the transaction goes before anyone tries again.
        drop(self.transaction);
        tell(self.members, &Fate::Undone);
    }
}

fn tell(members: Vec<Member>, fate: &Fate) {
    for member in members {
        if member.keep && matches!(fate, Fate::Committed) {
            (member.then)();
        }
        let _ = member.tell.send(fate.clone());
    }
}
