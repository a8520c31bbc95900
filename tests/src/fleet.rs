//! A tenant as tests need it: stations, vehicles, a tariff, and people who ride.

use std::{
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use entity::{money::Currency, user::Role};
use serde_json::{Value, json};
use service::{
    origin::Origin,
    tenant::{CreateTenant, administrator},
    user::{CreateUser, contact::Contact, sign_in::SignIn},
};

use crate::{Client, TestApp, graphql::Tokens};

static NUMBER: AtomicU32 = AtomicU32::new(0);
const PASSWORD: &str = "correct horse";

/// One tenant; calls as its owner.
#[derive(Clone)]
pub struct Fleet {
    pub owner: Client,
    pub slug: String,
    pub tenant: entity::tenant::Model,
    pub vehicle_type: String,
    pub tariff: String,
    app: service::ctx::App,
}

/// A customer who has signed in.
pub struct Rider {
    pub client: Client,
    pub customer: String,
}

impl Deref for Rider {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Deref for Fleet {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.owner
    }
}

pub fn next() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// A key that nobody used.
pub fn key() -> String {
    format!("key-{}", next())
}

impl Fleet {
    pub(crate) async fn create(test: &TestApp, name: &str) -> Self {
        let app = test.node.app.clone();
        let slug = format!("{}-{}", name.to_lowercase().replace(' ', "-"), next());
        let input = CreateTenant {
            slug: slug.clone(),
            name: name.to_owned(),
            time_zone: "Europe/Copenhagen".to_owned(),
            currency: "EUR".parse::<Currency>().unwrap(),
            publishes_board: true,
        };
        let tenant = service::tenant::create(&app, input).await.unwrap();
        let owner = sign_up(test, &tenant, Role::Owner, None).await;
        let mut fleet =
            Self { owner, slug, tenant, vehicle_type: String::new(), tariff: String::new(), app };
        let bike = json!({"name": "City bike", "formFactor": "BICYCLE", "propulsionType": "HUMAN"});
        let made = fleet.mutate("createVehicleType", "vehicleType { id }", bike).await.ok();
        fleet.vehicle_type = text(&made["vehicleType"]["id"]);
        fleet.tariff = fleet.tariff(json!({})).await;
        fleet
    }

    /// 1.00 to unlock, 0.10 for each begun minute, 25 % tax, overdue after two hours for 5.00; with changes to these terms.
    pub async fn tariff(&self, changes: Value) -> String {
        let mut terms = json!({
            "currency": "EUR", "unlockPrice": "1.00", "perMinute": [{"rate": "0.10"}], "taxRate": "0.25",
            "overdueAfterMinutes": 120, "penalty": {"basis": "FLAT", "amount": "5.00"}, "lostVehicleFee": "900.00",
        });
        for (name, value) in changes.as_object().unwrap() {
            terms[name] = value.clone();
        }
        let input = json!({"name": "Standard", "isDefault": true, "terms": terms});
        text(&self.mutate("createTariff", "tariff { id }", input).await.ok()["tariff"]["id"])
    }

    pub async fn station(&self, capacity: i32) -> String {
        self.station_at(capacity, 55.0 + f64::from(next() % 1_000) / 1e4, 12.0).await
    }

    pub async fn station_at(&self, capacity: i32, latitude: f64, longitude: f64) -> String {
        let number = next();
        let input = json!({
            "name": format!("Station {number}"), "shortCode": format!("S{number}"), "capacity": capacity,
            "position": {"latitude": latitude, "longitude": longitude},
        });
        text(&self.mutate("createStation", "station { id }", input).await.ok()["station"]["id"])
    }

    /// A vehicle at a station of its own.
    pub async fn vehicle(&self) -> String {
        let station = self.station(5).await;
        self.vehicle_at(&station).await
    }

    pub async fn vehicle_at(&self, station: &str) -> String {
        let input = json!({
            "number": format!("V{}", next()), "vehicleTypeId": self.vehicle_type, "at": {"stationId": station},
        });
        text(&self.mutate("createVehicle", "vehicle { id }", input).await.ok()["vehicle"]["id"])
    }

    pub async fn staff(&self, test: &TestApp) -> Client {
        self.colleague(test, Role::Staff).await
    }

    /// Somebody with this role, who does not ride.
    pub async fn colleague(&self, test: &TestApp, role: Role) -> Client {
        sign_up(test, &self.tenant, role, None).await
    }

    /// Somebody of a role, and the customer whom they stand for if they ride.
    pub async fn member(&self, test: &TestApp, role: Role) -> (Client, Option<String>) {
        let customer = match role.rides() {
            true => Some(self.rider(test).await.customer),
            false => None,
        };
        let id = customer.as_ref().map(|customer| customer.parse().unwrap());
        (sign_up(test, &self.tenant, role, id).await, customer)
    }

    pub async fn rider(&self, test: &TestApp) -> Rider {
        let input = json!({"name": format!("Rider {}", next())});
        let made = self.mutate("createCustomer", "customer { id }", input).await.ok();
        let customer = text(&made["customer"]["id"]);
        let client =
            sign_up(test, &self.tenant, Role::Customer, Some(customer.parse().unwrap())).await;
        Rider { client, customer }
    }

    /// The counters of a station: available, reserved, disabled, free docks.
    pub async fn counters(&self, station: &str) -> (i64, i64, i64, i64) {
        let document = "query($id: ID!) { node(id: $id) { ... on Station {
            vehiclesAvailable vehiclesReserved vehiclesDisabled docksAvailable } } }";
        let node = self.query(document, json!({"id": station})).await["node"].clone();
        let number = |name: &str| node[name].as_i64().unwrap();
        (
            number("vehiclesAvailable"),
            number("vehiclesReserved"),
            number("vehiclesDisabled"),
            number("docksAvailable"),
        )
    }

    pub async fn state(&self, vehicle: &str) -> String {
        let document = "query($id: ID!) { node(id: $id) { ... on Vehicle { state } } }";
        text(&self.query(document, json!({"id": vehicle})).await["node"]["state"])
    }

    /// The use cases of this tenant, without HTTP.
    pub fn system(&self) -> service::ctx::Ctx {
        self.app.system(self.tenant.id, "test")
    }
}

