//! A performed procedure step: begun by its modality, changed while it is in progress, and fixed for good once it is
//! completed or discontinued (PS3.4 F.7).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ListedSeries;
use crate::ids::Uid;

/// Performed Procedure Step Status (0040,0252).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    InProgress,
    Completed,
    Discontinued,
}

impl StepState {
    pub fn parse(term: &str) -> Option<Self> {
        match term {
            "IN PROGRESS" => Some(Self::InProgress),
            "COMPLETED" => Some(Self::Completed),
            "DISCONTINUED" => Some(Self::Discontinued),
            _ => None,
        }
    }
}

/// What is kept of a step; nothing of it names a patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerformedStep {
    pub state: StepState,
    /// Performed Station AE Title, which need not be who sent it.
    pub station: String,
    pub modality: String,
    /// `YYYYMMDD` and `HHMMSS[.f]`, as sent.
    pub begun: (String, String),
    pub ended: Option<(String, String)>,
    /// Why it was discontinued, in the modality's words.
    pub reason: Option<String>,
    /// Those of the scheduled steps that it fulfils.
    pub studies: Vec<Uid>,
    pub series: Vec<ListedSeries>,
}

/// What an N-SET says. `None` is "not said".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepChange {
    pub state: Option<StepState>,
    pub ended: Option<(String, String)>,
    pub reason: Option<String>,
    pub series: Option<Vec<ListedSeries>>,
}

/// Why a step does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    #[error("the step is final and may no longer be updated")]
    Final,
    #[error("(0040,0250) Performed Procedure Step End Date is missing")]
    NoEnd,
    #[error("(0040,0340) Performed Series Sequence has no item")]
    NoSeries,
}

impl PerformedStep {
    /// Lists its series. Where it is of one study alone, so are they.
    #[must_use]
    pub fn with(mut self, mut series: Vec<ListedSeries>) -> Self {
        if let [only] = self.studies.as_slice() {
            for listed in &mut series {
                listed.study_uid = Some(only.clone());
            }
        }
        self.series = series;
        self
    }

    /// # Errors
    /// A step that is final, and an end that lacks what the standard wants of one.
    pub fn change(mut self, change: StepChange) -> Result<Self, StepError> {
        match self.state {
            StepState::Completed | StepState::Discontinued => return Err(StepError::Final),
            StepState::InProgress => {}
        }
        if let Some(series) = change.series {
            self = self.with(series);
        }
        self.ended = change.ended.or(self.ended);
        self.reason = change.reason.or(self.reason);
        self.state = change.state.unwrap_or(self.state);
        match self.state {
            StepState::InProgress => Ok(self),
            StepState::Completed | StepState::Discontinued if self.ended.is_none() => Err(StepError::NoEnd),
            StepState::Completed if self.series.is_empty() => Err(StepError::NoSeries),
            StepState::Completed | StepState::Discontinued => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> PerformedStep {
        PerformedStep {
            state: StepState::InProgress,
            station: "CT1".into(),
            modality: "CT".into(),
            begun: ("20261128".into(), "1015".into()),
            ended: None,
            reason: None,
            studies: vec![Uid::parse("1.2").unwrap()],
            series: Vec::new(),
        }
    }

    fn series() -> Option<Vec<ListedSeries>> {
        Some(vec![ListedSeries {
            study_uid: None,
            series_uid: Uid::parse("1.2.3").unwrap(),
            instances: Vec::new(),
        }])
    }

    #[test]
    fn an_end_needs_its_time_and_a_completed_one_its_series() {
        let ended = Some(("20261128".to_owned(), "1020".to_owned()));
        let change = |state, ended, series| StepChange {
            state: Some(state),
            ended,
            series,
            reason: None,
        };
        let to = |change| begun().change(change).map(|step| step.state);
        let (done, stopped) = (StepState::Completed, StepState::Discontinued);
        assert_eq!(to(change(done, None, series())), Err(StepError::NoEnd));
        assert_eq!(to(change(done, ended.clone(), None)), Err(StepError::NoSeries));
        assert_eq!(to(change(done, ended.clone(), series())), Ok(done));
        assert_eq!(to(change(stopped, ended, None)), Ok(stopped));
    }

    #[test]
    fn what_is_final_never_changes_and_what_was_said_on_the_way_holds() {
        let on_the_way = StepChange {
            series: series(),
            ..StepChange::default()
        };
        let end = StepChange {
            state: Some(StepState::Completed),
            ended: Some(("20261128".into(), "1020".into())),
            ..StepChange::default()
        };
        let done = begun().change(on_the_way).and_then(|step| step.change(end));
        let done = done.unwrap();
        assert_eq!(done.series.len(), 1);
        assert_eq!(done.change(StepChange::default()), Err(StepError::Final));
    }
}
