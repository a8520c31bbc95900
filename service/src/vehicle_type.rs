//! Vehicle types: what kinds of vehicle a fleet has.

use std::collections::HashMap;

use entity::{
    tariff::TariffId,
    vehicle,
    vehicle_type::{Column, Entity, FormFactor, Model, PropulsionType, VehicleTypeId},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect,
    Select,
};

use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result, Subject},
    event::Event,
    page::{self, Direction, Key, Page, PageArgs, Sort},
    permission::Permission,
    refusal::Refusal,
    tariff, text,
    write::{ROW, Tx},
};

/// A hold of more than a day is a rental.
const LONGEST_HOLD_MINUTES: i32 = 24 * 60;
pub const DEFAULT_RESERVE_MINUTES: i32 = 15;

#[derive(Clone, Debug)]
pub struct CreateVehicleType {
    pub name: String,
    pub make: Option<String>,
    pub model: Option<String>,
    pub form_factor: FormFactor,
    pub propulsion_type: PropulsionType,
    pub max_range_meters: Option<i32>,
    pub default_reserve_minutes: i32,
    pub default_tariff: Option<TariffId>,
}

/// What is None stays as it is; `Some(None)` empties it. Form and propulsion stay: another kind is another type.
#[derive(Clone, Debug)]
pub struct UpdateVehicleType {
    pub id: VehicleTypeId,
    pub name: Option<String>,
    pub make: Option<Option<String>>,
    pub model: Option<Option<String>>,
    pub max_range_meters: Option<Option<i32>>,
    pub default_reserve_minutes: Option<i32>,
    pub default_tariff: Option<Option<TariffId>>,
}

pub async fn create(ctx: &Ctx, input: CreateVehicleType) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    let input = &input;
    ctx.write(|tx| async move { insert(&tx, input.clone()).await }).await
}

pub(crate) async fn insert(tx: &Tx, input: CreateVehicleType) -> Result<Model> {
    if let Some(id) = input.default_tariff {
        tariff::open(tx, id).await?;
    }
    let made = Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        name: text::required("name", &input.name, 100)?,
        make: text::optional("make", input.make.as_deref(), 100)?,
        model: text::optional("model", input.model.as_deref(), 100)?,
        form_factor: input.form_factor,
        propulsion_type: input.propulsion_type,
        max_range_meters: input.max_range_meters,
        default_reserve_minutes: input.default_reserve_minutes,
        default_tariff_id: input.default_tariff,
        archived_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    check(&made)?;
    let made = made.into_active_model().reset_all().insert(&**tx).await?;
    tx.audit("vehicle_type.create", None, Some(&made))?;
    tx.record(Event::VehicleTypeChanged { id: made.id });
    Ok(made)
}

pub async fn update(ctx: &Ctx, input: UpdateVehicleType) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    let input = &input;
    ctx.write(|tx| async move {
        let before = open(&tx, input.id).await?;
        let mut changed = before.clone();
        if let Some(name) = &input.name {
            changed.name = text::required("name", name, 100)?;
        }
        if let Some(make) = &input.make {
            changed.make = text::optional("make", make.as_deref(), 100)?;
        }
        if let Some(model) = &input.model {
            changed.model = text::optional("model", model.as_deref(), 100)?;
        }
        if let Some(range) = input.max_range_meters {
            changed.max_range_meters = range;
        }
        if let Some(minutes) = input.default_reserve_minutes {
            changed.default_reserve_minutes = minutes;
        }
        if let Some(default_tariff) = input.default_tariff {
            if let Some(id) = default_tariff {
                tariff::open(&tx, id).await?;
            }
            changed.default_tariff_id = default_tariff;
        }
        check(&changed)?;
        save(&tx, "vehicle_type.update", before, changed).await
    })
    .await
}

/// Refused with `VEHICLE_TYPE_IN_USE` while it has vehicles.
pub async fn archive(ctx: &Ctx, id: VehicleTypeId) -> Result<Model> {
    ctx.require(Permission::ManageFleet)?;
    ctx.write(|tx| async move {
        let found = lock(&tx, id).await?;
        if found.archived_at.is_some() {
            return Ok(found);
        }
        let vehicles = vehicle::Entity::of(tx.tenant())
            .filter(vehicle::Column::VehicleTypeId.eq(id))
            .filter(vehicle::Column::ArchivedAt.is_null())
            .count(&*tx)
            .await?;
        if vehicles > 0 {
            return Err(Refusal::VehicleTypeInUse { by: format!("{vehicles} vehicles") }.into());
        }
        let archived = Model { archived_at: Some(tx.now()), ..found.clone() };
        save(&tx, "vehicle_type.archive", found, archived).await
    })
    .await
}

