//! Keys of ours in files: 32 random bytes as hexadecimal, readable by their owner alone, made on first start. A key is
//! never printed.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// A key; its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey([u8; KEY_BYTES]);

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the key file {} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the key file {} cannot be made", path.display())]
    Create {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the key file {} holds no key: expected 64 hexadecimal digits", path.display())]
    Malformed { path: PathBuf },
    #[error("the key file {} can be read by others: expected mode 0600 (chmod 600)", path.display())]
    Exposed { path: PathBuf },
}

/// Whether others than we can read a file that somebody gave us. The group may read what belongs to root, as with
/// PostgreSQL: that is how Kubernetes and Debian's `ssl-cert` hand secrets to services.
pub fn exposed(about: &Metadata) -> bool {
    exposed_to_us(about.mode(), about.uid(), rustix::process::geteuid().as_raw())
}

fn exposed_to_us(mode: u32, owner: u32, ours: u32) -> bool {
    const ROOT: u32 = 0;
    let forbidden = if owner == ROOT && ours != ROOT {
        0o037
    } else {
        0o077
    };
    mode & forbidden != 0
}

impl SecretKey {
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Reads the key, or writes `fresh` as the new key when there is no file yet. The file and its folder are synced
    /// before this returns, so that what is signed with the key survives a power cut.
    pub fn load_or_create(path: &Path, fresh: [u8; KEY_BYTES]) -> Result<Self, SecretError> {
        match Self::load(path) {
            Err(SecretError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        match create(path, &fresh) {
            Ok(()) => Ok(Self(fresh)),
            // Another process of ours was faster; its key is the key.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            Err(source) => Err(SecretError::Create {
                path: path.to_owned(),
                source,
            }),
        }
    }

    pub fn load(path: &Path) -> Result<Self, SecretError> {
        let read = |source| SecretError::Read {
            path: path.to_owned(),
            source,
        };
        let mode = fs::metadata(path).map_err(read)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SecretError::Exposed {
                path: path.to_owned(),
            });
        }
        let text = fs::read_to_string(path).map_err(read)?;
        let mut bytes = [0; KEY_BYTES];
        match hex::decode_to_slice(text.trim(), &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(SecretError::Malformed {
                path: path.to_owned(),
            }),
        }
    }
}

/// Writes beside the target and links it into place, so that a half-written key is never read.
fn create(path: &Path, key: &[u8; KEY_BYTES]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file
        .write_all(format!("{}\n", hex::encode(key)).as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    written?;
    File::open(folder)?.sync_all()
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/secret.key");
        let first = SecretKey::load_or_create(&path, [7; 32]).unwrap();
        let second = SecretKey::load_or_create(&path, [8; 32]).unwrap();
        assert_eq!(first, second);
        assert_eq!(first.bytes(), &[7; 32]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(format!("{first:?}"), "SecretKey(…)");
    }

    #[test]
    fn the_group_may_read_what_root_owns_and_nothing_else() {
        let refused = |mode: u32, owner, ours| exposed_to_us(0o100_000 | mode, owner, ours);
        assert!(!refused(0o600, 1000, 1000));
        assert!(refused(0o640, 1000, 1000), "it is ours, and so is its group's");
        assert!(!refused(0o440, 0, 1000), "a secret of Kubernetes");
        assert!(refused(0o444, 0, 1000));
        assert!(refused(0o660, 0, 1000), "others may write it");
        assert!(refused(0o440, 0, 0), "we are root: the group is somebody else");
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        fs::write(&path, "00").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(
            SecretKey::load(&path),
            Err(SecretError::Malformed { .. })
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SecretKey::load(&path), Err(SecretError::Exposed { .. })));
    }
}
