//! `/exports/…`: the ledger as CSV, page by page, for spreadsheets and bookkeeping.

mod cell;

use std::{collections::HashMap, sync::Arc};

use async_stream::try_stream;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::SecondsFormat;
use entity::{
    account::{self, AccountId, Side},
    transfer,
};
use futures_util::Stream;
use serde::Deserialize;
use service::{
    ctx::Ctx,
    ledger::{account as accounts, period::Zone, statement, transfer::Rows},
};

use super::{
    graphql::{Refusal, text},
    origin::Caller,
};
use crate::{
    error::Error,
    graphql::request_id::RequestId,
    realtime::session::{Sessions, Shown, bearer},
    schema::scalar::read_day,
};
use cell::Row;

/// Rows of one read.
const AT_ONCE: u64 = 1_000;

const TRANSFERS: &[&str] = &[
    "transfer",
    "created_at",
    "date",
    "kind",
    "phase",
    "amount",
    "currency",
    "debit_account",
    "debit_kind",
    "debit_holder",
    "credit_account",
    "credit_kind",
    "credit_holder",
    "reference",
    "group",
    "ends",
    "customer",
    "rental",
    "payment",
];
const STATEMENT: &[&str] = &[
    "transfer",
    "created_at",
    "date",
    "kind",
    "debit",
    "credit",
    "balance",
    "currency",
    "counter_account",
    "counter_kind",
    "counter_holder",
    "reference",
    "group",
    "customer",
    "rental",
    "payment",
];

type Doors = Arc<dyn Sessions>;
type Asked = (RequestId, Caller, HeaderMap);
type Accounts = HashMap<AccountId, account::Model>;

pub fn routes(sessions: Doors) -> Router {
    Router::new()
        .route("/exports/transfers.csv", get(all_transfers))
        .route("/exports/accounts/{file}", get(one_account))
        .with_state(sessions)
}

/// Days in the tenant's time zone; both belong to it, and what is left out is no bound.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Days {
    from: Option<String>,
    to: Option<String>,
}

async fn all_transfers(
    State(sessions): State<Doors>,
    (id, caller, headers): Asked,
    days: Result<Query<Days>, QueryRejection>,
) -> Response {
    let written = async {
        let (ctx, [from, to]) = (call(&sessions, caller, headers).await?, read(days)?);
        let zone = Zone::of(&ctx).await.map_err(refused)?;
        let period = zone.days(from, to).map_err(refused)?;
        let rows = Rows::of(&ctx, &period);
        let row = move |transfer: transfer::Model, accounts: &Accounts| {
            of_transfer(&zone, &transfer, accounts)
        };
        file(ctx, "transfers.csv", TRANSFERS, rows, row).await
    };
    written.await.unwrap_or_else(|refusal: Refusal| refusal.into_response(&id))
}

async fn one_account(
    State(sessions): State<Doors>,
    (id, caller, headers): Asked,
    Path(name): Path<String>,
    days: Result<Query<Days>, QueryRejection>,
) -> Response {
    let written = async {
        let (ctx, [from, to]) = (call(&sessions, caller, headers).await?, read(days)?);
        let account = name.strip_suffix(".csv").and_then(|id| id.parse::<AccountId>().ok());
        let account = account.ok_or_else(|| {
            Refusal::bad_request("the address ends with an account's id and .csv")
        })?;
        let zone = Zone::of(&ctx).await.map_err(refused)?;
        let statement = statement::get(&ctx, account, from, to).await.map_err(refused)?;
        let rows = statement.rows(&ctx);
        let mut follower = statement.follow();
        let row =
            move |transfer, accounts: &Accounts| of_line(&zone, &follower.line(transfer), accounts);
        file(ctx, &name, STATEMENT, rows, row).await
    };
    written.await.unwrap_or_else(|refusal: Refusal| refusal.into_response(&id))
}

async fn call(
    sessions: &Doors,
    Caller(origin): Caller,
    headers: HeaderMap,
) -> Result<Arc<Ctx>, Refusal> {
    let token = text(&headers, header::AUTHORIZATION.as_str())?.map(bearer).transpose()?;
    let session = sessions.open(Shown { token, tenant: None }, origin).await?;
    session.call.ok_or_else(|| refused(service::Error::Unauthenticated))
}

