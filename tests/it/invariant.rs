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
        // A rental of nobody here; no key watches over this one.
        "UPDATE vehicle_event SET rental_id = id WHERE rental_id IS NOT NULL",
    ];
    let mut before = 0;
    for statement in breaks {
        assert!(app.sql(statement).await.unwrap() > 0, "{statement}");
        let findings = service::invariant::check(&app.node.app).await.unwrap();
        let broken = findings.iter().filter(|finding| finding.count > 0).count();
        assert!(broken > before, "not found: {statement}");
        before = broken;
    }
    if shape == Production {
        app.sql("ALTER TABLE vehicle NO FORCE ROW LEVEL SECURITY").await.unwrap();
        let findings = service::invariant::check(&app.node.app).await.unwrap();
        assert!(findings.iter().any(|found| found.name == "row_security" && found.count == 1));
    }
}
