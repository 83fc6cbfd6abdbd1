//! Bodies that are sent as they are read: pieces of files, and what stands between them. Holds one piece of a file at a time; a file that
//! cannot be read to its end breaks the body off, so that no client takes it for whole.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::imaging::header::in_explicit_little;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::task::spawn_blocking;

/// Read at a time.
const CHUNK_BYTES: u64 = 256 * 1024;

/// A piece of a body.
#[derive(Clone, Debug)]
pub enum Piece {
    Text(String),
    File {
        path: PathBuf,
        from: u64,
        length: u64,
    },
    /// A whole object, encoded anew when its turn comes.
    ExplicitLittle(PathBuf),
    Bytes(Bytes),
}

/// A part of a body, or all of one.
#[derive(Clone, Debug)]
pub struct Part {
    pub media_type: String,
    pub pieces: Vec<Piece>,
}

/// A multipart answer; `kind` is the type of its parts.
pub fn multipart(status: StatusCode, kind: &str, boundary: &str, parts: Vec<Part>) -> HttpResponse {
    let mut pieces = VecDeque::with_capacity(parts.len() * 2 + 1);
    for (number, part) in parts.into_iter().enumerate() {
        let before = if number == 0 { "" } else { "\r\n" };
        pieces.push_back(Piece::Text(format!(
            "{before}--{boundary}\r\nContent-Type: {}\r\n\r\n",
            part.media_type
        )));
        pieces.extend(part.pieces);
    }
    pieces.push_back(Piece::Text(format!("\r\n--{boundary}--\r\n")));
    let media_type = format!("multipart/related; type=\"{kind}\"; boundary={boundary}");
    answer(status, &media_type, pieces)
}

/// An answer of one part.
pub fn single(part: Part) -> HttpResponse {
    answer(StatusCode::OK, &part.media_type, part.pieces.into())
}

fn answer(status: StatusCode, media_type: &str, pieces: VecDeque<Piece>) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, media_type))
        // Pixels are hardly made smaller, and the viewer waits.
        .insert_header((CONTENT_ENCODING, "identity"))
        .streaming(read(pieces))
}

struct Reading {
    pieces: VecDeque<Piece>,
    /// A file with the bytes that are still to come of it.
    open: Option<(File, u64)>,
}

fn read(pieces: VecDeque<Piece>) -> impl Stream<Item = Result<Bytes, io::Error>> {
    let reading = Reading { pieces, open: None };
    stream::try_unfold(reading, |mut reading| async move {
        spawn_blocking(move || Ok(reading.next()?.map(|bytes| (bytes, reading))))
            .await
            .map_err(io::Error::other)?
    })
}

impl Reading {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some((file, left)) = &mut self.open
                && *left > 0
            {
                let mut bytes = vec![0; CHUNK_BYTES.min(*left) as usize];
                file.read_exact(&mut bytes)?;
                *left -= bytes.len() as u64;
                return Ok(Some(bytes.into()));
            }
            self.open = None;
            match self.pieces.pop_front() {
                None => return Ok(None),
                Some(Piece::Text(text)) => return Ok(Some(text.into())),
                Some(Piece::Bytes(bytes)) => return Ok(Some(bytes)),
                Some(Piece::File { path, from, length }) => {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(from))?;
                    self.open = Some((file, length));
                }
                Some(Piece::ExplicitLittle(path)) => {
                    return in_explicit_little(&path)
                        .map(|bytes| Some(bytes.into()))
                        .map_err(io::Error::other);
                }
            }
        }
    }
}
