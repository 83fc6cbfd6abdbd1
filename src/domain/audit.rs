//! The hash chain of the audit log. Each entry is sealed with a keyed hash over its fields and the seal before it, so that
//! whoever can write to the database, and does not hold the key, cannot change, drop or reorder what is there unseen.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::clock::{Timestamp, to_micros};

/// The seal before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Who acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    Person,
    /// Another system, by its AE title or HL7 application.
    Peer,
    /// This program.
    System,
    /// Whoever runs a command on the machine.
    Operator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Success,
    Refused,
    Failure,
}

impl ActorKind {
    pub fn text(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Peer => "peer",
            Self::System => "system",
            Self::Operator => "operator",
        }
    }
}

impl Outcome {
    pub fn text(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failure => "failure",
        }
    }
}

/// What happened. Names ids, never a patient; `detail` is JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub actor: String,
    pub actor_kind: ActorKind,
    /// `study.view`, `alert.acknowledge`, …
    pub action: String,
    /// `study:<id>`, `alert:<id>`, …
    pub object: String,
    pub site: String,
    pub outcome: Outcome,
    pub request_id: String,
    pub detail: serde_json::Value,
}

impl Event {
    /// Something this program did by itself.
    pub fn by_system(action: &str, object: String, site: &str, detail: serde_json::Value) -> Self {
        Self {
            actor: "tocsin".to_owned(),
            actor_kind: ActorKind::System,
            action: action.to_owned(),
            object,
            site: site.to_owned(),
            outcome: Outcome::Success,
            request_id: String::new(),
            detail,
        }
    }
}

/// An entry as it is stored: every field as text or number, exactly as it is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: i64,
    /// Microseconds since 1970 UTC.
    pub at: i64,
    pub actor: String,
    pub actor_kind: String,
    pub action: String,
    pub object: String,
    pub site: String,
    pub outcome: String,
    pub request_id: String,
    pub detail: String,
    pub prev_hash: String,
    pub hash: String,
}

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: String,
}

impl Head {
    pub fn empty() -> Self {
        Self {
            seq: 0,
            hash: GENESIS.to_owned(),
        }
    }
}

/// Where a chain is broken, and how it shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("entry {expected} is missing; {found} follows instead")]
    Gap { expected: i64, found: i64 },
    #[error("entry {seq} does not continue the entry before it")]
    Detached { seq: i64 },
    #[error("entry {seq} was changed after it was sealed")]
    Changed { seq: i64 },
    #[error("the chain ends at entry {found}; the head says {expected}")]
    Truncated { expected: i64, found: i64 },
    #[error("the last entry is not the one the head names")]
    OtherHead,
}

/// Seals an event as the next entry of the chain.
pub fn seal(key: &[u8], head: &Head, at: Timestamp, event: Event) -> Entry {
    let mut entry = Entry {
        seq: head.seq + 1,
        at: to_micros(at),
        actor: event.actor,
        actor_kind: event.actor_kind.text().to_owned(),
        action: event.action,
        object: event.object,
        site: event.site,
        outcome: event.outcome.text().to_owned(),
        request_id: event.request_id,
        detail: event.detail.to_string(),
        prev_hash: head.hash.clone(),
        hash: String::new(),
    };
    entry.hash = hash(key, &entry);
    entry
}

/// HMAC-SHA256 over all fields, each preceded by its length, so that no two entries share one encoding.
fn hash(key: &[u8], entry: &Entry) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(&entry.seq.to_be_bytes());
    mac.update(&entry.at.to_be_bytes());
    let fields = [
        &entry.actor,
        &entry.actor_kind,
        &entry.action,
        &entry.object,
        &entry.site,
        &entry.outcome,
        &entry.request_id,
        &entry.detail,
        &entry.prev_hash,
    ];
    for field in fields {
        mac.update(&(field.len() as u64).to_be_bytes());
        mac.update(field.as_bytes());
    }
    hex::encode(mac.finalize().into_bytes())
}

