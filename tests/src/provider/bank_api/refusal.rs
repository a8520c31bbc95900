//! How GoCardless says no.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub kind: &'static str,
    pub error: Value,
}

impl Refusal {
    pub(super) fn usage(status: u16, reason: &str) -> Self {
        Self { status, kind: "invalid_api_usage", error: said(reason) }
    }

    pub(super) fn state(reason: &str) -> Self {
        Self { status: 422, kind: "invalid_state", error: said(reason) }
    }

    pub(super) fn field(field: &str, message: &str) -> Self {
        let error =
            json!({"field": field, "message": message, "request_pointer": format!("/{field}")});
        Self { status: 422, kind: "validation_failed", error }
    }

    pub(super) fn unknown() -> Self {
        Self::usage(404, "resource_not_found")
    }

    pub(super) fn conflict(id: &str) -> Self {
        let error = json!({
            "reason": "idempotent_creation_conflict",
            "message": "A resource has already been created with this idempotency key",
            "links": {"conflicting_resource_id": id},
        });
        Self { status: 409, kind: "invalid_state", error }
    }
}

fn said(reason: &str) -> Value {
    json!({"reason": reason, "message": reason.replace('_', " ")})
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        let body = json!({"error": {
            "message": self.error["message"],
            "type": self.kind,
            "code": self.status,
            "errors": [self.error],
            "documentation_url": "https://developer.gocardless.com/api-reference#errors",
            "request_id": "00000000-0000-4000-8000-000000000000",
        }});
        (status, Json(body)).into_response()
    }
}
