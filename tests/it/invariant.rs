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
    super::account::ride(&app, &fleet, &fleet.rider(&app).await).await;
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
    app.sql(lift(shape)).await.unwrap();
    for statement in [
        "UPDATE account SET debits_posted = debits_posted + 1 WHERE kind = 'customer_receivable'",
        "UPDATE transfer SET kind = 'correction' WHERE kind = 'charge'",
        "UPDATE transfer SET phase = 'pending' WHERE phase = 'single' AND amount_minor = (SELECT min(amount_minor) FROM transfer)",
        "UPDATE transfer SET phase = 'posted', pending_id = id WHERE phase = 'single'",
    ] {
        assert!(app.sql(statement).await.unwrap() > 0, "{statement}");
    }
    let findings = service::invariant::check(&app.node.app).await.unwrap();
    for name in ["account_balances", "trial_balance", "rental_charges", "resolved_holds"] {
        let found = findings.iter().find(|found| found.name == name).unwrap();
        assert!(found.count > 0, "{name} is not found broken");
    }
    if shape == Production {
        app.sql("ALTER TABLE vehicle NO FORCE ROW LEVEL SECURITY").await.unwrap();
        let findings = service::invariant::check(&app.node.app).await.unwrap();
        assert!(findings.iter().any(|found| found.name == "row_security" && found.count == 1));
    }
}

/// What keeps transfers as they are.
fn lift(shape: Shape) -> &'static str {
    match shape {
        Embedded => "DROP TRIGGER transfer_no_update",
        Production => "ALTER TABLE transfer DISABLE TRIGGER transfer_append_only",
    }
}
