//! What must be done in one place at a time: two nodes, and one of them does it.

use std::time::Duration;

use rstest::rstest;
use service::{
    Error,
    event::Event,
    job::lease::{self, Held},
};
use tests::{
    Fleet,
    Shape::{self, Embedded, Production},
    TestApp,
};
use tokio::sync::oneshot;

const NAME: &str = "test";
const TIME: Duration = Duration::from_secs(60);

/// A write of whoever holds the lease.
async fn write(app: &TestApp, fleet: &Fleet, held: &Held) -> Result<(), Error> {
    let ctx = app.node.app.system(fleet.tenant.id, "test");
    let tariff = fleet.tariff.parse().unwrap();
    ctx.write(|tx| async move {
        held.check(&tx).await?;
        tx.record(Event::TariffChanged { id: tariff });
        Ok(())
    })
    .await
}

#[rstest]
#[tokio::test]
async fn of_two_nodes_one_does_it(#[values(Embedded, Production)] shape: Shape) {
    let one = TestApp::start(shape).await;
    let (fleet, stranger) = (one.fleet("Velo Nord").await, one.fleet("Rad Sued").await);
    let other = one.beside(&[]).await;
    let tenant = fleet.tenant.id;
    let (begun, seen) = oneshot::channel();
    let (end, told) = oneshot::channel();

    let first = lease::hold(&one.node.app, tenant, NAME, TIME, |held| async move {
        begun.send(held.fence()).unwrap();
        told.await.unwrap();
        Ok(held)
    });
    let meanwhile = async {
        assert_eq!(seen.await.unwrap(), 1);
        let app = &other.node.app;
        let refused = lease::hold(app, tenant, NAME, TIME, |_| async { Ok(()) }).await.unwrap();
        assert!(refused.is_none());
        // Another tenant's, and another of this one, are others.
        for (tenant, name) in [(stranger.tenant.id, NAME), (tenant, "other")] {
            let done = lease::hold(app, tenant, name, TIME, |_| async { Ok(()) }).await.unwrap();
            assert!(done.is_some());
        }
        end.send(()).unwrap();
    };
    let (first, ()) = tokio::join!(first, meanwhile);
    first.unwrap().unwrap();
    // Given back, it is free at once.
    let next = lease::take(&other.node.app, tenant, NAME, TIME).await.unwrap().unwrap();
    assert_eq!(next.fence(), 2);
}

#[rstest]
#[tokio::test]
async fn a_dead_holders_lease_is_taken_over_and_its_late_write_refused(
    #[values(Embedded, Production)] shape: Shape,
) {
    let one = TestApp::start(shape).await;
    let fleet = one.fleet("Velo Nord").await;
    let other = one.beside(&[]).await;
    let tenant = fleet.tenant.id;
    let changes = "SELECT count(*) FROM event WHERE kind = 'tariff_changed'";
    let before = one.count(changes).await;

    // Nobody renews it, as when the process is dead, or stands still for long.
    let slow = lease::take(&one.node.app, tenant, NAME, TIME).await.unwrap().unwrap();
    write(&one, &fleet, &slow).await.unwrap();
    one.advance(chrono::Duration::seconds(59));
    assert!(lease::take(&other.node.app, tenant, NAME, TIME).await.unwrap().is_none());
    one.advance(chrono::Duration::seconds(1));
    // Its time is over, but nobody else has it yet.
    write(&one, &fleet, &slow).await.unwrap();
    let new = lease::take(&other.node.app, tenant, NAME, TIME).await.unwrap().unwrap();

    assert!(new.fence() > slow.fence());
    assert!(write(&one, &fleet, &slow).await.is_err());
    write(&other, &fleet, &new).await.unwrap();
    assert_eq!(one.count(changes).await, before + 3);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_does_it(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let (node, tenant) = (&app.node.app, fleet.tenant.id);
    let taken =
        futures_util::future::join_all((0..20).map(|_| lease::take(node, tenant, NAME, TIME)));
    let taken = taken.await.into_iter().filter(|taken| taken.as_ref().unwrap().is_some());
    assert_eq!(taken.count(), 1);
}
