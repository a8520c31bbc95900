//! Payment providers to test against: each an HTTP server of its own, with books of its own, that behaves as told.

pub mod fault;
pub mod stripe;

use async_trait::async_trait;

pub use fault::{Fault, Faults};

/// What a payer at the provider does, and so what becomes of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Succeeds,
    Declines,
    /// The payer has something to do first; see `Peer::act`.
    AsksForAction,
    /// It takes its time: processing until `Peer::settle`.
    TakesTime,
}

/// One payment in the provider's own books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    pub reference: String,
    /// Our attempt, as the provider was told; None where it takes none.
    pub key: Option<String>,
    pub amount_minor: i64,
    pub currency: String,
    pub captured_minor: i64,
    pub refunded_minor: i64,
}

/// A provider's stand-in, as the contract suite and the chaos tests see it.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Where its API is: the value of the setting that names the provider's URL.
    fn url(&self) -> String;

    /// What a tenant enters as its credentials; made up anew for each stand-in.
    fn credentials(&self) -> serde_json::Value;

    /// The currency that it likes best.
    fn currency(&self) -> &'static str;

    /// The method that makes a payment go like this.
    fn method(&self, script: Script) -> Option<String>;

    /// What goes wrong with its next calls.
    fn faults(&self) -> &Faults;

    /// Where it sends its messages, where the account and not the call says it.
    fn send_webhooks_to(&self, url: &str);

    /// The payer does what was asked, or refuses.
    async fn act(&self, reference: &str, agrees: bool);

    /// What takes time comes to its end.
    async fn settle(&self, reference: &str, succeeds: bool);

    /// The bank takes the money back.
    async fn reverse(&self, reference: &str);

    /// Sends all messages again, in another order.
    async fn repeat_webhooks(&self);

    /// How many calls moved or asked for money, repeated ones too.
    fn calls(&self) -> usize;

    fn books(&self) -> Vec<Booked>;
}
