//! What a station holds, changed in the same transaction as the vehicle that comes or goes, with its row locked.

use std::collections::BTreeMap;

use entity::{
    station::{self, StationId},
    vehicle,
};

use crate::{
    error::{Error, Result},
    refusal::Refusal,
    write::Tx,
};

/// What the stations must allow for this change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The vehicle leaves with a customer.
    pub must_rent: bool,
    /// The vehicle is brought by a customer.
    pub must_return: bool,
}

/// The stations that a change is about, locked in the order of their ids.
pub(crate) struct Locked(BTreeMap<StationId, station::Model>);

impl Locked {
    pub(crate) async fn of(tx: &Tx, ids: [Option<StationId>; 2]) -> Result<Self> {
        let mut ids: Vec<StationId> = ids.into_iter().flatten().collect();
        ids.sort();
        ids.dedup();
        let mut locked = BTreeMap::new();
        for id in ids {
            locked.insert(id, super::lock(tx, id).await?);
        }
        Ok(Self(locked))
    }

    pub(crate) fn get(&self, id: StationId) -> Result<&station::Model> {
        self.0.get(&id).ok_or_else(|| Error::internal("a station that was not locked"))
    }
}

/// Counts the vehicle out where it stood and in where it stands.
pub(crate) async fn apply(
    tx: &Tx,
    stations: Locked,
    before: Option<&vehicle::Model>,
    after: &vehicle::Model,
    rules: Rules,
) -> Result<()> {
    let from = before.filter(|v| v.archived_at.is_none()).and_then(vehicle::Model::standing);
    let to = Some(after).filter(|v| v.archived_at.is_none()).and_then(vehicle::Model::standing);
    let same_type = before.is_none_or(|before| before.vehicle_type_id == after.vehicle_type_id);
    if from == to && same_type {
        return Ok(());
    }
    for (id, locked) in stations.0 {
        if ![from, to].into_iter().flatten().any(|(counted, _)| counted == id) {
            continue;
        }
        let mut counted = locked.clone();
        if let (Some((_, standing)), Some(before)) = (from.filter(|(from, _)| *from == id), before)
        {
            if rules.must_rent && !(locked.is_renting && locked.is_installed) {
                return Err(Refusal::StationNotRenting.into());
            }
            counted.count(standing, before.vehicle_type_id, -1);
        }
        if let Some((_, standing)) = to.filter(|(to, _)| *to == id) {
            arrive(&counted, from.is_some_and(|(from, _)| from == id), rules)?;
            counted.count(standing, after.vehicle_type_id, 1);
        }
        super::save(tx, locked, counted).await?;
    }
    Ok(())
}

fn arrive(station: &station::Model, stood_here: bool, rules: Rules) -> Result<()> {
    if stood_here {
        return Ok(());
    }
    if station.archived_at.is_some() {
        return Err(Refusal::Archived { what: "station" }.into());
    }
    if rules.must_return && !(station.is_returning && station.is_installed) {
        return Err(Refusal::StationNotReturning.into());
    }
    if !station.has_room() {
        return Err(Error::from(Refusal::StationFull));
    }
    Ok(())
}
