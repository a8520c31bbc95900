//! What Daraja sends, and how it sends it: without a signature, and once.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Mpesa,
    books::{Prompt, SHORT_CODE, receipt},
    lock,
};

const PATIENCE: Duration = Duration::from_secs(8);

impl Mpesa {
    /// Later, while the call that caused it is answered.
    pub(super) fn send_soon(&self, messages: Vec<(String, Value)>, times: u8) {
        let this = self.clone();
        lock(&self.0.under_way).spawn(async move {
            for (url, body) in (0..times).flat_map(|_| &messages) {
                this.send(url, body).await;
            }
        });
    }

    pub(super) async fn send(&self, url: &str, body: &Value) {
        self.books().sent.push((url.to_owned(), body.clone()));
        self.ask(url, body).await;
    }

    /// None: nobody there, or no success.
    pub(super) async fn ask(&self, url: &str, body: &Value) -> Option<Value> {
        let request = self.0.http.post(url).timeout(PATIENCE).body(body.to_string());
        let request = request
            .header("content-type", "application/json;charset=UTF-8")
            .header("businessshortcode", SHORT_CODE);
        let answer = self.0.http.send(request).await.ok()?;
        if answer.status.is_success() { answer.json().ok() } else { None }
    }
}

pub fn of_prompt(prompt: &Prompt, code: &str, receipt: Option<&str>) -> Value {
    let code = code.parse::<u32>().map_or_else(|_| json!(code), |number| json!(number));
    let mut told = json!({
        "MerchantRequestID": prompt.merchant,
        "CheckoutRequestID": prompt.name,
        "ResultCode": code,
        "ResultDesc": description(&code.to_string()),
    });
    if let Some(receipt) = receipt {
        let phone: u64 = prompt.phone.parse().unwrap_or_default();
        told["CallbackMetadata"] = json!({ "Item": [
            { "Name": "Amount", "Value": prompt.shillings as f64 },
            { "Name": "MpesaReceiptNumber", "Value": receipt },
            { "Name": "Balance" },
            { "Name": "TransactionDate", "Value": 20_261_121_102_115_u64 },
            { "Name": "PhoneNumber", "Value": phone },
        ]});
    }
    json!({ "Body": { "stkCallback": told } })
}

pub fn of_reversal(names: (&str, &str), code: &str, description: &str) -> Value {
    let code = code.parse::<u32>().map_or_else(|_| json!(code), |number| json!(number));
    json!({ "Result": {
        "ResultType": 0,
        "ResultCode": code,
        "ResultDesc": description,
        "OriginatorConversationID": names.0,
        "ConversationID": names.1,
        "TransactionID": receipt(),
    }})
}

/// What is asked about a payment by hand.
pub fn by_hand(transaction: &str, phone: &str, shillings: &str, account: &str) -> Value {
    let last = phone.get(phone.len().saturating_sub(3)..).unwrap_or_default();
    json!({
        "TransactionType": "Pay Bill",
        "TransID": transaction,
        "TransTime": "20261121102115",
        "TransAmount": shillings,
        "BusinessShortCode": SHORT_CODE,
        "BillRefNumber": account,
        "InvoiceNumber": "",
        "OrgAccountBalance": "",
        "ThirdPartyTransID": "",
        "MSISDN": format!("2547 ***** {last}"),
        "FirstName": "WANJIKU",
        "MiddleName": "",
        "LastName": "",
    })
}

/// The same, once it is done.
pub fn with_balance(mut body: Value) -> Value {
    body["OrgAccountBalance"] = json!("49197.00");
    body
}

/// Other words in a query than in a message, as Daraja has it: only the code counts.
pub fn description(code: &str) -> &'static str {
    match code {
        "0" => "The service request is processed successfully.",
        "1" => "The balance is insufficient for the transaction.",
        "1019" => "Transaction has expired",
        "1032" => "Request cancelled by user.",
        "1037" => "No response from user.",
        "2001" => "The initiator information is invalid.",
        _ => "Failed.",
    }
}
