//! MLLP frames: `0x0B`, the message, `0x1C 0x0D`. Bytes in; a frame, "not yet", or an error out.
//! It never reads a socket, never looks into a message, and never lets two messages become one.

use bytes::{Buf, Bytes, BytesMut};

/// Start of a frame (VT).
pub const START: u8 = 0x0b;
/// End of a frame (FS), which counts only when a carriage return follows.
pub const END: u8 = 0x1c;
const CARRIAGE_RETURN: u8 = 0x0d;
const SEGMENT_TERMINATORS: [u8; 2] = [b'\r', b'\n'];

/// The largest message that is accepted unless a site says otherwise.
pub const DEFAULT_LIMIT: usize = 10 * 1024 * 1024;
/// Bytes outside frames that a connection may carry before it is taken for something else than MLLP.
pub const JUNK_LIMIT: u64 = 4096;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("the frame is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("{0} bytes outside any frame; an MLLP frame begins with 0x0B")]
    Junk(u64),
}

/// Takes frames off a stream. Remembers how far it has looked, so that each byte is looked at once.
#[derive(Debug, Clone)]
pub struct Deframer {
    limit: usize,
    scanned: usize,
    junk: u64,
    junk_total: u64,
    abandoned: u64,
}

impl Deframer {
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            scanned: 0,
            junk: 0,
            junk_total: 0,
            abandoned: 0,
        }
    }

    /// Takes one frame's body off the front of `buf`; `None` until it is complete.
    pub fn take_frame(&mut self, buf: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        self.drop_junk(buf)?;
        if buf.is_empty() {
            return Ok(None);
        }
        let Some(end) = self.find_end(buf) else {
            return if buf.len() > self.limit + 2 {
                Err(FrameError::TooLong { limit: self.limit })
            } else {
                Ok(None)
            };
        };
        self.scanned = 0;
        self.junk = 0;
        let mut frame = buf.split_to(end + 2);
        frame.advance(1);
        frame.truncate(end - 1);
        let frame = self.after_restart(frame.freeze());
        if frame.len() > self.limit {
            return Err(FrameError::TooLong { limit: self.limit });
        }
        Ok(Some(frame))
    }

    /// Whether a frame has begun and is not yet complete.
    pub fn is_inside_frame(&self, buf: &BytesMut) -> bool {
        !buf.is_empty()
    }

    /// Bytes seen outside frames, line ends between frames apart.
    pub fn junk_total(&self) -> u64 {
        self.junk_total
    }

    /// Frames that began and were given up by their sender before the end.
    pub fn abandoned(&self) -> u64 {
        self.abandoned
    }

    fn drop_junk(&mut self, buf: &mut BytesMut) -> Result<(), FrameError> {
        if self.scanned > 0 {
            return Ok(());
        }
        let start = buf.iter().position(|b| *b == START).unwrap_or(buf.len());
        let junk = buf[..start]
            .iter()
            .filter(|b| !SEGMENT_TERMINATORS.contains(b))
            .count() as u64;
        buf.advance(start);
        self.junk += junk;
        self.junk_total += junk;
        if self.junk > JUNK_LIMIT {
            return Err(FrameError::Junk(self.junk));
        }
        Ok(())
    }

    /// Index of the `0x1C` that ends the frame. A `0x1C` without a carriage return behind it is data.
    fn find_end(&mut self, buf: &BytesMut) -> Option<usize> {
        let mut at = self.scanned.max(1);
        while let Some(found) = buf[at..].iter().position(|b| *b == END) {
            let end = at + found;
            match buf.get(end + 1) {
                Some(&CARRIAGE_RETURN) => return Some(end),
                Some(_) => at = end + 1,
                None => {
                    self.scanned = end;
                    return None;
                }
            }
        }
        self.scanned = buf.len();
        None
    }

    /// A sender that was cut off and begins again inside its own frame means the second message alone. A lone `0x0B`
    /// is data: word processors write it as a line break.
    fn after_restart(&mut self, frame: Bytes) -> Bytes {
        let again = frame.windows(4).rposition(|w| w == b"\x0bMSH");
        match again {
            Some(at) => {
                self.abandoned += 1;
                frame.slice(at + 1..)
            }
            None => frame,
        }
    }
}

