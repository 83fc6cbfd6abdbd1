//! What is wrong with a configuration: the key, the place, and what is expected there. Values of keys that may hold a
//! secret are never repeated.

use std::fmt;
use std::path::PathBuf;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file {} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{}", Problem::list(.0))]
    Invalid(Vec<Problem>),
}

/// One thing to correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted, as in `dicom.peers.0.host`; empty when the text is not TOML at all.
    pub key: String,
    pub place: Place,
    /// What was found and what is expected.
    pub message: String,
}

/// Where a value came from, or should be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// 1-based.
    Line { file: PathBuf, line: usize },
    /// The file as a whole: the key stands nowhere in it.
    File(PathBuf),
    /// The name of an environment variable.
    Environment(String),
}

impl Problem {
    fn list(problems: &[Self]) -> String {
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{}:{line}", file.display()),
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return write!(f, "{}: {}", self.place, self.message);
        }
        write!(f, "{}: {}: {}", self.place, self.key, self.message)
    }
}
