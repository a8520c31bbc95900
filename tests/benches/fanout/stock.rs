//! async-graphql's own websocket with the product's schema, for comparison.

use anyhow::Result;
use api::schema::{AppExecutor, Terms};
use async_graphql::Data;
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::{Router, extract::ws::WebSocketUpgrade, response::Response, routing::get};
use service::ctx::{App, Ctx};

use super::server::{PROTOCOL, each_event, listen};

/// Each subscriber executes for itself. `read_buffer` is the library's own unless it is given.
pub async fn serve(app: App, tenant: &str, read_buffer: Option<usize>) -> Result<()> {
    let executor = AppExecutor::new(app.clone(), Terms::default());
    let call = service::tenant::anonymous(&app, tenant).await?;
    let socket = move |protocol: GraphQLProtocol, upgrade: WebSocketUpgrade| {
        let answer = answer(upgrade, protocol, (executor.clone(), call.clone()), read_buffer);
        std::future::ready(answer)
    };
    listen(Router::new().route("/graphql", get(socket))).await?;
    each_event(app).await
}

fn answer(
    upgrade: WebSocketUpgrade,
    protocol: GraphQLProtocol,
    (executor, call): (AppExecutor, Ctx),
    read_buffer: Option<usize>,
) -> Response {
    let upgrade = upgrade.protocols([PROTOCOL]);
    let upgrade = match read_buffer {
        Some(bytes) => upgrade.read_buffer_size(bytes),
        None => upgrade,
    };
    upgrade.on_upgrade(move |socket| {
        let mut data = Data::default();
        data.insert(call);
        GraphQLWebSocket::new(socket, executor, protocol).with_data(data).serve()
    })
}