/// Anybody who rents.
impl Client {
    pub async fn start_rental(&self, vehicle: &str) -> crate::Answer {
        let input = json!({"vehicleId": vehicle, "idempotencyKey": key()});
        self.mutate("startRental", "rental { id state startedAt dueAt }", input).await
    }

    pub async fn end_rental(&self, rental: &str, station: &str) -> crate::Answer {
        let input = json!({"rentalId": rental, "stationId": station, "idempotencyKey": key()});
        let fields = "rental { id state price { amount currency } priceLines { kind amount { amount } quantity } }";
        self.mutate("endRental", fields, input).await
    }

    pub async fn reserve(&self, vehicle: &str) -> crate::Answer {
        let input = json!({"vehicleId": vehicle, "idempotencyKey": key()});
        self.mutate("reserveVehicle", "vehicle { id state reservedUntil }", input).await
    }
}

impl TestApp {
    /// Somebody of the platform itself, who has signed in.
    pub async fn administrator(&self) -> Client {
        let email = format!("user{}@example.test", next());
        let (app, name) = (&self.node.app, "Somebody".to_owned());
        let password = PASSWORD.to_owned();
        administrator::appoint(app, email.clone(), name, password).await.unwrap();
        sign_in(self, administrator::PLATFORM_SLUG, email).await
    }

    /// An owner of a tenant that something else has made.
    pub async fn owner_of(&self, slug: &str) -> Client {
        let tenant = service::tenant::by_slug(&self.node.app, slug).await.unwrap();
        sign_up(self, &tenant, Role::Owner, None).await
    }
}

async fn sign_up(
    test: &TestApp,
    tenant: &entity::tenant::Model,
    role: Role,
    customer: Option<entity::customer::CustomerId>,
) -> Client {
    let app = &test.node.app;
    let email = format!("user{}@example.test", next());
    let (name, password) = ("Somebody".to_owned(), PASSWORD.to_owned());
    let input = CreateUser { email: email.clone(), name, role, password, customer };
    service::user::create(&app.system(tenant.id, "test"), input).await.unwrap();
    sign_in(test, &tenant.slug, email).await
}

async fn sign_in(test: &TestApp, tenant: &str, email: String) -> Client {
    let (tenant, contact) = (tenant.to_owned(), Contact::Email(email));
    let input = SignIn { tenant, contact, password: PASSWORD.to_owned(), totp_code: None };
    let app = &test.node.app;
    let signed_in = service::user::sign_in::sign_in(app, &Origin::default(), input).await.unwrap();
    let tokens =
        Tokens { access: Some(signed_in.access_token), refresh: Some(signed_in.refresh_token) };
    Client { tokens: Arc::new(Mutex::new(tokens)), ..test.anonymous(None) }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
