//! The sockets of a service, and where they listen.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::error::AppError;
use crate::config::Config;
use crate::config::value::Listen;
use crate::deliver::channel::Door;
use crate::deliver::tls::Tls;

/// Where a running service listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub http: SocketAddr,
    pub dicom: SocketAddr,
    pub hl7: SocketAddr,
}

/// The sockets, bound before anything is started, so that a taken port is an error at once.
pub struct Bound {
    pub http: std::net::TcpListener,
    /// The plain one first.
    pub dicom: Vec<Door>,
    pub hl7: Vec<Door>,
    addresses: Addresses,
}

impl Bound {
    /// # Errors
    /// A port that is taken.
    pub async fn bind(config: &Config, tls: Option<&Tls>) -> Result<Self, AppError> {
        let http = config.http.listen.0;
        let http_socket = std::net::TcpListener::bind(http).map_err(|source| AppError::Listen {
            what: "HTTP",
            address: http,
            source,
        })?;
        let dicom = doors("DICOM", config.dicom.listen, config.dicom.listen_tls, tls).await?;
        let hl7 = doors("MLLP", config.hl7.listen, config.hl7.listen_tls, tls).await?;
        let unknown = |what| {
            move |source| AppError::Listen {
                what,
                address: http,
                source,
            }
        };
        let addresses = Addresses {
            http: http_socket.local_addr().map_err(unknown("HTTP"))?,
            dicom: dicom[0].listener.local_addr().map_err(unknown("DICOM"))?,
            hl7: hl7[0].listener.local_addr().map_err(unknown("MLLP"))?,
        };
        Ok(Self {
            http: http_socket,
            dicom,
            hl7,
            addresses,
        })
    }

    pub fn addresses(&self) -> Addresses {
        self.addresses
    }
}

/// The plain port, and the one under TLS where there is one.
async fn doors(
    what: &'static str,
    plain: Listen,
    secure: Option<Listen>,
    tls: Option<&Tls>,
) -> Result<Vec<Door>, AppError> {
    let mut doors = vec![Door::plain(listen(what, plain.0).await?)];
    if let (Some(Listen(address)), Some(tls)) = (secure, tls) {
        doors.push(Door {
            listener: listen(what, address).await?,
            tls: Some(tls.clone()),
        });
    }
    Ok(doors)
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| AppError::Listen {
            what,
            address,
            source,
        })
}
