//! Writing transfers, and the sums of their accounts: two statements, however many there are, unless somebody's money is taken.

use std::collections::BTreeMap;

use entity::{
    account::{self, AccountId},
    money::Money,
    payment::PaymentId,
    rental::RentalId,
    transfer::{self, Kind, Phase, TransferId},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Alias, Expr, ExprTrait, OnConflict},
};

use super::{
    Entry, NO_OVERDRAFT, REFERENCE,
    change::{Change, Changes, NoMovement, Step},
    purse::Name,
};
use crate::{
    error::{Error, OnConstraint, Result},
    refusal::Refusal,
    write::{ROW, Tx},
};

/// SQLite takes 32,766 values in one statement, and a transfer has fifteen.
const AT_ONCE: usize = 2_000;

/// A transfer that has no id yet.
pub(super) struct Draft {
    pub debit: Name,
    pub credit: Name,
    pub amount: Money,
    pub phase: Phase,
    /// What this one ends, and how much that has reserved.
    pub pending: Option<(TransferId, i64)>,
    pub kind: Kind,
    pub reference: String,
    pub rental: Option<RentalId>,
    pub payment: Option<PaymentId>,
}

/// What it means that a reference is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Second {
    IsDefect,
    /// Somebody was as quick, with accounts that both of them opened: the write is tried again, and will see it.
    IsRace,
}

impl Draft {
    pub fn single(entry: &Entry) -> Self {
        Self::of(entry, Phase::Single)
    }

    pub fn pending(entry: &Entry) -> Self {
        Self::of(entry, Phase::Pending)
    }

    fn of(entry: &Entry, phase: Phase) -> Self {
        let currency = entry.amount.currency();
        Self {
            debit: entry.debit.name(currency),
            credit: entry.credit.name(currency),
            amount: entry.amount,
            phase,
            pending: None,
            kind: entry.kind,
            reference: entry.reference.clone(),
            rental: entry.rental,
            payment: entry.payment,
        }
    }

    fn step(&self) -> Step {
        let reserved = self.pending.map_or(0, |(_, reserved)| reserved);
        Step::of(self.phase, self.amount.minor(), reserved)
    }
}

pub(super) async fn find(tx: &Tx, reference: &str) -> Result<Option<transfer::Model>> {
    let found = transfer::Entity::of(tx.tenant()).filter(transfer::Column::Reference.eq(reference));
    Ok(found.one(&**tx).await?)
}

/// Locks the first of the accounts in their order, where it is there already; the others follow when they are changed.
pub(super) async fn lock_first(tx: &Tx, drafts: &[Draft]) -> Result<()> {
    let names = drafts.iter().flat_map(|draft| [&draft.debit, &draft.credit]);
    if let Some(name) = names.min() {
        account::Entity::of(tx.tenant()).filter(name.is()).lock(ROW).one(&**tx).await?;
    }
    Ok(())
}

/// All or none, as one group.
pub(super) async fn book(tx: &Tx, mut drafts: Vec<Draft>, second: Second) -> Result<()> {
    drafts.retain(|draft| draft.amount.minor() != 0);
    if drafts.is_empty() {
        return Ok(());
    }
    let mut changes = Changes::default();
    for draft in &drafts {
        changes.add(&draft.debit, &draft.credit, draft.step()).map_err(Error::internal)?;
    }
    let ids = apply(tx, changes).await?;
    let group = tx.new_id::<TransferId>();
    let rows = drafts.into_iter().map(|draft| row(tx, draft, group, &ids));
    let rows = rows.collect::<Result<Vec<_>, _>>().map_err(Error::internal)?;
    for some in rows.chunks(AT_ONCE) {
        let insert = transfer::Entity::insert_many(some.to_vec());
        insert.exec_without_returning(&**tx).await.map_err(|error| match second {
            Second::IsRace if REFERENCE.is_in(&error) => Error::Unavailable(error.into()),
            _ => error.into(),
        })?;
    }
    Ok(())
}

