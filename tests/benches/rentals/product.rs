//! The use cases themselves, in this process and without HTTP, as a customer calls them.

use std::time::{Duration, Instant};

use anyhow::Result;
use entity::rental::Model;
use service::{
    rental::{
        end::{self, EndRental},
        start::{self, StartRental},
    },
    vehicle::Destination,
};
use tokio::task::JoinSet;

use super::fleet::{Fleet, Seat};

/// One task for each seat. Rentals that are under way when the time is over count, and so does their time.
pub async fn per_second(fleet: &Fleet, time: Duration) -> Result<f64> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for seat in &fleet.seats {
        let seat = seat.clone();
        tasks.spawn(async move {
            let mut rentals = 0_u32;
            while began.elapsed() < time {
                ride(&seat).await?;
                rentals += 1;
            }
            anyhow::Ok(rentals)
        });
    }
    let mut rentals = 0;
    while let Some(done) = tasks.join_next().await {
        rentals += done??;
    }
    Ok(f64::from(rentals) / began.elapsed().as_secs_f64())
}

/// To the other of the seat's stations.
pub async fn ride(seat: &Seat) -> Result<Model> {
    let number = seat.next();
    let input = StartRental { vehicle: seat.vehicle, customer: None, tariff: None };
    let rental = start::start(&seat.ctx, input, &format!("start {number}")).await?;
    let at = Destination::Station(seat.stations[(number + 1) % 2]);
    let input = EndRental { rental: rental.id, at, distance_meters: None };
    Ok(end::end(&seat.ctx, input, &format!("end {number}")).await?)
}
