//! Verification of model packages: manifest, hash, what is inside the network, opening it, a rehearsal, and its golden cases.
//! Reports on each package; activates none.

use std::path::{Path, PathBuf};

use super::child::protocol::LoadReport;
use super::package::{Package, PackageError, discover};
use super::pool::{Pool, WorkerError};
use super::preflight::Census;

/// What became of one package.
#[derive(Debug)]
pub struct Verified {
    pub folder: PathBuf,
    pub result: Result<Fit, VerifyError>,
}

/// A package that may be activated.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    pub content_hash: String,
    pub census: Census,
    pub report: LoadReport,
}

/// Why a package may not be activated.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the package is not fit")]
    Package(#[from] PackageError),
    #[error("the model does not run as its package says")]
    Run(#[from] WorkerError),
    #[error("the manifest has no golden case, so nothing shows that the model gives what it should")]
    NoGolden,
}

/// Verifies one package, or every package in a folder of packages.
pub async fn verify(folder: &Path, pool: &Pool) -> Result<Vec<Verified>, PackageError> {
    let packages = if folder.join("manifest.toml").is_file() {
        vec![(folder.to_owned(), Package::open(folder))]
    } else {
        discover(folder)?
    };
    let mut verified = Vec::with_capacity(packages.len());
    for (folder, package) in packages {
        let result = match package {
            Ok(package) => one(package, pool).await,
            Err(error) => Err(error.into()),
        };
        verified.push(Verified { folder, result });
    }
    Ok(verified)
}

async fn one(package: Package, pool: &Pool) -> Result<Fit, VerifyError> {
    let (_, census) = package.network()?;
    let report = pool.load(&package).await?;
    if report.golden.is_empty() {
        return Err(VerifyError::NoGolden);
    }
    Ok(Fit {
        content_hash: package.content_hash,
        census,
        report,
    })
}
