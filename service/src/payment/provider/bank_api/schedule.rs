//! A whole schedule of instalments, collected by GoCardless on its dates.

use std::time::Duration;

use serde::Deserialize;

use super::{
    super::{ProviderError, Result, Schedule, ScheduledPayment},
    api::{self, Api},
    failure::conflict,
    request,
    wire::{Links, Page, Payment, Resource, decline, money},
};

/// GoCardless makes the payments after it has answered; it is asked again after each of these.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(600), Duration::from_millis(1_500)];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Pending,
    CreationFailed,
    #[serde(other)]
    Made,
}

#[derive(Deserialize)]
struct InstalmentSchedule {
    id: String,
    status: Status,
    total_amount: i64,
    currency: String,
    #[serde(default)]
    links: Links,
}

impl Resource for InstalmentSchedule {
    const PATH: &'static str = "instalment_schedules";
}

pub(super) async fn collect(api: &Api, schedule: &Schedule) -> Result<Vec<ScheduledPayment>> {
    let body = request::schedule(schedule)?;
    let path = "instalment_schedules/create_with_dates";
    let made: InstalmentSchedule = api.create(path, schedule.attempt, &body).await?;
    if money(made.total_amount, &made.currency) != Some(request::total(schedule)?) {
        return Err(conflict());
    }
    let made = settled(api, made).await.map_err(api::lost)?;
    match made.status {
        Status::CreationFailed => Err(ProviderError::Refused(decline("creation_failed"))),
        Status::Pending => Err(ProviderError::Lost("the payments are not made yet".into())),
        Status::Made => payments(api, schedule, &made).await.map_err(api::lost),
    }
}

async fn settled(api: &Api, mut made: InstalmentSchedule) -> Result<InstalmentSchedule> {
    for pause in PAUSES {
        if made.status != Status::Pending {
            break;
        }
        tokio::time::sleep(pause).await;
        made = api.get(&made.id).await?;
    }
    Ok(made)
}

/// Those of the mandate that belong to the schedule, by date.
async fn payments(
    api: &Api,
    schedule: &Schedule,
    made: &InstalmentSchedule,
) -> Result<Vec<ScheduledPayment>> {
    let mut payments = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("mandate", schedule.method.as_str()), ("limit", "500")];
        query.extend(after.as_deref().map(|after| ("after", after)));
        let page: Page<Payment> = api.list(&query).await?;
        payments.extend(page.items.into_iter().filter_map(|payment| scheduled(payment, made)));
        after = page.after;
        if after.is_none() || payments.len() >= schedule.instalments.len() {
            break;
        }
    }
    if payments.len() != schedule.instalments.len() {
        return Err(ProviderError::Nonsense("not as many payments as instalments".into()));
    }
    payments.sort_by_key(|payment| payment.on);
    Ok(payments)
}

fn scheduled(payment: Payment, of: &InstalmentSchedule) -> Option<ScheduledPayment> {
    let belongs = payment.links.instalment_schedule.as_ref() == Some(&of.id)
        || of.links.payments.contains(&payment.id);
    let (on, amount) = (payment.charge_date?, payment.money()?);
    belongs.then_some(ScheduledPayment { reference: payment.id, on, amount })
}
