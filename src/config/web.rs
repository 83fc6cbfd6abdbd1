//! How a DICOMweb server is called, as an archive that is asked or one that is sent to: its address, and how we say who we are. It
//! names files of credentials; the application reads them.

use std::path::{Path, PathBuf};

use super::check::Problems;
use super::oidc::is_trusted;

/// The keys of an entry that speaks DICOMweb.
#[derive(Clone, Copy, Debug)]
pub struct WebKeys<'a> {
    pub url: Option<&'a str>,
    pub bearer_file: Option<&'a Path>,
    pub user: Option<&'a str>,
    pub password_file: Option<&'a Path>,
    pub ca_file: Option<&'a Path>,
}

impl WebKeys<'_> {
    pub(super) fn check(&self, key: &dyn Fn(&str) -> String, problems: &mut Problems<'_>) {
        if !self.url.is_some_and(is_trusted) {
            problems.add(
                &key("url"),
                "expected an https:// address without ? and #, or http:// on loopback, such as https://pacs.example.org/dicom-web",
            );
        }
        if self.user.is_some() != self.password_file.is_some() {
            problems.add(
                &key("user"),
                "expected user and password_file together, or neither",
            );
        }
        if self.user.is_some() && self.bearer_file.is_some() {
            problems.add(&key("bearer_file"), "expected either a token or a user, not both");
        }
        for (name, file) in self.files() {
            if file.is_some_and(|path| !path.is_file()) {
                problems.add(&key(name), "expected a file; there is none");
            }
        }
    }

    /// Of an entry that speaks DIMSE: these keys would do nothing.
    pub(super) fn check_absent(&self, key: &dyn Fn(&str) -> String, problems: &mut Problems<'_>) {
        let named = self.files().into_iter().filter(|(_, file)| file.is_some());
        for name in named.map(|(name, _)| name).chain(self.user.map(|_| "user")) {
            problems.add(&key(name), "expected only beside a url");
        }
    }

    fn files(&self) -> [(&'static str, Option<&Path>); 3] {
        [
            ("bearer_file", self.bearer_file),
            ("password_file", self.password_file),
            ("ca_file", self.ca_file),
        ]
    }
}

/// Relative paths are relative to the configuration.
pub(super) fn resolve(base: &Path, files: [&mut Option<PathBuf>; 3]) {
    for file in files.into_iter().flatten() {
        *file = base.join(&*file);
    }
}
