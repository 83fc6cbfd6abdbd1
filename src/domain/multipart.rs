//! Bodies of several parts (RFC 2046 5.1), taken apart as they come: bytes in, pieces of parts out. Never holds more of a
//! part than a delimiter is long; what surrounds the parts is bounded.

/// Header lines of a part, and what stands before the first.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// RFC 2046 5.1.1 allows 70; Orthanc writes 73.
const MAX_BOUNDARY: usize = 200;

/// Why bytes are no such body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    #[error("more than {MAX_HEAD_BYTES} bytes before a part begins")]
    LongHead,
    #[error("what follows a delimiter is neither its end nor a part")]
    Delimiter,
    #[error("the last delimiter is missing")]
    Unclosed,
}

/// What comes of the bytes, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Begin,
    Data(Vec<u8>),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the first part.
    Preamble,
    /// Behind a delimiter.
    Delimited,
    Headers,
    Body,
    /// Behind the last delimiter: nothing counts.
    Closed,
}

pub struct Multipart {
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    at: At,
}

/// The boundary that a content type of multipart/related names, quoted or not, wherever among its parameters.
pub fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/related") {
        return None;
    }
    let value = parameters_of(parameters)
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?
        .1;
    let fits = (1..=MAX_BOUNDARY).contains(&value.len()) && value.is_ascii();
    fits.then_some(value)
}

/// Names and values; a semicolon within quotes parts nothing.
pub fn parameters_of(text: &str) -> Vec<(String, String)> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => parts.push(String::new()),
            c => {
                if let Some(last) = parts.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    let pair = |part: String| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    parts.into_iter().filter_map(pair).collect()
}

impl Multipart {
    pub fn new(boundary: &str) -> Self {
        Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // The first delimiter may stand at the very beginning, without the line end that belongs to it.
            buffer: b"\r\n".to_vec(),
            at: At::Preamble,
        }
    }

    /// # Errors
    /// Bytes that are no body of this boundary.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, MultipartError> {
        let mut pieces = Vec::new();
        if self.at != At::Closed {
            self.buffer.extend_from_slice(bytes);
            while self.step(&mut pieces)? {}
        }
        Ok(pieces)
    }

    /// The body has ended.
    pub fn finish(self) -> Result<(), MultipartError> {
        match self.at {
            At::Closed => Ok(()),
            At::Preamble | At::Delimited | At::Headers | At::Body => Err(MultipartError::Unclosed),
        }
    }

    /// Whether there may be more to do with what is here.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> Result<bool, MultipartError> {
        match self.at {
            At::Preamble => self.preamble(),
            At::Delimited => self.delimited(),
            At::Headers => self.headers(pieces),
            At::Body => Ok(self.body(pieces)),
            At::Closed => Ok(false),
        }
    }

    fn preamble(&mut self) -> Result<bool, MultipartError> {
        match find(&self.buffer, &self.delimiter) {
            Some(start) => {
                self.buffer.drain(..start + self.delimiter.len());
                self.at = At::Delimited;
                Ok(true)
            }
            None => self.wait_for_head(),
        }
    }

    fn delimited(&mut self) -> Result<bool, MultipartError> {
        if self.buffer.starts_with(b"--") {
            self.buffer.clear();
            self.at = At::Closed;
            return Ok(false);
        }
        match find(&self.buffer, b"\r\n") {
            Some(end) if self.buffer[..end].iter().all(|b| matches!(b, b' ' | b'\t')) => {
                // The line end stays: a part without headers begins with an empty line.
                self.buffer.drain(..end);
                self.at = At::Headers;
                Ok(true)
            }
            Some(_) => Err(MultipartError::Delimiter),
            None => self.wait_for_head(),
        }
    }

    fn headers(&mut self, pieces: &mut Vec<Piece>) -> Result<bool, MultipartError> {
        match find(&self.buffer, b"\r\n\r\n") {
            Some(end) if end <= MAX_HEAD_BYTES => {
                // The line end before the body may be the one of a delimiter: an empty part has no other.
                self.buffer.drain(..end + 2);
                pieces.push(Piece::Begin);
                self.at = At::Body;
                self.drop_line_end();
                Ok(true)
            }
            Some(_) => Err(MultipartError::LongHead),
            None => self.wait_for_head(),
        }
    }

    /// Takes the line end between headers and body away, unless a delimiter begins with it.
    fn drop_line_end(&mut self) {
        if !self.buffer.starts_with(&self.delimiter) {
            self.buffer.drain(..2);
        }
    }

    fn wait_for_head(&self) -> Result<bool, MultipartError> {
        match self.buffer.len() > MAX_HEAD_BYTES {
            true => Err(MultipartError::LongHead),
            false => Ok(false),
        }
    }

    fn body(&mut self, pieces: &mut Vec<Piece>) -> bool {
        match find(&self.buffer, &self.delimiter) {
            Some(end) => {
                data(self.buffer.drain(..end).collect(), pieces);
                self.buffer.drain(..self.delimiter.len());
                pieces.push(Piece::End);
                self.at = At::Delimited;
                true
            }
            None => {
                // The last bytes may be the beginning of a delimiter.
                let safe = (self.buffer.len() + 1).saturating_sub(self.delimiter.len());
                data(self.buffer.drain(..safe).collect(), pieces);
                false
            }
        }
    }
}

