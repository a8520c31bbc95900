//! Bringing in what another system has recorded: ended rentals with their prices, and where each vehicle was.
//!
//! Everything that is brought in has an id made of its own records, so that it comes in once however often it is
//! imported, and however often that was interrupted.

pub(crate) mod fleet;
mod ids;
mod place;
pub(crate) mod riders;
mod rows;
mod write;

use std::collections::BTreeSet;

pub use place::Placed;

use crate::{
    bayarea::{Notes, Rides, Stations, Trips},
    ctx::App,
    error::Error,
    records::{RecordsError, Rejects, Source},
};

use fleet::Fleet;

/// Bay Area Bike Share's records, and whose they become.
#[derive(Clone, Debug)]
pub struct Import {
    /// A slug; the tenant is made when there is none.
    pub tenant: String,
    pub stations: Source,
    pub trips: Source,
    /// Take nothing when a single line is flawed.
    pub strict: bool,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Reading,
    Placing,
    /// Rides that are in, of how many there are to bring in, and the rows that they came to.
    Rides {
        done: u64,
        of: u64,
        rows: u64,
    },
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Of both files, without their headers.
    pub lines: u64,
    pub rejects: Rejects,
    pub notes: Notes,
    pub rides: u64,
    /// Of which this many were there already.
    pub known: u64,
    pub stations: u64,
    pub customers: u64,
    pub vehicles: Placed,
    pub added: Added,
}

/// New rows by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    pub rentals: u64,
    pub price_lines: u64,
    pub history: u64,
}

impl Added {
    pub fn rows(&self) -> u64 {
        self.rentals + self.price_lines + self.history
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Nothing was taken, because something is flawed.
    #[error("nothing was imported: {} of the lines are flawed", .0.count())]
    Flawed(Box<Rejects>),
    #[error("the tenant `{tenant}` counts in {currency}; these records are priced in USD")]
    OtherCurrency { tenant: String, currency: String },
    #[error(transparent)]
    Service(#[from] Error),
}

/// Brings the records in, and tells how far it is as it goes.
///
/// Running it again adds only what is not there yet. Each batch of rides comes in wholly or not at all.
pub async fn bayarea(
    app: &App,
    import: Import,
    tell: &(dyn Fn(Step) + Send + Sync),
) -> Result<Report, ImportError> {
    tell(Step::Reading);
    let (now, strict, slug) = (app.now(), import.strict, import.tenant.clone());
    let read = tokio::task::spawn_blocking(move || Read::all(&import, now));
    let Read { stations, rides, mut report } = read.await.map_err(Error::internal)??;
    if strict && report.rejects.count() > 0 {
        return Err(ImportError::Flawed(Box::new(report.rejects)));
    }
    tell(Step::Placing);
    let tenant = fleet::tenant(app, &slug).await?;
    let ctx = app.system(tenant.id, "import");
    let mut fleet = Fleet::of(&ctx).await?;
    report.stations = fleet.add_stations(&ctx, stations).await?;
    let riders: BTreeSet<_> = rides.rides.iter().map(|ride| ride.trip.rider).collect();
    report.customers = riders::add_missing(&ctx, &riders).await?;
    let known = write::known(&ctx).await?;
    let (new, old): (Vec<_>, Vec<_>) =
        rides.rides.into_iter().partition(|ride| !known.contains(&ids::rental(&ride.trip)));
    report.known = old.len() as u64;
    let bikes: BTreeSet<u32> = new.iter().map(|ride| ride.trip.bike).collect();
    let last = rides.last.into_iter().filter(|(bike, _)| bikes.contains(bike)).collect();
    report.vehicles = place::each(&ctx, &mut fleet, last).await?;
    report.added = write::all(&ctx, fleet, new, tell).await?;
    Ok(report)
}

/// The records as they were understood.
struct Read {
    stations: Stations,
    rides: Rides,
    report: Report,
}

impl Read {
    fn all(import: &Import, now: chrono::DateTime<chrono::Utc>) -> Result<Self, RecordsError> {
        let mut stations = Stations::read(&import.stations)?;
        let trips = Trips::read(&import.trips, &stations, now)?;
        let mut notes = trips.notes;
        notes.stations_moved = stations.moved();
        let rides = Rides::chain(trips.trips, &mut notes);
        let mut rejects = std::mem::take(&mut stations.rejects);
        rejects.extend(trips.rejects);
        let report = Report {
            lines: stations.lines + trips.lines,
            rejects,
            notes,
            rides: rides.rides.len() as u64,
            ..Report::default()
        };
        Ok(Self { stations, rides, report })
    }
}
