//! `tocsin activate`: puts changed rules or a changed model in force. Without a name it only says what is in force and what
//! is a draft.

use clap::Args;
use tocsin_domain::audit::ActorKind;

use super::token::open;
use super::{ConfigFile, Failure, block_on};
use crate::app::in_force::{self, Found};

/// Put changed rules or a changed model in force; without a name, list what is in force and what is a draft
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tocsin activate --config tocsin.toml\n  tocsin activate head-ct --config tocsin.toml\n\n\
                  Test first: tocsin rules test, tocsin models verify. A running service takes it up when it is started again."
)]
pub struct Activate {
    /// The rule pack or model
    name: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

impl Activate {
    pub fn run(self) -> Result<(), Failure> {
        let config = self.file.load()?;
        block_on(async {
            let store = open(&config).await?;
            let found = in_force::found(&config, &store).await?;
            let Some(name) = self.name else {
                found.iter().for_each(|one| println!("{}", line(one)));
                return Ok(());
            };
            let named: Vec<&Found> = found.iter().filter(|one| one.candidate.name == name).collect();
            let [one] = named.as_slice() else {
                return Err(Failure::because(format!(
                    "NAME: expected the name of one sound rule pack or model; `tocsin activate` lists them, found {} called {name}",
                    named.len()
                )));
            };
            if !one.is_in_force() {
                in_force::activate(&store, one.candidate.clone(), "operator", ActorKind::Operator).await?;
                eprintln!("a running service takes it up when it is started again");
            }
            let candidate = &one.candidate;
            println!(
                "{}\t{name}\t{}\tin force",
                candidate.kind.text(),
                candidate.version
            );
            Ok(())
        })
    }
}

fn line(one: &Found) -> String {
    let (kind, name, version) = (
        one.candidate.kind.text(),
        &one.candidate.name,
        &one.candidate.version,
    );
    match &one.active {
        _ if one.is_in_force() => format!("{kind}\t{name}\t{version}\tin force"),
        Some(active) => format!("{kind}\t{name}\t{version}\tdraft; {} is in force", active.version),
        None => format!("{kind}\t{name}\t{version}\tnew; in force from the next start on"),
    }
}
