//! Which account is meant: by what it is for, and whose it is.

use entity::{
    account::{self, Column, Kind},
    customer::CustomerId,
    money::Currency,
    payment::Provider,
    tariff::LineKind,
};
use sea_orm::{ActiveEnum, ColumnTrait, Condition};

/// An account of the tenant in whatever currency the money has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purse {
    kind: Kind,
    holder: Holder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Tenant,
    Customer(CustomerId),
    Provider(Provider),
}

impl Purse {
    pub const DISCOUNTS: Self = Self::of_tenant(Kind::Discounts);
    pub const TAX: Self = Self::of_tenant(Kind::Tax);
    pub const REFUNDS: Self = Self::of_tenant(Kind::Refunds);
    pub const PROMOTIONS: Self = Self::of_tenant(Kind::Promotions);
    pub const BAD_DEBT: Self = Self::of_tenant(Kind::BadDebt);

    const fn of_tenant(kind: Kind) -> Self {
        Self { kind, holder: Holder::Tenant }
    }

    /// What the customer owes.
    pub const fn receivable(customer: CustomerId) -> Self {
        Self { kind: Kind::CustomerReceivable, holder: Holder::Customer(customer) }
    }

    /// What the customer has paid in, to pay with later.
    pub const fn wallet(customer: CustomerId) -> Self {
        Self { kind: Kind::CustomerWallet, holder: Holder::Customer(customer) }
    }

    /// What the customer has left as security.
    pub const fn deposit(customer: CustomerId) -> Self {
        Self { kind: Kind::DepositsHeld, holder: Holder::Customer(customer) }
    }

    /// What a provider has taken in, the hands of staff too.
    pub const fn clearing(provider: Provider) -> Self {
        Self { kind: Kind::ProviderClearing, holder: Holder::Provider(provider) }
    }

    /// What a provider keeps.
    pub const fn fees(provider: Provider) -> Self {
        Self { kind: Kind::Fees, holder: Holder::Provider(provider) }
    }

    /// Where a line of a price goes.
    pub fn of_line(line: LineKind) -> Self {
        Self::of_tenant(Kind::of_line(line))
    }

    pub fn kind(self) -> Kind {
        self.kind
    }

    /// As accounts keep it.
    pub fn holder(self) -> String {
        match self.holder {
            Holder::Tenant => String::new(),
            Holder::Customer(id) => id.to_string(),
            Holder::Provider(provider) => provider.to_value(),
        }
    }

    pub(super) fn customer(self) -> Option<CustomerId> {
        match self.holder {
            Holder::Customer(id) => Some(id),
            Holder::Tenant | Holder::Provider(_) => None,
        }
    }

    pub(super) fn name(self, currency: Currency) -> Name {
        let (kind, holder, customer) = (self.kind, self.holder(), self.customer());
        Name { kind, currency, holder, customer }
    }
}

/// What makes an account this account. In this order accounts are locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub kind: Kind,
    pub currency: Currency,
    pub holder: String,
    pub customer: Option<CustomerId>,
}

impl Name {
    /// The condition on its row.
    pub fn is(&self) -> Condition {
        Condition::all()
            .add(Column::Kind.eq(self.kind))
            .add(Column::Currency.eq(self.currency))
            .add(Column::Holder.eq(&self.holder))
    }
}

impl From<&account::Model> for Name {
    fn from(account: &account::Model) -> Self {
        Self {
            kind: account.kind,
            currency: account.currency,
            holder: account.holder.clone(),
            customer: account.customer_id,
        }
    }
}
