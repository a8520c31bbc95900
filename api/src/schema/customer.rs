//! Customers, as clients see them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use entity::customer::{self, CustomerId};
use service::customer::{CreateCustomer, Filter, UpdateCustomer};

use super::{
    connection::{connection, counted, nodes, page, sort},
    outcome::payload,
    receipt::{ReceiptConnection, ReceiptFilter, receipts_page},
    rental::{RentalConnection, RentalFilter, rentals_page},
    scalar::{DateTime, Gid},
};
use crate::{context::Call, error::Result};

/// A person who rents.
#[derive(Clone)]
pub struct Customer(pub customer::Model);

impl From<customer::Model> for Customer {
    fn from(model: customer::Model) -> Self {
        Self(model)
    }
}

/// A person who rents vehicles. Staff see all of them, a customer itself.
#[Object]
impl Customer {
    /// Global id, `customer_…`.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Full name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// E-mail address, lower case; null when not given.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Phone number in E.164; null when not given.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// May not rent since then; null while they may.
    async fn blocked_at(&self) -> Option<DateTime> {
        self.0.blocked_at.map(DateTime)
    }

    /// How many vehicles they may have at once; null means the tenant's limit.
    async fn rental_limit(&self) -> Option<i32> {
        self.0.rental_limit
    }

    /// Not in use any more since then; null while they are.
    async fn archived_at(&self) -> Option<DateTime> {
        self.0.archived_at.map(DateTime)
    }

    /// When they were entered.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// What they rented, newest first.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn rentals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<RentalConnection> {
        let filter = RentalFilter { customer_id: Some(Gid(self.0.id)), ..RentalFilter::default() };
        rentals_page(ctx, &filter, None, page(first, after, last, before)).await
    }

    /// Receipts of what they paid and got back, newest first. Staff need the permission `ViewMoney`.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four")]
    async fn receipts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<ReceiptConnection> {
        let filter =
            ReceiptFilter { customer_id: Some(Gid(self.0.id)), ..ReceiptFilter::default() };
        receipts_page(ctx, filter, None, page(first, after, last, before)).await
    }
}

connection!(CustomerConnection, CustomerEdge, Customer, "customers");

/// Which customers; all conditions must hold.
#[derive(Clone, Default, InputObject)]
pub struct CustomerFilter {
    /// Name or e-mail address begin with this, whatever the case.
    search: Option<String>,
    /// Blocked ones, or the others.
    blocked: Option<bool>,
    /// Archived ones too.
    #[graphql(default)]
    include_archived: bool,
}

/// What customers can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CustomerSortField {
    /// By name.
    Name,
    /// By when they were entered.
    Created,
}

sort!(CustomerSort, CustomerSortField, "customers");

#[derive(Default)]
pub struct CustomerQuery;

#[Object]
impl CustomerQuery {
    /// Customers, by name when not sorted otherwise. Staff only.
    #[graphql(
        complexity = "5 + first.or(last).unwrap_or(50).clamp(0, 100) as usize * child_complexity"
    )]
    #[expect(clippy::too_many_arguments, reason = "Relay's four and two of the list")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 50 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only customers that match.")] filter: Option<CustomerFilter>,
        #[graphql(desc = "By name when not given.")] sort: Option<CustomerSort>,
    ) -> Result<CustomerConnection> {
        let filter = filter.unwrap_or_default();
        let filter = Arc::new(Filter {
            search: filter.search,
            blocked: filter.blocked,
            include_archived: filter.include_archived,
        });
        let (by, direction) =
            sort.map_or((CustomerSortField::Name, Default::default()), |s| (s.field, s.direction));
        let (by_name, args) = (by == CustomerSortField::Name, page(first, after, last, before));
        let found =
            service::customer::list(ctx.call()?, &filter, by_name, direction.into(), &args).await?;
        let count = counted(move |call| {
            let filter = Arc::clone(&filter);
            async move { service::customer::count(&call, &filter).await }
        });
        Ok(CustomerConnection { page: nodes(found), count })
    }
}

/// A new customer.
#[derive(InputObject)]
pub struct CreateCustomerInput {
    /// 1 to 200 characters.
    name: String,
    /// Unique among the customers that are not archived.
    email: Option<String>,
    /// In E.164, such as `+254700123456`.
    phone: Option<String>,
    /// How many vehicles at once, 1 to 1000; the tenant's limit when not given.
    rental_limit: Option<i32>,
}

/// Changes to a customer. What is left out stays as it is; null empties it.
#[derive(InputObject)]
pub struct UpdateCustomerInput {
    /// Which.
    customer_id: Gid<CustomerId>,
    /// 1 to 200 characters.
    name: Option<String>,
    /// Unique among the customers that are not archived.
    email: MaybeUndefined<String>,
    /// In E.164, such as `+254700123456`.
    phone: MaybeUndefined<String>,
    /// True stops them from renting; what they ride now goes on.
    blocked: Option<bool>,
    /// How many vehicles at once, 1 to 1000.
    rental_limit: MaybeUndefined<i32>,
}

/// Takes a customer out of use.
#[derive(InputObject)]
pub struct ArchiveCustomerInput {
    /// Which.
    customer_id: Gid<CustomerId>,
}

payload!(
    /// What `createCustomer` answers.
    CreateCustomerPayload {
        /// The new customer; null when refused.
        customer: Customer
    }
);
payload!(
    /// What `updateCustomer` answers.
    UpdateCustomerPayload {
        /// The customer as it now is; null when refused.
        customer: Customer
    }
);
payload!(
    /// What `archiveCustomer` answers.
    ArchiveCustomerPayload {
        /// The archived customer; null when refused.
        customer: Customer
    }
);

impl From<CreateCustomerInput> for CreateCustomer {
    fn from(input: CreateCustomerInput) -> Self {
        Self {
            name: input.name,
            email: input.email,
            phone: input.phone,
            rental_limit: input.rental_limit,
        }
    }
}

impl From<UpdateCustomerInput> for UpdateCustomer {
    fn from(input: UpdateCustomerInput) -> Self {
        Self {
            id: input.customer_id.0,
            name: input.name,
            email: super::patch(input.email),
            phone: super::patch(input.phone),
            blocked: input.blocked,
            rental_limit: super::patch(input.rental_limit),
        }
    }
}

#[derive(Default)]
pub struct CustomerMutation;

#[Object]
impl CustomerMutation {
    /// Enters a customer. Staff only.
    async fn create_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new customer.")] input: CreateCustomerInput,
    ) -> Result<CreateCustomerPayload> {
        CreateCustomerPayload::from_outcome(
            service::customer::create(ctx.call()?, input.into()).await,
        )
    }

    /// Changes, blocks or unblocks a customer. Staff only.
    async fn update_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes.")] input: UpdateCustomerInput,
    ) -> Result<UpdateCustomerPayload> {
        UpdateCustomerPayload::from_outcome(
            service::customer::update(ctx.call()?, input.into()).await,
        )
    }

    /// Takes a customer out of use. `CUSTOMER_IN_USE` while they ride or hold anything. Staff only.
    async fn archive_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which customer.")] input: ArchiveCustomerInput,
    ) -> Result<ArchiveCustomerPayload> {
        ArchiveCustomerPayload::from_outcome(
            service::customer::archive(ctx.call()?, input.customer_id.0).await,
        )
    }
}
