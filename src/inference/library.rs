//! Finds the ONNX Runtime library and looks into the file before anyone loads it: is it ONNX Runtime, for this machine, and
//! new enough? Nothing of it is executed here. A wrong library would otherwise hang or abort the process that loads it.

use std::fmt;
use std::path::{Path, PathBuf};

use object::read::elf::{ElfFile64, FileHeader};
use object::{Architecture, Endianness, Object, ObjectKind, ObjectSymbol};

/// Older versions read files that a model from memory names outside its folder (fixed upstream by mid-2026), and lack the
/// interface version that this program is compiled for.
pub const OLDEST: Version = Version {
    major: 1,
    minor: 27,
    patch: 0,
};
/// Anything larger is not the library.
const MAX_LIBRARY: u64 = 2 << 30;
const API: &str = "OrtGetApiBase";

/// A version of ONNX Runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A library that was looked into and found fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    pub path: PathBuf,
    pub version: Version,
}

/// Where to look, in this order. A named file that is wrong is an error, never passed over.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Configuration key `inference.library`.
    pub configured: Option<PathBuf>,
    /// Value of `ORT_DYLIB_PATH`, handed in by the configuration.
    pub environment: Option<PathBuf>,
    /// Folders searched for `libonnxruntime.so*`: `.runtime/`, then the program's own.
    pub folders: Vec<PathBuf>,
}

/// What is wrong with the library, or its absence.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    #[error(
        "ONNX Runtime was not found; looked for libonnxruntime.so in {looked}. \
         Run scripts/fetch-onnxruntime, or set inference.library to the file"
    )]
    NotFound { looked: String },
    #[error("{path}: cannot be read")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path}: not a 64-bit ELF shared library; ONNX Runtime {OLDEST} or newer is needed")]
    NotALibrary { path: PathBuf },
    #[error("{path}: built for {found}, this machine is {needed}")]
    OtherMachine {
        path: PathBuf,
        found: String,
        needed: &'static str,
    },
    #[error("{path}: does not export {API}, so it is not ONNX Runtime; version {OLDEST} or newer is needed")]
    NotOnnxRuntime { path: PathBuf },
    #[error(
        "{path}: exports {API} without a version (found `{found}`); an official build of {OLDEST} or newer is needed"
    )]
    NoVersion { path: PathBuf, found: String },
    #[error("{path}: is ONNX Runtime {found}; {OLDEST} or newer is needed")]
    TooOld { path: PathBuf, found: Version },
}

/// The first library of the search, looked into.
pub fn locate(search: &Search) -> Result<Library, LibraryError> {
    if let Some(named) = search.configured.as_deref().or(search.environment.as_deref()) {
        return inspect(named);
    }
    match search.folders.iter().find_map(|folder| newest_in(folder)) {
        Some(path) => inspect(&path),
        None => {
            let folders: Vec<_> = search
                .folders
                .iter()
                .map(|folder| folder.display().to_string())
                .collect();
            Err(LibraryError::NotFound {
                looked: folders.join(", "),
            })
        }
    }
}

/// The file of a folder whose name says the highest version; a name without one comes last.
fn newest_in(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let candidate = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let version = name.strip_prefix("libonnxruntime.so")?;
        Some((parse_version(version.trim_start_matches('.')), entry.path()))
    };
    entries.filter_map(candidate).max().map(|(_, path)| path)
}

/// Looks into one file.
pub fn inspect(path: &Path) -> Result<Library, LibraryError> {
    let unreadable = |source| LibraryError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_LIBRARY {
        return Err(LibraryError::NotALibrary {
            path: path.to_owned(),
        });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let version = version_of(&bytes, path)?;
    if version < OLDEST {
        return Err(LibraryError::TooOld {
            path: path.to_owned(),
            found: version,
        });
    }
    Ok(Library {
        path: path.to_owned(),
        version,
    })
}

fn version_of(bytes: &[u8], path: &Path) -> Result<Version, LibraryError> {
    let not_a_library = || LibraryError::NotALibrary {
        path: path.to_owned(),
    };
    let file = ElfFile64::<Endianness>::parse(bytes).map_err(|_| not_a_library())?;
    if file.kind() != ObjectKind::Dynamic {
        return Err(not_a_library());
    }
    let needed = std::env::consts::ARCH;
    if !is_this_machine(file.architecture()) {
        let found = format!("{:?}", file.architecture());
        return Err(LibraryError::OtherMachine {
            path: path.to_owned(),
            found,
            needed,
        });
    }
    let symbol = file
        .dynamic_symbols()
        .find(|symbol| symbol.is_definition() && symbol.name() == Ok(API));
    let Some(symbol) = symbol else {
        return Err(LibraryError::NotOnnxRuntime {
            path: path.to_owned(),
        });
    };
    let name = version_name(&file, symbol.index()).unwrap_or_default();
    parse_version(name.trim_start_matches("VERS_")).ok_or(LibraryError::NoVersion {
        path: path.to_owned(),
        found: name,
    })
}

fn is_this_machine(architecture: Architecture) -> bool {
    match std::env::consts::ARCH {
        "x86_64" => architecture == Architecture::X86_64,
        "aarch64" => architecture == Architecture::Aarch64,
        _ => false,
    }
}

/// Name of the symbol version, e.g. `VERS_1.31.1`.
fn version_name(file: &ElfFile64<'_>, symbol: object::SymbolIndex) -> Option<String> {
    let endian = file.elf_header().endian().ok()?;
    let versions = file.elf_section_table().versions(endian, file.data()).ok()??;
    let version = versions
        .version(versions.version_index(endian, symbol).into())
        .ok()??;
    Some(String::from_utf8_lossy(version.name()).chars().take(40).collect())
}

fn parse_version(text: &str) -> Option<Version> {
    let mut parts = text.split('.').map(|part| part.parse::<u32>().ok());
    let major = parts.next()??;
    let minor = parts.next().unwrap_or(Some(0))?;
    let patch = parts.next().unwrap_or(Some(0))?;
    Some(Version { major, minor, patch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        for (text, version) in [
            ("1.31.1", Some((1, 31, 1))),
            ("1", Some((1, 0, 0))),
            ("1.x", None),
            ("", None),
        ] {
            let expected = version.map(|(major, minor, patch)| Version { major, minor, patch });
            assert_eq!(parse_version(text), expected, "{text}");
        }
        assert!(parse_version("1.9.0") < parse_version("1.27.0"));
    }

    #[test]
    fn what_is_no_onnx_runtime_is_told_apart() {
        let folder = tempfile::tempdir().expect("folder");
        let text = folder.path().join("libonnxruntime.so");
        std::fs::write(&text, b"not a library").expect("write");
        let said = inspect(&text).expect_err("text").to_string();
        assert!(said.contains("not a 64-bit ELF shared library"), "{said}");

        // The test's own program is ELF for this machine, and no ONNX Runtime.
        let program = std::env::current_exe().expect("program");
        let said = inspect(&program).expect_err("program").to_string();
        assert!(said.contains("does not export OrtGetApiBase"), "{said}");

        let none = Search {
            folders: vec![folder.path().join("none")],
            ..Search::default()
        };
        let said = locate(&none).expect_err("none").to_string();
        assert!(said.contains("scripts/fetch-onnxruntime"), "{said}");
        let wrong = Search {
            configured: Some(text),
            ..Search::default()
        };
        assert!(matches!(locate(&wrong), Err(LibraryError::NotALibrary { .. })));
    }
}
