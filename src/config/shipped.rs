//! Where the folders that come with the program are: beside it, above it, or in the shared folder of an installation.

use std::path::{Path, PathBuf};

/// How far above the program a source tree is looked for (`target/debug/deps`).
const LEVELS: usize = 5;

/// The shipped folder of that name, if there is one.
pub fn folder(name: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    // Absolute, because child processes run in folders of their own.
    above(&program, name).or_else(|| Path::new(name).canonicalize().ok().filter(|here| here.is_dir()))
}

/// The folder that holds the program.
pub fn beside() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(Path::to_owned)
}

fn above(program: &Path, name: &str) -> Option<PathBuf> {
    program
        .ancestors()
        .skip(1)
        .take(LEVELS)
        .flat_map(|folder| [folder.join("share/tocsin").join(name), folder.join(name)])
        .find(|candidate| candidate.is_dir())
}
