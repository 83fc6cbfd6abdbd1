//! `[rules]`: where rules are, how long each band may wait, and what a sender's priority means here.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::check::Problems;
use super::shipped;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The folder with one folder per pack; when absent, the one that is shipped.
    pub dir: Option<PathBuf>,
    pub wait_caps_minutes: WaitCaps,
    /// A priority as orders carry it → the band it means here. What is not listed is routine.
    pub priorities: BTreeMap<String, BandName>,
}

/// After this long a study is overdue, whatever else is waiting.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitCaps {
    pub critical: NonZeroU32,
    pub urgent: NonZeroU32,
    pub routine: NonZeroU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BandName {
    Critical,
    Urgent,
    Routine,
}

impl Rules {
    /// The folder of rule packs in use; `None` when none is configured and none is shipped beside the program.
    pub fn folder(&self) -> Option<PathBuf> {
        self.dir.clone().or_else(|| shipped::folder("rules"))
    }

    /// Priorities are compared without regard to case; an empty or unknown one is routine.
    pub fn band_of(&self, priority: Option<&str>) -> BandName {
        let wanted = priority.unwrap_or_default().trim();
        self.priorities
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map_or(BandName::Routine, |(_, band)| *band)
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        if let Some(dir) = &mut self.dir {
            *dir = base.join(&*dir);
        }
    }

    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        problems.folder("rules.dir", self.dir.as_deref());
        let caps = &self.wait_caps_minutes;
        if caps.critical > caps.urgent || caps.urgent > caps.routine {
            problems.add("rules.wait_caps_minutes", "expected critical ≤ urgent ≤ routine");
        }
    }
}