fn read(
    days: Result<Query<Days>, QueryRejection>,
) -> Result<[Option<chrono::NaiveDate>; 2], Refusal> {
    let Query(Days { from, to }) =
        days.map_err(|_| Refusal::bad_request("the parameters are from and to, each once"))?;
    let day = |name: &str, text: Option<String>| match text {
        None => Ok(None),
        Some(text) => match read_day(&text) {
            Some(day) => Ok(Some(day)),
            None => Err(Refusal::bad_request(format!("{name} is not a day, such as 2035-01-31"))),
        },
    };
    Ok([day("from", from)?, day("to", to)?])
}

fn refused(error: service::Error) -> Refusal {
    if error.is_defect() {
        tracing::error!(error = ?error, "nothing could be exported");
    }
    Error::from(error).into()
}

/// The first rows are read before it is said that there are any.
async fn file(
    ctx: Arc<Ctx>,
    name: &str,
    columns: &[&str],
    rows: Rows,
    row: impl FnMut(transfer::Model, &Accounts) -> Row + Send + 'static,
) -> Result<Response, Refusal> {
    let first = rows.next(&ctx, None, AT_ONCE).await.map_err(refused)?;
    let mut head = Row::default();
    columns.iter().for_each(|column| head.text(column));
    let body = Body::from_stream(pages(ctx, head, first, rows, row));
    let attached = format!("attachment; filename=\"{name}\"");
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
    );
    if let Ok(attached) = HeaderValue::from_str(&attached) {
        headers.insert(header::CONTENT_DISPOSITION, attached);
    }
    Ok(response)
}

/// Who reads slowly makes the next page wait. A page that fails cuts the answer off, which clients see.
fn pages(
    ctx: Arc<Ctx>,
    head: Row,
    mut page: Vec<transfer::Model>,
    rows: Rows,
    mut row: impl FnMut(transfer::Model, &Accounts) -> Row + Send + 'static,
) -> impl Stream<Item = service::Result<Bytes>> + Send + 'static {
    try_stream! {
        let mut text = head.end();
        loop {
            let last = page.last().cloned();
            let is_whole = page.len() as u64 == AT_ONCE;
            let sides = page.iter().flat_map(|one| [one.debit_account_id, one.credit_account_id]);
            let mut ids: Vec<_> = sides.collect();
            ids.sort_unstable();
            ids.dedup();
            let accounts = accounts::by_ids(&ctx, &ids).await?;
            page.into_iter().for_each(|transfer| text += &row(transfer, &accounts).end());
            yield Bytes::from(std::mem::take(&mut text));
            if !is_whole {
                return;
            }
            page = rows.next(&ctx, last.as_ref(), AT_ONCE).await?;
        }
    }
}

fn of_transfer(zone: &Zone, transfer: &transfer::Model, accounts: &Accounts) -> Row {
    let mut row = Row::default();
    begin(&mut row, zone, transfer);
    row.text(&transfer.phase.word());
    row.number(transfer.amount().amount());
    row.text(transfer.currency.code());
    side(&mut row, transfer.debit_account_id, accounts);
    side(&mut row, transfer.credit_account_id, accounts);
    row.text(&transfer.reference);
    row.text(&transfer.group_id.simple().to_string());
    row.id(transfer.pending_id);
    about(&mut row, transfer);
    row
}

fn of_line(zone: &Zone, line: &statement::Line, accounts: &Accounts) -> Row {
    let transfer = &line.transfer;
    let mut row = Row::default();
    begin(&mut row, zone, transfer);
    let amount = transfer.amount().amount();
    match line.side {
        Side::Debit => {
            row.number(amount);
            row.nothing();
        }
        Side::Credit => {
            row.nothing();
            row.number(amount);
        }
    }
    row.number(line.balance.amount());
    row.text(transfer.currency.code());
    side(&mut row, line.counter, accounts);
    row.text(&transfer.reference);
    row.text(&transfer.group_id.simple().to_string());
    about(&mut row, transfer);
    row
}

fn begin(row: &mut Row, zone: &Zone, transfer: &transfer::Model) {
    row.text(&transfer.id.to_string());
    row.text(&transfer.created_at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    row.text(&zone.date(transfer.created_at).to_string());
    row.text(&transfer.kind.word());
}

fn side(row: &mut Row, id: AccountId, accounts: &Accounts) {
    let account = accounts.get(&id);
    row.text(&id.to_string());
    row.text(&account.map(|account| account.kind.word()).unwrap_or_default());
    row.text(account.map_or("", |account| &account.holder));
}

fn about(row: &mut Row, transfer: &transfer::Model) {
    row.id(transfer.customer_id);
    row.id(transfer.rental_id);
    row.id(transfer.payment_id);
}