/// Follows a chain; feed it the entries in order, then ask it to finish against the stored head.
pub struct Verifier<'k> {
    key: &'k [u8],
    head: Head,
}

impl<'k> Verifier<'k> {
    pub fn new(key: &'k [u8]) -> Self {
        Self {
            key,
            head: Head::empty(),
        }
    }

    pub fn take(&mut self, entry: &Entry) -> Result<(), Broken> {
        if entry.seq != self.head.seq + 1 {
            return Err(Broken::Gap {
                expected: self.head.seq + 1,
                found: entry.seq,
            });
        }
        if entry.prev_hash != self.head.hash {
            return Err(Broken::Detached { seq: entry.seq });
        }
        if hash(self.key, entry) != entry.hash {
            return Err(Broken::Changed { seq: entry.seq });
        }
        self.head = Head {
            seq: entry.seq,
            hash: entry.hash.clone(),
        };
        Ok(())
    }

    pub fn finish(self, stored: &Head) -> Result<Head, Broken> {
        if self.head.seq != stored.seq {
            return Err(Broken::Truncated {
                expected: stored.seq,
                found: self.head.seq,
            });
        }
        if self.head.hash != stored.hash {
            return Err(Broken::OtherHead);
        }
        Ok(self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &[u8] = b"a key for tests";

    fn chain(length: i64) -> (Vec<Entry>, Head) {
        let mut head = Head::empty();
        let mut entries = Vec::new();
        for n in 0..length {
            let at = crate::clock::from_micros(1_000_000 * n);
            let event = Event::by_system(
                "study.view",
                format!("study:{n}"),
                "main",
                serde_json::json!({ "n": n }),
            );
            let entry = seal(KEY, &head, at, event);
            head = Head {
                seq: entry.seq,
                hash: entry.hash.clone(),
            };
            entries.push(entry);
        }
        (entries, head)
    }

    fn check(entries: &[Entry], head: &Head) -> Result<Head, Broken> {
        let mut verifier = Verifier::new(KEY);
        for entry in entries {
            verifier.take(entry)?;
        }
        verifier.finish(head)
    }

    #[test]
    fn an_untouched_chain_verifies() {
        let (entries, head) = chain(20);
        assert_eq!(check(&entries, &head), Ok(head));
    }

    #[test]
    fn dropped_swapped_and_truncated_entries_are_located() {
        let (entries, head) = chain(5);
        let mut dropped = entries.clone();
        dropped.remove(2);
        assert_eq!(
            check(&dropped, &head),
            Err(Broken::Gap {
                expected: 3,
                found: 4
            })
        );
        let mut swapped = entries.clone();
        swapped.swap(1, 2);
        assert_eq!(
            check(&swapped, &head),
            Err(Broken::Gap {
                expected: 2,
                found: 3
            })
        );
        assert_eq!(
            check(&entries[..3], &head),
            Err(Broken::Truncated {
                expected: 5,
                found: 3
            })
        );
    }

    #[test]
    fn without_the_key_no_entry_can_be_forged() {
        let (mut entries, head) = chain(3);
        entries[1].actor = "somebody else".to_owned();
        entries[1].hash = hash(b"another key", &entries[1]);
        assert_eq!(check(&entries, &head), Err(Broken::Changed { seq: 2 }));
    }

    proptest! {
        #[test]
        fn a_change_to_any_text_of_any_entry_is_found(place in 0_usize..8, field in 0_usize..10, with in "[a-z]{1,8}") {
            let (mut entries, head) = chain(8);
            let entry = &mut entries[place];
            let text = match field {
                0 => &mut entry.actor,
                1 => &mut entry.actor_kind,
                2 => &mut entry.action,
                3 => &mut entry.object,
                4 => &mut entry.site,
                5 => &mut entry.outcome,
                6 => &mut entry.request_id,
                7 => &mut entry.detail,
                8 => &mut entry.prev_hash,
                _ => &mut entry.hash,
            };
            prop_assume!(*text != with);
            *text = with;
            prop_assert!(check(&entries, &head).is_err());
        }
    }
}
