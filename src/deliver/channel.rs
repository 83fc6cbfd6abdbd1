//! A connection to a neighbour, plain or under TLS: what is read and written looks the same. And the doors through which
//! neighbours come in.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::tls::Tls;

#[derive(Debug)]
pub enum Channel {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

impl Channel {
    /// What it runs over.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Secure(stream) => stream.get_ref().0,
        }
    }
}

/// A port on which neighbours call: plain, or only under TLS.
#[derive(Debug)]
pub struct Door {
    pub listener: TcpListener,
    pub tls: Option<Tls>,
}

impl Door {
    pub fn plain(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }
}

/// Pause after a failed accept, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Somebody at the door.
#[derive(Debug)]
pub struct Incoming {
    pub socket: TcpStream,
    pub peer: SocketAddr,
    tls: Option<Tls>,
}

impl Door {
    /// The next one who calls; `None` after `stop`. `service` is named in the log.
    pub async fn next(&self, service: &str, stop: &CancellationToken) -> Option<Incoming> {
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    let tls = self.tls.clone();
                    return Some(Incoming { socket, peer, tls });
                }
                Err(error) => {
                    warn!(%error, "{service}: cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Incoming {
    /// In, after the handshake where there is one; `None` where it failed, which the log tells, or after `stop`.
    pub async fn enter(self, service: &str, stop: &CancellationToken) -> Option<Channel> {
        let Some(tls) = self.tls else {
            return Some(Channel::Plain(self.socket));
        };
        let entered = tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            entered = tls.accept(self.socket) => entered,
        };
        match entered {
            Ok(channel) => Some(channel),
            Err(error) => {
                warn!(peer = %self.peer, %error, "{service}: no TLS, closed");
                None
            }
        }
    }
}

impl AsyncRead for Channel {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Secure(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Channel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Secure(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