fn data(bytes: Vec<u8>, pieces: &mut Vec<Piece>) {
    if !bytes.is_empty() {
        pieces.push(Piece::Data(bytes));
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|b| *b == first) {
        if bytes[from + at..].starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = b"--b1\r\nContent-Type: application/dicom\r\n\r\nfirst\r\n--b\r\nstill\r\n--b1\r\n\r\nsecond\r\n--b1--\r\nafter";

    fn parts(body: &[u8], sizes: &[usize]) -> Result<Vec<Vec<u8>>, MultipartError> {
        let mut multipart = Multipart::new("b1");
        let (mut pieces, mut rest) = (Vec::new(), body);
        for size in sizes.iter().copied().chain([body.len()]) {
            let (now, later) = rest.split_at(size.min(rest.len()));
            pieces.extend(multipart.push(now)?);
            rest = later;
        }
        multipart.finish()?;
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Begin => parts.push(Vec::new()),
                Piece::Data(bytes) => parts.last_mut().unwrap().extend(bytes),
                Piece::End => {}
            }
        }
        Ok(parts)
    }

    #[test]
    fn a_body_comes_apart_at_its_boundary_alone() {
        let expected = [b"first\r\n--b\r\nstill".to_vec(), b"second".to_vec()];
        assert_eq!(parts(BODY, &[]).unwrap(), expected);
    }

    #[test]
    fn a_body_that_breaks_off_or_never_begins_is_refused() {
        assert_eq!(
            parts(&BODY[..BODY.len() - 11], &[]),
            Err(MultipartError::Unclosed)
        );
        assert_eq!(parts(&[b'x'; 9000], &[]), Err(MultipartError::LongHead));
        assert_eq!(parts(b"--b1x\r\n\r\n", &[]), Err(MultipartError::Delimiter));
    }

    #[test]
    fn the_boundary_is_found_in_any_order_and_in_quotes() {
        let table = [
            (
                "multipart/related; type=\"application/dicom\"; boundary=abc",
                Some("abc"),
            ),
            ("multipart/related; boundary=\"a;b c\"; type=x", Some("a;b c")),
            ("Multipart/Related;Boundary=q", Some("q")),
            ("multipart/related; type=x", None),
            ("application/json; boundary=a", None),
            ("multipart/related; boundary=", None),
        ];
        for (kind, expected) in table {
            assert_eq!(boundary(kind).as_deref(), expected, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_parts(sizes in proptest::collection::vec(0usize..20, 0..40)) {
            prop_assert_eq!(parts(BODY, &sizes), parts(BODY, &[]));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), size in 1usize..9) {
            let sizes = vec![size; bytes.len()];
            let _ = parts(&bytes, &sizes).is_ok();
            let _ = parts(&[b"--b1\r\n", &bytes[..]].concat(), &sizes).is_ok();
        }
    }
}
