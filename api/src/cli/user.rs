//! `bikelease user`: who signs in.

use std::{env, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use service::{
    entity::{customer::CustomerId, user::Role},
    user::{CreateUser, contact::Contact, team},
};

use super::{explain, say};
use crate::node::Node;

/// Where the password is, when it does not come on stdin.
const PASSWORD: &str = "NEW_USER_PASSWORD";

/// Makes logins
#[derive(Args)]
#[command(after_help = "\
Example:
  bikelease user create --tenant velo-nord --email ann@velo-nord.example --name Ann --role owner --password-stdin < password")]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes a login of one tenant
    #[command(after_help = "\
The password, 8 to 128 characters, is the first line of stdin with --password-stdin, else
the variable NEW_USER_PASSWORD; it is no argument, because others can see those.

Example:
  bikelease user create --tenant velo-nord --email ann@velo-nord.example --name Ann --role owner --password-stdin < password")]
    Create(Create),
    /// Takes the second factor of a login that lost its authenticator app, and signs it out
    #[command(after_help = "\
Example:
  bikelease user reset-second-factor --tenant velo-nord --email ann@velo-nord.example")]
    ResetSecondFactor {
        /// The tenant's slug; `platform` for administrators
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        #[arg(long)]
        email: String,
    },
}

#[derive(Args)]
struct Create {
    /// The tenant's slug
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    #[arg(long)]
    email: String,
    #[arg(long)]
    name: String,
    #[arg(long, value_enum)]
    role: RoleName,
    /// Whose rentals the login starts: the id of a customer, for that role only
    #[arg(long, value_name = "ID", required_if_eq("role", "customer"))]
    customer: Option<CustomerId>,
    /// Read the password from stdin
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    Owner,
    Admin,
    Staff,
    Accountant,
    Vendor,
    Broker,
    Employee,
    Customer,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Owner => Self::Owner,
            RoleName::Admin => Self::Admin,
            RoleName::Staff => Self::Staff,
            RoleName::Accountant => Self::Accountant,
            RoleName::Vendor => Self::Vendor,
            RoleName::Broker => Self::Broker,
            RoleName::Employee => Self::Employee,
            RoleName::Customer => Self::Customer,
        }
    }
}

pub async fn run(node: &Node, options: Options) -> Result<ExitCode> {
    match options.action {
        Action::Create(create) => self::create(node, create).await,
        Action::ResetSecondFactor { tenant, email } => {
            let found = service::tenant::by_slug(&node.app, &tenant).await.context(tenant)?;
            let ctx = node.app.system(found.id, "reset_second_factor");
            let contact = Contact::read(Some(&email), None).map_err(explain)?;
            let user = service::user::find(&ctx, &contact).await.with_context(|| email.clone())?;
            team::reset_second_factor(&ctx, user.id).await.map_err(explain)?;
            say(format_args!("{email} has no second factor any more, and is signed out"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn create(node: &Node, create: Create) -> Result<ExitCode> {
    let slug = &create.tenant;
    let tenant = service::tenant::by_slug(&node.app, slug).await.with_context(|| slug.clone())?;
    let ctx = node.app.system(tenant.id, "create_user");
    let customer = create.customer;
    if let Some(customer) = customer {
        service::customer::get(&ctx, customer).await.with_context(|| customer.to_string())?;
    }
    let password = password(create.password_stdin)?;
    let (email, name, role) = (create.email, create.name, create.role.into());
    let input = CreateUser { email, name, role, password, customer };
    let user = service::user::create(&ctx, input).await.map_err(explain)?;
    say(format_args!(
        "made user {} ({}) of tenant {slug}, {}",
        user.email.as_deref().unwrap_or_default(),
        user.name,
        user.id
    ));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn password(from_stdin: bool) -> Result<String> {
    if from_stdin {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).context("cannot read the password")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    match env::var(PASSWORD) {
        Ok(password) => Ok(password),
        Err(_) => bail!("there is no password: give it with --password-stdin or in {PASSWORD}"),
    }
}
