//! `[auth]`: keys and the limits of sessions and links. It names key files; `secret` reads them.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::check::Problems;
use super::oidc::Oidc;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Signs links and form tokens; made on first start. By default `secret.key` beside the database.
    pub secret_file: Option<PathBuf>,
    /// Keys the audit chain; made on first start. By default `audit.key` beside the database; better on another disk.
    pub audit_key_file: Option<PathBuf>,
    pub session_idle_minutes: NonZeroU64,
    pub session_hours: NonZeroU64,
    /// Without a pointer or key for so long, in any tab, a session asks again who is there.
    pub idle_lock_minutes: NonZeroU64,
    /// A screen on a wall, which nobody touches, goes on showing the worklist when its session would lock by itself.
    pub wall_never_locks: bool,
    /// How recently somebody must have proved who they are to change who may do what.
    pub fresh_minutes: NonZeroU64,
    /// How long a link in a page may acknowledge.
    pub link_hours: NonZeroU64,
    /// Failed sign-ins per address.
    pub attempts_per_minute: NonZeroU32,
    /// For administrators and governance, when they sign in with a password.
    pub second_factor: SecondFactor,
    /// Where people sign in besides here.
    #[serde(default)]
    pub oidc: Option<Oidc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// They cannot do anything before they have set one up.
    Required,
    Optional,
}

impl Auth {
    pub(super) fn resolve(&mut self, base: &Path, keys: &Path) {
        let settle = |file: &mut Option<PathBuf>, name: &str| {
            *file = Some(
                file.as_ref()
                    .map_or_else(|| keys.join(name), |path| base.join(path)),
            );
        };
        settle(&mut self.secret_file, "secret.key");
        settle(&mut self.audit_key_file, "audit.key");
        if let Some(oidc) = &mut self.oidc {
            oidc.resolve(base);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        if let Some(oidc) = &self.oidc {
            oidc.check(problems);
        }
    }

    pub fn secret_file(&self) -> &Path {
        self.secret_file.as_deref().unwrap_or(Path::new("secret.key"))
    }

    pub fn audit_key_file(&self) -> &Path {
        self.audit_key_file.as_deref().unwrap_or(Path::new("audit.key"))
    }
}
