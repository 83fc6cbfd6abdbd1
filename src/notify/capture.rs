//! The capture folder: each mail is a file that a mail program opens. A file is there whole or not at all. Reaches nobody.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::email::{Accepted, Email, SendError};

/// Longest part of the Message-ID that goes into the file's name.
const NAME: usize = 80;

pub async fn write(folder: &Path, mail: &Email, bytes: &[u8]) -> Result<Accepted, SendError> {
    let name = file_name(mail);
    let (folder, bytes, path) = (folder.to_owned(), bytes.to_owned(), name.clone());
    let written = tokio::task::spawn_blocking(move || put(&folder, &path, &bytes)).await;
    match written {
        Ok(Ok(())) => Ok(Accepted { response: name }),
        Ok(Err(error)) => Err(SendError::Transient {
            reason: format!("the capture folder cannot be written: {error}"),
        }),
        Err(stopped) => Err(SendError::Unknown {
            reason: stopped.to_string(),
        }),
    }
}

/// Time and Message-ID; sorts by time, and a repeat of a mail keeps its own file.
fn file_name(mail: &Email) -> String {
    let id: String = mail
        .message_id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(NAME)
        .collect();
    format!("{}-{id}.eml", mail.date.format("%Y%m%dT%H%M%S%6f"))
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|e| e.error)?;
    std::fs::File::open(folder)?.sync_all()
}
