//! The name of a stored object: a hash of what it is, not of how its file was written.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use tocsin_domain::part10::FileMeta;

const READ_BYTES: usize = 256 * 1024;
/// More than any file meta group that is accepted.
const HEAD_BYTES: u64 = 128 * 1024;

/// SHA-256 over transfer syntax UID, a zero byte and data set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobHash(pub(super) [u8; 32]);

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BlobHash {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// A hash that has taken in what comes before the data set.
pub(super) fn begin(hash: &mut Sha256, meta: &FileMeta) {
    hash.update(meta.transfer_syntax.as_str().as_bytes());
    hash.update([0]);
}

/// Hash and length of a stored file; `None` when it has no readable head.
pub(super) fn hash_of_file(path: &Path) -> io::Result<Option<(BlobHash, u64)>> {
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    (&mut file).take(HEAD_BYTES).read_to_end(&mut head)?;
    let Ok((meta, start)) = FileMeta::read(&head) else {
        return Ok(None);
    };
    let mut hash = Sha256::new();
    begin(&mut hash, &meta);
    hash.update(&head[start..]);
    let mut len = u64::try_from(head.len()).unwrap_or(u64::MAX);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Some((BlobHash(hash.finalize().into()), len)));
        }
        hash.update(&buffer[..read]);
        len += u64::try_from(read).unwrap_or(u64::MAX);
    }
}
