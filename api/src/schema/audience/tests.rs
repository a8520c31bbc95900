//! The table is complete, and a selection depends on what its fields do.

use std::collections::BTreeSet;

use async_graphql::parser::parse_query;

use super::*;
use crate::graphql::{guard, operation::check};
use crate::schema::{AppExecutor, Terms, bare};

/// Every field that a subscription can reach, as `Type.field`.
fn reachable() -> BTreeSet<String> {
    let sdl = crate::schema::sdl();
    let mut reached = BTreeSet::from([ROOT.to_owned()]);
    let mut todo = vec![ROOT.to_owned()];
    while let Some(kind) = todo.pop() {
        let Some(fields) = TYPES.get(&kind) else { continue };
        let heading = sdl.lines().find(|line| line.starts_with(&format!("type {kind} ")));
        let implemented = heading.and_then(|line| line.split_once(" implements "));
        let interfaces = implemented.map_or("", |(_, names)| names.trim_end_matches(" {"));
        let next = fields.values().map(String::as_str).chain(interfaces.split(" & "));
        todo.extend(next.filter(|kind| reached.insert((*kind).to_owned())).map(str::to_owned));
    }
    let fields = reached.iter().filter_map(|kind| TYPES.get(kind).map(|fields| (kind, fields)));
    fields
        .flat_map(|(kind, fields)| fields.keys().map(move |name| format!("{kind}.{name}")))
        .collect()
}

#[test]
fn every_field_that_a_subscription_reaches_is_declared_once_and_no_other() {
    let rows = TABLE.iter();
    let listed: Vec<String> = rows
        .flat_map(|(kind, _, fields)| fields.split(' ').map(move |name| format!("{kind}.{name}")))
        .collect();
    let declared: BTreeSet<String> = listed.iter().cloned().collect();
    let reachable = reachable();
    assert!(reachable.contains("Node.id") && reachable.contains("PriceSegment.rate"));
    assert_eq!(declared.difference(&reachable).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(reachable.difference(&declared).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(listed.len(), declared.len(), "a field is listed twice");
}

#[test]
fn a_selection_depends_on_its_most_dependent_field() {
    let cases = [
        ("{ stationAvailability { cursor station { name __typename } } }", Tenant),
        (
            "{ stationAvailability { station { vehicleTypesAvailable { vehicleType { name } } } } }",
            Tenant,
        ),
        (
            "{ stationAvailability { station { vehicleTypesAvailable { vehicleType { defaultTariff { id } } } } } }",
            OfRole,
        ),
        ("{ stationAvailability { station { vehicles { nodes { id } } } } }", Own),
        (
            "{ stationAvailability { ... on StationAvailability { station { ...S } } } } fragment S on Station { vehicles { totalCount } }",
            Own,
        ),
        ("{ stationAvailability { station { ... on Node { id } } } }", Tenant),
        ("{ fleetEvents { cursor } }", OfRole),
        ("{ vehicleChanged { cursor } }", Own),
        ("{ rentalChanged(rentalId: 1) { cursor } }", Viewer),
        ("{ stationAvailability { station { unknown } } }", Viewer),
        ("{ stationAvailability { ...Missing } }", Viewer),
    ];
    for (selection, expected) in cases {
        let document = parse_query(format!("subscription {selection}")).unwrap();
        let operation = guard::operation(&document, None).unwrap();
        assert_eq!(needs(&document, operation), expected, "{selection}");
    }
}

/// What shared caches may keep is the same for all: an answer that depends on the role or the viewer is kept by nobody.
#[tokio::test]
async fn only_what_depends_on_the_tenant_alone_may_be_kept() {
    let limits = Terms::default().limits;
    let executor = AppExecutor { checked: bare(), registered: bare(), limits };
    let mut kept = 0;
    for (kind, list) in [("Station", "stations"), ("VehicleType", "vehicleTypes")] {
        for (field, of) in &TYPES[kind] {
            let inner = if TYPES.contains_key(of) { "{ __typename }" } else { "" };
            let document = format!("query A {{ {list} {{ nodes {{ {field} {inner} }} }} }}");
            let sound = check::document(&executor, &document).await;
            let may_be_kept = sound.is_ok_and(|sound| sound.caching.0.is_some());
            let needs = declared(kind, field);
            assert!(!may_be_kept || needs == Some(Tenant), "{kind}.{field} needs {needs:?}");
            kept += usize::from(may_be_kept);
        }
    }
    assert!(kept > 20, "{kept}");
}
