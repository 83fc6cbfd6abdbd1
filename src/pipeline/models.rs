//! The models in force, as the jobs see them: what each accepts, and the package that the child process opens.

use tocsin_domain::admit::{Criteria, CriteriaProblem};
use tocsin_domain::finding::ModelRef;

use crate::inference::package::Package;

/// A model package that was activated.
pub struct ActiveModel {
    pub reference: ModelRef,
    pub criteria: Criteria,
    pub package: Package,
}

/// A model that was activated and is not there: studies are told so, instead of nothing.
pub struct AbsentModel {
    pub name: String,
    pub version: String,
    pub sha256: String,
    pub reason: String,
}

impl ActiveModel {
    /// Compiles what the package accepts.
    pub fn of(package: Package) -> Result<Self, Vec<CriteriaProblem>> {
        let criteria = Criteria::compile(&package.manifest.eligibility, &package.manifest.quality)?;
        Ok(Self {
            reference: package.model_ref(),
            criteria,
            package,
        })
    }
}