/// A body between its framing bytes, ready to send.
pub fn frame(body: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(body.len() + 3);
    out.extend_from_slice(&[START]);
    out.extend_from_slice(body);
    out.extend_from_slice(&[END, CARRIAGE_RETURN]);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(deframer: &mut Deframer, buf: &mut BytesMut) -> Result<Vec<Bytes>, FrameError> {
        let mut frames = Vec::new();
        while let Some(frame) = deframer.take_frame(buf)? {
            frames.push(frame);
        }
        Ok(frames)
    }

    fn feed(stream: &[u8], cuts: &[usize]) -> Result<Vec<Bytes>, FrameError> {
        let mut deframer = Deframer::new(DEFAULT_LIMIT);
        let mut buf = BytesMut::new();
        let mut frames = Vec::new();
        let mut from = 0;
        for to in cuts.iter().copied().chain([stream.len()]) {
            let to = to.clamp(from, stream.len());
            buf.extend_from_slice(&stream[from..to]);
            frames.extend(drain(&mut deframer, &mut buf)?);
            from = to;
        }
        Ok(frames)
    }

    #[test]
    fn two_messages_in_one_read_stay_two() {
        let frames = feed(b"\x0bMSH|A\x1c\r\x0bMSH|B\x1c\r", &[]);
        assert_eq!(frames, Ok(vec![Bytes::from("MSH|A"), Bytes::from("MSH|B")]));
    }

    #[test]
    fn every_single_split_gives_the_same_frames() {
        let stream = b"\r\n\x0bMSH|A\x1c\x1c\r\n\x0bMSH|\x0bB\x1c|C\x1c\r";
        let whole = feed(stream, &[]).unwrap();
        assert_eq!(
            whole,
            vec![Bytes::from("MSH|A\x1c"), Bytes::from("MSH|\x0bB\x1c|C")]
        );
        for cut in 0..=stream.len() {
            assert_eq!(feed(stream, &[cut]).as_ref(), Ok(&whole), "cut at {cut}");
        }
    }

    #[test]
    fn the_end_bytes_without_a_start_are_junk_and_no_panic() {
        assert_eq!(feed(b"\x1c\r\x0b", &[]), Ok(vec![]));
        assert_eq!(feed(b"\x1c\r\x0bMSH\x1c\r", &[1]), Ok(vec![Bytes::from("MSH")]));
    }

    #[test]
    fn a_sender_that_begins_again_means_its_second_message() {
        let mut deframer = Deframer::new(100);
        let mut buf = BytesMut::from(&b"\x0bMSH|half\x0bMSH|whole\x1c\r"[..]);
        assert_eq!(drain(&mut deframer, &mut buf), Ok(vec![Bytes::from("MSH|whole")]));
        assert_eq!(deframer.abandoned(), 1);
    }

    #[test]
    fn the_limit_holds_with_and_without_an_end() {
        let too_long = Err(FrameError::TooLong { limit: 4 });
        for stream in [&b"\x0b12345\x1c\r"[..], b"\x0b1234567"] {
            let mut buf = BytesMut::from(stream);
            assert_eq!(drain(&mut Deframer::new(4), &mut buf), too_long);
        }
        let mut buf = BytesMut::from(&b"\x0b1234\x1c\r"[..]);
        assert_eq!(
            drain(&mut Deframer::new(4), &mut buf),
            Ok(vec![Bytes::from("1234")])
        );
    }

    #[test]
    fn something_else_than_mllp_is_noticed_early() {
        let mut buf = BytesMut::from(&vec![b'G'; JUNK_LIMIT as usize + 1][..]);
        let got = Deframer::new(100).take_frame(&mut buf);
        assert_eq!(got, Err(FrameError::Junk(JUNK_LIMIT + 1)));
        assert!(buf.is_empty());
    }

    #[test]
    fn an_endless_frame_is_scanned_once() {
        let mut deframer = Deframer::new(DEFAULT_LIMIT);
        let mut buf = BytesMut::from(&b"\x0b"[..]);
        for _ in 0..1000 {
            buf.extend_from_slice(&[b'x'; 100]);
            assert_eq!(deframer.take_frame(&mut buf), Ok(None));
            assert_eq!(deframer.scanned, buf.len());
        }
    }

    proptest! {
        #[test]
        fn any_split_of_any_messages_gives_those_messages(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..16),
            cuts in prop::collection::vec(0usize..800, 0..20),
        ) {
            let clean: Vec<Bytes> = bodies
                .into_iter()
                .map(|b| b.into_iter().filter(|b| *b != END && *b != START).collect())
                .collect();
            let stream: Vec<u8> = clean.iter().flat_map(|b| frame(b).to_vec()).collect();
            let mut cuts = cuts;
            cuts.sort_unstable();
            prop_assert_eq!(feed(&stream, &cuts), Ok(clean));
        }

        #[test]
        fn any_bytes_in_any_split_never_panic_and_agree(
            stream in prop::collection::vec(prop::sample::select(vec![START, END, b'\r', b'\n', b'M', b'S', b'H', b'|']), 0..200),
            cuts in prop::collection::vec(0usize..200, 0..20),
        ) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            prop_assert_eq!(feed(&stream, &cuts), feed(&stream, &[]));
        }
    }
}
