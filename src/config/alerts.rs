//! `[alerts]`: whom to page, in which order, and how. Mail goes to a folder or to an SMTP server, to exactly one of them.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::check::Problems;
use super::value::EmailAddress;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Pages are written here as files instead of being sent.
    pub capture_dir: Option<PathBuf>,
    pub smtp: Option<Smtp>,
    pub from: EmailAddress,
    /// The policy of alerts whose rule names none.
    pub default_policy: String,
    pub people: Vec<Person>,
    pub policies: Vec<Policy>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    #[serde(default)]
    pub tls: SmtpTls,
    pub user: Option<String>,
    /// The first line of this file is the password.
    pub password_file: Option<PathBuf>,
    #[serde(default = "default_smtp_timeout")]
    pub timeout_seconds: NonZeroU64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Plain text; for a server on this machine.
    None,
    #[default]
    Starttls,
    /// TLS from the first byte, usually port 465.
    Implicit,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub email: EmailAddress,
    #[serde(default)]
    pub roles: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub name: String,
    pub steps: Vec<PolicyStep>,
    /// Who is told, again and again, once all steps are used up: a person or a role.
    pub last_resort: String,
    /// How often the last resort is told again.
    #[serde(default = "default_repeat")]
    pub repeat_minutes: NonZeroU32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyStep {
    /// Ids of people, or roles, which mean all who have them.
    pub to: Vec<String>,
    /// How long to wait for an acknowledgement before the next step.
    pub wait_minutes: NonZeroU32,
}

const ON_CALL: &str = "on-call";

fn default_smtp_timeout() -> NonZeroU64 {
    NonZeroU64::new(10).unwrap_or(NonZeroU64::MIN)
}

fn default_repeat() -> NonZeroU32 {
    NonZeroU32::new(15).unwrap_or(NonZeroU32::MIN)
}

impl Smtp {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.get())
    }
}

impl Alerts {
    pub fn policy(&self, name: Option<&str>) -> Option<&Policy> {
        let wanted = name.unwrap_or(&self.default_policy);
        self.policies.iter().find(|policy| policy.name == wanted)
    }

    /// The people that a name of a step means: the person with that id, else all with that role.
    pub fn people_of<'a>(&'a self, name: &'a str) -> Vec<&'a Person> {
        match self.people.iter().find(|person| person.id == name) {
            Some(person) => vec![person],
            None => self
                .people
                .iter()
                .filter(|person| person.roles.iter().any(|role| role == name))
                .collect(),
        }
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        if let Some(dir) = &mut self.capture_dir {
            *dir = base.join(&*dir);
        }
        if let Some(file) = self.smtp.as_mut().and_then(|smtp| smtp.password_file.as_mut()) {
            *file = base.join(&*file);
        }
        self.fill_capture();
    }

    /// Someone must receive a page even in the smallest configuration; in a capture folder a stand-in does.
    fn fill_capture(&mut self) {
        if self.capture_dir.is_some() && self.people.is_empty() {
            self.people.extend(
                EmailAddress::try_from("on-call@localhost".to_owned())
                    .ok()
                    .map(|email| Person {
                        id: ON_CALL.to_owned(),
                        name: "On call".to_owned(),
                        email,
                        roles: vec![ON_CALL.to_owned()],
                    }),
            );
        }
        let Some(first) = self.people.first().map(|person| person.id.clone()) else {
            return;
        };
        if self.policies.is_empty() {
            let role = if self.people_of(ON_CALL).is_empty() {
                first
            } else {
                ON_CALL.to_owned()
            };
            self.policies.push(Policy {
                name: self.default_policy.clone(),
                steps: vec![PolicyStep {
                    to: vec![role.clone()],
                    wait_minutes: NonZeroU32::MIN.saturating_add(4),
                }],
                last_resort: role,
                repeat_minutes: default_repeat(),
            });
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        self.check_channel(problems);
        self.check_people(problems);
        for (index, policy) in self.policies.iter().enumerate() {
            self.check_policy(index, policy, problems);
        }
        if !self.people.is_empty() && self.policy(None).is_none() {
            problems.add(
                "alerts.default_policy",
                "expected the name of one of [[alerts.policies]]",
            );
        }
    }

    fn check_channel(&self, problems: &mut Problems<'_>) {
        match (&self.capture_dir, &self.smtp) {
            (None, None) => problems.add(
                "alerts",
                "expected capture_dir = \"FOLDER\", or a section [alerts.smtp]",
            ),
            (Some(_), Some(_)) => problems.add(
                "alerts.capture_dir",
                "expected either this or [alerts.smtp], not both",
            ),
            (Some(_), None) => {}
            (None, Some(smtp)) => {
                problems.not_empty("alerts.smtp.host", &smtp.host);
                if smtp.user.is_some() != smtp.password_file.is_some() {
                    problems.add(
                        "alerts.smtp.user",
                        "expected user and password_file together, or neither",
                    );
                }
                if smtp.password_file.as_deref().is_some_and(|path| !path.is_file()) {
                    problems.add(
                        "alerts.smtp.password_file",
                        "expected a file that holds the password; there is none",
                    );
                }
                if self.people.is_empty() {
                    problems.add(
                        "alerts.people",
                        "expected at least one [[alerts.people]]: nobody would be paged",
                    );
                }
            }
        }
    }

    fn check_people(&self, problems: &mut Problems<'_>) {
        for (index, person) in self.people.iter().enumerate() {
            let key = format!("alerts.people.{index}.id");
            problems.not_empty(&key, &person.id);
            let role = self
                .people
                .iter()
                .any(|other| other.id != person.id && other.roles.contains(&person.id));
            if role
                || self
                    .people
                    .iter()
                    .take(index)
                    .any(|earlier| earlier.id == person.id)
            {
                problems.add(&key, "expected an id that is no other person's id and no role");
            }
        }
    }

    fn check_policy(&self, index: usize, policy: &Policy, problems: &mut Problems<'_>) {
        let key = |name: &str| format!("alerts.policies.{index}.{name}");
        problems.not_empty(&key("name"), &policy.name);
        if self
            .policies
            .iter()
            .take(index)
            .any(|earlier| earlier.name == policy.name)
        {
            problems.add(&key("name"), "expected a name that no other policy has");
        }
        if policy.steps.is_empty() {
            problems.add(&key("steps"), "expected at least one step");
        }
        let steps = policy.steps.iter().enumerate().flat_map(|(step, content)| {
            content
                .to
                .iter()
                .map(move |name| (format!("steps.{step}.to"), name))
        });
        for (place, name) in steps.chain([("last_resort".to_owned(), &policy.last_resort)]) {
            if self.people_of(name).is_empty() {
                problems.add(
                    &key(&place),
                    "expected the id of one of [[alerts.people]], or a role that one of them has",
                );
            }
        }
    }
}
