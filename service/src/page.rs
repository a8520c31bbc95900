//! Pages of a list by keyset: forwards and backwards, never by offset.

use std::borrow::Cow;

use sea_orm::{
    ConnectionTrait, EntityTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QuerySelect,
    Select,
    sea_query::{Condition, Expr, ExprTrait, SimpleExpr},
};
use serde::{Deserialize, Serialize};

use crate::{
    ctx::Ctx,
    error::{Error, Invalid, Result},
};

pub const MAX: i32 = 100;
pub const DEFAULT: i32 = 50;

/// Relay's four arguments.
#[derive(Clone, Debug, Default)]
pub struct PageArgs {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Each with its cursor.
    pub items: Vec<(String, T)>,
    pub has_next: bool,
    pub has_previous: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A value that a list is sorted by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Key {
    Text(String),
    Int(i64),
    Real(#[serde(with = "bits")] f64),
    Time(chrono::DateTime<chrono::Utc>),
    /// The id alone, which is the order of creation.
    None,
}

/// As they are: a number in decimals may come back as its neighbour.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(number.to_bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}

/// Reads the key and the id of a row.
pub type KeyOf<M> = Box<dyn Fn(&M) -> (Key, uuid::Uuid) + Send + Sync>;

/// How a list is ordered; equal keys are ordered by id.
pub struct Sort<M> {
    /// Names the order, so that a cursor of another order is refused.
    pub name: Cow<'static, str>,
    pub direction: Direction,
    /// None sorts by id alone.
    pub by: Option<SimpleExpr>,
    pub id: SimpleExpr,
    pub key: KeyOf<M>,
}

impl Key {
    fn value(&self) -> Option<sea_orm::Value> {
        match self {
            Self::Text(text) => Some(text.clone().into()),
            Self::Int(number) => Some((*number).into()),
            Self::Real(number) => Some((*number).into()),
            Self::Time(time) => Some((*time).into()),
            Self::None => None,
        }
    }
}

impl PageArgs {
    /// How many, and whether from the end.
    fn size(&self) -> Result<(i32, bool)> {
        let (field, size, backwards) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(Invalid::new("last", "give either first or last").into());
            }
            (Some(first), None) => ("first", first, false),
            (None, Some(last)) => ("last", last, true),
            (None, None) => ("first", DEFAULT, false),
        };
        if !(1..=MAX).contains(&size) {
            return Err(Invalid::new(field, format!("must be between 1 and {MAX}")).into());
        }
        Ok((size, backwards))
    }
}

/// Reads one page of a query that is filtered already. `list` names the list, so that cursors of another one are refused.
pub async fn fetch<E>(
    ctx: &Ctx,
    list: &str,
    query: Select<E>,
    sort: Sort<E::Model>,
    args: &PageArgs,
) -> Result<Page<E::Model>>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
{
    let (size, backwards) = args.size()?;
    let purpose = format!("page {} {list} {}", entity::Id::uuid(ctx.tenant), sort.name);
    let mut query = query;
    for (field, cursor, past) in [("after", &args.after, true), ("before", &args.before, false)] {
        if let Some(cursor) = cursor {
            let edge = open(ctx, &purpose, field, cursor)?;
            query = query.filter(beyond(&sort, &edge, past));
        }
    }
    let ascending = (sort.direction == Direction::Ascending) != backwards;
    let order = if ascending { Order::Asc } else { Order::Desc };
    if let Some(by) = &sort.by {
        query = query.order_by(by.clone(), order.clone());
    }
    let wanted = u64::from(size.unsigned_abs());
    let mut rows =
        query.order_by(sort.id.clone(), order).limit(wanted + 1).all(ctx.reader()).await?;
    let more = rows.len() as u64 > wanted;
    rows.truncate(size.unsigned_abs() as usize);
    if backwards {
        rows.reverse();
    }
    let items = rows
        .into_iter()
        .map(|row| Ok((seal(ctx, &purpose, &(sort.key)(&row))?, row)))
        .collect::<Result<_>>()?;
    let (has_next, has_previous) =
        if backwards { (args.before.is_some(), more) } else { (more, args.after.is_some()) };
    Ok(Page { items, has_next, has_previous })
}

/// `SELECT count(*)` of the same filtered query.
pub async fn count<E: EntityTrait>(query: Select<E>, db: &impl ConnectionTrait) -> Result<i64> {
    let count: Option<i64> =
        query.select_only().column_as(Expr::cust("count(*)"), "count").into_tuple().one(db).await?;
    Ok(count.unwrap_or(0))
}

fn beyond<M>(sort: &Sort<M>, (key, id): &(Key, uuid::Uuid), past: bool) -> Condition {
    let greater = (sort.direction == Direction::Ascending) == past;
    let further = |column: SimpleExpr, value: sea_orm::Value| {
        if greater { column.gt(value) } else { column.lt(value) }
    };
    let id_further = further(sort.id.clone(), (*id).into());
    match (&sort.by, key.value()) {
        (Some(by), Some(value)) => Condition::any()
            .add(further(by.clone(), value.clone()))
            .add(Condition::all().add(by.clone().eq(value)).add(id_further)),
        _ => Condition::all().add(id_further),
    }
}

fn seal(ctx: &Ctx, purpose: &str, edge: &(Key, uuid::Uuid)) -> Result<String> {
    Ok(ctx.app.keys.seal(purpose, &serde_json::to_vec(edge).map_err(Error::internal)?))
}

fn open(ctx: &Ctx, purpose: &str, field: &str, cursor: &str) -> Result<(Key, uuid::Uuid)> {
    ctx.app
        .keys
        .open(purpose, cursor)
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Invalid::new(field, "is not a cursor of this list in this order").into())
}
