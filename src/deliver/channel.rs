//! A connection to a neighbour, plain or under TLS: what is read and written looks the same. And the doors through which
//! neighbours come in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsStream;

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

/// What a caller's connection is, once it is in.
pub async fn enter(tls: Option<Tls>, socket: TcpStream) -> io::Result<Channel> {
    match tls {
        Some(tls) => tls.accept(socket).await,
        None => Ok(Channel::Plain(socket)),
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
