//! Rule packs and templates on disk: which folders are packs, and the files of one, compiled; the templates in front of
//! ours. Whether a pack is in force is not known here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tocsin_domain::triage::{Pack, Problems};

use crate::config::Config;
use crate::notify::{PageTemplates, TemplateFault};

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

/// What pages are written with: the site's wording where it has one.
pub fn mail_templates(config: &Config) -> Result<PageTemplates, TemplateFault> {
    let own = config.site.templates.as_ref().map(|folder| folder.join("page"));
    match own.filter(|folder| folder.is_dir()) {
        Some(folder) => PageTemplates::with_site(&folder),
        None => PageTemplates::shipped(),
    }
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

/// Name and text of each file of a pack.
pub type Files = Vec<(String, String)>;

/// Reads and compiles the pack in a folder.
pub fn load(folder: &Path) -> Result<Result<Pack, Problems>, PackError> {
    Ok(Pack::parse(&name(folder), &files(folder)?))
}

/// The files of the pack in a folder, uncompiled.
pub fn files(folder: &Path) -> Result<Files, PackError> {
    let mut files = Vec::new();
    read(folder, "", MAX_DEPTH, &mut files)?;
    Ok(files)
}

/// A pack is called as its folder is.
pub fn name(folder: &Path) -> String {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.unwrap_or("").to_owned()
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
