//! The invariants: clean after everything, and loud when one is broken.

use rstest::rstest;
use tests::{
    Shape::{self, Embedded, Production},
    TestApp,
};

#[rstest]
#[tokio::test]
async fn what_is_broken_by_hand_is_found(#[values(Embedded, Production)] shape: Shape) {
    let app = TestApp::start(shape).await;
    let fleet = app.fleet("Velo Nord").await;
    let vehicle = fleet.vehicle().await;
    fleet.vehicle().await;
    fleet.rider(&app).await.start_rental(&vehicle).await.ok();
    app.assert_sound().await;

    let breaks = [
        "UPDATE station SET vehicles_available = 3, docks_available = 2 WHERE vehicles_available = 1",
        "DELETE FROM event WHERE seq = 2",
        "UPDATE vehicle SET state = 'available' WHERE state = 'on_trip'",
    ];
    let mut before = 0;
    for statement in breaks {
        assert!(app.sql(statement).await.unwrap() > 0, "{statement}");
        let findings = service::invariant::check(&app.node.app).await.unwrap();
        let broken = findings.iter().filter(|finding| finding.count > 0).count();
        assert!(broken > before, "not found: {statement}");
        before = broken;
    }
}
