//! Slices that were decoded ahead, by the hash of their content. Bounded in bytes; the longest unused go first.

use std::collections::HashMap;
use std::sync::Arc;

use super::protocol::{Prepared, SliceFailure, SliceFile};
use tocsin_domain::parallel;
use tocsin_imaging::decode::{DecodeError, Image, Slice};

/// What decoded slices may take: two thin head CTs.
const MAX_BYTES: usize = 400 << 20;

#[derive(Default)]
pub struct Cache {
    entries: HashMap<String, Entry>,
    bytes: usize,
    clock: u64,
}

struct Entry {
    slices: Arc<Vec<Slice>>,
    bytes: usize,
    used: u64,
}

/// One file: its frames as they were decoded ahead, or an object that is still to be decoded.
pub enum Opened {
    Kept(Arc<Vec<Slice>>),
    Fresh(Box<Image>),
}

/// The files in the order asked for, and how many are still to be decoded.
pub struct Fetched {
    pub files: Vec<Opened>,
    pub fresh: usize,
}

impl Cache {
    /// Decodes what is not here yet and keeps it.
    pub fn prepare(&mut self, files: &[SliceFile], threads: usize) -> Prepared {
        let missing: Vec<&SliceFile> = files
            .iter()
            .filter(|file| !self.entries.contains_key(&file.sha256))
            .collect();
        let mut prepared = Prepared {
            present: files.len() - missing.len(),
            ..Prepared::default()
        };
        for file in files {
            self.touch(&file.sha256);
        }
        for (file, slices) in missing
            .iter()
            .zip(parallel::map(&missing, threads, |file| decode(file)))
        {
            match slices {
                Ok(slices) => match self.keep(file, Arc::new(slices)) {
                    true => prepared.decoded += 1,
                    false => prepared.left_out += 1,
                },
                Err(error) => prepared.failed.push(SliceFailure {
                    id: file.id,
                    reason: reason(&error),
                }),
            }
        }
        prepared
    }

    /// All files, opened; the first that cannot be opened ends it.
    pub fn fetch(&mut self, files: &[SliceFile], threads: usize) -> Result<Fetched, String> {
        let missing: Vec<&SliceFile> = files
            .iter()
            .filter(|file| !self.entries.contains_key(&file.sha256))
            .collect();
        let fresh = missing.len();
        let mut images = Vec::with_capacity(fresh);
        // In portions, so that a bad series is not read to its end.
        for portion in missing.chunks(threads.max(1) * 8) {
            let opened = parallel::map(portion, threads, |file| Image::open(&file.path));
            for (file, image) in portion.iter().zip(opened) {
                images.push(image.map_err(|error| format!("instance {}: {}", file.id, reason(&error)))?);
            }
        }
        let mut images = images.into_iter();
        let mut opened = Vec::with_capacity(files.len());
        for file in files {
            self.touch(&file.sha256);
            opened.extend(match self.entries.get(&file.sha256) {
                Some(entry) => Some(Opened::Kept(entry.slices.clone())),
                None => images.next().map(|image| Opened::Fresh(Box::new(image))),
            });
        }
        Ok(Fetched { files: opened, fresh })
    }

    fn touch(&mut self, sha256: &str) {
        self.clock += 1;
        if let Some(entry) = self.entries.get_mut(sha256) {
            entry.used = self.clock;
        }
    }

    /// Makes room and keeps; false when it is larger than the cache.
    fn keep(&mut self, file: &SliceFile, slices: Arc<Vec<Slice>>) -> bool {
        let bytes = slices.iter().map(|slice| slice.values.len() * 2).sum();
        if bytes > MAX_BYTES {
            return false;
        }
        while self.bytes + bytes > MAX_BYTES {
            let Some(oldest) = self
                .entries
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| key.clone())
            else {
                break;
            };
            self.bytes -= self.entries.remove(&oldest).map_or(0, |entry| entry.bytes);
        }
        self.clock += 1;
        let entry = Entry {
            slices,
            bytes,
            used: self.clock,
        };
        self.bytes += bytes;
        self.bytes -= self
            .entries
            .insert(file.sha256.clone(), entry)
            .map_or(0, |old| old.bytes);
        true
    }
}

fn decode(file: &SliceFile) -> Result<Vec<Slice>, DecodeError> {
    let image = Image::open(&file.path)?;
    (0..image.frames()).map(|frame| image.frame(frame)).collect()
}

/// An error with its causes in one line.
pub fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text.chars().take(500).collect()
}
