//! What row-level security costs: rentals and reads by roles that it holds, and by roles that it does not.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use sea_orm::{ConnectionTrait, Database};
use service::{
    db::{Db, Urls},
    page::{Direction, PageArgs},
    vehicle::{Filter, SortBy},
};
use tests::bench::{Better, Case, Round, Spec};
use tokio::task::JoinSet;

use crate::{
    place::{Place, product_on},
    rentals::{
        SEATS,
        fleet::{self, Fleet, Seat},
        product,
    },
};

const SIDES: &[&str] = &["held by row-level security", "by a role that nothing holds"];

pub const SPECS: &[Spec] = &[
    Spec {
        name: "isolation/writes",
        unit: "rentals/s",
        better: Better::Higher,
        sides: SIDES,
        start: |_| Box::pin(async { Isolation::boxed(Work::Rentals).await }),
    },
    Spec {
        name: "isolation/reads",
        unit: "pages/s",
        better: Better::Higher,
        sides: SIDES,
        start: |_| Box::pin(async { Isolation::boxed(Work::Pages).await }),
    },
];

#[derive(Clone, Copy)]
enum Work {
    Rentals,
    Pages,
}

/// One database and one fleet of fifty tenants, which two roles work with by turns.
struct Isolation {
    place: Place,
    work: Work,
    held: Fleet,
    free: Fleet,
}

impl Isolation {
    async fn boxed(work: Work) -> Result<Box<dyn Case>> {
        // As a superuser.
        let place = Place::postgres(SEATS).await?;
        let free = fleet::create(&place.app, "free", SEATS).await?;
        let urls = application(&place).await?;
        let db = Db::connect_as(&urls, SEATS).await?;
        ensure!(db.roles_in_use().await?.unheld.is_none(), "the application's role is not held");
        let app = product_on(db)?;
        let mut held = fleet::create(&place.app, "held", SEATS).await?;
        for seat in &mut held.seats {
            seat.ctx = seat.ctx.clone().on(app.clone());
        }
        Ok(Box::new(Self { place, work, held, free }))
    }
}

/// A login that may do what the application does, in a database that its tables' owner has secured.
async fn application(place: &Place) -> Result<Urls> {
    migration::isolation::create_roles(place.app.db.writer()).await?;
    let server = Database::connect(&place.url).await?;
    let login = "DO $$ BEGIN CREATE ROLE bench_application LOGIN IN ROLE bikelease_application;
        EXCEPTION WHEN duplicate_object THEN NULL; END $$";
    server.execute_unprepared(login).await?;
    server.close().await?;
    let (scheme, rest) = place.url.split_once("://").context("a URL")?;
    let (_, host) = rest.split_once('@').context("a URL with a user")?;
    let application = format!("{scheme}://bench_application@{host}");
    let free = Some(place.url.clone());
    Ok(Urls { application, feed: free.clone(), worker: free, reader: None, scoped_reads: true })
}

#[async_trait]
impl Case for Isolation {
    async fn round(&mut self, round: Round) -> Result<f64> {
        let time = Duration::from_secs(round.seconds.into());
        self.place.tidy().await?;
        let fleet = if round.side == 0 { &self.held } else { &self.free };
        match self.work {
            Work::Rentals => product::per_second(fleet, time).await,
            Work::Pages => pages_per_second(fleet, time).await,
        }
    }

    async fn end(self: Box<Self>) -> Result<()> {
        self.place.check().await?;
        self.place.remove().await
    }
}

/// One task for each seat, which reads the first page of its tenant's vehicles.
async fn pages_per_second(fleet: &Fleet, time: Duration) -> Result<f64> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for seat in fleet.seats.clone() {
        tasks.spawn(async move {
            let mut pages = 0_u32;
            while began.elapsed() < time {
                page(&seat).await?;
                pages += 1;
            }
            anyhow::Ok(pages)
        });
    }
    let mut pages = 0;
    while let Some(done) = tasks.join_next().await {
        pages += done??;
    }
    Ok(f64::from(pages) / began.elapsed().as_secs_f64())
}

async fn page(seat: &Seat) -> Result<()> {
    let ctx = seat.ctx.app.system(seat.ctx.tenant, "bench");
    let (filter, page) = (Filter::default(), PageArgs::default());
    let page =
        service::vehicle::list(&ctx, &filter, SortBy::Number, Direction::Ascending, &page).await?;
    ensure!(page.items.len() == 1, "a tenant has one vehicle, not {}", page.items.len());
    Ok(())
}
