//! Rule packs on disk: which folders are packs, and the files of one, compiled. Whether a pack is in force is not known here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tocsin_domain::triage::{Pack, Problems};

/// Depth of folders below a pack; deeper ones are not read.
const MAX_DEPTH: usize = 3;

/// Why packs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("no rule pack in {0}: expected a folder with a pack.yaml, or folders that have one")]
    None(PathBuf),
    #[error("{path} cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The pack that `folder` is, or the packs below it, in the order of their names.
pub fn folders(folder: &Path) -> Result<Vec<PathBuf>, PackError> {
    let folder = folder.canonicalize().map_err(|source| PackError::Read {
        path: folder.to_owned(),
        source,
    })?;
    if folder.join("pack.yaml").is_file() {
        return Ok(vec![folder]);
    }
    let below: Vec<PathBuf> = entries(&folder)?
        .into_iter()
        .filter(|path| path.join("pack.yaml").is_file())
        .collect();
    if below.is_empty() {
        Err(PackError::None(folder))
    } else {
        Ok(below)
    }
}

/// Reads and compiles the pack in a folder.
pub fn load(folder: &Path) -> Result<Result<Pack, Problems>, PackError> {
    let mut files = Vec::new();
    read(folder, "", MAX_DEPTH, &mut files)?;
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("")
        .to_owned();
    Ok(Pack::parse(&name, &files))
}

fn read(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<(String, String)>,
) -> Result<(), PackError> {
    for path in entries(folder)? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let name = format!("{prefix}{name}");
        if path.is_dir() && depth > 0 {
            read(&path, &format!("{name}/"), depth - 1, files)?;
        } else if name.ends_with(".yaml") {
            let text = fs::read_to_string(&path).map_err(|source| PackError::Read {
                path: path.clone(),
                source,
            })?;
            files.push((name, text));
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, PackError> {
    let failed = |source| PackError::Read {
        path: folder.to_owned(),
        source,
    };
    let listed = fs::read_dir(folder).map_err(failed)?;
    let mut paths = listed
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    paths.sort();
    Ok(paths)
}
