//! What GoCardless means when it does not do what it was asked for.

use reqwest::StatusCode;
use serde::Deserialize;

use super::super::{Decline, ProviderError, http::Answered};

const CONFLICT: &str = "idempotent_creation_conflict";

/// Why a call was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was done before, under the same key, and made this.
    Before(String),
    Error(ProviderError),
}

#[derive(Deserialize)]
struct Body {
    error: Said,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    errors: Vec<Detail>,
}

#[derive(Default, Deserialize)]
struct Detail {
    reason: Option<String>,
    field: Option<String>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    links: Links,
}

#[derive(Default, Deserialize)]
struct Links {
    conflicting_resource_id: Option<String>,
}

/// None: it was done.
pub(super) fn of(answered: &Answered) -> Option<Failure> {
    let status = answered.status;
    if status.is_success() {
        return None;
    }
    Some(match status {
        StatusCode::UNAUTHORIZED => Failure::Error(ProviderError::Credentials),
        StatusCode::TOO_MANY_REQUESTS => {
            Failure::Error(ProviderError::Unavailable("too many requests".into()))
        }
        _ if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => no(answered),
        _ => Failure::Error(ProviderError::Lost(format!("answered {status}").into())),
    })
}

fn no(answered: &Answered) -> Failure {
    let Ok(Body { error }) = serde_json::from_slice(&answered.body) else {
        // Not in GoCardless's words: something between us has answered.
        let error = format!("answered {} without an error", answered.status);
        return Failure::Error(ProviderError::Nonsense(error.into()));
    };
    let before = error.errors.iter().find(|detail| detail.reason.as_deref() == Some(CONFLICT));
    if let Some(id) = before.and_then(|detail| detail.links.conflicting_resource_id.clone()) {
        return Failure::Before(id);
    }
    Failure::Error(ProviderError::Refused(decline(error)))
}

fn decline(error: Said) -> Decline {
    let first = error.errors.into_iter().next().unwrap_or_default();
    let code = first.reason.unwrap_or(error.kind).to_lowercase();
    let message = match first.field {
        Some(field) => format!("{field} {}", first.message),
        None if first.message.is_empty() => error.message,
        None => first.message,
    };
    Decline { code, message }
}

/// What was made under the key is not what is asked for now.
pub(super) fn conflict() -> ProviderError {
    ProviderError::Refused(Decline {
        code: CONFLICT.to_owned(),
        message: "another amount was asked for under the same key".to_owned(),
    })
}

pub(super) fn is_conflict(decline: &Decline) -> bool {
    decline.code == CONFLICT
}

#[cfg(test)]
mod tests {
    use reqwest::{StatusCode, header::HeaderMap};

    use super::{Answered, Failure, ProviderError, of};

    fn failure(status: u16, body: &str) -> Option<Failure> {
        let status = StatusCode::from_u16(status).unwrap();
        of(&Answered { status, headers: HeaderMap::new(), body: body.into() })
    }

    fn refused(status: u16, body: &str) -> (String, String) {
        match failure(status, body) {
            Some(Failure::Error(ProviderError::Refused(decline))) => {
                (decline.code, decline.message)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_made_before_is_named() {
        let conflict = include_str!("recorded/conflict.json");
        assert!(
            matches!(failure(409, conflict), Some(Failure::Before(id)) if id == "PM00001078ZJJN")
        );
    }

    #[test]
    fn a_no_has_its_reason_and_its_field() {
        let state = refused(422, include_str!("recorded/mandate_is_inactive.json"));
        assert_eq!(state.0, "mandate_is_inactive");
        let field = refused(422, include_str!("recorded/validation_failed.json"));
        assert_eq!(field, ("validation_failed".into(), "amount must be greater than 0".into()));
        let bare =
            refused(403, r#"{"error": {"message": "Forbidden", "type": "invalid_api_usage"}}"#);
        assert_eq!(bare, ("invalid_api_usage".into(), "Forbidden".into()));
    }

    #[test]
    fn only_what_is_certain_counts_as_not_done() {
        let what = |status, body| match failure(status, body) {
            None => "done",
            Some(Failure::Before(_)) => "before",
            Some(Failure::Error(error)) => match error {
                ProviderError::Lost(_) => "lost",
                ProviderError::Unavailable(_) => "unavailable",
                ProviderError::Credentials => "credentials",
                ProviderError::Nonsense(_) => "nonsense",
                ProviderError::Refused(_) | ProviderError::Unsupported => "refused",
            },
        };
        assert_eq!(what(201, "{}"), "done");
        assert_eq!(what(401, "{}"), "credentials");
        assert_eq!(what(429, "{}"), "unavailable");
        assert_eq!(what(404, "<html>"), "nonsense");
        assert_eq!(what(422, r#"{"error": {}}"#), "refused");
        for status in [302, 408, 500, 502, 503, 504] {
            assert_eq!(what(status, r#"{"error": {"type": "gocardless"}}"#), "lost", "{status}");
        }
    }
}
