//! `tocsin replay`: messages a second time, from a shell, through the API of the service that runs. Without `--go` it only says
//! what would happen.

use clap::Args;
use serde_json::{Value, json};
use tocsin_domain::clock::to_micros;
use tocsin_domain::foreseen::AlertCounts;

use super::demo::http::Client;
use super::token::open;
use super::user::by_operator;
use super::{ConfigFile, Failure, block_on};
use crate::api::auth::{Role, secret};
use crate::app::machine;
use crate::config::Config;
use crate::storage::{Store, accounts, audit};

/// What the audit chain calls whoever did it.
const NAME: &str = "tocsin replay";
/// How long the command's own token is valid.
const VALID: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// Apply or send HL7 messages again; without --go, say what that would do
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tocsin replay --peer 'RIS|EAST' --state failed --config tocsin.toml\n  \
                  tocsin replay --peer 'RIS|EAST' --state failed --go\n  \
                  tocsin replay 0b6c1f9e-6d0f-4f0e-9b4e-2f6f0a1c2d3e --go --pages"
)]
pub struct Replay {
    /// Messages by their ids; without any, those that failed and fit the options
    ids: Vec<String>,
    /// Sender (application|facility) or destination
    #[arg(long, default_value = "")]
    peer: String,
    /// failed: could not be applied; refused: its receiver did not want it
    #[arg(long, default_value = "failed")]
    state: String,
    /// Such as ORM^O01
    #[arg(long, default_value = "")]
    kind: String,
    /// The problem, as the list of failures says it
    #[arg(long, default_value = "")]
    problem: String,
    /// Do it
    #[arg(long)]
    go: bool,
    /// How many there are, where --go is for more than 50
    #[arg(long)]
    count: Option<usize>,
    /// Let alerts that they bring about page people
    #[arg(long)]
    pages: bool,
    #[command(flatten)]
    file: ConfigFile,
}

impl Replay {
    pub fn run(self) -> Result<(), Failure> {
        let config = self.file.load()?;
        block_on(async {
            let store = open(&config).await?;
            let client = Client {
                address: config.http.listen.0,
                token: Some(token(&store, &config).await?),
            };
            let asked = client
                .post_json("/api/v1/messages/replays", &self.asked())
                .await
                .map_err(|error| {
                    let address = client.address;
                    Failure::because(format!("the service does not answer at {address}: {error}"))
                })?;
            let came: Value = serde_json::from_str(&asked.body)?;
            match asked.status {
                200 => println!("{}", told(&came)),
                _ => {
                    return Err(Failure::because(
                        came["detail"].as_str().unwrap_or(&asked.body).to_owned(),
                    ));
                }
            }
            Ok(())
        })
    }

    fn asked(&self) -> Value {
        json!({
            "messages": self.ids,
            "peer": self.peer,
            "state": self.state,
            "kind": self.kind,
            "problem": self.problem,
            "preview": !self.go,
            "pages": self.pages,
            "confirm": self.count.map_or(String::new(), |count| format!("REPLAY {count}")),
        })
    }
}

/// What came of it, a line each.
fn told(came: &Value) -> String {
    let done = match came["preview"] == json!(true) {
        true => "would be replayed",
        false => "are replayed",
    };
    let mut lines = vec![format!(
        "{} of {} messages {done}",
        came["replayed"], came["messages"]
    )];
    if came["preview"] == json!(true) {
        let alerts = serde_json::from_value::<AlertCounts>(came["alerts"].clone());
        lines.extend(alerts.map(AlertCounts::sentence));
    }
    let texts = came["effects"].as_array().into_iter().flatten();
    lines.extend(texts.filter_map(Value::as_str).map(str::to_owned));
    for refused in came["refused"].as_array().into_iter().flatten() {
        let because = refused["because"].as_str().unwrap_or_default();
        lines.push(format!("not {}: {because}", refused["messages"]));
    }
    lines.join("\n")
}

/// A token for this command alone.
async fn token(store: &Store, config: &Config) -> Result<String, Failure> {
    let token = secret::token(machine::fresh_key());
    let (fingerprint, site) = (secret::fingerprint(&token), config.site.id.0.clone());
    store
        .write(move |tx| {
            Box::pin(async move {
                let role = Role::IntegrationEngineer.text();
                let end = Some(to_micros(tx.now() + VALID));
                let id = accounts::create_token(tx, NAME, role, &fingerprint, "operator", end).await?;
                let detail = json!({ "role": role });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_said_line_by_line() {
        let came = json!({
            "preview": true, "messages": 3, "replayed": 2, "effects": ["The order stays."],
            "refused": [{ "because": "it was cancelled", "messages": 1 }],
            "alerts": { "raised": 0, "withheld": 2, "retracted": 0 },
        });
        assert_eq!(
            told(&came),
            "2 of 3 messages would be replayed\n\
             Alerts: 0 would page, 2 would be withheld, 0 would be retracted.\nThe order stays.\nnot 1: it was cancelled"
        );
    }
}
