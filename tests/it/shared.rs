//! Finds the shared test data beside the repository; a test that needs it says loudly when it is not there.

use std::path::PathBuf;

/// A path below `../shared`, or `None` with a line on standard error.
pub fn shared(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(path);
    if full.exists() {
        return Some(full);
    }
    eprintln!("SKIPPED: {path} is not in the shared data");
    None
}
