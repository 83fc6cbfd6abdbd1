//! DICOM PDUs over a connection, in both directions, with a time limit on every wait. Knows nothing of DIMSE.
//!
//! Most senders leave Nagle's algorithm on and would then wait 40 ms per instance for our delayed acknowledgement: so the
//! kernel is asked for a quick one before each read (Linux forgets the wish by itself), and our own answers never wait.

use std::io::{self, Cursor};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use dicom_ul::pdu::{
    AbortRQServiceProviderReason, AbortRQSource, PDataValue, PDataValueType, Pdu, read_pdu, write_pdu,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::deliver::channel::Channel;

/// Longest PDU that we take, header apart; what dcmtk and others offer at most.
pub const MAX_PDU_BYTES: u32 = 131_072;
const READ_BYTES: usize = 64 * 1024;
/// Item length, context id and message control header in front of each fragment.
const PDV_OVERHEAD: u32 = 6;

/// Why no PDU came or went.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the peer closed the connection")]
    Closed,
    #[error("the peer closed the connection in the middle of a PDU, after {0} bytes of it")]
    CutOff(usize),
    #[error("nothing came for {}", seconds(*.0))]
    Idle(Duration),
    #[error("a PDU was not complete within {}", seconds(*.0))]
    Incomplete(Duration),
    #[error("the peer did not take our PDU within {}", seconds(*.0))]
    Blocked(Duration),
    #[error("cannot read from the connection")]
    Read(#[source] io::Error),
    #[error("cannot write to the connection")]
    Write(#[source] io::Error),
    #[error("not a PDU of DICOM")]
    Malformed(#[source] Box<dicom_ul::pdu::ReadError>),
    #[error("cannot encode a PDU")]
    Encode(#[source] Box<dicom_ul::pdu::WriteError>),
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

/// A connection and the bytes that came but were not a whole PDU yet.
pub struct Wire {
    channel: Channel,
    buffer: BytesMut,
    max_pdu: u32,
}

impl Wire {
    pub fn new(channel: Channel, max_pdu: u32) -> Self {
        // Without it the connection works, only slower.
        let _ = channel.socket().set_nodelay(true);
        Self {
            channel,
            buffer: BytesMut::new(),
            max_pdu,
        }
    }

    /// From now on no longer PDU is taken.
    pub fn limit_pdus(&mut self, max_pdu: u32) {
        self.max_pdu = max_pdu;
    }

    /// The next PDU: at most `idle` until its first byte, then at most `whole` until its last. A cancelled call loses nothing.
    pub async fn receive(&mut self, idle: Duration, whole: Duration) -> Result<Pdu, WireError> {
        if self.buffer.is_empty() {
            timeout(idle, self.read())
                .await
                .map_err(|_| WireError::Idle(idle))??;
        }
        timeout(whole, self.complete())
            .await
            .map_err(|_| WireError::Incomplete(whole))?
    }

    async fn complete(&mut self) -> Result<Pdu, WireError> {
        loop {
            let mut cursor = Cursor::new(&self.buffer[..]);
            let pdu =
                read_pdu(&mut cursor, self.max_pdu, true).map_err(|e| WireError::Malformed(Box::new(e)))?;
            if let Some(pdu) = pdu {
                let taken = usize::try_from(cursor.position()).unwrap_or(self.buffer.len());
                self.buffer.advance(taken);
                return Ok(pdu);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), WireError> {
        #[cfg(target_os = "linux")]
        let _ = rustix::net::sockopt::set_tcp_quickack(self.channel.socket(), true);
        self.buffer.reserve(READ_BYTES);
        match self.channel.read_buf(&mut self.buffer).await {
            Ok(0) if self.buffer.is_empty() => Err(WireError::Closed),
            Ok(0) => Err(WireError::CutOff(self.buffer.len())),
            Ok(_) => Ok(()),
            Err(error) => Err(WireError::Read(error)),
        }
    }

    pub async fn send(&mut self, pdu: &Pdu, limit: Duration) -> Result<(), WireError> {
        let mut bytes = Vec::with_capacity(512);
        write_pdu(&mut bytes, pdu).map_err(|e| WireError::Encode(Box::new(e)))?;
        let write = async {
            self.channel.write_all(&bytes).await?;
            self.channel.flush().await
        };
        let written = timeout(limit, write).await;
        written
            .map_err(|_| WireError::Blocked(limit))?
            .map_err(WireError::Write)
    }

    /// A command set as one PDU.
    pub async fn send_command(
        &mut self,
        context: u8,
        command: Vec<u8>,
        limit: Duration,
    ) -> Result<(), WireError> {
        let value = PDataValue {
            presentation_context_id: context,
            value_type: PDataValueType::Command,
            is_last: true,
            data: command,
        };
        self.send(&Pdu::PData { data: vec![value] }, limit).await
    }

    /// A data set in as many PDUs as a peer that takes `peer_max` bytes needs (0: no limit).
    pub async fn send_data(
        &mut self,
        context: u8,
        data_set: &[u8],
        peer_max: u32,
        limit: Duration,
    ) -> Result<(), WireError> {
        let offered = if peer_max == 0 {
            MAX_PDU_BYTES
        } else {
            peer_max.min(MAX_PDU_BYTES)
        };
        let room = usize::try_from(offered.saturating_sub(PDV_OVERHEAD).max(1)).unwrap_or(1);
        let pieces = data_set.len().div_ceil(room).max(1);
        for (number, piece) in (1..=pieces).zip(data_set.chunks(room).chain([&[][..]])) {
            let value = PDataValue {
                presentation_context_id: context,
                value_type: PDataValueType::Data,
                is_last: number == pieces,
                data: piece.to_vec(),
            };
            self.send(&Pdu::PData { data: vec![value] }, limit).await?;
        }
        Ok(())
    }

    /// Says A-ABORT and closes; a peer that does not hear it notices the close.
    pub async fn abort(&mut self, reason: AbortRQServiceProviderReason, limit: Duration) {
        let pdu = Pdu::AbortRQ {
            source: AbortRQSource::ServiceProvider(reason),
        };
        let _ = self.send(&pdu, limit).await;
        let _ = self.channel.shutdown().await;
    }
}
