//! Model packages on disk: the folder, its manifest, and the network's bytes with everything that is checked before they may
//! be loaded. Reads files; runs nothing.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tocsin_domain::finding::ModelRef;

use super::manifest::{Manifest, ManifestError};
use super::preflight::{Census, PreflightError, inspect};
use super::recipe::Recipe;

/// Largest network; ONNX itself cannot hold more in one file.
pub const MAX_MODEL: u64 = 2 << 30;
const MAX_MANIFEST: u64 = 1 << 20;

/// A model as it lies on disk. The network's bytes are not held.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    pub folder: PathBuf,
    pub manifest: Manifest,
    pub recipe: Recipe,
    /// SHA-256 of the manifest's text: with the hash of the network in it, of the whole package.
    pub content_hash: String,
}

/// Why a package cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error("{path} cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is {found} bytes long, at most {limit} are allowed")]
    TooLarge { path: PathBuf, found: u64, limit: u64 },
    #[error("{path} is not text in UTF-8")]
    Encoding { path: PathBuf },
    #[error("the manifest is not valid")]
    Manifest(#[from] ManifestError),
    #[error("{path} is named after `{name}`, but lies in the folder of another model")]
    Folder { path: PathBuf, name: String },
    #[error("{path} has SHA-256 {found}, the manifest says {expected}")]
    Hash {
        path: PathBuf,
        found: String,
        expected: String,
    },
    #[error("{path} may not be loaded")]
    Preflight {
        path: PathBuf,
        #[source]
        source: PreflightError,
    },
}

/// A folder that claims to be a package, and what it came to.
pub type Found = (PathBuf, Result<Package, PackageError>);

/// Every package of a folder of models, in the order of their names, good or not.
pub fn discover(models: &Path) -> Result<Vec<Found>, PackageError> {
    let read = |source| PackageError::Read {
        path: models.to_owned(),
        source,
    };
    let entries = fs::read_dir(models)
        .map_err(read)?
        .flatten()
        .map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = entries
        .filter(|path| path.join("manifest.toml").is_file())
        .collect();
    folders.sort();
    Ok(folders
        .into_iter()
        .map(|folder| (folder.clone(), Package::open(&folder)))
        .collect())
}

impl Package {
    /// Reads and checks the manifest of a package.
    pub fn open(folder: &Path) -> Result<Self, PackageError> {
        let path = folder.join("manifest.toml");
        let bytes = bounded(&path, MAX_MANIFEST)?;
        let content_hash = hex::encode(Sha256::digest(&bytes));
        let text = String::from_utf8(bytes).map_err(|_| PackageError::Encoding { path: path.clone() })?;
        let manifest = Manifest::parse(&text, &path.display().to_string())?;
        if folder
            .file_name()
            .is_some_and(|name| name != manifest.identity.name.as_str())
        {
            return Err(PackageError::Folder {
                path,
                name: manifest.identity.name,
            });
        }
        let recipe = Recipe::of(&manifest.input.operations).map_err(|wrong| ManifestError::Invalid {
            place: path.display().to_string(),
            key: format!("input.operations[{}]", wrong.index),
            found: wrong.found,
            expected: wrong.expected,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            manifest,
            recipe,
            content_hash,
        })
    }

    /// The network, once its size, its hash and its inside are found fit.
    pub fn network(&self) -> Result<(Vec<u8>, Census), PackageError> {
        let path = self.folder.join(&self.manifest.identity.file);
        let bytes = checked(&path, MAX_MODEL, &self.manifest.identity.sha256)?;
        match inspect(&bytes) {
            Ok(census) => Ok((bytes, census)),
            Err(source) => Err(PackageError::Preflight { path, source }),
        }
    }

    /// The identity that a result carries (invariant 11).
    pub fn model_ref(&self) -> ModelRef {
        let identity = &self.manifest.identity;
        ModelRef {
            name: identity.name.clone(),
            version: identity.version.clone(),
            sha256: identity.sha256.clone(),
            manufacturer: identity.manufacturer.clone(),
            display_policy: identity.display_policy,
            disclaimer: identity.disclaimer.clone(),
        }
    }
}

fn bounded(path: &Path, limit: u64) -> Result<Vec<u8>, PackageError> {
    let read = |source| PackageError::Read {
        path: path.to_owned(),
        source,
    };
    let found = fs::metadata(path).map_err(read)?.len();
    if found > limit {
        return Err(PackageError::TooLarge {
            path: path.to_owned(),
            found,
            limit,
        });
    }
    fs::read(path).map_err(read)
}

/// A file of at most `limit` bytes with this SHA-256.
pub fn checked(path: &Path, limit: u64, expected: &str) -> Result<Vec<u8>, PackageError> {
    let bytes = bounded(path, limit)?;
    let found = hex::encode(Sha256::digest(&bytes));
    if found != expected {
        return Err(PackageError::Hash {
            path: path.to_owned(),
            found,
            expected: expected.to_owned(),
        });
    }
    Ok(bytes)
}
