//! Seats, from the first to the last, and the execution behind them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::Value;
use entity::Id;
use futures_util::stream;
use tokio::sync::mpsc;

use super::*;

fn key() -> Arc<Key> {
    let tenant = TenantId::from_uuid(uuid::Uuid::nil());
    Arc::new(Key { tenant, audience: Actor::Audience(None), standing: String::new() })
}

fn at(seq: i64) -> Cursor {
    Cursor { epoch: uuid::Uuid::nil(), seq }
}

/// An execution that answers each number that it is told, as long as somebody is there to tell one.
fn told(progress: Progress, numbers: mpsc::Receiver<i64>) -> BoxStream<'static, Response> {
    let answers = stream::unfold((progress, numbers), |(progress, mut numbers)| async move {
        progress.pass_shown();
        progress.show(at(numbers.recv().await?));
        Some((Response::new(Value::Null), (progress, numbers)))
    });
    answers.boxed()
}

async fn heard(seat: &mut Seat, after: i64) -> Option<i64> {
    match seat.next(at(after)).await {
        Heard::Frame(frame) => Some(frame.at.seq),
        Heard::Missed | Heard::Ended => None,
    }
}

#[tokio::test]
async fn who_takes_a_seat_late_is_told_what_is_missing() {
    let (groups, key, (tell, numbers)) = (Groups::default(), key(), mpsc::channel(9));
    let mut first = groups.join_or_start(&key, at(5), |progress| told(progress, numbers));
    assert!(!first.begins_beyond(at(5)) && first.begins_beyond(at(4)));
    for number in [6, 8] {
        tell.send(number).await.unwrap();
        assert_eq!(heard(&mut first, 5).await, Some(number));
    }
    let mut late = groups.join_or_start(&key, at(7), |_| panic!("there is one"));
    assert!(late.begins_beyond(at(7)) && !late.begins_beyond(at(8)));
    for number in [9, 10] {
        tell.send(number).await.unwrap();
    }
    assert_eq!(heard(&mut late, 9).await, Some(10), "what is known already is passed over");
}

#[tokio::test]
async fn an_execution_that_ends_lets_everybody_know_and_makes_room() {
    let (groups, key, (tell, numbers)) = (Groups::default(), key(), mpsc::channel(9));
    let mut old = groups.join_or_start(&key, at(1), |progress| told(progress, numbers));
    drop(tell);
    assert_eq!(heard(&mut old, 1).await, None);
    assert!(groups.join(&key).is_none());
    let (tell, numbers) = mpsc::channel(9);
    let mut new = groups.join_or_start(&key, at(2), |progress| told(progress, numbers));
    drop(old);
    tell.send(3).await.unwrap();
    assert_eq!(heard(&mut new, 2).await, Some(3), "an old seat does not end a new group");
}

#[tokio::test]
async fn the_last_seat_ends_the_execution() {
    let (groups, key, (tell, numbers)) = (Groups::default(), key(), mpsc::channel(9));
    let first = groups.join_or_start(&key, at(1), |progress| told(progress, numbers));
    let second = groups.join(&key).unwrap();
    drop(first);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!tell.is_closed());
    drop(second);
    tell.closed().await;
    assert!(groups.lock().is_empty());
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Ends by itself now and then, and never without a number of its own.
fn busy(progress: Progress, running: &Arc<AtomicUsize>) -> BoxStream<'static, Response> {
    running.fetch_add(1, Ordering::SeqCst);
    let counted = Counted(Arc::clone(running));
    let answers =
        stream::unfold((progress, 0, counted), |(progress, number, counted)| async move {
            if number % 50 == 49 {
                return None;
            }
            tokio::task::yield_now().await;
            progress.show(at(number));
            Some((Response::new(Value::Null), (progress, number + 1, counted)))
        });
    answers.boxed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_any_coming_and_going_nothing_is_left() {
    let (groups, running) = (Groups::default(), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..200)
        .map(|visitor: i64| {
            let (groups, running, key) = (groups.clone(), Arc::clone(&running), key());
            tokio::spawn(async move {
                for visit in 0..50 {
                    let mut seat =
                        groups.join_or_start(&key, at(-1), |progress| busy(progress, &running));
                    if (visitor + visit) % 3 == 0 {
                        let _ = heard(&mut seat, -1).await;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(groups.lock().is_empty());
    for _ in 0..100 {
        if running.load(Ordering::SeqCst) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} executions run on", running.load(Ordering::SeqCst));
}
