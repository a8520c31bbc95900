//! From where a request comes: the client's address, also behind proxies that are trusted.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, header, request::Parts},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use service::origin::Origin;

use crate::graphql::request_id::RequestId;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const AGENT_LENGTH: usize = 200;

/// Inside the layer that names the request.
pub async fn layer(
    State(proxies): State<Arc<[IpNet]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let id = extensions.get::<RequestId>().map(|RequestId(id)| Arc::from(id.as_str()));
    let headers = request.headers();
    let origin = Origin {
        address: peer.map(|peer| client(peer, headers, &proxies)),
        user_agent: user_agent(headers),
        request_id: id,
        page: page(headers),
    };
    request.extensions_mut().insert(Caller(origin));
    next.run(request).await
}

/// What a handler asks for; knows nothing where the layer is missing.
#[derive(Clone, Default)]
pub struct Caller(pub Origin);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Each proxy adds on the right the address that it was called from; what stands left of the first one that is not
/// trusted could be anything.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let trusted = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let values = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let said: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut nearest = peer.to_canonical();
    for text in said.into_iter().rev() {
        let Some(next) = trusted(&nearest).then(|| text.parse::<IpAddr>().ok()).flatten() else {
            break;
        };
        nearest = next.to_canonical();
    }
    nearest
}

fn user_agent(headers: &HeaderMap) -> Option<Arc<str>> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(AGENT_LENGTH).collect::<String>().into())
}

/// One that is no text is the page of nobody who may call.
fn page(headers: &HeaderMap) -> Option<Arc<str>> {
    headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null").into())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &str, proxies: &[&str]) -> String {
        let headers =
            HeaderMap::from_iter([(FORWARDED_FOR, HeaderValue::from_str(forwarded).unwrap())]);
        let proxies: Vec<IpNet> = proxies.iter().map(|network| network.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn only_trusted_proxies_say_who_the_client_is() {
        assert_eq!(seen("9.9.9.9", "1.1.1.1", &[]), "9.9.9.9");
        assert_eq!(seen("9.9.9.9", "1.1.1.1", &["10.0.0.0/8"]), "9.9.9.9");
        assert_eq!(seen("10.0.0.1", "1.1.1.1", &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", &["10.0.0.0/8"]), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", "1.1.1.1, nonsense", &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(seen("::ffff:10.0.0.1", "2001:db8::1", &["10.0.0.0/8"]), "2001:db8::1");
    }
}
