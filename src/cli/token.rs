//! `tocsin token`: makes bearer tokens for the API.

use clap::{Args, Subcommand};
use tocsin_domain::audit::{ActorKind, Event, Outcome};

use super::{ConfigFile, Failure, block_on};
use crate::api::auth::{Role, secret};
use crate::app::{load, machine};
use crate::storage::{Store, accounts, audit};

/// Make bearer tokens for the API
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tocsin token create --role admin --config tocsin.toml")]
pub struct Token {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Print a new token on standard output, and nothing else
    Create {
        /// What its holder may do, e.g. radiologist, integration_engineer, admin, service
        #[arg(long)]
        role: String,
        /// What the audit chain calls its holder
        #[arg(long, default_value = "command line")]
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
}

impl Token {
    pub fn run(self) -> Result<(), Failure> {
        let TokenCommand::Create { role, name, file } = self.command;
        let known = Role::ALL.map(Role::text).join(", ");
        let role = Role::parse(&role)
            .ok_or_else(|| Failure::because(format!("--role {role}: expected one of {known}")))?;
        let config = file.load()?;
        block_on(async {
            let keys = load::keys(&config)?;
            let url = config.database.url.expose();
            let store = Store::open(&url, machine::clock(), machine::ids(), keys.audit).await?;
            println!("{}", create(&store, role, &name, &config.site.id.0).await?);
            Ok(())
        })
    }
}

/// Makes a token and keeps its fingerprint; the token itself is not kept.
pub async fn create(store: &Store, role: Role, name: &str, site: &str) -> Result<String, Failure> {
    let token = secret::token(machine::fresh_key());
    let (fingerprint, name, site) = (secret::fingerprint(&token), name.to_owned(), site.to_owned());
    store
        .write(move |tx| {
            Box::pin(async move {
                let id =
                    accounts::create_token(tx, &name, role.text(), &fingerprint, "operator", None).await?;
                let event = Event {
                    actor: "operator".to_owned(),
                    actor_kind: ActorKind::Operator,
                    action: "token.create".to_owned(),
                    object: format!("token:{id}"),
                    site,
                    outcome: Outcome::Success,
                    request_id: String::new(),
                    detail: serde_json::json!({ "role": role.text() }),
                };
                audit::record(tx, event).await
            })
        })
        .await?;
    Ok(token)
}
