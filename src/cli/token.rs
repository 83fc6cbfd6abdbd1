//! `tocsin token`: bearer tokens for the API. A token is printed once, when it is made, and cannot be shown again.

use clap::{Args, Subcommand};
use tocsin_domain::clock::from_micros;
use tocsin_domain::ids::TokenId;

use super::user::by_operator;
use super::{ConfigFile, Failure, block_on};
use crate::api::auth::{Role, secret};
use crate::app::{load, machine};
use crate::config::Config;
use crate::storage::{Store, StoreError, accounts, audit};

/// Make, list and end bearer tokens for the API
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tocsin token create --role admin --config tocsin.toml\n  \
                  tocsin token list\n  tocsin token revoke 0b6c1f9e-6d0f-4f0e-9b4e-2f6f0a1c2d3e"
)]
pub struct Token {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Print a new token on standard output, and nothing else
    #[command(after_help = "Example:\n  tocsin token create --role service --name viewer")]
    Create {
        /// What its holder may do: radiologist, stroke_team, technologist, qa_reviewer, governance,
        /// integration_engineer, admin or service
        #[arg(long, value_parser = role)]
        role: Role,
        /// What the audit chain and the worklist call its holder [default: the role and a number of its own]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// List the tokens, newest first, without the tokens themselves
    #[command(after_help = "Example:\n  tocsin token list")]
    List {
        #[command(flatten)]
        file: ConfigFile,
    },
    /// End a token and its sessions at once
    #[command(after_help = "Example:\n  tocsin token revoke 0b6c1f9e-6d0f-4f0e-9b4e-2f6f0a1c2d3e")]
    Revoke {
        /// As `tocsin token list` shows it
        id: TokenId,
        #[command(flatten)]
        file: ConfigFile,
    },
}

impl Token {
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            TokenCommand::Create { role, name, file } => {
                let config = file.load()?;
                block_on(async {
                    let store = open(&config).await?;
                    let name = name.unwrap_or_else(|| own_name(role));
                    println!("{}", create(&store, role, &name, &config.site.id.0).await?);
                    Ok(())
                })
            }
            TokenCommand::List { file } => {
                let config = file.load()?;
                block_on(async {
                    let store = open(&config).await?;
                    list(&store).await
                })
            }
            TokenCommand::Revoke { id, file } => {
                let config = file.load()?;
                block_on(async {
                    let store = open(&config).await?;
                    revoke(&store, id, &config.site.id.0).await?;
                    eprintln!("the token {id} is not valid any more");
                    Ok(())
                })
            }
        }
    }
}

/// Two holders that nobody named are still two: who holds a claim and who acknowledged must be told apart.
fn own_name(role: Role) -> String {
    let number = machine::ids().uuid().simple().to_string();
    format!("{} {}", role.text(), &number[..8])
}

/// Reads a role for clap, so that a wrong one is a wrong call.
pub fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("expected one of {}", Role::ALL.map(Role::text).join(", ")))
}

/// The database of a configuration.
pub async fn open(config: &Config) -> Result<Store, Failure> {
    let keys = load::keys(config)?;
    let url = config.database.url.expose();
    Ok(Store::open(&url, machine::clock(), machine::ids(), keys.audit).await?)
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
                let detail = serde_json::json!({ "role": role.text() });
                audit::record(
                    tx,
                    by_operator("token.create", format!("token:{id}"), site, detail),
                )
                .await
            })
        })
        .await?;
    Ok(token)
}

async fn list(store: &Store) -> Result<(), Failure> {
    for row in accounts::tokens(store.read()).await? {
        let since = from_micros(row.created_at).format("%Y-%m-%d %H:%M");
        let state = match (row.revoked, row.expires_at) {
            (true, _) => "revoked".to_owned(),
            (false, None) => "active".to_owned(),
            (false, Some(end)) => format!("until {}", from_micros(end).format("%Y-%m-%d %H:%M")),
        };
        println!("{}\t{}\t{}\t{state}\tsince {since}", row.id, row.name, row.role);
    }
    Ok(())
}

async fn revoke(store: &Store, id: TokenId, site: &str) -> Result<(), Failure> {
    let site = site.to_owned();
    let done = store
        .write(move |tx| {
            Box::pin(async move {
                accounts::revoke_token(tx, &id.to_string()).await?;
                let event = by_operator("token.revoke", format!("token:{id}"), site, serde_json::json!({}));
                audit::record(tx, event).await
            })
        })
        .await;
    match done {
        Ok(_) => Ok(()),
        Err(StoreError::Missing(_)) => Err(Failure::because(format!(
            "there is no token {id}; `tocsin token list` shows those there are"
        ))),
        Err(error) => Err(error.into()),
    }
}
