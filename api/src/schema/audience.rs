//! What each field that a subscription can reach depends on, and so for whom one execution serves.

use std::{collections::HashMap, sync::LazyLock};

use async_graphql::parser::{
    parse_schema,
    types::{
        BaseType, ExecutableDocument, OperationDefinition, Selection, SelectionSet, Type, TypeKind,
        TypeSystemDefinition,
    },
};
use service::ctx::Actor;

/// Each says more than the one before; a selection depends on what its most dependent field does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// The tenant: the same for all who may see it.
    Tenant,
    /// The caller's role too.
    Role,
    /// For customers, who they are; for staff, their role.
    Own,
    /// Who is calling.
    Viewer,
}

use Needs::{Own, Role as OfRole, Tenant, Viewer};

const ROOT: &str = "Subscription";

/// The one table. A field that is not in it depends on the viewer.
///
/// What an object shows of itself depends on the tenant alone, because who may not see it does not get it. What counts is
/// which fields check a permission, or choose, once the object is there.
const TABLE: &[(&str, Needs, &str)] = &[
    (ROOT, Tenant, "stationAvailability"),
    (ROOT, OfRole, "fleetEvents"),
    (ROOT, Own, "vehicleChanged"),
    // Followed by one customer and perhaps by staff; it ends by itself, which a group does not.
    (ROOT, Viewer, "rentalChanged"),
    ("StationAvailability", Tenant, "change cursor occurredAt station"),
    ("VehicleChanged", Tenant, "change cursor eventTypes occurredAt vehicle"),
    ("RentalChanged", Tenant, "change cursor occurredAt rental"),
    ("FleetEvent", Tenant, "actor cursor customer eventTypes kind occurredAt rental station"),
    ("FleetEvent", Tenant, "subjectId vehicle"),
    ("Node", Tenant, "id"),
    (
        "Station",
        Tenant,
        "address archivedAt capacity createdAt docksAvailable id isChargingStation",
    ),
    (
        "Station",
        Tenant,
        "isInstalled isRenting isReturning isVirtual name position region shortCode",
    ),
    ("Station", Tenant, "updatedAt vehicleTypesAvailable vehiclesAvailable vehiclesDisabled"),
    ("Station", Tenant, "vehiclesReserved"),
    ("Station", Own, "vehicles"),
    ("VehicleTypeAvailability", Tenant, "count vehicleType"),
    ("VehicleType", Tenant, "archivedAt createdAt defaultReserveMinutes formFactor id make"),
    ("VehicleType", Tenant, "maxRangeMeters model name propulsionType"),
    ("VehicleType", OfRole, "defaultTariff"),
    ("Vehicle", Tenant, "archivedAt batteryPercent createdAt id number odometerMeters"),
    ("Vehicle", Tenant, "outOfServiceReason position reservedUntil state station updatedAt"),
    ("Vehicle", Tenant, "vehicleType"),
    ("Vehicle", OfRole, "history openRental"),
    ("Vehicle", Own, "reservedBy"),
    ("VehicleConnection", Tenant, "edges fleetCursor nodes pageInfo"),
    ("VehicleConnection", Own, "totalCount"),
    ("VehicleEdge", Tenant, "cursor node"),
    (
        "VehicleEvent",
        Tenant,
        "actor batteryPercent eventTypes id occurredAt position reason rental",
    ),
    ("VehicleEvent", Tenant, "state stateBefore station"),
    ("VehicleEventConnection", Tenant, "edges nodes pageInfo"),
    ("VehicleEventConnection", OfRole, "totalCount"),
    ("VehicleEventEdge", Tenant, "cursor node"),
    ("Rental", Tenant, "collateral customer distanceMeters dueAt endPosition endReason endStation"),
    ("Rental", Tenant, "endedAt id importedFrom lost overdueAt price priceLines priceSoFar"),
    ("Rental", Tenant, "startPosition startStation startedAt state tariff vehicle"),
    ("RentalConnection", Tenant, "edges nodes pageInfo"),
    ("RentalConnection", Own, "totalCount"),
    ("RentalEdge", Tenant, "cursor node"),
    (ROOT, OfRole, "paymentEvents"),
    (ROOT, Viewer, "paymentStatusChanged"),
    ("PaymentStatusChanged", Tenant, "cursor occurredAt payment refund"),
    (
        "Payment",
        Tenant,
        "amount attempts authorized captured completedAt createdAt customer expiresAt",
    ),
    ("Payment", Tenant, "failureCode failureMessage id nextAction provider providerReference"),
    (
        "Payment",
        Tenant,
        "providerTransaction purpose receipt refundable refunded refunds rental state",
    ),
    ("Payment", Tenant, "updatedAt"),
    ("PaymentAttempt", Tenant, "endedAt failureCode failureMessage id number startedAt state verb"),
    ("Refund", Tenant, "amount completedAt createdAt failureCode failureMessage id payment"),
    ("Refund", Tenant, "providerReference reason receipt state"),
    ("PriceLine", Tenant, "amount kind quantity"),
    ("Customer", Tenant, "archivedAt blockedAt createdAt email id name phone rentalLimit"),
    ("Receipt", Tenant, "buyer customer description id issuedAt kind lines number originalNumber"),
    ("Receipt", Tenant, "paymentId pdfUrl providerReference refundId rental seller tax taxes"),
    ("Receipt", Tenant, "timeZone total"),
    ("ReceiptConnection", Tenant, "edges nodes pageInfo"),
    ("ReceiptConnection", Own, "totalCount"),
    ("ReceiptEdge", Tenant, "cursor node"),
    ("ReceiptLine", Tenant, "amount kind quantity text"),
    ("ReceiptTax", Tenant, "amount net rate"),
    ("ReceiptParty", Tenant, "name"),
    ("Customer", Own, "balance receipts rentals wallet"),
    ("Tariff", Tenant, "archivedAt collateral createdAt currency dailyCap description id"),
    ("Tariff", Tenant, "includedMinutes isDefault lostVehicleFee name overdueAfterMinutes penalty"),
    ("Tariff", Tenant, "perKilometre perMinute taxRate unlockPrice"),
    ("PriceSegment", Tenant, "end interval rate start"),
    ("Penalty", Tenant, "amount basis max"),
    ("Money", Tenant, "amount currency"),
    ("Position", Tenant, "latitude longitude"),
    ("PageInfo", Tenant, "endCursor hasNextPage hasPreviousPage startCursor"),
];

