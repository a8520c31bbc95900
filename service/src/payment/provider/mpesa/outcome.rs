//! What Daraja's codes say of a payment, a reversal, or a call.

use super::{Decline, Outcome, ProviderError, RefundOutcome, refused};
use crate::payment::provider::http::Answered;

/// What the number in a query's or a message's `ResultCode` means for a payment.
///
/// A code that is not known decides nothing: 4999 is in no documentation, and took open prompts for failed ones wherever
/// it was not known. The payment is asked for again, and a late success finds it open.
pub fn of_payment(code: &str, description: &str) -> Outcome {
    match code {
        "0" => Outcome::Completed,
        "4999" => Outcome::Processing,
        // Nobody has answered, or the phone could not be reached. It may have been after all.
        "1019" | "1036" | "1037" => Outcome::Expired,
        _ => match reason(code) {
            Some(reason) => {
                Outcome::Declined(Decline { code: reason.to_owned(), message: told(description) })
            }
            None => Outcome::Processing,
        },
    }
}

/// Of a reversal. All but success is a no, and the next attempt cannot take money back twice: M-Pesa reverses once.
pub fn of_reversal(code: &str, description: &str) -> RefundOutcome {
    match code {
        // Reversed already: the payer has the money.
        "0" | "R000001" => RefundOutcome::Completed,
        "R000002" => failed("unknown_transaction", description),
        "21" => failed("not_permitted", description),
        "2001" => failed("initiator_unknown", description),
        _ => match reason(code) {
            Some(reason) => failed(reason, description),
            None => failed(&format!("result_{}", code.to_ascii_lowercase()), description),
        },
    }
}

fn failed(code: &str, description: &str) -> RefundOutcome {
    RefundOutcome::Failed(Decline { code: code.to_owned(), message: told(description) })
}

fn reason(code: &str) -> Option<&'static str> {
    Some(match code {
        "1" => "insufficient_funds",
        "2" => "amount_too_small",
        "3" => "amount_too_large",
        "4" => "daily_limit_reached",
        "8" => "balance_limit_reached",
        "11" => "account_not_active",
        "17" => "repeated_too_soon",
        "26" => "provider_busy",
        "1001" => "subscriber_locked",
        "1025" | "9999" => "prompt_not_sent",
        "1031" | "1032" => "canceled_by_payer",
        "2001" => "wrong_pin",
        "2006" => "not_permitted",
        "2028" => "product_not_permitted",
        "8006" => "credential_locked",
        "SFC_IC0003" => "receiver_unknown",
        _ => return None,
    })
}

/// What an answer that is not a success says of the call.
pub fn of_call(answered: &Answered, code: &str, message: &str) -> ProviderError {
    let status = answered.status.as_u16();
    let said = || format!("{status} {code} {}", told(message)).into();
    match (status, code) {
        // Turned away at the gate.
        (429, _) | (_, "500.003.02" | "500.003.03") => ProviderError::Unavailable(said()),
        _ if code.starts_with("policies.ratelimit.") => ProviderError::Unavailable(said()),
        (401 | 403, _) => ProviderError::Credentials,
        (_, "500.001.1001") => of_merchant(message).unwrap_or_else(|| ProviderError::Lost(said())),
        (400..=499, _) => refused(&about(message), &told(message)),
        // It may have come through nevertheless.
        _ => ProviderError::Lost(said()),
    }
}

/// One code for many things; None where the message tells of none that is known.
fn of_merchant(message: &str) -> Option<ProviderError> {
    let message = message.to_ascii_lowercase();
    let says = |part: &str| message.contains(part);
    if says("wrong credentials") || says("merchant does not exist") {
        Some(ProviderError::Credentials)
    } else if says("subscriber") && (says("lock") || says("in process")) {
        Some(refused("subscriber_locked", "another prompt is open on this phone"))
    } else {
        None
    }
}

/// `Bad Request - Invalid PhoneNumber` is about an `invalid_phone_number`.
fn about(message: &str) -> String {
    let after = message.split_once("Invalid ").map_or("", |(_, after)| after);
    let word = after.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if word.is_empty() {
        return "bad_request".to_owned();
    }
    let mut code = "invalid".to_owned();
    let mut small = true;
    for c in word.chars() {
        if c.is_ascii_uppercase() && small {
            code.push('_');
        }
        small = !c.is_ascii_uppercase();
        code.push(c.to_ascii_lowercase());
    }
    code
}

/// Short enough to keep.
fn told(description: &str) -> String {
    description.trim().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn call(status: u16, code: &str, message: &str) -> ProviderError {
        let status = StatusCode::from_u16(status).unwrap();
        of_call(&Answered { status, headers: Default::default(), body: Vec::new() }, code, message)
    }

    fn code(error: ProviderError) -> String {
        let ProviderError::Refused(decline) = error else { panic!("{error:?}") };
        decline.code
    }

    #[test]
    fn only_a_known_no_is_a_no() {
        let declined = |code| match of_payment(code, "Said.") {
            Outcome::Declined(decline) => decline.code,
            other => format!("{other:?}"),
        };
        assert_eq!(declined("1"), "insufficient_funds");
        assert_eq!(declined("1032"), "canceled_by_payer");
        assert_eq!(declined("SFC_IC0003"), "receiver_unknown");
        assert_eq!(declined("0"), "Completed");
        assert_eq!(declined("1037"), "Expired");
        for open in ["4999", "", "2029", "what"] {
            assert_eq!(declined(open), "Processing");
        }
    }

    #[test]
    fn a_reversal_that_was_done_before_is_done() {
        assert_eq!(of_reversal("0", ""), RefundOutcome::Completed);
        assert_eq!(of_reversal("R000001", ""), RefundOutcome::Completed);
        assert_eq!(of_reversal("R000002", "Bad id."), failed("unknown_transaction", "Bad id."));
        assert_eq!(of_reversal("R9", ""), failed("result_r9", ""));
    }

    #[test]
    fn what_may_have_happened_is_never_taken_for_a_no() {
        for lost in [(500, "500.003.1001"), (503, ""), (500, "500.001.1001"), (302, "")] {
            assert!(matches!(call(lost.0, lost.1, "Sorry"), ProviderError::Lost(_)), "{lost:?}");
        }
        for busy in [(429, ""), (500, "500.003.02"), (500, "500.003.03"), (503, "500.003.02")] {
            let error = call(busy.0, busy.1, "Spike arrest violation");
            assert!(matches!(error, ProviderError::Unavailable(_)), "{busy:?}");
        }
        let wrong = call(500, "500.001.1001", "[MerchantValidate] - Wrong credentials");
        assert!(matches!(wrong, ProviderError::Credentials));
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let invalid = |message| code(call(400, "400.002.02", message));
        assert_eq!(invalid("Bad Request - Invalid PhoneNumber"), "invalid_phone_number");
        assert_eq!(invalid("Bad Request - Invalid CallBackURL"), "invalid_call_back_url");
        assert_eq!(invalid("No."), "bad_request");
        assert_eq!(code(call(404, "404.001.01", "Resource not found")), "bad_request");
        let locked = "Unable to lock subscriber, a transaction is already in process for the \
                      current subscriber";
        assert_eq!(code(call(500, "500.001.1001", locked)), "subscriber_locked");
    }
}
