//! What Safaricom has in its books: prompts, what was paid, and what was taken back.

use std::sync::atomic::Ordering;

use serde_json::Value;

use super::{NAMES, messages};
use crate::provider::Booked;

pub const SHORT_CODE: &str = "174379";
pub const INITIATOR: &str = "testapi";

#[derive(Default)]
pub struct Books {
    /// Only the last one is good.
    pub tokens: Vec<String>,
    pub prompts: Vec<Prompt>,
    pub payments: Vec<Payment>,
    /// Whom to tell, and whom to ask, about payments that nobody asked for.
    pub listeners: Option<(String, String)>,
    /// Every message that was sent, with where to.
    pub sent: Vec<(String, Value)>,
    /// How often somebody asked for what was open.
    pub asked: usize,
}

pub struct Prompt {
    pub name: String,
    pub merchant: String,
    pub phone: String,
    pub account: String,
    pub shillings: i64,
    pub callback: String,
    /// None while it is open.
    pub result: Option<String>,
    /// None: nobody is told.
    pub messages: u8,
}

pub struct Payment {
    pub receipt: String,
    /// None: nobody asked for it.
    pub prompt: Option<String>,
    pub shillings: i64,
    pub reversed: i64,
}

impl Books {
    /// Of two prompts on one phone, M-Pesa refuses the second.
    pub fn is_locked(&self, phone: &str) -> bool {
        self.prompts.iter().any(|prompt| prompt.phone == phone && prompt.result.is_none())
    }

    pub fn prompt(&self, name: &str) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| prompt.name == name)
    }

    /// Ends an open prompt; gives the messages about it, with where to. What was paid is told as if it had been paid by
    /// hand, too, where somebody listens to that: before, in the worst case.
    pub fn end(&mut self, name: &str, code: &str) -> Vec<(String, Value)> {
        let open = |prompt: &&mut Prompt| prompt.name == name && prompt.result.is_none();
        let Some(prompt) = self.prompts.iter_mut().find(open) else { return Vec::new() };
        prompt.result = Some(code.to_owned());
        let receipt = (code == "0").then(receipt);
        let message = messages::of_prompt(prompt, code, receipt.as_deref());
        let mut told = vec![(prompt.callback.clone(), message)];
        if let (Some(receipt), Some((confirmation, _))) = (&receipt, &self.listeners) {
            let shillings = format!("{}.00", prompt.shillings);
            let body = messages::by_hand(receipt, &prompt.phone, &shillings, &prompt.account);
            told.insert(0, (confirmation.clone(), messages::with_balance(body)));
        }
        if prompt.messages == 0 {
            told.clear();
        }
        let shillings = prompt.shillings;
        if let Some(receipt) = receipt {
            let prompt = Some(name.to_owned());
            self.payments.push(Payment { receipt, prompt, shillings, reversed: 0 });
        }
        told
    }

    pub fn receive(&mut self, receipt: &str, shillings: &str) {
        let whole = shillings.split('.').next().and_then(|whole| whole.parse().ok());
        let shillings = whole.expect("shillings");
        let receipt = receipt.to_owned();
        self.payments.push(Payment { receipt, prompt: None, shillings, reversed: 0 });
    }

    /// The result's code and its description.
    pub fn reverse(&mut self, receipt: &str, shillings: i64) -> (&'static str, &'static str) {
        let Some(payment) = self.payments.iter_mut().find(|payment| payment.receipt == receipt)
        else {
            return ("R000002", "The OriginalTransactionID is invalid.");
        };
        match payment.shillings - payment.reversed {
            0 => ("R000001", "The transaction has already been reversed."),
            left if shillings > left => ("1", "The amount is more than what is left."),
            _ => {
                payment.reversed += shillings;
                ("0", "The service request is processed successfully.")
            }
        }
    }

    pub fn reverse_all(&mut self, prompt: &str) {
        for payment in &mut self.payments {
            if payment.prompt.as_deref() == Some(prompt) {
                payment.reversed = payment.shillings;
            }
        }
    }

    pub fn booked(&self) -> Vec<Booked> {
        let asked_for = self.prompts.iter().map(|prompt| {
            let name = Some(prompt.name.as_str());
            let paid = self.payments.iter().find(|payment| payment.prompt.as_deref() == name);
            (prompt.name.clone(), prompt.shillings, paid)
        });
        let others = self.payments.iter().filter(|payment| payment.prompt.is_none());
        let others = others.map(|paid| (paid.receipt.clone(), paid.shillings, Some(paid)));
        let booked = asked_for.chain(others).map(|(reference, shillings, paid)| Booked {
            reference,
            key: None,
            amount_minor: shillings * 100,
            currency: "KES".to_owned(),
            captured_minor: paid.map_or(0, |paid| paid.shillings * 100),
            refunded_minor: paid.map_or(0, |paid| paid.reversed * 100),
        });
        booked.collect()
    }
}

/// As on a payer's phone: ten capital letters and digits.
pub fn receipt() -> String {
    format!("TKL{:07}", NAMES.fetch_add(1, Ordering::SeqCst))
}
