//! Inflates a data set through one small buffer into the walk. Holds 64 KiB whatever the stream claims to become.

use flate2::{Decompress, FlushDecompress, Status};

use super::walk::Walk;
use super::{Limits, PrescanError, Problem};

const BUFFER_BYTES: usize = 64 * 1024;

pub(super) struct Inflater {
    stream: Decompress,
    buffer: Vec<u8>,
    limits: Limits,
    ended: bool,
}

impl Inflater {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            stream: Decompress::new(false),
            buffer: vec![0; BUFFER_BYTES],
            limits,
            ended: false,
        }
    }

    /// Bytes behind the end of the stream are padding and ignored.
    pub(super) fn push(&mut self, mut bytes: &[u8], walk: &mut Walk) -> Result<(), PrescanError> {
        while !self.ended {
            let (read, written) = (self.stream.total_in(), self.stream.total_out());
            let status = self
                .stream
                .decompress(bytes, &mut self.buffer, FlushDecompress::None);
            let status = status.map_err(|_| walk.error(Problem::NotDeflated))?;
            let consumed = usize::try_from(self.stream.total_in() - read).unwrap_or(bytes.len());
            let produced = usize::try_from(self.stream.total_out() - written).unwrap_or(0);
            bytes = &bytes[consumed.min(bytes.len())..];
            self.check_growth(walk)?;
            walk.push(&self.buffer[..produced.min(BUFFER_BYTES)])?;
            self.ended = matches!(status, Status::StreamEnd);
            // The decoder holds output back: a round that took no input may still give some, so only a round without
            // either is the last.
            if produced == 0 && consumed == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) fn finish(&self, walk: &Walk) -> Result<(), PrescanError> {
        if self.ended {
            Ok(())
        } else {
            Err(walk.error(Problem::Truncated { missing: 1 }))
        }
    }

    fn check_growth(&self, walk: &Walk) -> Result<(), PrescanError> {
        let (limit, ratio) = (self.limits.inflated_bytes, self.limits.inflated_ratio);
        let (read, written) = (self.stream.total_in(), self.stream.total_out());
        if written > limit && written / read.max(1) > ratio {
            return Err(walk.error(Problem::Bomb { limit, ratio }));
        }
        Ok(())
    }
}
