//! Where the demo's bikes stand: at the station where each was left last.

use crate::{
    bayarea::VEHICLES,
    error::{Error, Result},
    records::{Flaw, Table},
};

pub(super) struct Bike {
    pub number: u32,
    /// The `station_id` where it was left.
    pub terminal: u32,
}

pub(super) fn bikes() -> Result<Vec<Bike>> {
    let mut table =
        Table::open(&VEHICLES, &["bike_id", "terminal"], &[]).map_err(Error::internal)?;
    let mut bikes = Vec::new();
    while let Some((_, row)) = table.next() {
        let bike = row.and_then(|row| {
            let number = row.read(0, "bike_id", "number")?;
            Ok::<_, Flaw>(Bike { number, terminal: row.read(1, "terminal", "number")? })
        });
        bikes.push(bike.map_err(Error::internal)?);
    }
    Ok(bikes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::bayarea::{STATIONS, Stations};

    #[test]
    fn every_bike_stands_at_a_known_station() {
        let stations = Stations::read(&STATIONS).unwrap().by_id;
        let bikes = bikes().unwrap();
        let numbers: BTreeSet<u32> = bikes.iter().map(|bike| bike.number).collect();
        assert_eq!((bikes.len(), numbers.len()), (687, 687));
        assert!(bikes.iter().all(|bike| stations.contains_key(&bike.terminal)));
    }
}
