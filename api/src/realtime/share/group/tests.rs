//! Seats, from the first to the last, and the execution behind them.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use async_graphql::Value;
use entity::Id;
use futures_util::stream;
use tokio::sync::mpsc;

use super::*;
use crate::realtime::bell::Bell;

fn key() -> Arc<Key> {
    let tenant = TenantId::from_uuid(uuid::Uuid::nil());
    Arc::new(Key { tenant, audience: Actor::Audience(None), standing: String::new() })
}

fn at(seq: i64) -> Cursor {
    Cursor { epoch: uuid::Uuid::nil(), seq }
}

type Answers = BoxStream<'static, Response>;

/// An execution that answers each number that it is told, as long as somebody is there to tell one.
fn told(progress: Progress, numbers: mpsc::Receiver<i64>) -> Answers {
    let answers = stream::unfold((progress, numbers), |(progress, mut numbers)| async move {
        progress.pass_shown();
        progress.show(at(numbers.recv().await?), Instant::now());
        Some((Response::new(Value::Null), (progress, numbers)))
    });
    answers.boxed()
}

/// A member that waits for its bell.
struct Waiting {
    bell: Arc<Bell>,
    seat: Seat,
}

impl Waiting {
    fn take(groups: &Groups, since: i64, start: impl FnOnce(Progress) -> Answers) -> Self {
        let bell = Arc::new(Bell::default());
        let seat = groups.join_or_start(&key(), &bell.cord(7), at(since), start);
        Self { bell, seat }
    }

    async fn hear(&mut self, after: i64) -> Option<i64> {
        poll_fn(|cx| {
            self.bell.heard(cx.waker());
            match self.seat.hear(at(after)) {
                Heard::Frame(frame) => Poll::Ready(Some(frame.at.seq)),
                Heard::Missed | Heard::Over => Poll::Ready(None),
                Heard::Nothing => Poll::Pending,
            }
        })
        .await
    }
}

#[tokio::test]
async fn who_takes_a_seat_late_is_told_what_is_missing() {
    let (groups, (tell, numbers)) = (Groups::default(), mpsc::channel(9));
    let mut first = Waiting::take(&groups, 5, |progress| told(progress, numbers));
    assert!(!first.seat.begins_beyond(at(5)) && first.seat.begins_beyond(at(4)));
    for number in [6, 8] {
        tell.send(number).await.unwrap();
        assert_eq!(first.hear(5).await, Some(number));
    }
    let mut late = Waiting::take(&groups, 7, |_| panic!("there is one"));
    assert!(late.seat.begins_beyond(at(7)) && !late.seat.begins_beyond(at(8)));
    for number in [9, 10] {
        tell.send(number).await.unwrap();
    }
    assert_eq!(late.hear(9).await, Some(10), "what is known already is passed over");
}

#[tokio::test]
async fn an_execution_that_ends_lets_everybody_know_and_makes_room() {
    let (groups, (tell, numbers)) = (Groups::default(), mpsc::channel(9));
    let mut old = Waiting::take(&groups, 1, |progress| told(progress, numbers));
    drop(tell);
    assert_eq!(old.hear(1).await, None);
    assert!(groups.join(&key(), &Arc::new(Bell::default()).cord(0)).is_none());
    let (tell, numbers) = mpsc::channel(9);
    let mut new = Waiting::take(&groups, 2, |progress| told(progress, numbers));
    drop(old);
    tell.send(3).await.unwrap();
    assert_eq!(new.hear(2).await, Some(3), "an old seat does not end a new group");
}

#[tokio::test]
async fn the_last_seat_ends_the_execution() {
    let (groups, (tell, numbers)) = (Groups::default(), mpsc::channel(9));
    let first = Waiting::take(&groups, 1, |progress| told(progress, numbers));
    let second = Waiting::take(&groups, 1, |_| panic!("there is one"));
    drop(first);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!tell.is_closed());
    drop(second);
    tell.closed().await;
    assert_eq!(groups.count(), 0);
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Ends by itself now and then, and never without a number of its own.
fn busy(progress: Progress, running: &Arc<AtomicUsize>) -> Answers {
    running.fetch_add(1, Ordering::SeqCst);
    let counted = Counted(Arc::clone(running));
    let answers =
        stream::unfold((progress, 0, counted), |(progress, number, counted)| async move {
            if number % 50 == 49 {
                return None;
            }
            tokio::task::yield_now().await;
            progress.show(at(number), Instant::now());
            Some((Response::new(Value::Null), (progress, number + 1, counted)))
        });
    answers.boxed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_any_coming_and_going_nothing_is_left() {
    let (groups, running) = (Groups::default(), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..200)
        .map(|visitor: i64| {
            let (groups, running) = (groups.clone(), Arc::clone(&running));
            tokio::spawn(async move {
                for visit in 0..50 {
                    let mut seat = Waiting::take(&groups, -1, |progress| busy(progress, &running));
                    if (visitor + visit) % 3 == 0 {
                        let _ = seat.hear(-1).await;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((groups.count(), groups.tally.waiting()), (0, 0));
    for _ in 0..100 {
        if running.load(Ordering::SeqCst) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} executions run on", running.load(Ordering::SeqCst));
}

#[tokio::test]
async fn who_falls_behind_is_told_and_goes_on_with_what_comes_next() {
    let (groups, (tell, numbers)) = (Groups::default(), mpsc::channel(9));
    let mut slow = Waiting::take(&groups, 0, |progress| told(progress, numbers));
    let mut quick = Waiting::take(&groups, 0, |_| panic!("there is one"));
    let last = i64::try_from(RING).unwrap() + 1;
    for number in 1..=last {
        tell.send(number).await.unwrap();
        assert_eq!(quick.hear(number - 1).await, Some(number));
    }
    assert_eq!(groups.tally.waiting(), RING as u64 + 1);
    assert!(matches!(slow.seat.hear(at(0)), Heard::Missed));
    assert!(matches!(slow.seat.hear(at(0)), Heard::Nothing));
    assert_eq!((groups.tally.waiting(), groups.tally.deliveries()), (0, RING as u64 + 1));
    tell.send(last + 1).await.unwrap();
    assert_eq!(slow.hear(last).await, Some(last + 1));
}

#[tokio::test]
async fn what_a_filter_hides_is_passed_once_all_before_it_is_heard() {
    let (groups, (tell, numbers)) = (Groups::default(), mpsc::channel(9));
    let mut member = Waiting::take(&groups, 5, |progress| told(progress, numbers));
    assert_eq!(member.seat.passed(at(5)), at(5));
    member.seat.group.progress.pass(at(8));
    assert_eq!(member.seat.passed(at(5)), at(8));
    tell.send(9).await.unwrap();
    assert_eq!(member.hear(5).await, Some(9));
    member.seat.group.progress.pass(at(12));
    assert_eq!((member.seat.passed(at(8)), member.seat.passed(at(9))), (at(8), at(12)));
}