/// In whose place one execution serves this caller and others; None when it serves nobody else.
pub fn shared(needs: Needs, caller: Actor) -> Option<Actor> {
    match (needs, caller.role()) {
        (Tenant, _) => Some(Actor::Audience(None)),
        (Own, Some(role)) if role.rides() => None,
        (OfRole | Own, None) | (Viewer, _) => None,
        (OfRole | Own, Some(role)) => Some(Actor::Audience(Some(role))),
    }
}

/// Reads the schema now, so that the first subscriber does not wait for it.
pub fn prepare() {
    LazyLock::force(&TYPES);
}

/// What a subscription's selection depends on. The guard has counted the document: its fragments do not explode here.
pub fn needs(document: &ExecutableDocument, operation: &OperationDefinition) -> Needs {
    of_set(document, &operation.selection_set.node, ROOT)
}

fn of_set(document: &ExecutableDocument, set: &SelectionSet, parent: &str) -> Needs {
    let each = set.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => {
            let (name, within) = (field.node.name.node.as_str(), &field.node.selection_set.node);
            match (name, declared(parent, name), TYPES.get(parent)) {
                ("__typename", ..) => Tenant,
                (_, Some(needs), Some(fields)) => {
                    let kind = fields.get(name).map_or("", String::as_str);
                    needs.max(of_set(document, within, kind))
                }
                _ => Viewer,
            }
        }
        Selection::InlineFragment(inline) => {
            let condition = inline.node.type_condition.as_ref();
            let parent = condition.map_or(parent, |condition| condition.node.on.node.as_str());
            of_set(document, &inline.node.selection_set.node, parent)
        }
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node);
            fragment.map_or(Viewer, |fragment| {
                let parent = fragment.node.type_condition.node.on.node.as_str();
                of_set(document, &fragment.node.selection_set.node, parent)
            })
        }
    });
    each.max().unwrap_or(Tenant)
}

fn declared(parent: &str, field: &str) -> Option<Needs> {
    let mut rows = TABLE.iter().filter(|(of, ..)| *of == parent);
    rows.find(|(.., fields)| fields.split(' ').any(|name| name == field))
        .map(|(_, needs, _)| *needs)
}

/// For each type, the type of each of its fields.
static TYPES: LazyLock<HashMap<String, HashMap<String, String>>> = LazyLock::new(|| {
    // The text is our own; were it not a schema, every field would depend on the viewer.
    let document = parse_schema(super::sdl());
    let definitions = document.map(|document| document.definitions).unwrap_or_default();
    let types = definitions.into_iter().filter_map(|definition| {
        let TypeSystemDefinition::Type(definition) = definition else { return None };
        let fields = match definition.node.kind {
            TypeKind::Object(object) => object.fields,
            TypeKind::Interface(interface) => interface.fields,
            _ => return None,
        };
        let fields = fields.into_iter().map(|field| field.node);
        let fields = fields.map(|field| (field.name.node.to_string(), named(&field.ty.node)));
        Some((definition.node.name.node.to_string(), fields.collect()))
    });
    types.collect()
});

fn named(of: &Type) -> String {
    match &of.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(item) => named(item),
    }
}

#[cfg(test)]
mod tests;
