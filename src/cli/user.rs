//! `tocsin user`: accounts of people who sign in. A password is asked for on a terminal without showing it, else read from
//! standard input; it never stands on a command line.

use clap::{Args, Subcommand};
use tocsin_domain::audit::{ActorKind, Event, Outcome};
use tocsin_domain::clock::from_micros;

use super::password;
use super::token::{open, role};
use super::{ConfigFile, Failure, block_on};
use crate::api::auth::{Role, secret};
use crate::app::machine;
use crate::storage::{Store, StoreError, accounts, audit};

/// Characters of a name.
const NAME: usize = 100;

/// Make and end accounts of people who sign in
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tocsin user create mia --role radiologist --config tocsin.toml\n  \
                  echo \"$PASSWORD\" | tocsin user password mia\n  tocsin user list\n  tocsin user disable mia"
)]
pub struct User {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make an account; the password is asked for, or read from standard input
    #[command(after_help = "Example:\n  tocsin user create mia --role radiologist")]
    Create {
        name: String,
        /// radiologist, stroke_team, technologist, qa_reviewer, governance, integration_engineer, admin or service
        #[arg(long, value_parser = role)]
        role: Role,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// List the accounts
    #[command(after_help = "Example:\n  tocsin user list")]
    List {
        #[command(flatten)]
        file: ConfigFile,
    },
    /// End an account and its sessions at once
    #[command(after_help = "Example:\n  tocsin user disable mia")]
    Disable {
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Change a password; it is asked for, or read from standard input
    #[command(after_help = "Example:\n  tocsin user password mia")]
    Password {
        name: String,
        #[command(flatten)]
        file: ConfigFile,
    },
}

impl User {
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            UserCommand::Create { name, role, file } => {
                let name = checked(&name)?;
                let config = file.load()?;
                let hash = hashed(&password::ask(&format!("Password of {name}"))?)?;
                block_on(async {
                    let store = open(&config).await?;
                    let site = config.site.id.0.clone();
                    create(&store, &name, role, hash, &site).await?;
                    eprintln!("{name} may sign in as {}", role.text());
                    Ok(())
                })
            }
            UserCommand::List { file } => {
                let config = file.load()?;
                block_on(async {
                    let store = open(&config).await?;
                    list(&store).await
                })
            }
            UserCommand::Disable { name, file } => {
                let config = file.load()?;
                block_on(async {
                    let store = open(&config).await?;
                    change(&store, &name, Change::Disable, &config.site.id.0).await?;
                    eprintln!("{name} cannot sign in any more, and is signed out everywhere");
                    Ok(())
                })
            }
            UserCommand::Password { name, file } => {
                let config = file.load()?;
                let hash = hashed(&password::ask(&format!("New password of {name}"))?)?;
                block_on(async {
                    let store = open(&config).await?;
                    change(&store, &name, Change::Password(hash), &config.site.id.0).await?;
                    eprintln!("the password of {name} is changed");
                    Ok(())
                })
            }
        }
    }
}

fn checked(name: &str) -> Result<String, Failure> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
        return Err(Failure::because(format!(
            "NAME: expected 1 to {NAME} printable characters"
        )));
    }
    Ok(name.to_owned())
}

fn hashed(password: &str) -> Result<String, Failure> {
    let mut salt = [0; 16];
    salt.copy_from_slice(&machine::fresh_key()[..16]);
    Ok(secret::hash_password(password, &salt)?)
}

async fn create(store: &Store, name: &str, role: Role, hash: String, site: &str) -> Result<(), Failure> {
    let (named, site) = (name.to_owned(), site.to_owned());
    let made = store
        .write(move |tx| {
            Box::pin(async move {
                let id = accounts::create(tx, &named, role.text(), hash).await?;
                let detail = serde_json::json!({ "role": role.text() });
                let event = by_operator("account.create", format!("account:{id}"), site, detail);
                audit::record(tx, event).await
            })
        })
        .await;
    match made {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict) => Err(Failure::because(format!(
            "an account {name} exists already; `tocsin user password {name}` changes its password"
        ))),
        Err(error) => Err(error.into()),
    }
}

async fn list(store: &Store) -> Result<(), Failure> {
    for row in accounts::accounts(store.read()).await? {
        let since = from_micros(row.created_at).format("%Y-%m-%d");
        let state = if row.disabled { "disabled" } else { "active" };
        println!("{}\t{}\t{state}\tsince {since}", row.name, row.role);
    }
    Ok(())
}

enum Change {
    Disable,
    Password(String),
}

async fn change(store: &Store, name: &str, change: Change, site: &str) -> Result<(), Failure> {
    let (named, site) = (name.to_owned(), site.to_owned());
    let done = store
        .write(move |tx| {
            Box::pin(async move {
                let row = accounts::by_name(tx.conn(), &named)
                    .await?
                    .ok_or(StoreError::Missing("account"))?;
                let action = match change {
                    Change::Disable => {
                        accounts::disable(tx, &named).await?;
                        "account.disable"
                    }
                    Change::Password(hash) => {
                        accounts::set_password(tx, &named, hash).await?;
                        "account.password"
                    }
                };
                let object = format!("account:{}", row.id);
                let event = by_operator(action, object, site, serde_json::json!({}));
                audit::record(tx, event).await
            })
        })
        .await;
    match done {
        Ok(_) => Ok(()),
        Err(StoreError::Missing(_)) => Err(Failure::because(format!(
            "there is no account {name}; `tocsin user list` shows those there are"
        ))),
        Err(error) => Err(error.into()),
    }
}

/// An entry about what somebody at the machine did.
pub fn by_operator(action: &str, object: String, site: String, detail: serde_json::Value) -> Event {
    Event {
        actor: "operator".to_owned(),
        actor_kind: ActorKind::Operator,
        action: action.to_owned(),
        object,
        site,
        outcome: Outcome::Success,
        request_id: String::new(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_have_bounds() {
        assert_eq!(checked(" mia ").expect("a name"), "mia");
        assert!(checked("").is_err() && checked("a\nb").is_err());
        let short = hashed("short").expect_err("too short").to_string();
        assert!(short.contains("12 to 512 characters"), "{short}");
    }
}
