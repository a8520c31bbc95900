//! GraphQL over HTTP: what a request must look like, and which status an answer has.

mod answer;
mod keeping;

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Request, Response as Answer, ServerError, Variables};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Query, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use service::config::QueryLimits;

use crate::graphql::guard;
use crate::graphql::operation::store::Operations;
use crate::graphql::operation::{Named, Registered};
use crate::graphql::request_id::RequestId;
use crate::http::auth::Cookies;
use crate::http::origin::Caller;
use crate::realtime::session::{Sessions, Shown, bearer};

pub use answer::Refusal;
use answer::{Media, is_json};
use keeping::Keeping;

const TENANT: &str = "x-bikelease-tenant";

/// What both methods need; the router's state.
#[derive(Clone)]
pub struct Door<E> {
    pub executor: E,
    pub sessions: Arc<dyn Sessions>,
    pub operations: Operations,
    pub limits: QueryLimits,
}

/// Any operation but a subscription.
pub async fn post<E: Executor>(
    State(door): State<Door<E>>,
    id: RequestId,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let outcome = match read_post(&door.limits, &headers, body) {
        Ok(read) => door.answer(read, &Method::POST, &headers, caller).await,
        Err(refusal) => Err(refusal),
    };
    outcome.unwrap_or_else(|refusal| refusal.into_response(&id))
}

/// Queries only, so that a link or an image on a foreign page changes nothing.
pub async fn get<E: Executor>(
    State(door): State<Door<E>>,
    id: RequestId,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let outcome = match read_get(&door.limits, &headers, &uri) {
        Ok(read) => door.answer(read, &Method::GET, &headers, caller).await,
        Err(refusal) => Err(refusal),
    };
    outcome.unwrap_or_else(|refusal| refusal.into_response(&id))
}

/// Middleware around the body limit: gives its bare 413 the shape of our errors.
pub async fn explain_too_large(id: RequestId, request: HttpRequest, next: Next) -> Response {
    let response = next.run(request).await;
    let explained =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|value| is_json(value.as_bytes()));
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE && !explained {
        return Refusal::too_large().into_response(&id);
    }
    response
}

impl<E: Executor> Door<E> {
    async fn answer(
        &self,
        (media, mut request): (Media, Request),
        method: &Method,
        headers: &HeaderMap,
        Caller(origin): Caller,
    ) -> Result<Response, Refusal> {
        refuse_by_kind(&self.limits, &mut request, method)?;
        let token = text(headers, header::AUTHORIZATION.as_str())?.map(bearer).transpose()?;
        let tenant = text(headers, TENANT)?;
        let id = RequestId(origin.request_id.as_deref().unwrap_or_default().to_owned());
        let session = self.sessions.open(Shown { token, tenant }, origin).await?;
        let mut request = match self.operations.resolve(&session, request).await {
            Ok(request) => request,
            Err(error) => return Ok(media.respond(refused(error, &id))),
        };
        let Some(registered) = Registered::of(&request).cloned() else {
            let request = (session.attach)(request).data(Cookies);
            return Ok(media.respond(self.executor.execute(request).await));
        };
        refuse_by_kind(&self.limits, &mut request, method)?;
        let answer = self.executor.execute((session.attach)(request).data(Cookies)).await;
        if *method != Method::GET {
            return Ok(media.respond(answer));
        }
        let is_public = session.call.is_some_and(|call| call.board_is_public());
        let keeping = Keeping::of(registered.caching, is_public, &answer);
        Ok(keeping.respond(headers, media.respond(answer)))
    }
}

