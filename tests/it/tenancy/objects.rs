//! A tenant with one object of each kind that has an id.

use std::collections::BTreeMap;

use tests::{
    Fleet, Rider, TestApp, json,
    receipt::{Paid, pay},
    text,
};

#[derive(Clone)]
pub struct Objects {
    /// Ids by kind, such as `vehicle_type`.
    ids: BTreeMap<String, String>,
    /// A vehicle that is out of service.
    pub broken: String,
    /// A vehicle that nobody finds.
    pub missing: String,
}

/// A tenant, its objects, and a customer who is riding.
pub struct Tenant {
    pub fleet: Fleet,
    pub rider: Rider,
    pub objects: Objects,
}

impl Tenant {
    pub async fn create(app: &TestApp, name: &str) -> Self {
        let fleet = app.fleet(name).await;
        let (rider, objects) = Objects::create(app, &fleet).await;
        Self { fleet, rider, objects }
    }
}

impl Objects {
    /// The vehicle is free, the customer too; the rental is open, of another vehicle and another customer.
    pub async fn create(app: &TestApp, fleet: &Fleet) -> (Rider, Self) {
        let station = fleet.station(8).await;
        let (vehicle, ridden) =
            (fleet.vehicle_at(&station).await, fleet.vehicle_at(&station).await);
        let (rider, customer) = (fleet.rider(app).await, fleet.rider(app).await.customer);
        let rental = text(&rider.start_rental(&ridden).await.ok()["rental"]["id"]);
        let me = text(&fleet.query("{ me { id } }", json!({})).await["me"]["id"]);
        let document =
            "query($id: ID!) { node(id: $id) { ... on Vehicle { history { nodes { id } } } } }";
        let history = fleet.query(document, json!({"id": ridden})).await;
        let vehicle_event = text(&history["node"]["history"]["nodes"][0]["id"]);
        let (broken, missing) =
            (fleet.vehicle_at(&station).await, fleet.vehicle_at(&station).await);
        let out = json!({"vehicleId": broken, "reason": "flat"});
        fleet.mutate("takeOutOfService", "__typename", out).await.ok();
        fleet.mutate("reportMissing", "__typename", json!({"vehicleId": missing})).await.ok();
        let partner = fleet.partner(&["BOARD_READ"], json!({})).await;
        fleet.publish(&partner.id, &["query Stations { stations { totalCount } }"]).await;
        let document = "query($id: ID!) { apiClient(id: $id) { manifests { nodes { id } } } }";
        let published = fleet.query(document, json!({"id": partner.id})).await;
        let manifest = text(&published["apiClient"]["manifests"]["nodes"][0]["id"]);
        let invited = json!({"email": "new@example.test", "role": "STAFF"});
        let invited = fleet.mutate("inviteUser", "invitation { id }", invited).await.ok();
        let paid = Paid::top_up(&customer, 500);
        let (payment, receipt) = pay(&fleet.system(), paid).await.unwrap();
        let others = "{ tenant { id } me { sessions { id } } auditLog(first: 1) { nodes { id } } }";
        let others = fleet.query(others, json!({})).await;
        let ids = [
            ("invitation", text(&invited["invitation"]["id"])),
            ("tenant", text(&others["tenant"]["id"])),
            ("session", text(&others["me"]["sessions"][0]["id"])),
            ("audit_entry", text(&others["auditLog"]["nodes"][0]["id"])),
            ("client", partner.id.clone()),
            ("key", partner.key.clone()),
            ("manifest", manifest),
            ("station", station),
            ("vehicle", vehicle),
            ("vehicle_type", fleet.vehicle_type.clone()),
            ("tariff", fleet.tariff.clone()),
            ("customer", customer),
            ("rental", rental),
            ("user", me),
            ("vehicle_event", vehicle_event),
            ("receipt", receipt.id.to_string()),
            ("payment", payment.id.to_string()),
        ];
        let ids = ids.map(|(kind, id)| (kind.to_owned(), id)).into();
        (rider, Self { ids, broken, missing })
    }

    /// Ids that were never given out, of the same kinds.
    pub fn absent(&self) -> Self {
        let id = |kind: &String| format!("{kind}_018f3c5e7a6b7c8d9e0f1a2b3c4d5e6f");
        let ids = self.ids.keys().map(|kind| (kind.clone(), id(kind))).collect();
        Self { ids, broken: id(&"vehicle".to_owned()), missing: id(&"vehicle".to_owned()) }
    }

    pub fn get(&self, kind: &str) -> &str {
        self.ids.get(kind).unwrap_or_else(|| panic!("tenancy/objects.rs makes no {kind}"))
    }

    pub fn set(&mut self, kind: &str, id: &str) {
        self.ids.insert(kind.to_owned(), id.to_owned());
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ids.iter().map(|(kind, id)| (kind.as_str(), id.as_str()))
    }

    /// The object that a field's name asks for: `vehicleIds`, `defaultTariffId`; any for `id`.
    pub fn named(&self, field: &str) -> &str {
        let kind = super::sdl::snake(field.trim_end_matches('s').trim_end_matches("Id"));
        let kind = match kind.as_str() {
            "actor" => "user".to_owned(),
            "subject" => "station".to_owned(),
            _ => kind,
        };
        let fitting =
            self.ids.keys().filter(|known| kind == **known || kind.ends_with(&format!("_{known}")));
        match fitting.max_by_key(|known| known.len()) {
            Some(known) => self.get(known),
            None if kind == "id" => self.get("station"),
            None => panic!("tenancy/objects.rs makes nothing for a field {field}"),
        }
    }
}