fn row(
    tx: &Tx,
    draft: Draft,
    group: TransferId,
    ids: &BTreeMap<Name, AccountId>,
) -> Result<transfer::ActiveModel, NoMovement> {
    let id = |name: &Name| ids.get(name).copied().ok_or(NoMovement);
    Ok(transfer::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        group_id: Set(entity::Id::uuid(group)),
        kind: Set(draft.kind),
        phase: Set(draft.phase),
        pending_id: Set(draft.pending.map(|(id, _)| id)),
        debit_account_id: Set(id(&draft.debit)?),
        credit_account_id: Set(id(&draft.credit)?),
        amount_minor: Set(draft.amount.minor()),
        currency: Set(draft.amount.currency()),
        customer_id: Set(draft.debit.customer.or(draft.credit.customer)),
        reference: Set(draft.reference),
        rental_id: Set(draft.rental),
        payment_id: Set(draft.payment),
        created_at: Set(tx.now()),
    })
}

/// Locks and changes the accounts one after the other in their order, as many as it can with one statement.
async fn apply(tx: &Tx, Changes(changes): Changes) -> Result<BTreeMap<Name, AccountId>> {
    let mut ids = BTreeMap::new();
    let mut together = Vec::new();
    for (name, change) in changes {
        if change.opens(name.kind) {
            together.push((name, change));
        } else {
            ids.append(&mut add_or_open(tx, std::mem::take(&mut together)).await?);
            let id = add(tx, &name, change).await?;
            ids.insert(name, id);
        }
    }
    ids.append(&mut add_or_open(tx, together).await?);
    Ok(ids)
}

/// Rows are taken in the order in which they are given.
async fn add_or_open(tx: &Tx, changes: Vec<(Name, Change)>) -> Result<BTreeMap<Name, AccountId>> {
    use account::Column::{
        CreditsPending, CreditsPosted, Currency, DebitsPending, DebitsPosted, Holder, Kind,
        TenantId,
    };
    let mut ids = BTreeMap::new();
    for some in changes.chunks(AT_ONCE) {
        let rows = some.iter().map(|(name, change)| new_account(tx, name, *change));
        let mut there = OnConflict::columns([TenantId, Kind, Currency, Holder]);
        for sum in [DebitsPosted, CreditsPosted, DebitsPending, CreditsPending] {
            let both =
                Expr::col((account::Entity, sum)).add(Expr::col((Alias::new("excluded"), sum)));
            there.value(sum, both);
        }
        let found = account::Entity::insert_many(rows)
            .on_conflict(there)
            .exec_with_returning(&**tx)
            .await
            .on_constraint(NO_OVERDRAFT, Refusal::InsufficientFunds)?;
        ids.extend(found.into_iter().map(|account| (Name::from(&account), account.id)));
    }
    Ok(ids)
}

/// To an account that must be there, because something is taken from it.
async fn add(tx: &Tx, name: &Name, change: Change) -> Result<AccountId> {
    use account::Column::{CreditsPending, CreditsPosted, DebitsPending, DebitsPosted};
    let plus = |sum: account::Column, more: i64| Expr::col(sum).add(more);
    let found = account::Entity::update_of(tx.tenant())
        .col_expr(DebitsPosted, plus(DebitsPosted, change.debits))
        .col_expr(CreditsPosted, plus(CreditsPosted, change.credits))
        .col_expr(DebitsPending, plus(DebitsPending, change.debits_pending))
        .col_expr(CreditsPending, plus(CreditsPending, change.credits_pending))
        .filter(name.is())
        .exec_with_returning(&**tx)
        .await
        .on_constraint(NO_OVERDRAFT, Refusal::InsufficientFunds)?;
    let account = found.into_iter().next().ok_or(Refusal::InsufficientFunds)?;
    Ok(account.id)
}

fn new_account(tx: &Tx, name: &Name, first: Change) -> account::ActiveModel {
    account::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(tx.new_id()),
        kind: Set(name.kind),
        currency: Set(name.currency),
        holder: Set(name.holder.clone()),
        customer_id: Set(name.customer),
        debits_posted: Set(first.debits),
        credits_posted: Set(first.credits),
        debits_pending: Set(first.debits_pending),
        credits_pending: Set(first.credits_pending),
        created_at: Set(tx.now()),
    }
}