pub async fn get(ctx: &Ctx, id: VehicleTypeId) -> Result<Model> {
    ctx.require(Permission::ViewBoard)?;
    let found = Entity::of(ctx.tenant).filter(Column::Id.eq(id)).one(ctx.reader()).await?;
    found.ok_or(Error::NotFound(Subject::VehicleType))
}

pub async fn list(ctx: &Ctx, include_archived: bool, page: &PageArgs) -> Result<Page<Model>> {
    ctx.require(Permission::ViewBoard)?;
    let sort = Sort {
        name: "created".into(),
        direction: Direction::Ascending,
        by: None,
        id: Column::Id.into_expr(),
        key: Box::new(|t: &Model| (Key::None, entity::Id::uuid(t.id))),
    };
    page::fetch(ctx, "vehicle types", filtered(ctx, include_archived), sort, page).await
}

pub async fn count(ctx: &Ctx, include_archived: bool) -> Result<i64> {
    ctx.require(Permission::ViewBoard)?;
    page::count(filtered(ctx, include_archived), ctx.reader()).await
}

/// Those of these that the caller may see.
pub async fn get_many(ctx: &Ctx, ids: &[VehicleTypeId]) -> Result<Vec<Model>> {
    ctx.require(Permission::ViewBoard)?;
    Ok(by_ids(ctx, ids).await?.into_values().collect())
}

/// For objects that the caller may see already.
pub async fn by_ids(ctx: &Ctx, ids: &[VehicleTypeId]) -> Result<HashMap<VehicleTypeId, Model>> {
    let rows = Entity::of(ctx.tenant)
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// One that may be used for something new.
pub(crate) async fn open(tx: &Tx, id: VehicleTypeId) -> Result<Model> {
    let found = lock(tx, id).await?;
    if found.archived_at.is_some() {
        return Err(Refusal::Archived { what: "vehicle type" }.into());
    }
    Ok(found)
}

/// Not locked: a type is not archived while it has vehicles, and this one is.
pub(crate) async fn of_vehicle(tx: &Tx, vehicle: &vehicle::Model) -> Result<Model> {
    let same = Column::Id.eq(vehicle.vehicle_type_id);
    let found = Entity::of(tx.tenant()).filter(same).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::VehicleType))
}

async fn lock(tx: &Tx, id: VehicleTypeId) -> Result<Model> {
    let found = Entity::of(tx.tenant()).filter(Column::Id.eq(id)).lock(ROW).one(&**tx).await?;
    found.ok_or(Error::NotFound(Subject::VehicleType))
}

async fn save(tx: &Tx, action: &'static str, before: Model, mut changed: Model) -> Result<Model> {
    changed.updated_at = tx.now();
    let changed = changed.into_active_model().reset_all().update(&**tx).await?;
    tx.audit(action, Some(&before), Some(&changed))?;
    tx.record(Event::VehicleTypeChanged { id: changed.id });
    Ok(changed)
}

fn check(vehicle_type: &Model) -> Result<()> {
    let driven = vehicle_type.propulsion_type != PropulsionType::Human;
    match vehicle_type.max_range_meters {
        None if driven => {
            return Err(Invalid::new(
                "maxRangeMeters",
                "is required unless the vehicle is moved by human force",
            )
            .into());
        }
        Some(range) if range < 0 => {
            return Err(Invalid::new("maxRangeMeters", "must not be negative").into());
        }
        _ => {}
    }
    if !(0..=LONGEST_HOLD_MINUTES).contains(&vehicle_type.default_reserve_minutes) {
        let message = format!("must be between 0 and {LONGEST_HOLD_MINUTES}");
        return Err(Invalid::new("defaultReserveMinutes", message).into());
    }
    Ok(())
}

fn filtered(ctx: &Ctx, include_archived: bool) -> Select<Entity> {
    let query = Entity::of(ctx.tenant);
    if include_archived { query } else { query.filter(Column::ArchivedAt.is_null()) }
}
