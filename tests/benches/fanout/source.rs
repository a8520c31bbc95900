//! Events of one tenant, all copies of one that the product recorded; a number in them tells them apart.
//!
//! A station is changed once by the use case. Its event is then written again and again under the next number, by a
//! plain connection of this process and without waiting for the disk, and handed to the server as a bus does it.
//! So the server does all that a node does whose neighbour has written, and nobody measures the writing.

use anyhow::{Context, Result, bail};
use entity::{Id, Position, station::StationId, tenant::TenantId};
use futures_util::{StreamExt, pin_mut};
use sea_orm::sqlx::{self, SqliteConnection};
use service::{
    ctx::Ctx,
    event::{Event, Recorded},
    keys::Keys,
    station::{CreateStation, UpdateStation},
    tenant::CreateTenant,
};

use crate::{cell, place::Place};

/// The field that carries an event's number.
const NUMBER: &str = "\"vehiclesAvailable\":";

/// The head follows the events of this connection.
const TRIGGER: &str = "CREATE TEMP TRIGGER head AFTER INSERT ON event BEGIN
    UPDATE stream_head SET last_seq = NEW.seq WHERE tenant_id = NEW.tenant_id; END";

const INSERT: &str = "INSERT INTO event (tenant_id, seq, kind, payload, actor, occurred_at)
    SELECT tenant_id, $1, kind, $2, actor, occurred_at FROM event WHERE tenant_id = $3 AND seq = $4";

pub struct Source {
    pub slug: String,
    connection: SqliteConnection,
    tenant: TenantId,
    /// What the product recorded.
    first: Recorded,
    last: Recorded,
}

impl Source {
    /// In a new tenant that publishes its board.
    pub async fn create(place: &Place, slug: &str) -> Result<Self> {
        let first = first(place, slug).await?;
        let mut connection = cell::connect(&place.url).await?;
        for statement in ["PRAGMA synchronous = OFF", TRIGGER] {
            sqlx::query(statement).execute(&mut connection).await?;
        }
        let (tenant, last) = (first.tenant, first.clone());
        Ok(Self { slug: slug.to_owned(), connection, tenant, first, last })
    }

    /// As a client holds it that has got everything.
    pub fn cursor(&self, keys: &Keys) -> String {
        self.last.cursor().seal(keys, self.tenant)
    }

    /// The number that the next event will have.
    pub fn next_number(&self) -> i64 {
        self.last.seq + 1
    }

    /// More stations, of which events can be.
    pub async fn stations(&self, place: &Place, count: usize) -> Result<Vec<StationId>> {
        let ctx = place.app.system(self.tenant, "bench");
        let mut ids = Vec::new();
        for number in 0..count {
            let mut input = station()?;
            input.short_code = format!("S{number}");
            ids.push(service::station::create(&ctx, input).await?.id);
        }
        Ok(ids)
    }

    /// What was recorded by others is not told by this.
    pub async fn skip(&mut self, place: &Place) -> Result<()> {
        self.last.seq = place.app.system(self.tenant, "bench").stream_cursor().await?.seq;
        Ok(())
    }

    /// As [`Self::next`], of this station.
    pub async fn next_of(&mut self, id: StationId) -> Result<&Recorded> {
        if let Event::StationChanged { before, after } = &mut self.last.event {
            after.id = id;
            before.iter_mut().for_each(|before| before.id = id);
        }
        self.next().await
    }

    /// One more event, in the table before anybody hears of it.
    pub async fn next(&mut self) -> Result<&Recorded> {
        self.last.seq += 1;
        let Event::StationChanged { after, .. } = &mut self.last.event else {
            bail!("not the event of a station");
        };
        after.vehicles_available = i32::try_from(self.last.seq)?;
        sqlx::query(INSERT)
            .bind(self.last.seq)
            .bind(serde_json::to_string(&self.last.event)?)
            .bind(self.tenant.uuid())
            .bind(self.first.seq)
            .execute(&mut self.connection)
            .await?;
        Ok(&self.last)
    }
}

/// The event of a station in a new tenant that publishes its board.
pub async fn first(place: &Place, slug: &str) -> Result<Recorded> {
    let tenant = service::tenant::create(&place.app, tenant(slug)?).await?.id;
    let ctx = place.app.system(tenant, "bench");
    let station = service::station::create(&ctx, station()?).await?.id;
    change(&ctx, station).await
}

/// The event of a station that changed.
async fn change(ctx: &Ctx, id: StationId) -> Result<Recorded> {
    let events = ctx.events(None).await?;
    pin_mut!(events);
    service::station::update(ctx, resize(id, 30)).await?;
    let recorded = events.next().await.context("no event of the change")??;
    Ok((*recorded).clone())
}

pub fn resize(id: StationId, capacity: i32) -> UpdateStation {
    UpdateStation {
        id,
        name: None,
        short_code: None,
        position: None,
        address: None,
        region: None,
        capacity: Some(capacity),
        is_charging: None,
        is_installed: None,
        is_renting: None,
        is_returning: None,
    }
}

fn tenant(slug: &str) -> Result<CreateTenant> {
    Ok(CreateTenant {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        time_zone: "Europe/Copenhagen".to_owned(),
        currency: "EUR".parse()?,
        publishes_board: true,
    })
}

fn station() -> Result<CreateStation> {
    Ok(CreateStation {
        name: "Central Station".to_owned(),
        short_code: "C1".to_owned(),
        position: Position::new(55.0, 12.0)?,
        address: None,
        region: None,
        capacity: 20,
        is_virtual: false,
        is_charging: false,
    })
}

/// The number of an event as a client gets it.
pub fn number(text: &str) -> Option<i64> {
    let (_, rest) = text.rsplit_once(NUMBER)?;
    rest.split([',', '}']).next()?.parse().ok()
}

/// An event as the product wrote it for a client, without its number.
#[derive(Clone)]
pub struct Bytes {
    before: String,
    after: String,
}

impl Bytes {
    pub fn of(text: &str) -> Result<Self> {
        let (before, rest) = text.rsplit_once(NUMBER).context("an event without a number")?;
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        Ok(Self { before: format!("{before}{NUMBER}"), after: after.to_owned() })
    }

    pub fn with(&self, number: i64) -> String {
        format!("{}{number}{}", self.before, self.after)
    }
}
