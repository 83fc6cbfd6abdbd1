//! `[storage]`: where received objects are kept, byte for byte.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::value::BlobUrl;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    pub url: BlobUrl,
    /// Below this much free space new instances are refused with "out of resources" (0xA700).
    pub min_free_mb: u64,
}

impl Storage {
    pub fn folder(&self) -> &Path {
        match &self.url {
            BlobUrl::Folder(path) => path,
        }
    }

    pub(super) fn resolve(&mut self, base: &Path) {
        let BlobUrl::Folder(path) = &mut self.url;
        *path = base.join::<&PathBuf>(path);
    }
}
