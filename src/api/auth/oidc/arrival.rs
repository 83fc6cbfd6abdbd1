//! Who comes in when the provider vouches for somebody: their account, made with their first sign-in, with the role that the
//! provider says today. An account of ours is never taken over, whatever it is called.

use tocsin_domain::audit::{ActorKind, Event, Outcome};

use super::claims::names;
use super::provider::Vouched;
use crate::api::auth::Role;
use crate::storage::entity::account;
use crate::storage::people::{self, Identity};
use crate::storage::{StoreError, Tx, accounts, audit};

/// Who has arrived, or why not.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    Known(Box<account::Model>),
    /// The provider knows them, and says nothing that is a role here.
    NoRole,
    Disabled,
}

/// What becomes of somebody whom the provider vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Make(Role),
    Enter,
    Change(Role),
    NoRole,
    Disabled,
}

fn plan(account: Option<&account::Model>, role: Option<Role>) -> Plan {
    match (account, role) {
        (Some(row), _) if row.disabled => Plan::Disabled,
        (_, None) => Plan::NoRole,
        (None, Some(role)) => Plan::Make(role),
        (Some(row), Some(role)) if row.role == role.text() => Plan::Enter,
        (Some(_), Some(role)) => Plan::Change(role),
    }
}

/// Makes or changes the account, with the entry on the audit chain.
pub async fn arrive(tx: &Tx, vouched: Vouched, label: &str, site: String) -> Result<Arrival, StoreError> {
    let identity = &vouched.identity;
    let known = people::by_identity(tx.conn(), identity).await?;
    match (plan(known.as_ref(), vouched.role), known) {
        (Plan::Disabled, _) => return Ok(Arrival::Disabled),
        (Plan::NoRole, _) => return Ok(Arrival::NoRole),
        (Plan::Make(role), _) => {
            let names = names(&vouched.preferred_name, label, &identity.subject);
            let id = people::adopt(tx, identity, &names, role.text())
                .await?
                .to_string();
            record(tx, "account.create", &id, role, site).await?;
        }
        (Plan::Change(role), Some(row)) => {
            people::set_role(tx, &row.id, role.text()).await?;
            record(tx, "account.role", &row.id, role, site).await?;
        }
        (Plan::Enter | Plan::Change(_), _) => {}
    }
    arrived(tx, identity).await
}

async fn arrived(tx: &Tx, identity: &Identity) -> Result<Arrival, StoreError> {
    let row = people::by_identity(tx.conn(), identity).await?;
    row.map(|row| Arrival::Known(Box::new(row)))
        .ok_or(StoreError::Missing("account"))
}

async fn record(tx: &Tx, action: &str, id: &str, role: Role, site: String) -> Result<(), StoreError> {
    let name = accounts::by_id(tx.conn(), id).await?.map(|row| row.name);
    let event = Event {
        actor: name.unwrap_or_default(),
        actor_kind: ActorKind::Person,
        action: action.to_owned(),
        object: format!("account:{id}"),
        site,
        outcome: Outcome::Success,
        request_id: String::new(),
        detail: serde_json::json!({ "role": role.text(), "by": "identity provider" }),
    };
    audit::record(tx, event).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(role: Role, disabled: bool) -> account::Model {
        account::Model {
            id: "1".into(),
            name: "mia".into(),
            role: role.text().into(),
            password_hash: String::new(),
            disabled,
            factor_nonce: None,
            factor_step: 0,
            issuer: Some("i".into()),
            subject: Some("s".into()),
            invite_sha256: None,
            invite_until: None,
            last_sign_in_at: None,
            created_at: 0,
            updated_at: 0,
        }
    }

    #[test]
    fn the_role_follows_the_provider_and_a_disabled_account_stays_out() {
        let reader = row(Role::Radiologist, false);
        assert_eq!(plan(None, Some(Role::Admin)), Plan::Make(Role::Admin));
        assert_eq!(plan(None, None), Plan::NoRole);
        assert_eq!(plan(Some(&reader), Some(Role::Radiologist)), Plan::Enter);
        assert_eq!(plan(Some(&reader), Some(Role::Admin)), Plan::Change(Role::Admin));
        assert_eq!(plan(Some(&reader), None), Plan::NoRole);
        let out = row(Role::Radiologist, true);
        assert_eq!(plan(Some(&out), Some(Role::Admin)), Plan::Disabled);
        assert_eq!(plan(Some(&out), None), Plan::Disabled);
    }
}
