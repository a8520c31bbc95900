//! What a newcomer sees first: where it is, who may sign in, and what to try.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use service::{
    config::Config,
    seed::{LOGINS, TENANT},
};

use crate::cli::say;

pub fn print(address: SocketAddr, config: &Config) {
    let at = reachable(address);
    say(format_args!(
        "
bikelease is ready, for development, on {}

  GraphQL     http://{at}/graphql
  websocket   ws://{at}/graphql (graphql-transport-ws)
  GraphiQL    http://{at}/graphiql
  health      http://{at}/readyz",
        config.database_url
    ));
    if config.smtp_url.is_none() {
        say(format_args!("  messages    http://{at}/dev/outbox (nothing is sent)"));
    }
    if config.demo {
        print_demo(at);
    }
}

fn print_demo(at: SocketAddr) {
    say(format_args!("\nLogins of the demo fleet, tenant {TENANT}:\n"));
    for login in &LOGINS {
        say(format_args!(
            "  {:<24}{:<14}{}",
            login.email,
            login.password,
            format!("{:?}", login.role).to_lowercase()
        ));
    }
    say(format_args!(
        r#"
Try a first query:

  curl -s http://{at}/graphql -H 'content-type: application/json' \
    -d '{{"query": "{{ stations(first: 3) {{ nodes {{ name vehiclesAvailable docksAvailable }} }} }}"}}'

Ctrl-C stops it.
"#
    ));
}

/// A browser cannot open "every address".
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