fn read_post(
    limits: &QueryLimits,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(Media, Request), Refusal> {
    let media = Media::accepted(headers)?;
    if !headers.get(header::CONTENT_TYPE).is_some_and(|value| is_json(value.as_bytes())) {
        let message = "the content type must be application/json in utf-8";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(status, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    let body = body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(),
        _ => Refusal::bad_request("the body could not be read"),
    })?;
    guard::scan::json(limits, &body)?;
    let body = serde_json::from_slice(&body)
        .map_err(|error| Refusal::bad_request(format!("the body is not JSON: {error}")))?;
    Ok((media, parameters(body).map_err(Refusal::bad_request)?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryString {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
    document_id: Option<String>,
    #[serde(rename = "doc_id")]
    doc_id: Option<String>,
}

fn read_get(
    limits: &QueryLimits,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<(Media, Request), Refusal> {
    let media = Media::accepted(headers)?;
    let Query(given) = Query::<QueryString>::try_from_uri(uri)
        .map_err(|_| Refusal::bad_request("the query string could not be read"))?;
    let object = |name: &str, text: Option<String>| match text {
        None => Ok(serde_json::Value::Null),
        Some(text) => {
            guard::scan::json(limits, text.as_bytes())?;
            serde_json::from_str(&text)
                .map_err(|_| Refusal::bad_request(format!("\"{name}\" is not JSON")))
        }
    };
    let request = parameters(json!({
        "query": given.query,
        "documentId": given.document_id,
        "doc_id": given.doc_id,
        "operationName": given.operation_name.filter(|name| !name.is_empty()),
        "variables": object("variables", given.variables)?,
        "extensions": object("extensions", given.extensions)?,
    }));
    Ok((media, request.map_err(Refusal::bad_request)?))
}

/// The parameters of a request, as a body over HTTP and a `subscribe` payload carry them.
pub fn parameters(body: serde_json::Value) -> Result<Request, &'static str> {
    use serde_json::Value as Json;
    let Json::Object(mut body) = body else {
        return Err("a request is one JSON object; batches are not supported");
    };
    let named = Named::read(&body)?;
    let mut take = |name: &str| body.remove(name).filter(|value| !value.is_null());
    let mut request = match (take("query"), named) {
        (Some(Json::String(query)), _) => Request::new(query),
        (Some(_), _) => return Err("\"query\" must be a string"),
        (None, Some(_)) => Request::new(""),
        (None, None) => return Err("\"query\" is missing"),
    };
    if let Some(named) = named {
        request = request.data(named);
    }
    request.operation_name = match take("operationName") {
        None => None,
        Some(Json::String(name)) => Some(name),
        Some(_) => return Err("\"operationName\" must be a string"),
    };
    if let Some(variables) = take("variables") {
        request.variables = serde_json::from_value::<Variables>(variables)
            .map_err(|_| "\"variables\" must be an object")?;
    }
    if let Some(extensions) = take("extensions") {
        request.extensions =
            serde_json::from_value(extensions).map_err(|_| "\"extensions\" must be an object")?;
    }
    Ok(request)
}

/// A document that does not pass here has no kind yet; the executor says what is wrong with it.
fn refuse_by_kind(
    limits: &QueryLimits,
    request: &mut Request,
    method: &Method,
) -> Result<(), Refusal> {
    let name = request.operation_name.clone();
    // What is registered was admitted then.
    let document = match Registered::of(request) {
        Some(_) => request.parsed_query().ok(),
        None => guard::admit_request(limits, request).ok(),
    };
    let operation = document.and_then(|document| guard::operation(document, name.as_deref()));
    match operation.map(|operation| operation.ty) {
        Some(OperationType::Mutation) if *method == Method::GET => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            Err(Refusal::new(status, "METHOD_NOT_ALLOWED", "mutations are sent with POST"))
        }
        Some(OperationType::Subscription) => {
            Err(Refusal::bad_request("subscriptions are served over a websocket"))
        }
        _ => Ok(()),
    }
}

fn refused(error: ServerError, id: &RequestId) -> Answer {
    Answer::from_errors(vec![named_for(error, id)])
}

/// With the name of the call that it is about.
pub fn named_for(mut error: ServerError, RequestId(id): &RequestId) -> ServerError {
    if !id.is_empty() {
        error.extensions.get_or_insert_default().set("requestId", id.as_str());
    }
    error
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Refusal::bad_request(format!("{name} is not text")))?;
    Ok(Some(text))
}

/// Browsers let a page of any site call, but say which site it is. Other clients send no origin.
pub fn is_own_origin(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |value: &HeaderValue| value.to_str().map(str::to_ascii_lowercase).ok();
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(origin) = text(origin) else { return false };
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&origin)) {
        return true;
    }
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let host = headers.get(header::HOST).and_then(text);
    let bare = |host: &str| host.strip_suffix(port).unwrap_or(host).to_owned();
    host.is_some_and(|host| bare(&host) == bare(authority))
}
