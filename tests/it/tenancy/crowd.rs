//! Requests of two tenants at the same moment share connections, loaders' code and groups, and nothing else.

use futures_util::future::join_all;
use rstest::rstest;
use tests::{
    Client,
    Shape::{self, Embedded, Production},
    TestApp, json,
};

use super::objects::{Objects, Tenant};

/// Relations of relations, which are loaded in batches.
const DOCUMENT: &str = "query($ids: [ID!]!) {
    vehicles { nodes { id station { id vehicles { nodes { id vehicleType { id } } } } openRental { id } } }
    rentals { nodes { id vehicle { id } customer { id } tariff { id } startStation { id } } }
    nodes(ids: $ids) { id ... on Vehicle { station { id } } }
}";

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_to_a_crowd_of_two_tenants_do_not_mix(
    #[values(Embedded, Production)] shape: Shape,
) {
    let app = TestApp::start(shape).await;
    let ours = Tenant::create(&app, "Velo Nord").await;
    let theirs = Tenant::create(&app, "Rad Sued").await;
    mix(&ours, &theirs).await;
}

/// Kinds that have ids and are part of something else.
const NO_NODES: [&str; 5] = ["vehicle_event", "invitation", "session", "key", "payment"];

pub async fn mix(ours: &Tenant, theirs: &Tenant) {
    // Each asks for the objects of both.
    let ids: Vec<_> = ours.objects.iter().chain(theirs.objects.iter()).collect();
    let visible = ids.iter().filter(|(kind, _)| !NO_NODES.contains(kind));
    let ids = json!({"ids": visible.map(|(_, id)| *id).collect::<Vec<_>>()});
    let ask = async |caller: &Client, own: &Objects, other: &Objects| {
        let seen = caller.query(DOCUMENT, ids.clone()).await.to_string();
        for ((kind, own), (_, other)) in own.iter().zip(other.iter()) {
            assert!(!seen.contains(other), "a {kind} of another tenant: {seen}");
            assert!(
                seen.contains(own) || !["vehicle", "station", "rental"].contains(&kind),
                "{kind}"
            );
        }
    };
    join_all((0..200).map(|number| {
        let (a, b) = (ours, theirs);
        let (asks, other) = if number % 2 == 0 { (a, b) } else { (b, a) };
        ask(&asks.fleet.owner, &asks.objects, &other.objects)
    }))
    .await;
}
