//! Messages on a stream: two lengths, a JSON text, and bytes that JSON does not suit. Bounded in both directions.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A request lists a few thousand files at most.
pub const MAX_JSON: usize = 16 << 20;
/// Attached bytes: a stored mask or a picture.
pub const MAX_ATTACHED: usize = 256 << 20;
pub const HEADER: usize = 8;

/// Why a message could not be passed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the stream failed")]
    Io(#[source] io::Error),
    #[error("a message of {json} + {attached} bytes is larger than {MAX_JSON} + {MAX_ATTACHED}")]
    TooLarge { json: usize, attached: usize },
    #[error("the message is not what the protocol says")]
    Json(#[from] serde_json::Error),
}

pub fn encode<T: Serialize>(message: &T, attached: &[u8]) -> Result<Vec<u8>, FrameError> {
    let json = serde_json::to_vec(message)?;
    check(json.len(), attached.len())?;
    let mut bytes = Vec::with_capacity(HEADER + json.len() + attached.len());
    bytes.extend((json.len() as u32).to_le_bytes());
    bytes.extend((attached.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&json);
    bytes.extend_from_slice(attached);
    Ok(bytes)
}

/// The two lengths of a header, checked.
pub fn lengths(header: [u8; HEADER]) -> Result<(usize, usize), FrameError> {
    let [a, b, c, d, e, f, g, h] = header;
    let json = u32::from_le_bytes([a, b, c, d]) as usize;
    let attached = u32::from_le_bytes([e, f, g, h]) as usize;
    check(json, attached)?;
    Ok((json, attached))
}

fn check(json: usize, attached: usize) -> Result<(), FrameError> {
    if json > MAX_JSON || attached > MAX_ATTACHED {
        return Err(FrameError::TooLarge { json, attached });
    }
    Ok(())
}

/// The next message; `None` when the stream ends between messages.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<(T, Vec<u8>)>, FrameError> {
    let mut header = [0; HEADER];
    let first = stream.read(&mut header[..1]).map_err(FrameError::Io)?;
    if first == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut header[1..]).map_err(FrameError::Io)?;
    let (json, attached) = lengths(header)?;
    let mut body = vec![0; json + attached];
    stream.read_exact(&mut body).map_err(FrameError::Io)?;
    let message = serde_json::from_slice(&body[..json])?;
    Ok(Some((message, body.split_off(json))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_whole_and_in_order() {
        let mut stream = encode(&"one", b"abc").expect("one");
        stream.extend(encode(&"two", b"").expect("two"));
        let mut reader = stream.as_slice();
        let mut next = || read::<String>(&mut reader).expect("read");
        assert_eq!(next(), Some(("one".into(), b"abc".to_vec())));
        assert_eq!(next(), Some(("two".into(), Vec::new())));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_length_beyond_the_bounds_is_refused_before_it_is_allocated() {
        let mut header = [0xff; HEADER];
        assert!(matches!(lengths(header), Err(FrameError::TooLarge { .. })));
        header[3] = 0;
        assert!(matches!(
            read::<String>(&mut header.as_slice()),
            Err(FrameError::TooLarge { .. })
        ));
        let cut = &encode(&"one", b"abc").expect("one")[..10];
        assert!(matches!(read::<String>(&mut &*cut), Err(FrameError::Io(_))));
    }
}
